-- Per day (UTC): chains touched, entries, distinct actors (NULL is none) and distinct kinds of entity.
-- Reads audit_chain_entries.
CREATE VIEW v_audit_chain_daily_stats WITH (security_invoker = true) AS
SELECT
    (e.created_at AT TIME ZONE 'UTC')::date AS date,
    count(DISTINCT e.chain_id) AS chains_count,
    count(*) AS total_entries,
    count(DISTINCT e.actor_id) AS unique_actors,
    count(DISTINCT e.entity_type) AS unique_entity_types
FROM audit_chain_entries AS e
WHERE e.tenant_id = (SELECT app.current_tenant())
GROUP BY (e.created_at AT TIME ZONE 'UTC')::date;

COMMENT ON VIEW v_audit_chain_daily_stats IS 'What was written to audit chains, per day';
COMMENT ON COLUMN v_audit_chain_daily_stats.date IS 'Day of the entries, UTC';
COMMENT ON COLUMN v_audit_chain_daily_stats.unique_actors IS 'Distinct actors that entries name';
