-- Marks as consolidated what an agent, or every agent where NULL is given, remembers for longer than the threshold;
-- returns how many memories that were, 0 when called again. Age counts from created_at, a day having 24 hours; exactly
-- at the threshold is not older. Adds to consolidation_count of today. Raises invalid_parameter_value for a threshold
-- that is NULL or negative. Writes episodic_memories and memory_statistics.
CREATE FUNCTION consolidate_memories(p_agent agent_name_type, p_threshold_days integer DEFAULT 30) RETURNS integer
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_agents agent_name_type[];
    v_counts integer[];
BEGIN
    IF p_threshold_days IS NULL OR p_threshold_days < 0 THEN
        RAISE EXCEPTION 'A threshold of % days is no age', coalesce(p_threshold_days::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give 0 or more; 0 consolidates whatever is there.';
    END IF;
    WITH held AS MATERIALIZED (
        -- In one order, so that two callers do not wait for each other.
        SELECT m.memory_id
          FROM episodic_memories AS m
         WHERE m.tenant_id = (SELECT app.current_tenant())
           AND NOT m.is_consolidated
           AND (p_agent IS NULL OR m.agent_name = p_agent)
           -- No memory is older than a million days, and PostgreSQL knows no moment before 4713 BC.
           AND m.created_at < now() - least(p_threshold_days, 1000000) * INTERVAL '24 hours'
         ORDER BY m.memory_id
           FOR UPDATE
    ), consolidated AS (
        UPDATE episodic_memories AS m
           SET is_consolidated = true
          FROM held AS h
         WHERE m.tenant_id = (SELECT app.current_tenant())
           AND m.memory_id = h.memory_id
        RETURNING m.agent_name
    ), counted AS (
        SELECT c.agent_name, count(*)::integer AS memories
          FROM consolidated AS c
         GROUP BY c.agent_name
    )
    SELECT array_agg(c.agent_name), array_agg(c.memories) INTO v_agents, v_counts FROM counted AS c;
    IF v_agents IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM app.count_memory_work(v_agents, v_counts, array_fill(0, ARRAY[cardinality(v_agents)]));
    RETURN (SELECT sum(n) FROM unnest(v_counts) AS n);
END;
$$;

COMMENT ON FUNCTION consolidate_memories(agent_name_type, integer) IS
    'Marks memories older than a number of days as consolidated; returns how many';
