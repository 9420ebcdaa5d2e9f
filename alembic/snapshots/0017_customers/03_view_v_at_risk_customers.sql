-- Customers whose health score is below 60, or that have an unresolved signal of severity high or critical, the worst
-- score first and those without one last. 60 itself is no risk. active_signals counts every unresolved signal,
-- whatever its severity and whatever put the customer on the list. Deleted customers are left out.
-- Reads customers and risk_signals.
CREATE VIEW v_at_risk_customers WITH (security_invoker = true) AS
SELECT
    c.id,
    c.tenant_id,
    c.name,
    c.arr,
    c.tier,
    c.health_score,
    c.renewal_date,
    c.csm_id,
    c.status,
    c.created_at,
    c.updated_at,
    c.deleted_at,
    s.active_signals
FROM customers AS c
CROSS JOIN LATERAL (
    -- Counted before customers are chosen: a condition on the joined rows would filter what is counted.
    SELECT
        count(*) AS active_signals,
        coalesce(bool_or(r.severity IN ('high', 'critical')), false) AS alarming
      FROM risk_signals AS r
     WHERE r.tenant_id = c.tenant_id AND r.customer_id = c.id AND r.resolved_at IS NULL
) AS s
WHERE c.tenant_id = (SELECT app.current_tenant())
    AND c.deleted_at IS NULL
    AND (c.health_score < 60 OR s.alarming)
ORDER BY c.health_score ASC NULLS LAST, c.id;

COMMENT ON VIEW v_at_risk_customers IS
    'Customers with a score below 60 or an unresolved signal of severity high or critical, the worst first';
COMMENT ON COLUMN v_at_risk_customers.active_signals IS 'Unresolved signals of any severity';
