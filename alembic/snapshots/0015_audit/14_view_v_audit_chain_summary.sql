-- Per kind of entity: distinct chains, entries, oldest and newest entry, chains that were never verified, and chains
-- whose newest verification found a fault. A chain about several kinds counts under each.
-- Reads audit_chain_entries and audit_chain_verification_log.
CREATE VIEW v_audit_chain_summary WITH (security_invoker = true) AS
SELECT
    c.entity_type,
    count(*) AS chain_count,
    sum(c.entries)::bigint AS total_entries,
    min(c.oldest) AS oldest_entry,
    max(c.newest) AS newest_entry,
    count(*) FILTER (WHERE l.chain_id IS NULL) AS unverified_count,
    count(*) FILTER (WHERE NOT l.is_valid) AS invalid_count
FROM (
    SELECT
        e.entity_type,
        e.chain_id,
        count(*) AS entries,
        min(e.created_at) AS oldest,
        max(e.created_at) AS newest
    FROM audit_chain_entries AS e
    WHERE e.tenant_id = (SELECT app.current_tenant())
    GROUP BY
        e.entity_type,
        e.chain_id
) AS c
LEFT JOIN (
    SELECT DISTINCT ON (v.chain_id)
        v.chain_id,
        v.is_valid
    FROM audit_chain_verification_log AS v
    WHERE v.tenant_id = (SELECT app.current_tenant())
        AND v.chain_id IS NOT NULL
    ORDER BY
        v.chain_id,
        v.verified_at DESC,
        v.verification_id
) AS l
    ON l.chain_id = c.chain_id
GROUP BY c.entity_type;

COMMENT ON VIEW v_audit_chain_summary IS 'Audit chains and entries, and how many were verified, per kind of entity';
COMMENT ON COLUMN v_audit_chain_summary.unverified_count IS 'Chains that were never verified';
COMMENT ON COLUMN v_audit_chain_summary.invalid_count IS 'Chains whose newest verification found a fault';
