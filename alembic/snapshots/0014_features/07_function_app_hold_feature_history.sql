-- Trigger of feature_values, BEFORE a value goes away by DELETE or becomes invalid: takes its history, so that nobody
-- finds a place beside it that will be gone.
CREATE FUNCTION app.hold_feature_history() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM app.lock_feature_history(OLD.tenant_id, OLD.feature_id, OLD.entity_type, OLD.entity_id);
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END;
$$;

COMMENT ON FUNCTION app.hold_feature_history() IS 'Trigger function: locks the history that a value leaves';
