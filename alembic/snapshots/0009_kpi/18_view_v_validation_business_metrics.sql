-- Rows of business_metrics whose split is 'validation', every column in table order.
CREATE VIEW v_validation_business_metrics WITH (security_invoker = true) AS
SELECT
    tenant_id,
    metric_id,
    metric_date,
    metric_type,
    metric_name,
    brand,
    region,
    value,
    target,
    achievement_rate,
    year_over_year_change,
    month_over_month_change,
    roi,
    statistical_significance,
    confidence_interval_lower,
    confidence_interval_upper,
    sample_size,
    split_assignment,
    split_config_id,
    created_at
FROM business_metrics
WHERE split_assignment = 'validation';

COMMENT ON VIEW v_validation_business_metrics IS 'Rows of business_metrics whose split is validation';
