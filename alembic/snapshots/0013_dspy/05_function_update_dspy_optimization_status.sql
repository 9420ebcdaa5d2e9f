-- Sets the status of a run and merges metrics into metrics_json, key by key; NULL metrics leave them. The metrics
-- improvement_pct and error_message also become the columns of that name; JSON null empties the column. The same
-- status again only merges, also after the end. The trigger guard_life_cycle refuses illegal steps and sets the
-- times. Raises for an unknown run, no status, and metrics that are no object or have no number as improvement_pct.
CREATE FUNCTION update_dspy_optimization_status(
    p_run_id uuid,
    p_status optimization_status,
    p_metrics jsonb DEFAULT NULL
)
RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_metrics CONSTANT jsonb := coalesce(p_metrics, '{}');
BEGIN
    IF p_status IS NULL THEN
        RAISE EXCEPTION 'The status of a run cannot be unknown'
            USING ERRCODE = 'invalid_parameter_value',
                  TABLE = 'dspy_optimization_runs',
                  HINT = 'Give the status that the run has now to merge metrics only.';
    ELSIF jsonb_typeof(v_metrics) <> 'object' THEN
        RAISE EXCEPTION 'The metrics of a run are a JSON object, not %', jsonb_typeof(v_metrics)
            USING ERRCODE = 'invalid_parameter_value',
                  TABLE = 'dspy_optimization_runs',
                  HINT = 'Give an object, or NULL to leave them.';
    ELSIF jsonb_typeof(v_metrics -> 'improvement_pct') NOT IN ('number', 'null') THEN
        RAISE EXCEPTION 'The metric improvement_pct is a number, not %', jsonb_typeof(v_metrics -> 'improvement_pct')
            USING ERRCODE = 'invalid_parameter_value',
                  TABLE = 'dspy_optimization_runs',
                  HINT = 'Give a number in percent, or leave it out.';
    END IF;

    UPDATE dspy_optimization_runs AS r
       SET status = p_status,
           metrics_json = r.metrics_json || v_metrics,
           improvement_pct = CASE
                                 WHEN v_metrics ? 'improvement_pct'
                                 THEN (v_metrics ->> 'improvement_pct')::double precision
                                 ELSE r.improvement_pct
                             END,
           error_message = CASE
                               WHEN v_metrics ? 'error_message' THEN v_metrics ->> 'error_message'
                               ELSE r.error_message
                           END
     WHERE r.tenant_id = (SELECT app.current_tenant())
       AND r.run_id = p_run_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'The optimisation run % does not exist', coalesce(p_run_id::text, 'NULL')
            USING ERRCODE = 'no_data_found',
                  TABLE = 'dspy_optimization_runs',
                  HINT = 'Create it with create_dspy_optimization_run, in the scope of the same tenant.';
    END IF;
END;
$$;

COMMENT ON FUNCTION update_dspy_optimization_status(uuid, optimization_status, jsonb) IS
    'Takes an optimisation run to a status and merges metrics into it';
