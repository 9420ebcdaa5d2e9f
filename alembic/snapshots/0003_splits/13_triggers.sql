CREATE TRIGGER forbid_mutation BEFORE UPDATE OR DELETE ON ml_split_access_log
    FOR EACH ROW EXECUTE FUNCTION forbid_mutation();

CREATE TRIGGER forbid_truncate BEFORE TRUNCATE ON ml_split_access_log
    FOR EACH STATEMENT EXECUTE FUNCTION forbid_mutation();

CREATE TRIGGER set_updated_at BEFORE UPDATE ON ml_split_registry
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

CREATE TRIGGER forbid_mutation BEFORE UPDATE OR DELETE ON ml_leakage_audit
    FOR EACH ROW EXECUTE FUNCTION forbid_mutation();

CREATE TRIGGER forbid_truncate BEFORE TRUNCATE ON ml_leakage_audit
    FOR EACH STATEMENT EXECUTE FUNCTION forbid_mutation();
