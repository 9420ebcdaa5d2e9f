-- Rows of ml_predictions whose split is 'test', every column in table order.
CREATE VIEW v_test_ml_predictions WITH (security_invoker = true) AS
SELECT
    tenant_id,
    id,
    patient_id,
    model_id,
    prediction_score,
    model_pr_auc,
    rank_metrics,
    brier_score,
    split_assignment,
    created_at,
    prediction_timestamp,
    split_config_id,
    model_version,
    prediction_type,
    confidence_score,
    model_auc
FROM ml_predictions
WHERE split_assignment = 'test';

COMMENT ON VIEW v_test_ml_predictions IS 'Rows of ml_predictions whose split is test';
