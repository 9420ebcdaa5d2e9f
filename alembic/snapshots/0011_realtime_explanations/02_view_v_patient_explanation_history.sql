-- Per patient, over real-time explanations: how many, by how many model versions, how fast, when first and last, the
-- most frequent predicted class (of equally frequent ones the first in sort order) and the mean probability.
-- Explanations without a patient are left out; NULL times, classes and probabilities count in no figure of theirs.
-- Reads ml_shap_analyses.
CREATE VIEW v_patient_explanation_history WITH (security_invoker = true) AS
SELECT
    s.patient_id,
    count(*) AS total_explanations,
    count(DISTINCT s.model_version_id) AS models_used,
    avg(s.response_time_ms) AS avg_response_time_ms,
    min(s.request_timestamp) AS first_explanation,
    max(s.request_timestamp) AS last_explanation,
    mode() WITHIN GROUP (ORDER BY s.prediction_class) AS most_common_prediction,
    avg(s.prediction_probability) AS avg_prediction_probability
FROM ml_shap_analyses AS s
WHERE s.tenant_id = (SELECT app.current_tenant())
    AND s.split_assignment = ANY ((SELECT app.current_artefact_splits())::text[])
    AND s.analysis_type = 'local_realtime'
    AND s.patient_id IS NOT NULL
GROUP BY s.patient_id;

COMMENT ON VIEW v_patient_explanation_history IS 'Real-time explanations given about each patient';
COMMENT ON COLUMN v_patient_explanation_history.models_used IS 'Distinct model versions';
COMMENT ON COLUMN v_patient_explanation_history.avg_response_time_ms IS 'Milliseconds';
COMMENT ON COLUMN v_patient_explanation_history.avg_prediction_probability IS '0 to 1';
