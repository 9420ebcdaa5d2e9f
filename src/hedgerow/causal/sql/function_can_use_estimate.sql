-- Whether an estimate may be acted upon: never when its gate is block, always when it is proceed, and where it is
-- review, as it is for an estimate that nobody validated, only if an expert has approved the causal graph behind it.
-- Without a hash, review is no. Reads causal_validations and expert_reviews, through the functions that it calls.
CREATE FUNCTION can_use_estimate(p_estimate_id uuid, p_dag_hash varchar DEFAULT NULL) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT CASE get_validation_gate(p_estimate_id)
               WHEN 'block' THEN false
               WHEN 'proceed' THEN true
               ELSE is_dag_approved(p_dag_hash)
           END;
$$;

COMMENT ON FUNCTION can_use_estimate(uuid, varchar) IS
    'Whether an estimate may be acted upon: its gate decides, and on review the approval of its graph';
