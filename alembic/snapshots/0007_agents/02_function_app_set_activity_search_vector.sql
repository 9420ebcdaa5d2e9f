-- Trigger of agent_activities, BEFORE INSERT OR UPDATE: fills search_vector with English search terms, weighted agent
-- (A), kind of work and workstream (B), status and error (C). Whatever the caller gave is overwritten.
CREATE FUNCTION app.set_activity_search_vector() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.search_vector :=
        setweight(to_tsvector('english', coalesce(NEW.agent_type::text, '')), 'A')
        || setweight(to_tsvector('english', concat_ws(' ', NEW.activity_type, NEW.workstream)), 'B')
        || setweight(to_tsvector('english', concat_ws(' ', NEW.status, NEW.error_message)), 'C');
    RETURN NEW;
END;
$$;

COMMENT ON FUNCTION app.set_activity_search_vector() IS 'Trigger function: keeps agent_activities.search_vector';
