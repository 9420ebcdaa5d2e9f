-- What is found for a web search in English over causal paths, agent activities and triggers, the best match first; an
-- empty query, or one of stop words, finds nothing, and there is no prefix matching. The filters agent_name and status
-- say which activities, priority which triggers; each leaves the other tables alone, and other filters are ignored. At
-- most match_count, all for NULL.
-- The names of the arguments are those of the describing system. Reads causal_paths, agent_activities and triggers.
CREATE FUNCTION hybrid_fulltext_search(search_query text, match_count integer DEFAULT 20, filters jsonb DEFAULT '{}')
RETURNS TABLE (id text, content text, rank double precision, metadata jsonb, source_table text)
LANGUAGE sql STABLE AS $$
    WITH asked AS MATERIALIZED (
        SELECT websearch_to_tsquery('english', search_query) AS query
    ),
    hits AS (
        SELECT c.path_id AS id,
               concat_ws(' ', c.start_node, c.end_node, c.method_used) AS content,
               ts_rank(c.search_vector, q.query) AS rank,
               jsonb_build_object(
                   'causal_effect_size', c.causal_effect_size,
                   'confidence_level', c.confidence_level,
                   'discovery_date', c.discovery_date
               ) AS metadata,
               'causal_paths' AS source_table
          FROM causal_paths AS c
          JOIN asked AS q ON c.search_vector @@ q.query
         WHERE c.tenant_id = (SELECT app.current_tenant())
           AND c.split_assignment = ANY ((SELECT app.current_splits())::text[])
         UNION ALL
        SELECT a.activity_id,
               concat_ws(' ', a.agent_type, a.activity_type, a.workstream, a.status, a.error_message),
               ts_rank(a.search_vector, q.query),
               jsonb_build_object('agent_type', a.agent_type, 'tier', a.tier, 'status', a.status),
               'agent_activities'
          FROM agent_activities AS a
          JOIN asked AS q ON a.search_vector @@ q.query
         WHERE a.tenant_id = (SELECT app.current_tenant())
           AND a.split_assignment = ANY ((SELECT app.current_splits())::text[])
           AND (filters ->> 'agent_name' IS NULL OR a.agent_type::text = filters ->> 'agent_name')
           AND (filters ->> 'status' IS NULL OR a.status = filters ->> 'status')
         UNION ALL
        SELECT t.trigger_id,
               concat_ws(' ', t.trigger_reason, t.trigger_type, t.recommended_action),
               ts_rank(t.search_vector, q.query),
               jsonb_build_object('priority', t.priority, 'trigger_type', t.trigger_type),
               'triggers'
          FROM triggers AS t
          JOIN asked AS q ON t.search_vector @@ q.query
         WHERE t.tenant_id = (SELECT app.current_tenant())
           AND t.split_assignment = ANY ((SELECT app.current_splits())::text[])
           AND (filters ->> 'priority' IS NULL OR t.priority::text = filters ->> 'priority')
    )
    SELECT h.id,
           h.content,
           h.rank::double precision,
           h.metadata,
           h.source_table
      FROM hits AS h
     ORDER BY h.rank DESC, h.source_table, h.id COLLATE "C"
     LIMIT match_count;
$$;

COMMENT ON FUNCTION hybrid_fulltext_search(text, integer, jsonb) IS
    'Web search in English over causal paths, agent activities and triggers, the best match first';
