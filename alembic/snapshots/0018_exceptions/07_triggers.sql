CREATE TRIGGER forbid_new_owner BEFORE UPDATE ON tool_definition
    FOR EACH ROW
    WHEN (NEW.tenant_id IS DISTINCT FROM OLD.tenant_id) EXECUTE FUNCTION app.forbid_tool_owner();

CREATE TRIGGER set_updated_at BEFORE UPDATE ON exception
    FOR EACH ROW
    WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION update_updated_at_column();

CREATE TRIGGER forbid_status_by_hand BEFORE UPDATE ON exception
    FOR EACH ROW
    WHEN (pg_trigger_depth() = 0 AND NEW.status IS DISTINCT FROM OLD.status) EXECUTE FUNCTION app.forbid_exception_status();

CREATE TRIGGER forbid_status_at_birth AFTER INSERT ON exception
    FOR EACH ROW
    WHEN (NEW.status IS DISTINCT FROM 'open') EXECUTE FUNCTION app.forbid_exception_status();

CREATE TRIGGER keep_exception_status AFTER INSERT ON exception_event
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION app.keep_exception_status();

CREATE TRIGGER forbid_mutation BEFORE UPDATE OR DELETE ON exception_event
    FOR EACH ROW EXECUTE FUNCTION forbid_mutation();

CREATE TRIGGER forbid_truncate BEFORE TRUNCATE ON exception_event
    FOR EACH STATEMENT EXECUTE FUNCTION forbid_mutation();

CREATE TRIGGER require_own_tool BEFORE INSERT OR UPDATE OF tool_id ON tool_execution
    FOR EACH ROW EXECUTE FUNCTION app.require_own_tool();

CREATE TRIGGER set_updated_at BEFORE UPDATE ON tool_execution
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
