CREATE TRIGGER set_updated_at BEFORE UPDATE ON hcp_profiles
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

CREATE TRIGGER assign_split BEFORE INSERT OR UPDATE ON patient_journeys
    FOR EACH ROW
    WHEN (NEW.split_assignment IS NULL OR NEW.split_assignment = 'unassigned' OR NEW.split_config_id IS NULL) EXECUTE FUNCTION app.stamp_patient_split();

CREATE TRIGGER assign_split BEFORE INSERT OR UPDATE ON treatment_events
    FOR EACH ROW
    WHEN (NEW.split_assignment IS NULL OR NEW.split_assignment = 'unassigned' OR NEW.split_config_id IS NULL) EXECUTE FUNCTION app.stamp_patient_split();
