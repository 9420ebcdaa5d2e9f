-- Verifies and logs every chain of the open scope's tenant that has an entry from p_start_date on and before p_end_date;
-- NULL is no bound. The whole of each chain is verified. Chains of which nothing is left but their verifications are
-- always among them, and invalid, with chain_start and entity_type NULL.
CREATE FUNCTION verify_all_chains(p_start_date timestamptz DEFAULT NULL, p_end_date timestamptz DEFAULT NULL)
RETURNS TABLE (
    chain_id uuid,
    is_valid boolean,
    entries_checked integer,
    chain_start timestamptz,
    entity_type varchar
)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_chain uuid;
BEGIN
    FOR v_chain IN
        SELECT e.chain_id
          FROM audit_chain_entries AS e
         WHERE e.tenant_id = (SELECT app.current_tenant())
           AND (p_start_date IS NULL OR e.created_at >= p_start_date)
           AND (p_end_date IS NULL OR e.created_at < p_end_date)
        UNION
        SELECT l.chain_id
          FROM audit_chain_verification_log AS l
         WHERE l.tenant_id = (SELECT app.current_tenant())
           AND l.chain_id IS NOT NULL
           AND NOT EXISTS (
               SELECT
                 FROM audit_chain_entries AS e
                WHERE e.tenant_id = l.tenant_id
                  AND e.chain_id = l.chain_id
           )
         ORDER BY 1
    LOOP
        chain_id := v_chain;
        is_valid := verify_audit_chain(v_chain);
        CONTINUE WHEN is_valid IS NULL;
        SELECT l.entries_checked
          INTO entries_checked
          FROM audit_chain_verification_log AS l
         WHERE l.tenant_id = (SELECT app.current_tenant())
           AND l.chain_id = v_chain
         ORDER BY l.verified_at DESC
         LIMIT 1;
        chain_start := NULL;
        entity_type := NULL;
        SELECT e.created_at, e.entity_type
          INTO chain_start, entity_type
          FROM audit_chain_entries AS e
         WHERE e.tenant_id = (SELECT app.current_tenant())
           AND e.chain_id = v_chain
         ORDER BY e.sequence_number
         LIMIT 1;
        RETURN NEXT;
    END LOOP;
END;
$$;

COMMENT ON FUNCTION verify_all_chains(timestamptz, timestamptz) IS
    'Verifies and logs every chain with entries in a time range';
