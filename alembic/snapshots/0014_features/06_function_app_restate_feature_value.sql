-- Trigger of feature_values, BEFORE UPDATE by a writer who gives another end: that is from now on the stated one, and
-- the value holds until it or until what supersedes it, whichever comes first. NULL takes the stated end away. Or by one
-- who makes a value current: what is not the newest becomes stale, or the newest could never be current again, and
-- every later value would meet the unique index.
CREATE FUNCTION app.restate_feature_value() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_newest uuid;
BEGIN
    IF NEW.stated_until IS NOT DISTINCT FROM OLD.stated_until
        AND NEW.valid_until IS DISTINCT FROM OLD.valid_until THEN
        NEW.stated_until := NEW.valid_until;
    END IF;
    IF NEW.status = 'invalid' THEN
        NEW.valid_until := NEW.stated_until;
        RETURN NEW;
    END IF;
    SELECT n.value_id INTO v_newest
      FROM app.lock_feature_history(NEW.tenant_id, NEW.feature_id, NEW.entity_type, NEW.entity_id) AS n;
    IF NEW.status = 'current' AND v_newest <> NEW.value_id THEN
        NEW.status := 'stale';
    END IF;
    SELECT app.feature_value_status(NEW.status, d.status) INTO NEW.status
      FROM feature_definitions AS d
     WHERE d.tenant_id = NEW.tenant_id AND d.feature_id = NEW.feature_id;
    NEW.valid_until := app.feature_value_end(
        NEW.tenant_id, NEW.feature_id, NEW.entity_type, NEW.entity_id,
        NEW.valid_from, NEW.computed_at, NEW.stated_until
    );
    RETURN NEW;
END;
$$;

COMMENT ON FUNCTION app.restate_feature_value() IS 'Trigger function: another stated end of a value, or its becoming current';
