-- Per brand, how many journeys at least two data sources know. Journeys are counted, not patients: a patient with two
-- journeys counts twice. A label that is listed twice counts as two sources; NULL and empty lists do not match.
-- Reads patient_journeys.
CREATE VIEW v_kpi_cross_source_match WITH (security_invoker = true) AS
SELECT
    j.brand,
    count(*) AS total_patients,
    count(*) FILTER (WHERE cardinality(j.data_sources_matched) >= 2) AS matched_patients,
    round(count(*) FILTER (WHERE cardinality(j.data_sources_matched) >= 2) * 100.0 / count(*), 2) AS match_rate_pct
FROM patient_journeys AS j
WHERE j.tenant_id = (SELECT app.current_tenant())
    AND j.split_assignment = ANY ((SELECT app.current_splits())::text[])
GROUP BY j.brand;

COMMENT ON VIEW v_kpi_cross_source_match IS 'Share of journeys that at least two data sources know, per brand';
COMMENT ON COLUMN v_kpi_cross_source_match.total_patients IS 'Journeys, not patients';
COMMENT ON COLUMN v_kpi_cross_source_match.matched_patients IS 'Journeys with two or more matched sources';
COMMENT ON COLUMN v_kpi_cross_source_match.match_rate_pct IS 'Percent, two decimals';
