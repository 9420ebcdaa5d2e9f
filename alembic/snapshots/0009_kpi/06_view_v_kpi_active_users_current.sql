-- Distinct users since the start of the current month, since Monday and since midnight, all UTC and each counted by
-- itself. Always one row, zeros without sessions; sessions that start in the future are not counted.
-- Reads user_sessions.
CREATE VIEW v_kpi_active_users_current WITH (security_invoker = true) AS
SELECT
    now() AS as_of,
    count(DISTINCT s.user_id) FILTER (WHERE s.session_start >= date_trunc('month', now(), 'UTC')) AS mau,
    count(DISTINCT s.user_id) FILTER (WHERE s.session_start >= date_trunc('week', now(), 'UTC')) AS wau,
    count(DISTINCT s.user_id) FILTER (WHERE s.session_start >= date_trunc('day', now(), 'UTC')) AS dau
FROM user_sessions AS s
WHERE s.tenant_id = (SELECT app.current_tenant())
    -- The week may have begun in the month before.
    AND s.session_start >= least(date_trunc('month', now(), 'UTC'), date_trunc('week', now(), 'UTC'))
    AND s.session_start <= now();

COMMENT ON VIEW v_kpi_active_users_current IS 'Active users of the current month, week and day, UTC; always one row';
COMMENT ON COLUMN v_kpi_active_users_current.as_of IS 'Start of the transaction that asks';
COMMENT ON COLUMN v_kpi_active_users_current.mau IS 'Distinct users since the start of the month';
COMMENT ON COLUMN v_kpi_active_users_current.wau IS 'Distinct users since Monday 00:00';
COMMENT ON COLUMN v_kpi_active_users_current.dau IS 'Distinct users since 00:00 today';
