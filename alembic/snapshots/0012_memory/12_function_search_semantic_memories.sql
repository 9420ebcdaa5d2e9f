-- The cache entries nearest to a query by cosine distance, nearest first, found as search_episodic_memories finds
-- memories. Expired entries (expires_at at or before now) and entries without an embedding, or with a zero one, are
-- never found. No row for a NULL or zero query, nor for a limit that is NULL or below 1. Counts no hit: a search looks
-- at entries, app code that uses one counts it. Reads semantic_memory_cache.
CREATE FUNCTION search_semantic_memories(query_embedding vector, p_limit integer DEFAULT 10)
RETURNS SETOF semantic_memory_cache
LANGUAGE plpgsql STABLE ROWS 10 AS $$
DECLARE
    v_query CONSTANT halfvec := app.query_embedding(query_embedding);
    v_unit CONSTANT vector := l2_normalize(query_embedding);
    v_exact CONSTANT integer := app.exact_search_rows();
    -- More than asked for, so that neither half precision nor the order of the index costs one of them.
    v_count CONSTANT integer := least(greatest(2 * p_limit::bigint + 10, 0), 2147483647);
    v_there integer;
    v_found uuid[];
BEGIN
    IF v_query IS NULL OR coalesce(p_limit, 0) < 1 THEN
        RETURN;
    END IF;
    -- Beyond the width of its search the index loses rows.
    IF v_count <= 100 THEN
        SELECT count(*) INTO v_there
          FROM (
              SELECT
                FROM semantic_memory_cache AS c
               WHERE c.tenant_id = (SELECT app.current_tenant())
                 AND (c.expires_at IS NULL OR c.expires_at > now())
                 AND c.search_embedding IS NOT NULL
               LIMIT greatest(v_exact, p_limit) + 1
          ) AS searchable;
        IF v_there > v_exact THEN
            v_found := ARRAY(SELECT app.indexed_semantic_neighbours(v_query, v_count));
            IF cardinality(v_found) < least(p_limit, v_there) THEN
                v_found := NULL;
            END IF;
        END IF;
    END IF;
    IF v_found IS NULL THEN
        v_found := ARRAY(SELECT app.exact_semantic_neighbours(v_query, v_count));
    END IF;
    RETURN QUERY
    SELECT c.*
      FROM semantic_memory_cache AS c
     WHERE c.tenant_id = (SELECT app.current_tenant())
       AND c.cache_id = ANY (v_found)
     ORDER BY l2_normalize(c.embedding) <=> v_unit, c.cache_id
     LIMIT p_limit;
END;
$$;

COMMENT ON FUNCTION search_semantic_memories(vector, integer) IS
    'Cache entries nearest to a query that have not expired, nearest first';
