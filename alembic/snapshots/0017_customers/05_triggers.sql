CREATE TRIGGER set_updated_at BEFORE UPDATE ON customers
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

CREATE TRIGGER set_updated_at BEFORE UPDATE ON agent_sessions
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

CREATE TRIGGER keep_customer_score AFTER INSERT OR DELETE OR UPDATE OF customer_id, overall, calculated_at ON health_scores
    FOR EACH ROW EXECUTE FUNCTION app.keep_customer_score();
