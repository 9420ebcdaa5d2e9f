-- Rows of causal_paths whose split is 'validation', every column in table order.
CREATE VIEW v_validation_causal_paths WITH (security_invoker = true) AS
SELECT
    tenant_id,
    path_id,
    discovery_date,
    causal_chain,
    start_node,
    end_node,
    intermediate_nodes,
    path_length,
    causal_effect_size,
    confidence_level,
    method_used,
    confounders_controlled,
    mediators_identified,
    interaction_effects,
    time_lag_days,
    validation_status,
    business_impact_estimate,
    split_assignment,
    split_config_id,
    created_at,
    search_vector
FROM causal_paths
WHERE split_assignment = 'validation';

COMMENT ON VIEW v_validation_causal_paths IS 'Rows of causal_paths whose split is validation';
