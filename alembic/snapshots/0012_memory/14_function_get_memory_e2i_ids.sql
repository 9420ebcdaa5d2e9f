-- The rows that a memory is about, as type and id: what its context names under patient_journey_id, patient_id, hcp_id,
-- trigger_id, causal_path_id, prediction_id, treatment_event_id and agent_activity_id, in this order. Names that hold
-- nothing, or an object or array, are left out. No row for an unknown memory. Reads episodic_memories.
CREATE FUNCTION get_memory_e2i_ids(p_memory_id uuid) RETURNS TABLE (entity_type varchar, entity_id varchar)
LANGUAGE sql STABLE AS $$
    SELECT k.entity_type,
           m.context_json ->> (k.entity_type || '_id')
      FROM episodic_memories AS m
     CROSS JOIN unnest(
               ARRAY['patient_journey', 'patient', 'hcp', 'trigger', 'causal_path', 'prediction', 'treatment_event',
                     'agent_activity']
           ) WITH ORDINALITY AS k (entity_type, place)
     WHERE m.tenant_id = (SELECT app.current_tenant())
       AND m.memory_id = p_memory_id
       AND jsonb_typeof(m.context_json -> (k.entity_type || '_id')) IN ('string', 'number')
     ORDER BY k.place;
$$;

COMMENT ON FUNCTION get_memory_e2i_ids(uuid) IS 'Types and ids of the rows that a memory is about';
