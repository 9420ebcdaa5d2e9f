-- Data sources in use, and how fresh their last delivery is: Fresh up to freshness_days, Aging up to twice that, then
-- Stale; also Stale where freshness_days is unknown. Days are of 24 hours, in any time zone. Reads data_sources, which
-- is the same for every tenant.
CREATE VIEW v_active_data_sources WITH (security_invoker = true) AS
SELECT
    d.source_id,
    d.source_name,
    d.source_type,
    d.vendor,
    d.coverage_percent,
    d.completeness_score,
    d.freshness_days,
    d.match_rate,
    d.is_primary,
    d.priority,
    d.refresh_frequency,
    d.last_refresh_date,
    CASE
        WHEN d.last_refresh_date IS NULL THEN 'Never refreshed'
        WHEN now() - d.last_refresh_date <= d.freshness_days * INTERVAL '1 day' THEN 'Fresh'
        WHEN now() - d.last_refresh_date <= d.freshness_days * INTERVAL '2 days' THEN 'Aging'
        ELSE 'Stale'
    END AS freshness_status
FROM data_sources AS d
WHERE d.is_active;

COMMENT ON VIEW v_active_data_sources IS 'Data sources in use and how fresh their last delivery is';
COMMENT ON COLUMN v_active_data_sources.freshness_status IS 'Fresh, Aging, Stale or Never refreshed';
