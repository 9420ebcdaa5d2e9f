-- Forecast renewals from today up to and including today plus 90 days, with their customer, the nearest first. Today is
-- the day in UTC, whatever the time zone of the session, and days are compared, so that a renewal of today is listed
-- all day. Every stage is listed, churned included; a customer without a forecast is not, nor is a deleted one.
-- Reads customers and renewal_pipeline.
CREATE VIEW v_upcoming_renewals WITH (security_invoker = true) AS
SELECT
    c.id AS customer_id,
    c.tenant_id,
    c.name,
    c.arr,
    c.tier,
    c.health_score,
    c.csm_id,
    c.status,
    r.id AS renewal_id,
    r.renewal_date,
    r.current_arr,
    r.forecasted_arr,
    r.stage,
    r.probability,
    r.notes
FROM customers AS c
JOIN renewal_pipeline AS r
    ON r.tenant_id = c.tenant_id AND r.customer_id = c.id
WHERE c.tenant_id = (SELECT app.current_tenant())
    AND c.deleted_at IS NULL
    AND r.renewal_date >= (now() AT TIME ZONE 'UTC')::date
    AND r.renewal_date <= (now() AT TIME ZONE 'UTC')::date + 90
ORDER BY r.renewal_date, r.id;

COMMENT ON VIEW v_upcoming_renewals IS 'Renewals of today and the next 90 days (UTC), with their customer';
COMMENT ON COLUMN v_upcoming_renewals.renewal_date IS 'Date of the forecast, not that of the customer';
COMMENT ON COLUMN v_upcoming_renewals.probability IS 'Percent';
