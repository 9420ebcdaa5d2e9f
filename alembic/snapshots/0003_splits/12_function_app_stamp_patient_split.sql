-- Trigger of patient-keyed tables, BEFORE INSERT OR UPDATE of a row that lacks its split (NULL or unassigned) or its
-- configuration: fills in those registered for its patient; a patient never seen is registered first. A split that the
-- row states is kept: the foreign key to the registry refuses it unless its patient is registered in that split.
CREATE FUNCTION app.stamp_patient_split() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_assignment ml_patient_split_assignments;
BEGIN
    IF NEW.tenant_id IS NULL OR NEW.patient_id IS NULL THEN
        RETURN NEW;  -- refused by NOT NULL, with the better message
    END IF;
    v_assignment := app.register_patient(NEW.tenant_id, NEW.patient_id);
    IF coalesce(NEW.split_assignment, 'unassigned') = 'unassigned' THEN
        NEW.split_assignment := v_assignment.assigned_split;
    END IF;
    NEW.split_config_id := coalesce(NEW.split_config_id, v_assignment.split_config_id);
    RETURN NEW;
END;
$$;

COMMENT ON FUNCTION app.stamp_patient_split() IS 'Trigger function: gives a row the split of its patient';
