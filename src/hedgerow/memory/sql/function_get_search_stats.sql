-- The five tables that the hybrid searches read: how many rows the scope sees in each, counted by looking at them, and
-- whether the table has a column of search terms and an index over vectors. Procedures have none of the latter: they
-- are few, and compared one by one. Reads these tables and the system catalogues.
CREATE FUNCTION get_search_stats()
RETURNS TABLE (tbl_name text, total_rows bigint, has_search_vector boolean, has_embedding_index boolean)
LANGUAGE sql STABLE AS $$
    WITH counted (tbl_name, total_rows) AS (
        SELECT 'episodic_memories', count(*)
          FROM episodic_memories AS m
         WHERE m.tenant_id = (SELECT app.current_tenant())
        UNION ALL
        SELECT 'procedural_memories', count(*)
          FROM procedural_memories AS p
         WHERE p.tenant_id = (SELECT app.current_tenant())
        UNION ALL
        SELECT 'causal_paths', count(*)
          FROM causal_paths AS c
         WHERE c.tenant_id = (SELECT app.current_tenant())
           AND c.split_assignment = ANY ((SELECT app.current_splits())::text[])
        UNION ALL
        SELECT 'agent_activities', count(*)
          FROM agent_activities AS a
         WHERE a.tenant_id = (SELECT app.current_tenant())
           AND a.split_assignment = ANY ((SELECT app.current_splits())::text[])
        UNION ALL
        SELECT 'triggers', count(*)
          FROM triggers AS t
         WHERE t.tenant_id = (SELECT app.current_tenant())
           AND t.split_assignment = ANY ((SELECT app.current_splits())::text[])
    )
    SELECT c.tbl_name,
           c.total_rows,
           EXISTS (
               SELECT
                 FROM pg_attribute AS a
                WHERE a.attrelid = c.tbl_name::regclass AND a.atttypid = 'tsvector'::regtype AND NOT a.attisdropped
           ),
           EXISTS (
               SELECT
                 FROM pg_index AS x
                 JOIN pg_class AS i ON i.oid = x.indexrelid
                 JOIN pg_am AS m ON m.oid = i.relam
                WHERE x.indrelid = c.tbl_name::regclass AND m.amname IN ('hnsw', 'ivfflat') AND x.indisvalid
           )
      FROM counted AS c;
$$;

COMMENT ON FUNCTION get_search_stats() IS 'Rows, search terms and vector index of the tables that are searched';
