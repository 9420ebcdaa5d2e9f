CREATE TRIGGER set_updated_at BEFORE UPDATE ON expert_reviews
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

CREATE TRIGGER set_updated_at BEFORE UPDATE ON causal_validations
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
