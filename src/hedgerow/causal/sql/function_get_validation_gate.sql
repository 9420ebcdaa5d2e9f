-- What may be done with an estimate: the worst gate of its validations that the scope sees, of whatever source. It
-- fails closed: an estimate that nobody validated is review, and so is NULL. Reads causal_validations.
CREATE FUNCTION get_validation_gate(p_estimate_id uuid) RETURNS gate_decision
LANGUAGE sql STABLE AS $$
    -- The labels are declared from the best to the worst.
    SELECT coalesce(max(v.gate_decision), 'review')
      FROM causal_validations AS v
     WHERE v.tenant_id = (SELECT app.current_tenant())
       AND v.split_assignment = ANY ((SELECT app.current_artefact_splits())::text[])
       AND v.estimate_id = p_estimate_id;
$$;

COMMENT ON FUNCTION get_validation_gate(uuid) IS
    'Worst gate of the validations of an estimate; review when there is none';
