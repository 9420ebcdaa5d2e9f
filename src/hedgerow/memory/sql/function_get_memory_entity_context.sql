-- The rows that a memory is about, as get_memory_e2i_ids names them, with a name to show and a few details: patient
-- journey, prescriber, trigger, causal path and prediction. Links to rows that are not there, or that the scope does
-- not see, are skipped: a memory opens no split. No row for an unknown memory. Reads episodic_memories,
-- patient_journeys, hcp_profiles, triggers, causal_paths and ml_predictions.
CREATE FUNCTION get_memory_entity_context(p_memory_id uuid)
RETURNS TABLE (entity_type varchar, entity_id varchar, entity_name varchar, entity_details jsonb)
LANGUAGE sql STABLE AS $$
    WITH link AS MATERIALIZED (
        SELECT l.entity_type, l.entity_id, l.place
          FROM get_memory_e2i_ids(p_memory_id) WITH ORDINALITY AS l (entity_type, entity_id, place)
    ), named AS (
        SELECT l.place, l.entity_type, l.entity_id,
               concat_ws(' ', j.brand, j.journey_stage) AS entity_name,
               jsonb_build_object(
                   'patient_id', j.patient_id, 'brand', j.brand, 'journey_stage', j.journey_stage,
                   'primary_diagnosis', j.primary_diagnosis_desc, 'region', j.geographic_region,
                   'risk_score', j.risk_score
               ) AS entity_details
          FROM link AS l
          JOIN patient_journeys AS j
            ON j.tenant_id = (SELECT app.current_tenant())
           AND j.id = CASE WHEN pg_input_is_valid(l.entity_id, 'uuid') THEN l.entity_id::uuid END
         WHERE l.entity_type = 'patient_journey'
           AND j.split_assignment = ANY ((SELECT app.current_splits())::text[])
        UNION ALL
        SELECT l.place, l.entity_type, l.entity_id,
               concat_ws(' ', h.first_name, h.last_name),
               jsonb_build_object(
                   'specialty', h.specialty, 'region', h.geographic_region, 'priority_tier', h.priority_tier,
                   'decile', h.decile
               )
          FROM link AS l
          JOIN hcp_profiles AS h ON h.tenant_id = (SELECT app.current_tenant()) AND h.hcp_id = l.entity_id
         WHERE l.entity_type = 'hcp'
        UNION ALL
        SELECT l.place, l.entity_type, l.entity_id,
               t.trigger_type,
               jsonb_build_object(
                   'patient_id', t.patient_id, 'hcp_id', t.hcp_id, 'priority', t.priority,
                   'trigger_reason', t.trigger_reason, 'delivery_status', t.delivery_status,
                   'acceptance_status', t.acceptance_status
               )
          FROM link AS l
          JOIN triggers AS t ON t.tenant_id = (SELECT app.current_tenant()) AND t.trigger_id = l.entity_id
         WHERE l.entity_type = 'trigger'
           AND t.split_assignment = ANY ((SELECT app.current_splits())::text[])
        UNION ALL
        SELECT l.place, l.entity_type, l.entity_id,
               concat_ws(' to ', c.start_node, c.end_node),
               jsonb_build_object(
                   'causal_effect_size', c.causal_effect_size, 'confidence_level', c.confidence_level,
                   'method_used', c.method_used, 'path_length', c.path_length
               )
          FROM link AS l
          JOIN causal_paths AS c ON c.tenant_id = (SELECT app.current_tenant()) AND c.path_id = l.entity_id
         WHERE l.entity_type = 'causal_path'
           AND c.split_assignment = ANY ((SELECT app.current_splits())::text[])
        UNION ALL
        SELECT l.place, l.entity_type, l.entity_id,
               concat_ws(' ', p.model_id, p.prediction_type),
               jsonb_build_object(
                   'patient_id', p.patient_id, 'model_id', p.model_id, 'model_version', p.model_version,
                   'prediction_type', p.prediction_type, 'prediction_score', p.prediction_score,
                   'confidence_score', p.confidence_score
               )
          FROM link AS l
          JOIN ml_predictions AS p
            ON p.tenant_id = (SELECT app.current_tenant())
           AND p.id = CASE WHEN pg_input_is_valid(l.entity_id, 'uuid') THEN l.entity_id::uuid END
         WHERE l.entity_type = 'prediction'
           AND p.split_assignment = ANY ((SELECT app.current_splits())::text[])
    )
    SELECT n.entity_type, n.entity_id, n.entity_name, n.entity_details
      FROM named AS n
     ORDER BY n.place;
$$;

COMMENT ON FUNCTION get_memory_entity_context(uuid) IS
    'The rows that a memory is about, with a name to show and a few details';
