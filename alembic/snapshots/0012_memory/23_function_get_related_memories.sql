-- Memories nearest to the embedding of a given one, nearest first, whatever agent they are of; without that memory
-- itself. No row for an unknown memory, one without an embedding, or a limit that is NULL or below 1.
-- Reads episodic_memories.
CREATE FUNCTION get_related_memories(p_memory_id uuid, p_limit integer DEFAULT 10) RETURNS SETOF episodic_memories
LANGUAGE plpgsql STABLE ROWS 10 AS $$
DECLARE
    v_embedding CONSTANT vector := (
        SELECT m.content_embedding
          FROM episodic_memories AS m
         WHERE m.tenant_id = (SELECT app.current_tenant())
           AND m.memory_id = p_memory_id
    );
BEGIN
    IF coalesce(p_limit, 0) < 1 THEN
        RETURN;
    END IF;
    RETURN QUERY
    -- One more, since it finds itself; with that many equals before it, it is not among them.
    SELECT s.*
      FROM search_episodic_memories(v_embedding, NULL, least(p_limit, 2147483646) + 1) AS s
     WHERE s.memory_id <> p_memory_id
     ORDER BY app.cosine_similarity(s.content_embedding, v_embedding) DESC, s.memory_id
     LIMIT p_limit;
END;
$$;

COMMENT ON FUNCTION get_related_memories(uuid, integer) IS 'Memories nearest to a given one, nearest first';
