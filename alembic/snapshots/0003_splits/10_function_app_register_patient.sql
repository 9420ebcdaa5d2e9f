-- Split of a patient from the registry; a patient never seen is registered by the rule of the tenant's active
-- configuration. Safe under concurrency: the first writer wins and everybody reads the same split.
-- Runs with the rights of its owner, since sessions may not write the registry: they would choose splits themselves.
-- Row-level security is forced on the owner too, so the tenant must be that of the scope; only a superuser, for whom
-- no wall stands, may load rows of several tenants in one statement.
CREATE FUNCTION app.register_patient(p_tenant text, p_patient_id text)
RETURNS ml_patient_split_assignments
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_assignment ml_patient_split_assignments;
    v_scope CONSTANT text := current_setting('app.scope', true);
    v_tenant CONSTANT text := app.current_tenant();
BEGIN
    IF p_tenant IS DISTINCT FROM v_tenant THEN
        IF NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = session_user AND (r.rolsuper OR r.rolbypassrls)) THEN
            -- Triggers run before policies: without this, the refusal would speak of a missing configuration.
            RAISE EXCEPTION 'row-level security keeps a row of tenant % out of the scope of tenant %',
                  quote_nullable(p_tenant), quote_nullable(v_tenant)
                USING ERRCODE = 'insufficient_privilege',
                      TABLE = 'ml_patient_split_assignments',
                      HINT = 'Open a session for that tenant.';
        END IF;
        PERFORM app.issue_scope(p_tenant, NULL, '{}');
    END IF;

    -- The second attempt reads what another transaction registered just now.
    FOR attempt IN 1..2 LOOP
        SELECT * INTO v_assignment
          FROM ml_patient_split_assignments AS a
         WHERE a.tenant_id = p_tenant AND a.patient_id = p_patient_id;
        EXIT WHEN FOUND;

        INSERT INTO ml_patient_split_assignments
               (tenant_id, split_config_id, patient_id, assigned_split, assignment_reason)
        SELECT p_tenant, c.split_config_id, p_patient_id,
               app.assign_split(p_patient_id, c.train_ratio, c.validation_ratio, c.test_ratio), 'hash'
          FROM ml_split_registry AS c
         WHERE c.tenant_id = p_tenant AND c.is_active
        ON CONFLICT (tenant_id, patient_id) DO NOTHING
        RETURNING * INTO v_assignment;
        EXIT WHEN FOUND;
    END LOOP;

    IF p_tenant IS DISTINCT FROM v_tenant THEN
        PERFORM set_config('app.scope', coalesce(v_scope, ''), true),
                set_config('app.current_tenant', coalesce(v_tenant, ''), true);
    END IF;
    IF v_assignment.patient_id IS NULL THEN
        RAISE EXCEPTION 'Tenant % has no active split configuration, so patient % cannot be given a split',
              quote_nullable(p_tenant), quote_nullable(p_patient_id)
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  TABLE = 'ml_split_registry',
                  HINT = 'Register a split configuration for the tenant: hedgerow splits configure TENANT.';
    END IF;
    RETURN v_assignment;
END;
$$;

COMMENT ON FUNCTION app.register_patient(text, text) IS
    'Registered split of a patient; registers a patient never seen by the hash rule';
