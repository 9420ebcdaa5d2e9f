-- Memories and active procedures whose similarity to a query is above 0.5, the most similar first: the half of a search
-- by meaning and by words that goes by meaning. The filters brand, region, agent_name, date_from and date_to (a
-- timestamp, in UTC where it names no zone; both bounds belong to the range) apply to memories only; brand and region
-- are those of a memory's context. status and priority belong to the search by words and are ignored; any other name
-- raises invalid_parameter_value, since a misspelt filter would widen the search. Without filters, or with an agent
-- alone, memories are found as search_episodic_memories finds them; with others by comparing each that passes.
-- No row for a NULL or zero query, nor for a count that is NULL or below 1. Reads episodic_memories and
-- procedural_memories.
CREATE FUNCTION hybrid_vector_search(
    query_embedding vector,
    match_count integer DEFAULT 20,
    filters jsonb DEFAULT '{}'
)
RETURNS TABLE (id text, content text, similarity double precision, metadata jsonb, source_table text)
LANGUAGE plpgsql STABLE SET timezone = 'UTC' SET jit = off AS $$
DECLARE
    v_query CONSTANT halfvec := app.query_embedding(query_embedding);
    v_filters CONSTANT jsonb := app.search_filters(filters);
    v_agent CONSTANT agent_name_type := v_filters ->> 'agent_name';
    v_from CONSTANT timestamptz := v_filters ->> 'date_from';
    v_to CONSTANT timestamptz := v_filters ->> 'date_to';
    v_found uuid[];
BEGIN
    IF v_query IS NULL OR coalesce(match_count, 0) < 1 THEN
        RETURN;
    END IF;
    IF v_filters - ARRAY['agent_name', 'status', 'priority'] = '{}' THEN
        v_found := ARRAY(SELECT s.memory_id FROM search_episodic_memories(query_embedding, v_agent, match_count) AS s);
    ELSE
        v_found := ARRAY(
            SELECT m.memory_id
              FROM episodic_memories AS m
             WHERE m.tenant_id = (SELECT app.current_tenant())
               AND m.search_embedding IS NOT NULL
               AND (v_agent IS NULL OR m.agent_name = v_agent)
               AND (v_from IS NULL OR m.created_at >= v_from)
               AND (v_to IS NULL OR m.created_at <= v_to)
               AND (v_filters ->> 'brand' IS NULL OR m.context_json ->> 'brand' = v_filters ->> 'brand')
               AND (v_filters ->> 'region' IS NULL OR m.context_json ->> 'region' = v_filters ->> 'region')
             ORDER BY (m.search_embedding <=> v_query) + 0, m.memory_id
             LIMIT least(2 * match_count::bigint + 10, 2147483647)
        );
    END IF;
    RETURN QUERY
    SELECT f.id, f.content, f.similarity, f.metadata, f.source_table
      FROM (
          SELECT m.memory_id::text AS id,
                 m.content AS content,
                 app.cosine_similarity(m.content_embedding, query_embedding) AS similarity,
                 jsonb_build_object(
                     'agent_name', m.agent_name, 'importance', m.importance, 'memory_type', m.memory_type,
                     'created_at', m.created_at, 'context', m.context_json
                 ) AS metadata,
                 'episodic_memories' AS source_table
            FROM episodic_memories AS m
           WHERE m.tenant_id = (SELECT app.current_tenant())
             AND m.memory_id = ANY (v_found)
          UNION ALL
          SELECT p.procedure_id::text,
                 concat_ws(': ', p.procedure_name, p.trigger_pattern),
                 app.cosine_similarity(p.trigger_embedding, query_embedding),
                 jsonb_build_object(
                     'agent_name', p.agent_name, 'procedure_type', p.procedure_type, 'success_rate', p.success_rate,
                     'created_at', p.created_at, 'steps', p.steps_json
                 ),
                 'procedural_memories'
            FROM procedural_memories AS p
           WHERE p.tenant_id = (SELECT app.current_tenant())
             AND p.is_active
      ) AS f
     WHERE f.similarity > 0.5
     ORDER BY f.similarity DESC, f.source_table, f.id
     LIMIT match_count;
END;
$$;

COMMENT ON FUNCTION hybrid_vector_search(vector, integer, jsonb) IS
    'Memories and procedures that are similar to a query, the most similar first';
