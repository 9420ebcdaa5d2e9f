-- Deletes memories of an agent until at most p_max_count are left: the least important first, then the least recalled,
-- then the oldest. Critical memories are never deleted, so that more may be left. Returns how many were deleted, and
-- adds them to pruned_count of today. Raises invalid_parameter_value for a NULL agent, which would be the whole tenant,
-- and for a count that is NULL or negative. Writes episodic_memories and memory_statistics.
-- Two at once agree on what goes: the rows are chosen first, and those that are gone by then are not made up for.
CREATE FUNCTION prune_memories(p_agent agent_name_type, p_max_count integer) RETURNS integer
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_pruned integer;
BEGIN
    IF p_agent IS NULL OR p_max_count IS NULL OR p_max_count < 0 THEN
        RAISE EXCEPTION 'Pruning needs an agent and how many of its memories to keep, not % and %',
              coalesce(p_agent::text, 'NULL'), coalesce(p_max_count::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Call it for each agent; 0 keeps the critical memories only.';
    END IF;
    WITH ranked AS (
        SELECT m.memory_id,
               m.importance,
               count(*) OVER () AS there,
               row_number() OVER (
                   ORDER BY m.importance DESC, m.access_count, m.created_at, m.memory_id
               ) AS place
          FROM episodic_memories AS m
         WHERE m.tenant_id = (SELECT app.current_tenant())
           AND m.agent_name = p_agent
    ), chosen AS MATERIALIZED (
        -- The critical ones come last, so those that may go have the first places.
        SELECT r.memory_id
          FROM ranked AS r
         WHERE r.place <= r.there - p_max_count
           AND r.importance <> 'critical'
    ), held AS MATERIALIZED (
        -- In one order, so that two callers do not wait for each other.
        SELECT m.memory_id
          FROM episodic_memories AS m
         WHERE m.tenant_id = (SELECT app.current_tenant())
           AND m.memory_id IN (SELECT c.memory_id FROM chosen AS c)
           -- Looked at again once it is held: somebody may have found it critical meanwhile.
           AND m.importance <> 'critical'
         ORDER BY m.memory_id
           FOR UPDATE
    ), pruned AS (
        DELETE FROM episodic_memories AS m
         USING held AS h
         WHERE m.tenant_id = (SELECT app.current_tenant())
           AND m.memory_id = h.memory_id
        RETURNING m.memory_id
    )
    SELECT count(*) INTO v_pruned FROM pruned;
    IF v_pruned > 0 THEN
        PERFORM app.count_memory_work(ARRAY[p_agent], ARRAY[0], ARRAY[v_pruned]);
    END IF;
    RETURN v_pruned;
END;
$$;

COMMENT ON FUNCTION prune_memories(agent_name_type, integer) IS
    'Deletes the least important memories of an agent until so many are left; never critical ones';
