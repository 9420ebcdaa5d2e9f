-- Trigger of feature_values, BEFORE INSERT, and BEFORE UPDATE of a value that is invalid no longer. Gives a patient's
-- value the split of the patient, refuses a value that is not of the feature's type, and puts it into its place in the
-- history of its feature and entity, wherever that is: it ends where the next one begins, and what it follows ends
-- where it begins. The newest by valid_from, then computed_at, is the current one, unless its feature is retired (one that
-- arrives while its feature is being retired stays current until ageing finds it); a late one is stale at once. JSON null fits every type, and a number has to fit a float8. A value whose key is there already
-- changes nothing: the unique key refuses or skips it.
CREATE FUNCTION app.place_feature_value() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    -- One that no float8 holds would be stored, and break every frame that meets it.
    v_no_float CONSTANT jsonpath :=
        'strict $[*] ? (!(@.type() == "number" && (@ == 0 || @.abs() >= 1e-300 && @.abs() <= 1e300)))';
    v_type feature_data_type;
    v_feature_status feature_status;
    v_kind text;
    v_newest record;
    v_previous timestamptz;
BEGIN
    IF num_nulls(
        NEW.tenant_id, NEW.feature_id, NEW.entity_type, NEW.entity_id, NEW.value, NEW.computed_at, NEW.valid_from,
        NEW.status
    ) > 0 THEN
        RETURN NEW;  -- refused by NOT NULL, with the better message
    END IF;
    IF NEW.entity_type = 'patient' AND NEW.split_assignment IS NULL THEN
        NEW.split_assignment := (app.register_patient(NEW.tenant_id, NEW.entity_id)).assigned_split;
    END IF;

    SELECT d.data_type, d.status, g.entity_type INTO v_type, v_feature_status, v_kind
      FROM feature_definitions AS d
      JOIN feature_groups AS g ON g.tenant_id = d.tenant_id AND g.group_id = d.group_id
     WHERE d.tenant_id = NEW.tenant_id AND d.feature_id = NEW.feature_id;
    IF NOT FOUND THEN
        RETURN NEW;  -- refused by the foreign key
    END IF;
    IF (NEW.entity_type = 'patient') <> (v_kind = 'patient') THEN
        RAISE EXCEPTION 'The feature % is about %, and the value about %', NEW.feature_id, v_kind, NEW.entity_type
            USING ERRCODE = 'check_violation',
                  TABLE = 'feature_values',
                  HINT = 'Give the entity type of the feature''s group: patients have splits, and others have none.';
    END IF;
    IF jsonb_typeof(NEW.value) <> 'null' AND NOT (
        CASE v_type
            WHEN 'numeric' THEN NOT jsonb_path_exists(jsonb_build_array(NEW.value), v_no_float)
            WHEN 'categorical' THEN jsonb_typeof(NEW.value) = 'string'
            WHEN 'boolean' THEN jsonb_typeof(NEW.value) = 'boolean'
            WHEN 'array' THEN jsonb_typeof(NEW.value) = 'array'
            WHEN 'embedding' THEN
                jsonb_typeof(NEW.value) = 'array'
                AND NOT jsonb_path_exists(NEW.value, v_no_float)
            ELSE true
        END
    ) THEN
        RAISE EXCEPTION 'The feature % is %, and this JSON % is no value of it',
              NEW.feature_id, v_type, jsonb_typeof(NEW.value)
            USING ERRCODE = 'datatype_mismatch',
                  TABLE = 'feature_values',
                  HINT = 'Give a value of the feature''s type, its numbers between 1e-300 and 1e300 or 0, or create '
                      'another version of the feature.';
    END IF;

    IF TG_OP = 'INSERT' THEN
        NEW.stated_until := coalesce(NEW.stated_until, NEW.valid_until);
    ELSIF NEW.stated_until IS NOT DISTINCT FROM OLD.stated_until
        AND NEW.valid_until IS DISTINCT FROM OLD.valid_until THEN
        NEW.stated_until := NEW.valid_until;
    END IF;
    NEW.valid_until := NEW.stated_until;
    IF NEW.status = 'invalid' THEN
        RETURN NEW;
    END IF;
    NEW.status := app.feature_value_status(NEW.status, v_feature_status);

    SELECT n.* INTO v_newest
      FROM app.lock_feature_history(NEW.tenant_id, NEW.feature_id, NEW.entity_type, NEW.entity_id) AS n;
    IF v_newest.value_id IS NULL THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'INSERT' AND EXISTS (
        SELECT FROM feature_values AS v
         WHERE v.tenant_id = NEW.tenant_id AND v.value_id = NEW.value_id
         UNION ALL
        SELECT FROM feature_values AS v
         WHERE v.tenant_id = NEW.tenant_id
           AND v.feature_id = NEW.feature_id
           AND v.entity_type = NEW.entity_type
           AND v.entity_id = NEW.entity_id
           AND v.computed_at = NEW.computed_at
    ) THEN
        RETURN NEW;
    END IF;

    IF (NEW.valid_from, NEW.computed_at) > (v_newest.valid_from, v_newest.computed_at) THEN
        v_previous := v_newest.valid_from;
    ELSE
        SELECT max(v.valid_from) INTO v_previous
          FROM feature_values AS v
         WHERE v.tenant_id = NEW.tenant_id
           AND v.feature_id = NEW.feature_id
           AND v.entity_type = NEW.entity_type
           AND v.entity_id = NEW.entity_id
           AND v.valid_from < NEW.valid_from
           AND v.status <> 'invalid';
        NEW.valid_until := app.feature_value_end(
            NEW.tenant_id, NEW.feature_id, NEW.entity_type, NEW.entity_id,
            NEW.valid_from, NEW.computed_at, NEW.stated_until
        );
        IF NEW.status = 'current' THEN
            NEW.status := 'stale';
        END IF;
    END IF;

    UPDATE feature_values AS v
       SET valid_until = CASE
               WHEN v.valid_from < NEW.valid_from THEN least(v.valid_until, NEW.valid_from)
               WHEN v.valid_from < NEW.computed_at THEN least(v.valid_until, NEW.computed_at)
               ELSE v.valid_until
           END,
           status = CASE v.status WHEN 'current' THEN 'stale' ELSE v.status END
     WHERE v.tenant_id = NEW.tenant_id
       AND v.feature_id = NEW.feature_id
       AND v.entity_type = NEW.entity_type
       AND v.entity_id = NEW.entity_id
       AND v.valid_from BETWEEN coalesce(v_previous, NEW.valid_from) AND NEW.valid_from
       AND (v.valid_from, v.computed_at) < (NEW.valid_from, NEW.computed_at)
       AND v.status <> 'invalid';
    RETURN NEW;
END;
$$;

COMMENT ON FUNCTION app.place_feature_value() IS
    'Trigger function: checks a value, gives it its patient''s split and its place in history';
