-- Stores one memory of an agent in the tenant of the scope and returns its id. The session may be NULL. Without an
-- embedding no search finds it. Raises not_null_violation for a NULL agent or content, check_violation for blank
-- content, invalid_text_representation for an unknown label, data_exception for an embedding of another length.
-- Writes episodic_memories.
CREATE FUNCTION store_episodic_memory(
    p_agent agent_name_type,
    p_session uuid,
    p_content text,
    p_importance memory_importance DEFAULT 'medium',
    p_memory_type memory_type DEFAULT 'experience',
    p_context_json jsonb DEFAULT '{}',
    p_content_embedding vector DEFAULT NULL
)
RETURNS uuid
LANGUAGE sql VOLATILE AS $$
    INSERT INTO episodic_memories
           (tenant_id, agent_name, session_id, content, importance, memory_type, context_json, content_embedding)
    VALUES (app.current_tenant(), p_agent, p_session, p_content, p_importance, p_memory_type, p_context_json,
            p_content_embedding)
    RETURNING memory_id;
$$;

COMMENT ON FUNCTION store_episodic_memory(
    agent_name_type, uuid, text, memory_importance, memory_type, jsonb, vector
) IS 'Stores a memory of an agent and returns its id';
