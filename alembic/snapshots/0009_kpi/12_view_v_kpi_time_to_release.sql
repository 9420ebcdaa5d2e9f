-- Per day on which runs started (UTC) and pipeline: mean, least and most hours to release, over successful runs. Runs
-- without hours count in no figure; a group of nothing else gives NULL. Reads etl_pipeline_metrics.
CREATE VIEW v_kpi_time_to_release WITH (security_invoker = true) AS
SELECT
    (r.run_start AT TIME ZONE 'UTC')::date AS run_date,
    r.pipeline_name,
    avg(r.time_to_release_hours) AS avg_ttr_hours,
    min(r.time_to_release_hours) AS min_ttr_hours,
    max(r.time_to_release_hours) AS max_ttr_hours
FROM etl_pipeline_metrics AS r
WHERE r.tenant_id = (SELECT app.current_tenant())
    AND r.status = 'success'
GROUP BY
    (r.run_start AT TIME ZONE 'UTC')::date,
    r.pipeline_name;

COMMENT ON VIEW v_kpi_time_to_release IS 'Hours to release of successful pipeline runs, per day and pipeline';
COMMENT ON COLUMN v_kpi_time_to_release.run_date IS 'Day on which the runs started, UTC';
