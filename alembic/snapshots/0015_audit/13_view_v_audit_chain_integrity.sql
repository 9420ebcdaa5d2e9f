-- Per chain: kind of entity of the first entry, entries, first and last entry time, and what the newest verification
-- said. verification_status is unverified (never verified), invalid (the newest found a fault), stale (an entry is newer
-- than the verification, or their number is not the one it saw) or verified. A chain of which nothing is left but its
-- verifications has entry_count 0. Nothing is computed anew: only verify_audit_chain tells whether a chain is intact.
-- Reads audit_chain_entries and audit_chain_verification_log.
CREATE VIEW v_audit_chain_integrity WITH (security_invoker = true) AS
SELECT
    coalesce(c.chain_id, l.chain_id) AS chain_id,
    f.entity_type,
    coalesce(c.entry_count, 0) AS entry_count,
    c.first_entry_at,
    c.last_entry_at,
    l.verified_at AS last_verified_at,
    l.is_valid,
    CASE
        WHEN l.chain_id IS NULL THEN 'unverified'
        WHEN NOT l.is_valid THEN 'invalid'
        WHEN c.last_entry_at > l.verified_at OR coalesce(c.entry_count, 0) <> l.entries_checked THEN 'stale'
        ELSE 'verified'
    END AS verification_status
FROM (
    SELECT
        e.chain_id,
        count(*) AS entry_count,
        min(e.sequence_number) AS first_number,
        min(e.created_at) AS first_entry_at,
        max(e.created_at) AS last_entry_at
    FROM audit_chain_entries AS e
    WHERE e.tenant_id = (SELECT app.current_tenant())
    GROUP BY e.chain_id
) AS c
LEFT JOIN audit_chain_entries AS f
    ON f.tenant_id = (SELECT app.current_tenant())
    AND f.chain_id = c.chain_id
    AND f.sequence_number = c.first_number
FULL JOIN (
    SELECT DISTINCT ON (v.chain_id)
        v.chain_id,
        v.verified_at,
        v.is_valid,
        v.entries_checked
    FROM audit_chain_verification_log AS v
    WHERE v.tenant_id = (SELECT app.current_tenant())
        AND v.chain_id IS NOT NULL
    ORDER BY
        v.chain_id,
        v.verified_at DESC,
        v.verification_id
) AS l
    ON l.chain_id = c.chain_id;

COMMENT ON VIEW v_audit_chain_integrity IS 'Audit chains and what their newest verification said';
COMMENT ON COLUMN v_audit_chain_integrity.entity_type IS 'Of the first entry';
COMMENT ON COLUMN v_audit_chain_integrity.is_valid IS 'Of the newest verification, NULL when there was none';
COMMENT ON COLUMN v_audit_chain_integrity.verification_status IS 'unverified, invalid, stale or verified';
