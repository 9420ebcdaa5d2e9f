-- Every entry about an entity, over all chains of the tenant, the oldest first. An unknown entity gives no row.
-- Reads audit_chain_entries.
CREATE FUNCTION get_audit_chain_for_entity(p_entity_type text, p_entity_id text)
RETURNS SETOF audit_chain_entries
LANGUAGE sql STABLE AS $$
    SELECT e.*
      FROM audit_chain_entries AS e
     WHERE e.tenant_id = (SELECT app.current_tenant())
       AND e.entity_type = p_entity_type
       AND e.entity_id = p_entity_id
     ORDER BY e.created_at, e.chain_id, e.sequence_number;
$$;

COMMENT ON FUNCTION get_audit_chain_for_entity(text, text) IS 'Entries about an entity over all chains, oldest first';
