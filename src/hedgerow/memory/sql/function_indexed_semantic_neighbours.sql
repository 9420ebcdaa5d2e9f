-- The p_count cache entries nearest to a query that have not expired, found through the index over all tenants:
-- approximate, and may be fewer than there are. In no order. Reads semantic_memory_cache.
-- The settings are those of app.indexed_episodic_neighbours, for its reasons.
CREATE FUNCTION app.indexed_semantic_neighbours(p_query halfvec, p_count integer) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE
SET enable_sort = off
SET hnsw.iterative_scan = 'relaxed_order'
SET hnsw.ef_search = '100'
SET hnsw.max_scan_tuples = '20000'
SET hnsw.scan_mem_multiplier = '4'
AS $$
BEGIN
    RETURN QUERY
    SELECT c.cache_id
      FROM semantic_memory_cache AS c
     WHERE c.tenant_id = (SELECT app.current_tenant())
       AND (c.expires_at IS NULL OR c.expires_at > now())
     ORDER BY c.search_embedding <=> p_query
     LIMIT p_count;
END;
$$;

COMMENT ON FUNCTION app.indexed_semantic_neighbours(halfvec, integer) IS
    'Ids of cache entries near to a query, through the approximate index';
