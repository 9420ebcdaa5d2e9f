-- Adds to today's figures (UTC) what was consolidated and pruned: to the row of each agent, and to the row of all of
-- them. Rows are locked in the order of the agents, so that two callers never wait for each other. Writes
-- memory_statistics.
CREATE FUNCTION app.count_memory_work(p_agents agent_name_type[], p_consolidated integer[], p_pruned integer[])
RETURNS void
LANGUAGE sql VOLATILE AS $$
    INSERT INTO memory_statistics AS s (tenant_id, agent_name, stat_date, consolidation_count, pruned_count)
    SELECT app.current_tenant(),
           w.agent,
           (now() AT TIME ZONE 'UTC')::date,
           sum(w.consolidated),
           sum(w.pruned)
      FROM unnest(p_agents, p_consolidated, p_pruned) AS w (agent, consolidated, pruned)
     GROUP BY GROUPING SETS ((w.agent), ())
    HAVING count(*) > 0
     ORDER BY w.agent NULLS FIRST
        ON CONFLICT (tenant_id, agent_name, stat_date) DO UPDATE
       SET consolidation_count = s.consolidation_count + EXCLUDED.consolidation_count,
           pruned_count = s.pruned_count + EXCLUDED.pruned_count
     WHERE s.tenant_id = (SELECT app.current_tenant());
$$;

COMMENT ON FUNCTION app.count_memory_work(agent_name_type[], integer[], integer[]) IS
    'Adds what was consolidated and pruned to the figures of the day';
