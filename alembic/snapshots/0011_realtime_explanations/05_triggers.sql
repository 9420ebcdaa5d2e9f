CREATE TRIGGER set_shap_audit_metadata BEFORE INSERT ON ml_shap_analyses
    FOR EACH ROW
    WHEN (NEW.analysis_type = 'local_realtime') EXECUTE FUNCTION set_shap_audit_metadata();
