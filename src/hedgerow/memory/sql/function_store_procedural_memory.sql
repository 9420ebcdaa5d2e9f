-- Stores a procedure of an agent and returns its id. Where the agent has one of that name, its steps and preconditions
-- are replaced and its id is returned; its type and its record of success stay. Raises invalid_parameter_value where
-- the steps are not a JSON array or an empty one, not_null_violation and check_violation for a missing agent or a
-- missing or blank name. Writes procedural_memories.
CREATE FUNCTION store_procedural_memory(
    p_agent agent_name_type,
    p_name text,
    p_steps jsonb,
    p_preconditions jsonb DEFAULT '{}',
    p_procedure_type procedure_type DEFAULT 'tool_sequence'
)
RETURNS uuid
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_id uuid;
BEGIN
    IF jsonb_typeof(p_steps) IS DISTINCT FROM 'array' OR p_steps = '[]' THEN
        RAISE EXCEPTION 'The steps of a procedure are a JSON array with at least one step, not %',
              coalesce(left(p_steps::text, 60), 'NULL')
            USING ERRCODE = 'invalid_parameter_value',
                  TABLE = 'procedural_memories',
                  HINT = 'Give an array such as [{"tool": "query"}].';
    END IF;
    INSERT INTO procedural_memories AS p
           (tenant_id, agent_name, procedure_name, steps_json, preconditions_json, procedure_type)
    VALUES (app.current_tenant(), p_agent, p_name, p_steps, p_preconditions, p_procedure_type)
    ON CONFLICT (tenant_id, agent_name, procedure_name) DO UPDATE
       SET steps_json = EXCLUDED.steps_json,
           preconditions_json = EXCLUDED.preconditions_json
     WHERE p.tenant_id = (SELECT app.current_tenant())
    RETURNING p.procedure_id INTO v_id;
    RETURN v_id;
END;
$$;

COMMENT ON FUNCTION store_procedural_memory(agent_name_type, text, jsonb, jsonb, procedure_type) IS
    'Stores a procedure, or the steps and preconditions of one that is there, and returns its id';
