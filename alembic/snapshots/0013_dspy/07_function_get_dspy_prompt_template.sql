-- The active template of an agent module: one row or none. Reads dspy_prompt_templates, whose partial unique index
-- rules out two.
CREATE FUNCTION get_dspy_prompt_template(p_agent agent_name_type, p_module text) RETURNS SETOF dspy_prompt_templates
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT t.*
      FROM dspy_prompt_templates AS t
     WHERE t.tenant_id = (SELECT app.current_tenant())
       AND t.agent_name = p_agent
       AND t.module_name = p_module
       AND t.is_active
     LIMIT 1;
$$;

COMMENT ON FUNCTION get_dspy_prompt_template(agent_name_type, text) IS
    'The active prompt template of an agent module, no row when none is active';
