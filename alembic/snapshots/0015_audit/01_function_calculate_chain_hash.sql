-- Seals an envelope: lower-case hexadecimal SHA-256 over the previous hash (GENESIS where there is none), a line feed and
-- the text of the envelope. The text of a jsonb value is canonical and follows no setting of the session: keys by length
-- and then by bytes, numbers as numeric (1e2 is 100, and 1.0 is not 1), no line feed outside of an escape, so that the
-- parts cannot run into each other. hedgerow.audit.offline computes the same. NULL is hashed as JSON null.
-- Declared immutable, which convert_to is not: the encodings of a database never change.
CREATE FUNCTION calculate_chain_hash(p_payload jsonb, p_previous_hash text) RETURNS char(64)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN encode(
    sha256(convert_to(coalesce(p_previous_hash, 'GENESIS') || E'\n' || coalesce(p_payload, 'null')::text, 'UTF8')),
    'hex'
);

COMMENT ON FUNCTION calculate_chain_hash(jsonb, text) IS
    'SHA-256 over the previous hash, a line feed and the canonical text of an envelope';
