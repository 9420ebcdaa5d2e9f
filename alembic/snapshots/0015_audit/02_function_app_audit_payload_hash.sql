-- Lower-case hexadecimal SHA-256 of the canonical text of a payload, see calculate_chain_hash.
CREATE FUNCTION app.audit_payload_hash(p_payload jsonb) RETURNS char(64)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN encode(sha256(convert_to(coalesce(p_payload, 'null')::text, 'UTF8')), 'hex');

COMMENT ON FUNCTION app.audit_payload_hash(jsonb) IS 'SHA-256 of the canonical text of a payload';
