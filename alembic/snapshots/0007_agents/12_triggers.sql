CREATE TRIGGER set_search_vector BEFORE INSERT OR UPDATE ON agent_activities
    FOR EACH ROW EXECUTE FUNCTION app.set_activity_search_vector();
