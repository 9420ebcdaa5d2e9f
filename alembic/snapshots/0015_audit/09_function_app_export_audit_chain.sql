-- A chain as lines of JSON in the order of their numbers: the envelope of each entry, its payload and its hashes, in the
-- very text that was hashed. hedgerow.audit.offline verifies them without this database. Times are microseconds since
-- 1970, UTC. An unknown chain gives no line. Reads audit_chain_entries.
CREATE FUNCTION app.export_audit_chain(p_chain_id uuid)
RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    SELECT (
               app.audit_envelope(e)
               || jsonb_build_object(
                   'payload', e.payload, 'previous_hash', e.previous_hash, 'entry_hash', e.entry_hash
               )
           )::text
      FROM audit_chain_entries AS e
     WHERE e.tenant_id = (SELECT app.current_tenant())
       AND e.chain_id = p_chain_id
     ORDER BY e.sequence_number, e.entry_id;
$$;

COMMENT ON FUNCTION app.export_audit_chain(uuid) IS 'Entries of a chain as lines of JSON that can be verified elsewhere';
