-- Trigger of ml_model_registry, BEFORE INSERT OR UPDATE of a champion: takes the flag from the previous champion of
-- the same experiment; the models without experiment count as one experiment. Nobody else is champion when the row
-- arrives, so the unique index is content. Champions that the session may not see are left alone, and the index
-- then refuses the new one. One UPDATE that both promotes and demotes may be refused by PostgreSQL (27000), since
-- the trigger has already changed a row it comes to later: setting the flag of the new champion is enough.
CREATE FUNCTION ensure_single_champion() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.is_champion AND OLD.experiment_id IS NOT DISTINCT FROM NEW.experiment_id THEN
            RETURN NEW;
        END IF;
    ELSIF EXISTS (
        SELECT
          FROM ml_model_registry AS m
         WHERE m.tenant_id = NEW.tenant_id
           AND (m.id = NEW.id OR m.model_name = NEW.model_name AND m.model_version = NEW.model_version)
    ) THEN
        -- No row will be inserted: ON CONFLICT DO NOTHING must not depose anybody, DO UPDATE comes back as UPDATE.
        RETURN NEW;
    END IF;

    -- Two sessions that promote at the same time take turns: the second one sees, and deposes, the first one's.
    PERFORM app.take_turn(NEW.tenant_id, 'ml_model_registry', NEW.experiment_id::text);
    UPDATE ml_model_registry AS m
       SET is_champion = false
     WHERE m.tenant_id = NEW.tenant_id
       AND m.experiment_id IS NOT DISTINCT FROM NEW.experiment_id
       AND m.is_champion
       AND m.id <> NEW.id;
    RETURN NEW;
END;
$$;

COMMENT ON FUNCTION ensure_single_champion() IS
    'Trigger function: a new champion takes the flag from the previous one of its experiment';
