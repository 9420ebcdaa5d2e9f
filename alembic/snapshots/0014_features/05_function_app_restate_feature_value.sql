-- Trigger of feature_values, BEFORE UPDATE by a writer who gives another end: that is from now on the stated one, and
-- the value holds until it or until what supersedes it, whichever comes first. NULL takes the stated end away.
CREATE FUNCTION app.restate_feature_value() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.stated_until IS NOT DISTINCT FROM OLD.stated_until THEN
        NEW.stated_until := NEW.valid_until;
    END IF;
    IF NEW.status = 'invalid' THEN
        NEW.valid_until := NEW.stated_until;
        RETURN NEW;
    END IF;
    PERFORM app.lock_feature_history(NEW.tenant_id, NEW.feature_id, NEW.entity_type, NEW.entity_id);
    NEW.valid_until := app.feature_value_end(
        NEW.tenant_id, NEW.feature_id, NEW.entity_type, NEW.entity_id,
        NEW.valid_from, NEW.computed_at, NEW.stated_until
    );
    RETURN NEW;
END;
$$;

COMMENT ON FUNCTION app.restate_feature_value() IS 'Trigger function: another stated end of a value';
