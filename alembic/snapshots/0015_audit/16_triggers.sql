CREATE TRIGGER validate_audit_entry BEFORE INSERT ON audit_chain_entries
    FOR EACH ROW EXECUTE FUNCTION validate_audit_entry();

CREATE TRIGGER forbid_mutation BEFORE UPDATE OR DELETE ON audit_chain_entries
    FOR EACH ROW EXECUTE FUNCTION forbid_mutation();

CREATE TRIGGER forbid_truncate BEFORE TRUNCATE ON audit_chain_entries
    FOR EACH STATEMENT EXECUTE FUNCTION forbid_mutation();

CREATE TRIGGER forbid_mutation BEFORE UPDATE OR DELETE ON audit_chain_verification_log
    FOR EACH ROW EXECUTE FUNCTION forbid_mutation();

CREATE TRIGGER forbid_truncate BEFORE TRUNCATE ON audit_chain_verification_log
    FOR EACH STATEMENT EXECUTE FUNCTION forbid_mutation();
