-- How an agent, or every agent together where NULL is given, thought in the last p_days days of 24 hours: cycles, cycles
-- of each phase, mean duration and tokens of the cycles that state them, total tokens, and the memories and procedures
-- that were created in that time and are still there. Without cycles the counts are 0 and the means null. Raises
-- invalid_parameter_value for days that are NULL or negative. Reads cognitive_cycles, episodic_memories and
-- procedural_memories.
CREATE FUNCTION calculate_cognitive_metrics(p_agent agent_name_type DEFAULT NULL, p_days integer DEFAULT 30)
RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
    -- PostgreSQL knows no moment before 4713 BC.
    v_since CONSTANT timestamptz := now() - least(p_days, 1000000) * INTERVAL '24 hours';
BEGIN
    IF p_days IS NULL OR p_days < 0 THEN
        RAISE EXCEPTION 'The last % days do not exist', coalesce(p_days::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give 0 or more.';
    END IF;
    RETURN (
        SELECT jsonb_build_object(
                   'agent_name', p_agent,
                   'days', p_days,
                   'cycles', count(*),
                   'cycles_per_phase', (
                       SELECT jsonb_object_agg(e.phase, coalesce(n.cycles, 0))
                         FROM unnest(enum_range(NULL::cognitive_phase)) AS e (phase)
                         LEFT JOIN (
                             SELECT i.phase, count(*) AS cycles
                               FROM cognitive_cycles AS i
                              WHERE i.tenant_id = (SELECT app.current_tenant())
                                AND i.created_at >= v_since
                                AND (p_agent IS NULL OR i.agent_name = p_agent)
                              GROUP BY i.phase
                         ) AS n USING (phase)
                   ),
                   'mean_duration_ms', avg(c.duration_ms)::double precision,
                   'mean_token_count', avg(c.token_count)::double precision,
                   'total_token_count', coalesce(sum(c.token_count), 0),
                   'episodic_memories', (
                       SELECT count(*)
                         FROM episodic_memories AS m
                        WHERE m.tenant_id = (SELECT app.current_tenant())
                          AND m.created_at >= v_since
                          AND (p_agent IS NULL OR m.agent_name = p_agent)
                   ),
                   'procedural_memories', (
                       SELECT count(*)
                         FROM procedural_memories AS p
                        WHERE p.tenant_id = (SELECT app.current_tenant())
                          AND p.created_at >= v_since
                          AND (p_agent IS NULL OR p.agent_name = p_agent)
                   )
               )
          FROM cognitive_cycles AS c
         WHERE c.tenant_id = (SELECT app.current_tenant())
           AND c.created_at >= v_since
           AND (p_agent IS NULL OR c.agent_name = p_agent)
    );
END;
$$;

COMMENT ON FUNCTION calculate_cognitive_metrics(agent_name_type, integer) IS
    'How an agent thought lately: cycles, phases, duration, tokens and memories as a JSON object';
