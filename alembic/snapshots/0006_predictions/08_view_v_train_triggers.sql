-- Rows of triggers whose split is 'train', every column in table order.
CREATE VIEW v_train_triggers WITH (security_invoker = true) AS
SELECT
    tenant_id,
    trigger_id,
    patient_id,
    hcp_id,
    trigger_timestamp,
    trigger_type,
    priority,
    confidence_score,
    lead_time_days,
    expiration_date,
    delivery_channel,
    delivery_status,
    delivery_timestamp,
    view_timestamp,
    acceptance_status,
    acceptance_timestamp,
    action_taken,
    action_timestamp,
    false_positive_flag,
    trigger_reason,
    causal_chain,
    supporting_evidence,
    recommended_action,
    outcome_tracked,
    outcome_value,
    previous_trigger_id,
    change_type,
    change_reason,
    change_timestamp,
    change_failed,
    change_outcome_delta,
    split_assignment,
    split_config_id,
    created_at,
    search_vector,
    updated_at
FROM triggers
WHERE split_assignment = 'train';

COMMENT ON VIEW v_train_triggers IS 'Rows of triggers whose split is train';
