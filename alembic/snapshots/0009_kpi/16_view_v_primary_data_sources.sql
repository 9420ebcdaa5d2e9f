-- Main data sources in use, by type and priority. A type may have several, or none.
-- Reads data_sources, which is the same for every tenant.
CREATE VIEW v_primary_data_sources WITH (security_invoker = true) AS
SELECT
    d.source_type,
    d.source_id,
    d.source_name,
    d.vendor,
    d.coverage_percent,
    d.completeness_score,
    d.freshness_days,
    d.patient_count,
    d.hcp_count
FROM data_sources AS d
WHERE d.is_active
    AND d.is_primary
ORDER BY
    d.source_type,
    d.priority,
    d.source_id;

COMMENT ON VIEW v_primary_data_sources IS 'Main data sources in use, by type and priority';
