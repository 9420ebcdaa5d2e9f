-- Mean confidence of the validations of an estimate that the scope sees, 0 to 1; those without a score do not count,
-- and 0 stands for no score at all. Reads causal_validations.
CREATE FUNCTION get_validation_confidence(p_estimate_id uuid) RETURNS numeric
LANGUAGE sql STABLE AS $$
    SELECT coalesce(avg(v.confidence_score), 0)
      FROM causal_validations AS v
     WHERE v.tenant_id = (SELECT app.current_tenant())
       AND v.split_assignment = ANY ((SELECT app.current_artefact_splits())::text[])
       AND v.estimate_id = p_estimate_id;
$$;

COMMENT ON FUNCTION get_validation_confidence(uuid) IS
    'Mean confidence of the validations of an estimate, 0 when there is none';
