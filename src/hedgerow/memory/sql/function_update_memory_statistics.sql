-- Computes the figures of a day (UTC) anew: of each agent that remembers something or has a row of that day, and of all
-- agents together. Counts what was created before the end of the day and is still there, so that past days change after
-- pruning. Cache entries belong to no agent: their count is the same in every row. Retrieval time, hit rate, and what
-- was consolidated and pruned stay as they are. Safe to repeat, and to run twice at once. Raises
-- invalid_parameter_value for NULL and for what is no day of the calendar (infinity, years above 9999). Reads episodic_memories, procedural_memories and semantic_memory_cache; writes
-- memory_statistics.
CREATE FUNCTION update_memory_statistics(p_stat_date date DEFAULT (now() AT TIME ZONE 'UTC')::date) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_end timestamptz;
BEGIN
    IF p_stat_date IS NULL THEN
        RAISE EXCEPTION 'Figures belong to a day, and none is given'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave the day out for today, UTC.';
    ELSIF p_stat_date NOT BETWEEN '0001-01-01' AND '9999-12-31' THEN
        -- Applications could not read such a row.
        RAISE EXCEPTION '% is no day of the calendar', p_stat_date
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave the day out for today, UTC.';
    END IF;
    v_end := (p_stat_date + 1)::timestamp AT TIME ZONE 'UTC';
    WITH remembered AS (
        SELECT m.agent_name, count(*) AS episodes, 0::bigint AS procedures
          FROM episodic_memories AS m
         WHERE m.tenant_id = (SELECT app.current_tenant())
           AND m.created_at < v_end
         GROUP BY m.agent_name
        UNION ALL
        SELECT p.agent_name, 0, count(*)
          FROM procedural_memories AS p
         WHERE p.tenant_id = (SELECT app.current_tenant())
           AND p.created_at < v_end
         GROUP BY p.agent_name
        UNION ALL
        -- An agent whose memories are all gone since its row was written.
        SELECT s.agent_name, 0, 0
          FROM memory_statistics AS s
         WHERE s.tenant_id = (SELECT app.current_tenant())
           AND s.stat_date = p_stat_date
           AND s.agent_name IS NOT NULL
    ), cached AS (
        SELECT count(*) AS entries
          FROM semantic_memory_cache AS c
         WHERE c.tenant_id = (SELECT app.current_tenant())
           AND c.created_at < v_end
    )
    INSERT INTO memory_statistics AS s
           (tenant_id, agent_name, stat_date, episodic_count, procedural_count, semantic_cache_count)
    SELECT app.current_tenant(),
           r.agent_name,
           p_stat_date,
           coalesce(sum(r.episodes), 0),
           coalesce(sum(r.procedures), 0),
           (SELECT c.entries FROM cached AS c)
      FROM remembered AS r
     GROUP BY GROUPING SETS ((r.agent_name), ())
     -- In one order, so that two callers do not wait for each other.
     ORDER BY r.agent_name NULLS FIRST
        ON CONFLICT (tenant_id, agent_name, stat_date) DO UPDATE
       SET episodic_count = EXCLUDED.episodic_count,
           procedural_count = EXCLUDED.procedural_count,
           semantic_cache_count = EXCLUDED.semantic_cache_count
     WHERE s.tenant_id = (SELECT app.current_tenant());
END;
$$;

COMMENT ON FUNCTION update_memory_statistics(date) IS
    'Computes the memory figures of a day anew, for each agent and for all of them';
