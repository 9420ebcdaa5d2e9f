CREATE TRIGGER set_updated_at BEFORE UPDATE ON feature_groups
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

CREATE TRIGGER cascade_status_change AFTER UPDATE OF status ON feature_definitions
    FOR EACH ROW
    WHEN (OLD.status <> NEW.status AND NEW.status IN ('deprecated', 'archived')) EXECUTE FUNCTION cascade_status_change();

CREATE TRIGGER set_updated_at BEFORE UPDATE ON feature_definitions
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

CREATE TRIGGER place_value BEFORE INSERT ON feature_values
    FOR EACH ROW EXECUTE FUNCTION app.place_feature_value();

CREATE TRIGGER place_revived_value BEFORE UPDATE ON feature_values
    FOR EACH ROW
    WHEN (OLD.status = 'invalid' AND NEW.status <> 'invalid') EXECUTE FUNCTION app.place_feature_value();

CREATE TRIGGER restate_value BEFORE UPDATE ON feature_values
    FOR EACH ROW
    WHEN (pg_trigger_depth() = 0 AND (OLD.status <> 'invalid' OR NEW.status = 'invalid') AND ((OLD.valid_until, OLD.stated_until) IS DISTINCT FROM (NEW.valid_until, NEW.stated_until) OR OLD.status <> 'current' AND NEW.status = 'current')) EXECUTE FUNCTION app.restate_feature_value();

CREATE TRIGGER hold_history_of_deleted BEFORE DELETE ON feature_values
    FOR EACH ROW EXECUTE FUNCTION app.hold_feature_history();

CREATE TRIGGER hold_history_of_retracted BEFORE UPDATE ON feature_values
    FOR EACH ROW
    WHEN (OLD.status <> 'invalid' AND NEW.status = 'invalid') EXECUTE FUNCTION app.hold_feature_history();

CREATE TRIGGER reopen_after_deleted AFTER DELETE ON feature_values
    FOR EACH ROW EXECUTE FUNCTION app.reopen_feature_history();

CREATE TRIGGER reopen_after_retracted AFTER UPDATE ON feature_values
    FOR EACH ROW
    WHEN (OLD.status <> 'invalid' AND NEW.status = 'invalid') EXECUTE FUNCTION app.reopen_feature_history();

CREATE TRIGGER notify_feature_update AFTER INSERT OR UPDATE ON feature_values
    FOR EACH ROW EXECUTE FUNCTION notify_feature_update();
