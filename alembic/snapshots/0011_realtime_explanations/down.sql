DROP TRIGGER set_shap_audit_metadata ON ml_shap_analyses;
DROP VIEW v_feature_importance_trends;
DROP VIEW v_shap_api_performance;
DROP VIEW v_patient_explanation_history;
DROP FUNCTION get_patient_explanations;
