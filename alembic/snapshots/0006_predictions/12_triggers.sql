CREATE TRIGGER assign_split BEFORE INSERT OR UPDATE ON ml_predictions
    FOR EACH ROW
    WHEN (NEW.split_assignment IS NULL OR NEW.split_assignment = 'unassigned' OR NEW.split_config_id IS NULL) EXECUTE FUNCTION app.stamp_patient_split();

CREATE TRIGGER assign_split BEFORE INSERT OR UPDATE ON triggers
    FOR EACH ROW
    WHEN (NEW.split_assignment IS NULL OR NEW.split_assignment = 'unassigned' OR NEW.split_config_id IS NULL) EXECUTE FUNCTION app.stamp_patient_split();

CREATE TRIGGER set_updated_at BEFORE UPDATE ON triggers
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
