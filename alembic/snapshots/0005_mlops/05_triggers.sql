CREATE TRIGGER set_updated_at BEFORE UPDATE ON ml_experiments
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

CREATE TRIGGER ensure_single_champion BEFORE INSERT OR UPDATE ON ml_model_registry
    FOR EACH ROW
    WHEN (NEW.is_champion) EXECUTE FUNCTION ensure_single_champion();
