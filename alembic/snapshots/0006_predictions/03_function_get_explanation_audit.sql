-- The full audit record of one explanation: who asked what about whom, what the model was given, what it answered and
-- how fast. No row for an unknown identifier. Reads ml_shap_analyses.
CREATE FUNCTION get_explanation_audit(p_explanation_id varchar)
RETURNS TABLE (
    explanation_id varchar,
    patient_id varchar,
    hcp_id varchar,
    model_type varchar,
    model_version_id varchar,
    input_features jsonb,
    shap_values jsonb,
    prediction_class varchar,
    prediction_probability double precision,
    base_value double precision,
    request_timestamp timestamptz,
    response_time_ms double precision,
    narrative_generated boolean,
    api_version varchar
)
LANGUAGE sql STABLE AS $$
    SELECT s.explanation_id,
           s.patient_id,
           s.hcp_id,
           s.model_type,
           s.model_version_id,
           s.input_features,
           s.shap_values,
           s.prediction_class,
           s.prediction_probability,
           s.base_value::double precision,
           s.request_timestamp,
           s.response_time_ms,
           s.narrative_generated,
           s.api_version
      FROM ml_shap_analyses AS s
     WHERE s.tenant_id = (SELECT app.current_tenant())
       AND s.split_assignment = ANY ((SELECT app.current_artefact_splits())::text[])
       AND s.explanation_id = p_explanation_id;
$$;

COMMENT ON FUNCTION get_explanation_audit(varchar) IS 'Audit record of one explanation';
