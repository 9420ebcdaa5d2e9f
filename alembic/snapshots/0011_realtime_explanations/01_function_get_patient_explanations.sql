-- Newest real-time explanations of a patient, optionally of one model type. A NULL limit returns all, a NULL patient
-- none; explanations without a time of request come last. Reads ml_shap_analyses.
CREATE FUNCTION get_patient_explanations(
    p_patient_id varchar,
    p_limit integer DEFAULT 10,
    p_model_type varchar DEFAULT NULL
)
RETURNS TABLE (
    explanation_id varchar,
    model_type varchar,
    model_version_id varchar,
    prediction_class varchar,
    prediction_probability double precision,
    top_features jsonb,
    request_timestamp timestamptz,
    response_time_ms double precision
)
LANGUAGE sql STABLE AS $$
    SELECT s.explanation_id,
           s.model_type,
           s.model_version_id,
           s.prediction_class,
           s.prediction_probability,
           s.shap_values,
           s.request_timestamp,
           s.response_time_ms
      FROM ml_shap_analyses AS s
     WHERE s.tenant_id = (SELECT app.current_tenant())
       AND s.split_assignment = ANY ((SELECT app.current_artefact_splits())::text[])
       AND s.analysis_type = 'local_realtime'
       AND s.patient_id = p_patient_id
       AND (p_model_type IS NULL OR s.model_type = p_model_type)
     ORDER BY s.request_timestamp DESC NULLS LAST, s.explanation_id, s.id
     LIMIT p_limit;
$$;

COMMENT ON FUNCTION get_patient_explanations(varchar, integer, varchar) IS
    'Newest real-time explanations of a patient';
