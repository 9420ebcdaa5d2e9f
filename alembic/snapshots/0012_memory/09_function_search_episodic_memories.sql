-- The memories nearest to a query by cosine distance, nearest first, optionally of one agent: exact up to
-- app.exact_search_rows() of them, through the index beyond, and exact again where the index finds too few or where so
-- many are asked for that it would lose some. What is found in half precision is put in order in full precision; of
-- equals the lower id comes first, and the index may know some of them only. Memories without an embedding, or with a zero one, are never found.
-- No row for a NULL or zero query, nor for a limit that is NULL or below 1. Changes nothing: whoever recalls a memory
-- counts the access. Reads episodic_memories.
CREATE FUNCTION search_episodic_memories(
    query_embedding vector,
    p_agent agent_name_type DEFAULT NULL,
    p_limit integer DEFAULT 10
)
RETURNS SETOF episodic_memories
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
                FROM episodic_memories AS m
               WHERE m.tenant_id = (SELECT app.current_tenant())
                 AND (p_agent IS NULL OR m.agent_name = p_agent)
                 AND m.search_embedding IS NOT NULL
               LIMIT greatest(v_exact, p_limit) + 1
          ) AS searchable;
        IF v_there > v_exact THEN
            v_found := ARRAY(SELECT app.indexed_episodic_neighbours(v_query, p_agent, v_count));
            IF cardinality(v_found) < least(p_limit, v_there) THEN
                v_found := NULL;
            END IF;
        END IF;
    END IF;
    IF v_found IS NULL THEN
        v_found := ARRAY(SELECT app.exact_episodic_neighbours(v_query, p_agent, v_count));
    END IF;
    RETURN QUERY
    SELECT m.*
      FROM episodic_memories AS m
     WHERE m.tenant_id = (SELECT app.current_tenant())
       AND m.memory_id = ANY (v_found)
     ORDER BY l2_normalize(m.content_embedding) <=> v_unit, m.memory_id
     LIMIT p_limit;
END;
$$;

COMMENT ON FUNCTION search_episodic_memories(vector, agent_name_type, integer) IS
    'Memories nearest to a query, nearest first';
