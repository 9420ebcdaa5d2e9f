-- The p_count memories nearest to a query, found by comparing it with every one of the tenant, or of one agent: the
-- truth, in time linear in their number. In no order. Reads episodic_memories.
-- Adding 0 to the distance keeps the planner from the index. Of one agent the ids come first, from an index alone,
-- since the wall lets no comparison of an enum narrow the scan of the rows.
CREATE FUNCTION app.exact_episodic_neighbours(p_query halfvec, p_agent agent_name_type, p_count integer)
RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SET jit = off AS $$
BEGIN
    IF p_agent IS NULL THEN
        RETURN QUERY
        SELECT m.memory_id
          FROM episodic_memories AS m
         WHERE m.tenant_id = (SELECT app.current_tenant())
           AND m.search_embedding IS NOT NULL
         ORDER BY (m.search_embedding <=> p_query) + 0, m.memory_id
         LIMIT p_count;
    ELSE
        RETURN QUERY
        WITH of_agent AS MATERIALIZED (
            SELECT m.memory_id
              FROM episodic_memories AS m
             WHERE m.tenant_id = (SELECT app.current_tenant())
               AND m.agent_name = p_agent
               AND m.search_embedding IS NOT NULL
        )
        SELECT m.memory_id
          FROM of_agent AS a
          JOIN episodic_memories AS m ON m.memory_id = a.memory_id
         WHERE m.tenant_id = (SELECT app.current_tenant())
         ORDER BY (m.search_embedding <=> p_query) + 0, m.memory_id
         LIMIT p_count;
    END IF;
END;
$$;

COMMENT ON FUNCTION app.exact_episodic_neighbours(halfvec, agent_name_type, integer) IS
    'Ids of the memories nearest to a query, by comparing it with each';
