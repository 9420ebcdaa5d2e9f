-- Per day of the change (UTC) and kind of change to a trigger: changes, failed changes, and their share. The kind new
-- is a change too; triggers without a kind are left out, changes without a time form the group of the day NULL, and
-- NULL in change_failed counts as not failed. Reads triggers.
CREATE VIEW v_kpi_change_fail_rate WITH (security_invoker = true) AS
SELECT
    (t.change_timestamp AT TIME ZONE 'UTC')::date AS change_date,
    t.change_type,
    count(*) AS total_changes,
    count(*) FILTER (WHERE t.change_failed) AS failed_changes,
    count(*) FILTER (WHERE t.change_failed)::numeric / count(*) AS fail_rate
FROM triggers AS t
WHERE t.tenant_id = (SELECT app.current_tenant())
    AND t.split_assignment = ANY ((SELECT app.current_splits())::text[])
    AND t.change_type IS NOT NULL
GROUP BY
    (t.change_timestamp AT TIME ZONE 'UTC')::date,
    t.change_type;

COMMENT ON VIEW v_kpi_change_fail_rate IS 'Share of changes to triggers that failed, per day and kind of change';
COMMENT ON COLUMN v_kpi_change_fail_rate.change_date IS 'Day of the change, UTC; NULL for changes without a time';
COMMENT ON COLUMN v_kpi_change_fail_rate.fail_rate IS '0 to 1';
