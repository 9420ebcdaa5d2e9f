-- Stores a run that has not begun, in the phase initialization, and returns its id. The configuration's key
-- optimization_type says what is optimised, prompt where it says nothing; a NULL configuration is an empty one.
-- started_at stays NULL until the run is running. Raises where the configuration is not an object.
CREATE FUNCTION create_dspy_optimization_run(p_agent agent_name_type, p_config jsonb DEFAULT '{}') RETURNS uuid
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_config CONSTANT jsonb := coalesce(p_config, '{}');
    v_run_id uuid;
BEGIN
    IF jsonb_typeof(v_config) <> 'object' THEN
        RAISE EXCEPTION 'The configuration of a run is a JSON object, not %', jsonb_typeof(v_config)
            USING ERRCODE = 'invalid_parameter_value',
                  TABLE = 'dspy_optimization_runs',
                  HINT = 'Give an object, or NULL for an empty one.';
    END IF;
    INSERT INTO dspy_optimization_runs (agent_name, optimization_type, config_json)
    VALUES (p_agent, coalesce(nullif(v_config ->> 'optimization_type', ''), 'prompt'), v_config)
    RETURNING run_id INTO v_run_id;
    RETURN v_run_id;
END;
$$;

COMMENT ON FUNCTION create_dspy_optimization_run(agent_name_type, jsonb) IS
    'Stores a pending optimisation run of an agent and returns its id';
