-- Writes every object of a JSON array and returns how many rows that made; all or nothing. Keys: feature_id, entity_id,
-- entity_type and value; optional computed_at (now), valid_from (computed_at), valid_until, event_timestamp and
-- source_version; another key is refused, since nobody would miss it. Each value takes its place in history by trigger, in
-- whatever order they come; one whose feature, entity and computed_at are there already is skipped and not counted. JSON
-- null as a value is stored as JSON null. A time without a zone is UTC. Writes feature_values in the order of its keys, so
-- that two loads of the same entities wait for one another rather than deadlock, and again where somebody else wrote an
-- entity's first value meanwhile or deadlocks all the same.
CREATE FUNCTION bulk_insert_feature_values(p_values_json jsonb) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
AS $$
DECLARE
    v_tenant CONSTANT text := app.current_tenant();
    v_attempts CONSTANT integer := 5;
    v_keys CONSTANT text[] := ARRAY[
        'feature_id', 'entity_id', 'entity_type', 'value', 'computed_at', 'valid_from', 'valid_until',
        'event_timestamp', 'source_version'
    ];
    v_unknown text;
    v_constraint text;
    v_written integer;
BEGIN
    IF coalesce(jsonb_typeof(p_values_json), 'null') <> 'array' THEN
        RAISE EXCEPTION 'Values come as a JSON array, not as %', coalesce(jsonb_typeof(p_values_json), 'NULL')
            USING ERRCODE = 'invalid_parameter_value', TABLE = 'feature_values', HINT = 'Give an array of objects.';
    END IF;
    IF jsonb_path_exists(p_values_json, 'strict $[*] ? (@.type() <> "object")') THEN
        RAISE EXCEPTION 'Every value is a JSON object'
            USING ERRCODE = 'invalid_parameter_value',
                  TABLE = 'feature_values',
                  HINT = 'Give objects with feature_id, entity_id, entity_type and value.';
    END IF;
    SELECT min(key) INTO v_unknown
      FROM jsonb_array_elements(p_values_json) AS given (e), jsonb_object_keys(given.e) AS key
     WHERE key <> ALL (v_keys);
    IF v_unknown IS NOT NULL THEN
        RAISE EXCEPTION 'A value has no %', quote_ident(v_unknown)
            USING ERRCODE = 'invalid_parameter_value',
                  TABLE = 'feature_values',
                  HINT = 'Give ' || array_to_string(v_keys, ', ') || '.';
    END IF;

    FOR attempt IN 1..v_attempts LOOP
        BEGIN
            INSERT INTO feature_values (
                tenant_id, feature_id, entity_id, entity_type, value, computed_at, valid_from, valid_until,
                event_timestamp, source_version
            )
            SELECT v_tenant,
                   (e ->> 'feature_id')::uuid,
                   e ->> 'entity_id',
                   e ->> 'entity_type',
                   e -> 'value',
                   coalesce((e ->> 'computed_at')::timestamptz, now()),
                   coalesce((e ->> 'valid_from')::timestamptz, (e ->> 'computed_at')::timestamptz, now()),
                   (e ->> 'valid_until')::timestamptz,
                   (e ->> 'event_timestamp')::timestamptz,
                   e ->> 'source_version'
              FROM jsonb_array_elements(p_values_json) WITH ORDINALITY AS given (e, place)
             ORDER BY 2, 4, 3, 7, 6, given.place
            ON CONFLICT (tenant_id, feature_id, entity_type, entity_id, computed_at) DO NOTHING;
            GET DIAGNOSTICS v_written = ROW_COUNT;
            RETURN v_written;
        EXCEPTION WHEN unique_violation OR deadlock_detected THEN
            GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME;
            IF v_constraint NOT IN ('', 'uq_feature_values_current') OR attempt = v_attempts THEN
                RAISE;
            END IF;
        END;
    END LOOP;
END;
$$;

COMMENT ON FUNCTION bulk_insert_feature_values(jsonb) IS
    'Writes an array of feature values, each into its place in history; returns the number of new rows';
