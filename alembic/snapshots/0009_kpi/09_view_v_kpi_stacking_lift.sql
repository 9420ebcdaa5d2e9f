-- Per day, records eligible for stacking, records stacked, and the mean lift, which is not weighted by volume. NULLs
-- are skipped; a day with nothing else gives NULL. Reads data_source_tracking.
CREATE VIEW v_kpi_stacking_lift WITH (security_invoker = true) AS
SELECT
    t.tracking_date,
    sum(t.stacking_eligible_records) AS total_eligible,
    sum(t.stacking_applied_records) AS total_stacked,
    avg(t.stacking_lift_percentage) AS avg_lift_pct
FROM data_source_tracking AS t
WHERE t.tenant_id = (SELECT app.current_tenant())
GROUP BY t.tracking_date;

COMMENT ON VIEW v_kpi_stacking_lift IS 'Records eligible for stacking, records stacked and mean lift, per day';
COMMENT ON COLUMN v_kpi_stacking_lift.avg_lift_pct IS 'Percent, plain mean over the sources of the day';
