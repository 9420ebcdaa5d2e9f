-- Every customer with its newest health score: calculated_at descending, a row without a time last, then id.
-- health_score and the parts are NULL where there is no score, while customer_health_score, the column of customers,
-- may hold its default. Deleted customers are left out. Reads customers and health_scores.
CREATE VIEW v_customer_health WITH (security_invoker = true) AS
SELECT
    c.id,
    c.tenant_id,
    c.name,
    c.arr,
    c.tier,
    c.renewal_date,
    c.csm_id,
    c.status,
    c.created_at,
    c.updated_at,
    c.deleted_at,
    c.health_score AS customer_health_score,
    h.overall AS health_score,
    h.product,
    h.risk,
    h.outcomes,
    h.voice,
    h.engagement,
    h.calculated_at AS health_calculated_at
FROM customers AS c
LEFT JOIN LATERAL (
    SELECT s.*
      FROM health_scores AS s
     WHERE s.tenant_id = c.tenant_id AND s.customer_id = c.id
     ORDER BY s.calculated_at DESC NULLS LAST, s.id
     LIMIT 1
) AS h ON true
WHERE c.tenant_id = (SELECT app.current_tenant())
    AND c.deleted_at IS NULL;

COMMENT ON VIEW v_customer_health IS 'Customers with the parts of their newest health score';
COMMENT ON COLUMN v_customer_health.customer_health_score IS 'Column of customers: the newest score, or 50 without one';
COMMENT ON COLUMN v_customer_health.health_score IS 'overall of the newest score, 0 to 100; NULL without one';
