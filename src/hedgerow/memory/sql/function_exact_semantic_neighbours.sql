-- The p_count cache entries nearest to a query, found by comparing it with every one of the tenant that has not
-- expired: the truth, in time linear in their number. In no order. Reads semantic_memory_cache.
-- Adding 0 to the distance keeps the planner from the index.
CREATE FUNCTION app.exact_semantic_neighbours(p_query halfvec, p_count integer) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SET jit = off AS $$
BEGIN
    RETURN QUERY
    SELECT c.cache_id
      FROM semantic_memory_cache AS c
     WHERE c.tenant_id = (SELECT app.current_tenant())
       AND (c.expires_at IS NULL OR c.expires_at > now())
       AND c.search_embedding IS NOT NULL
     ORDER BY (c.search_embedding <=> p_query) + 0, c.cache_id
     LIMIT p_count;
END;
$$;

COMMENT ON FUNCTION app.exact_semantic_neighbours(halfvec, integer) IS
    'Ids of the cache entries nearest to a query, by comparing it with each';
