-- Three checks of a configuration (without an argument the active one), each logged in ml_leakage_audit and
-- returned. Failures are critical, passes info.
--   patient_isolation     no patient has rows in two splits, and no row differs from the registry
--   preprocessing_source  preprocessing metadata is there and was computed on train
--   temporal_boundaries   every dated row lies inside the window of its split: gaps, holdout and rows without any
--                         date count; passes for patient_stratified, which has no windows
-- An audit that saw only the caller's splits would prove nothing, so the function runs with the rights of its owner, who
-- may issue a scope of all splits of the tenant without windows; it counts in that and puts back the caller's. It returns
-- counts, never rows.
-- Reads patient_journeys, treatment_events, ml_preprocessing_metadata, ml_split_registry.
CREATE FUNCTION run_leakage_audit(p_split_config_id uuid DEFAULT NULL)
RETURNS TABLE (check_type varchar, passed boolean, severity varchar, details text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_config ml_split_registry;
    v_saved CONSTANT text := current_setting('app.scope', true);
    v_mixed bigint;
    v_metadata bigint;
    v_outside bigint;
BEGIN
    SELECT * INTO v_config
      FROM ml_split_registry AS c
     WHERE c.tenant_id = (SELECT app.current_tenant())
       AND (c.split_config_id = p_split_config_id OR p_split_config_id IS NULL AND c.is_active);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Split configuration % does not exist for tenant %',
              coalesce(p_split_config_id::text, '(active)'), quote_nullable(app.current_tenant())
            USING ERRCODE = 'no_data_found', HINT = 'See ml_split_registry for the configurations of the tenant.';
    END IF;

    PERFORM app.issue_scope(
        v_config.tenant_id, app.current_user_id(), ARRAY['unassigned', 'train', 'validation', 'test', 'holdout']
    );

    WITH labelled AS (
        SELECT j.patient_id, j.split_assignment
          FROM patient_journeys AS j
         WHERE j.tenant_id = v_config.tenant_id AND j.split_config_id = v_config.split_config_id
        UNION
        SELECT e.patient_id, e.split_assignment
          FROM treatment_events AS e
         WHERE e.tenant_id = v_config.tenant_id AND e.split_config_id = v_config.split_config_id
    )
    SELECT count(DISTINCT l.patient_id) INTO v_mixed
      FROM labelled AS l
      LEFT JOIN ml_patient_split_assignments AS a
        ON a.tenant_id = v_config.tenant_id AND a.patient_id = l.patient_id
     WHERE l.split_assignment IS DISTINCT FROM a.assigned_split;

    SELECT count(*) INTO v_metadata
      FROM ml_preprocessing_metadata AS m
     WHERE m.tenant_id = v_config.tenant_id
       AND m.split_config_id = v_config.split_config_id
       AND m.computed_on_split = 'train';

    WITH dated AS (
        SELECT j.split_assignment,
               coalesce(
                   j.journey_start_date,
                   (j.source_timestamp AT TIME ZONE 'UTC')::date,
                   (j.created_at AT TIME ZONE 'UTC')::date
               ) AS day
          FROM patient_journeys AS j
         WHERE j.tenant_id = v_config.tenant_id AND j.split_config_id = v_config.split_config_id
        UNION ALL
        SELECT e.split_assignment, e.event_date
          FROM treatment_events AS e
         WHERE e.tenant_id = v_config.tenant_id AND e.split_config_id = v_config.split_config_id
    )
    SELECT count(*) INTO v_outside
      FROM dated AS d
     WHERE v_config.split_strategy <> 'patient_stratified'
       AND d.split_assignment <> 'unassigned'
       AND d.split_assignment IS DISTINCT FROM assign_patient_split(d.day, v_config.split_config_id)::text;

    PERFORM set_config('app.scope', v_saved, true);

    RETURN QUERY
    INSERT INTO ml_leakage_audit AS audit
           (tenant_id, split_config_id, check_type, passed, severity, details, affected_records, audited_by)
    SELECT v_config.tenant_id, v_config.split_config_id, c.name, c.ok,
           CASE WHEN c.ok THEN 'info' ELSE 'critical' END, c.finding, c.records, app.current_user_id()
      FROM (
          VALUES (1, 'patient_isolation', v_mixed = 0,
                  format('%s patient(s) have rows outside their registered split', v_mixed), v_mixed),
                 (2, 'preprocessing_source', v_metadata > 0,
                  CASE WHEN v_metadata > 0 THEN 'Preprocessing metadata was computed on train'
                       ELSE 'No preprocessing metadata computed on train' END, v_metadata),
                 (3, 'temporal_boundaries', v_outside = 0,
                  format('%s row(s) lie outside the window of their split', v_outside), v_outside)
      ) AS c (position, name, ok, finding, records)
     ORDER BY c.position
    RETURNING audit.check_type, audit.passed, audit.severity, audit.details;
END;
$$;

COMMENT ON FUNCTION run_leakage_audit(uuid) IS
    'Checks patient isolation, preprocessing source and temporal boundaries of a configuration, and logs the outcome';
