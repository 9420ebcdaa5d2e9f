-- Active users per calendar month that has a session: mau over the month, wau and dau over those sessions of the month
-- that fall into the current week (from Monday) or day. Past months show 0, and a week that crosses a month's end is
-- divided over two rows: v_kpi_active_users_current has the undivided figures. Months, weeks and days are UTC.
-- Reads user_sessions.
CREATE VIEW v_kpi_active_users WITH (security_invoker = true) AS
SELECT
    date_trunc('month', s.session_start, 'UTC') AS period,
    count(DISTINCT s.user_id) AS mau,
    count(DISTINCT s.user_id) FILTER (
        WHERE s.session_start >= date_trunc('week', now(), 'UTC')
    ) AS wau,
    count(DISTINCT s.user_id) FILTER (
        WHERE (s.session_start AT TIME ZONE 'UTC')::date = (now() AT TIME ZONE 'UTC')::date
    ) AS dau
FROM user_sessions AS s
WHERE s.tenant_id = (SELECT app.current_tenant())
GROUP BY date_trunc('month', s.session_start, 'UTC');

COMMENT ON VIEW v_kpi_active_users IS 'Active users per month; current week and day inside the row of their month';
COMMENT ON COLUMN v_kpi_active_users.period IS 'Start of the month, UTC';
COMMENT ON COLUMN v_kpi_active_users.mau IS 'Distinct users of the month';
COMMENT ON COLUMN v_kpi_active_users.wau IS 'Distinct users of the current week, as far as it lies in the month';
COMMENT ON COLUMN v_kpi_active_users.dau IS 'Distinct users of today, 0 for other months';
