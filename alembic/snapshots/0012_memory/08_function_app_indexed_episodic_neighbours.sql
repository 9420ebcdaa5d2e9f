-- The p_count memories nearest to a query, found through the index over all tenants: approximate, in time that hardly
-- depends on their number. May find fewer than there are. In no order. Reads episodic_memories.
-- The settings hold inside the function alone. Without sorting, only the index can give rows in order of distance;
-- the scan goes on (iterative_scan) until enough rows belong to the tenant and agent, or max_scan_tuples were seen.
CREATE FUNCTION app.indexed_episodic_neighbours(p_query halfvec, p_agent agent_name_type, p_count integer)
RETURNS SETOF uuid
LANGUAGE plpgsql STABLE
SET enable_sort = off
SET hnsw.iterative_scan = 'relaxed_order'
SET hnsw.ef_search = '100'
SET hnsw.max_scan_tuples = '20000'
SET hnsw.scan_mem_multiplier = '4'
AS $$
BEGIN
    RETURN QUERY
    SELECT m.memory_id
      FROM episodic_memories AS m
     WHERE m.tenant_id = (SELECT app.current_tenant())
       AND (p_agent IS NULL OR m.agent_name = p_agent)
     ORDER BY m.search_embedding <=> p_query
     LIMIT p_count;
END;
$$;

COMMENT ON FUNCTION app.indexed_episodic_neighbours(halfvec, agent_name_type, integer) IS
    'Ids of memories near to a query, through the approximate index';
