-- Rows of agent_activities whose split is 'validation', every column in table order.
CREATE VIEW v_validation_agent_activities WITH (security_invoker = true) AS
SELECT
    tenant_id,
    activity_id,
    agent_type,
    tier,
    activity_timestamp,
    activity_type,
    workstream,
    processing_duration_ms,
    input_data,
    records_processed,
    time_window,
    analysis_results,
    causal_paths_analyzed,
    confidence_level,
    recommendations,
    actions_initiated,
    impact_estimate,
    roi_estimate,
    status,
    error_message,
    resource_usage,
    split_assignment,
    split_config_id,
    created_at,
    search_vector
FROM agent_activities
WHERE split_assignment = 'validation';

COMMENT ON VIEW v_validation_agent_activities IS 'Rows of agent_activities whose split is validation';
