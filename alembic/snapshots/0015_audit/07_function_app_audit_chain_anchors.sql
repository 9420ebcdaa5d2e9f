-- What earlier verifications saw of a chain: how many entries, the hash of the last one, and when. Of several that saw
-- the same, the first. Verifications that found a fault are none. Reads audit_chain_verification_log.
CREATE FUNCTION app.audit_chain_anchors(p_chain_id uuid)
RETURNS TABLE (entry_count integer, head_hash text, seen_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT l.entries_checked,
           l.head_hash::text,
           min(l.verified_at)
      FROM audit_chain_verification_log AS l
     WHERE l.tenant_id = (SELECT app.current_tenant())
       AND l.chain_id = p_chain_id
       AND l.is_valid
     GROUP BY l.entries_checked, l.head_hash
     ORDER BY l.entries_checked, min(l.verified_at);
$$;

COMMENT ON FUNCTION app.audit_chain_anchors(uuid) IS 'Size and head of a chain as earlier verifications saw them';
