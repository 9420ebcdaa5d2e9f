-- What the hash of an entry covers: every field but entry_hash itself and previous_hash, which calculate_chain_hash takes
-- by itself, and the payload by its hash. Times are microseconds since 1970 in UTC, so that neither time zone nor date
-- style of a session takes part; one that is infinite, which the table refuses, is NULL. A change of this function is a
-- change of the version in it.
CREATE FUNCTION app.audit_envelope(p_entry audit_chain_entries) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN jsonb_build_object(
    'version', 1,
    'tenant_id', p_entry.tenant_id,
    'chain_id', p_entry.chain_id,
    'entry_id', p_entry.entry_id,
    'sequence_number', p_entry.sequence_number,
    'entity_type', p_entry.entity_type,
    'entity_id', p_entry.entity_id,
    'action', p_entry.action,
    'actor_id', p_entry.actor_id,
    'actor_type', p_entry.actor_type,
    'payload_hash', p_entry.payload_hash,
    'created_at_us', CASE
        WHEN isfinite(p_entry.created_at) THEN (EXTRACT(EPOCH FROM p_entry.created_at) * 1000000)::bigint
    END
);

COMMENT ON FUNCTION app.audit_envelope(audit_chain_entries) IS 'Fields of an entry that its hash covers';
