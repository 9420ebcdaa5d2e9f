-- Examples of an agent module: validated ones first, then by quality, unjudged ones last, then the newest; equal ones
-- in the order of their ids, so that a limit always cuts alike. A limit below 1 gives no row, a NULL limit all of
-- them, an unknown module none. Reads dspy_training_examples.
CREATE FUNCTION get_dspy_training_examples(p_agent agent_name_type, p_module text, p_limit integer DEFAULT 100)
RETURNS SETOF dspy_training_examples
LANGUAGE sql STABLE AS $$
    SELECT x.*
      FROM dspy_training_examples AS x
     WHERE x.tenant_id = (SELECT app.current_tenant())
       AND x.agent_name = p_agent
       AND x.module_name = p_module
     ORDER BY x.is_validated DESC, x.quality_score DESC NULLS LAST, x.created_at DESC, x.example_id
     LIMIT CASE WHEN p_limit < 0 THEN 0 ELSE p_limit END;
$$;

COMMENT ON FUNCTION get_dspy_training_examples(agent_name_type, text, integer) IS
    'The best training examples of an agent module, the best first';
