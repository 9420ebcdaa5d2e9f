-- The agent for an intent, compared in upper case: of the active agents that name it the one with the lowest tier,
-- then priority_order, then name. Agents with the wildcard * are asked only when nobody names the intent. No row for
-- NULL, and none when there is not even a wildcard. Reads agent_registry.
CREATE FUNCTION route_intent_to_agent(p_intent text)
RETURNS TABLE (agent_name varchar, tier integer)
LANGUAGE sql STABLE AS $$
    SELECT a.agent_name,
           a.tier
      FROM agent_registry AS a
     WHERE a.is_active
       AND p_intent IS NOT NULL
       AND a.intents && ARRAY[upper(p_intent), '*']
     ORDER BY a.intents @> ARRAY[upper(p_intent)] DESC,
              a.tier,
              a.priority_order NULLS LAST,
              a.agent_name COLLATE "C"
     LIMIT 1;
$$;

COMMENT ON FUNCTION route_intent_to_agent(text) IS 'Agent for an intent; the wildcard only when nobody names it';
