REVOKE ALL ON FUNCTION get_patient_explanations FROM PUBLIC;
GRANT EXECUTE ON FUNCTION get_patient_explanations TO hedgerow_app, hedgerow_readonly;
GRANT SELECT ON v_patient_explanation_history TO hedgerow_app;
GRANT SELECT ON v_patient_explanation_history TO hedgerow_readonly;
GRANT SELECT ON v_shap_api_performance TO hedgerow_app;
GRANT SELECT ON v_shap_api_performance TO hedgerow_readonly;
GRANT SELECT ON v_feature_importance_trends TO hedgerow_app;
GRANT SELECT ON v_feature_importance_trends TO hedgerow_readonly;
