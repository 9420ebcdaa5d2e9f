-- Per day on which journeys were stored (UTC) and data source, how many hours they lay behind their source: mean,
-- median and 95th percentile, both interpolated. Journeys without a lag are left out; those without a source, or
-- without a day, form groups of their own. Reads patient_journeys.
CREATE VIEW v_kpi_data_lag WITH (security_invoker = true) AS
SELECT
    (j.created_at AT TIME ZONE 'UTC')::date AS report_date,
    j.data_source,
    avg(j.data_lag_hours) AS avg_lag_hours,
    percentile_cont(0.50) WITHIN GROUP (ORDER BY j.data_lag_hours) AS median_lag_hours,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY j.data_lag_hours) AS p95_lag_hours
FROM patient_journeys AS j
WHERE j.tenant_id = (SELECT app.current_tenant())
    AND j.split_assignment = ANY ((SELECT app.current_splits())::text[])
    AND j.data_lag_hours IS NOT NULL
GROUP BY
    (j.created_at AT TIME ZONE 'UTC')::date,
    j.data_source;

COMMENT ON VIEW v_kpi_data_lag IS 'Hours between source and ingestion, per day and data source';
COMMENT ON COLUMN v_kpi_data_lag.report_date IS 'Day on which the journeys were stored, UTC';
COMMENT ON COLUMN v_kpi_data_lag.p95_lag_hours IS '95th percentile, interpolated';
