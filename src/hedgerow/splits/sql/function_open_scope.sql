-- Opens the scope of a transaction: the first statement of every one. Writes the transaction-local settings that
-- the policies read, and returns the windows of the splits so that the filter uses the very same bounds.
-- Reads tenant (must exist and be active) and the active configuration of ml_split_registry. A window ends after
-- the last day of its split and the next one starts temporal_gap_days whole days later; the strategy
-- patient_stratified, and a tenant without an active configuration, have no date boundaries.
CREATE FUNCTION app.open_scope(p_tenant text, p_user text, p_splits text[], p_purpose text)
RETURNS TABLE (
    train_until timestamptz,
    validation_from timestamptz,
    validation_until timestamptz,
    test_from timestamptz,
    test_until timestamptz,
    holdout_from timestamptz
)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_status text;
BEGIN
    IF NOT coalesce(p_splits <@ ARRAY['unassigned', 'train', 'validation', 'test', 'holdout'], false) THEN
        RAISE EXCEPTION 'Not splits: %', p_splits
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Choose from unassigned, train, validation, test, holdout.';
    END IF;
    IF p_splits && ARRAY['test', 'holdout'] AND coalesce(p_purpose, '') !~ '\S' THEN
        RAISE EXCEPTION 'The splits % are sealed: opening them needs a purpose', array_to_string(p_splits, ', ')
            USING ERRCODE = 'insufficient_privilege', HINT = 'Open an evaluation scope that states its purpose.';
    END IF;
    PERFORM set_config('app.current_tenant', coalesce(p_tenant, ''), true),
            set_config('app.user_id', coalesce(p_user, ''), true),
            set_config('app.splits', coalesce(array_to_string(p_splits, ','), ''), true),
            set_config('app.purpose', coalesce(p_purpose, ''), true),
            -- What the auth.uid() of a Supabase database reads: who asks is said by the scope, and by nothing that a
            -- pool has left in the session.
            set_config('request.jwt.claim.sub', coalesce(p_user, ''), true),
            set_config(
                'request.jwt.claims',
                (coalesce(NULLIF(current_setting('request.jwt.claims', true), ''), '{}')::jsonb
                    || jsonb_build_object('sub', p_user))::text,
                true
            );

    SELECT t.status INTO v_status FROM tenant AS t WHERE t.id = p_tenant;
    IF v_status IS DISTINCT FROM 'active' THEN
        RAISE EXCEPTION 'Tenant % %', quote_nullable(p_tenant), coalesce('is ' || v_status, 'does not exist')
            USING ERRCODE = 'invalid_authorization_specification',
                  HINT = 'Create or reactivate the tenant, or correct the tenant of the scope.';
    END IF;

    SELECT (c.train_end_date + 1)::timestamp AT TIME ZONE 'UTC',
           (c.train_end_date + 1 + c.temporal_gap_days)::timestamp AT TIME ZONE 'UTC',
           (c.validation_end_date + 1)::timestamp AT TIME ZONE 'UTC',
           (c.validation_end_date + 1 + c.temporal_gap_days)::timestamp AT TIME ZONE 'UTC',
           (c.test_end_date + 1)::timestamp AT TIME ZONE 'UTC',
           (c.test_end_date + 1 + c.temporal_gap_days)::timestamp AT TIME ZONE 'UTC'
      INTO train_until, validation_from, validation_until, test_from, test_until, holdout_from
      FROM ml_split_registry AS c
     WHERE c.tenant_id = p_tenant AND c.is_active AND c.split_strategy <> 'patient_stratified';
    IF NOT FOUND THEN
        SELECT 'infinity', '-infinity', 'infinity', '-infinity', 'infinity', '-infinity'
          INTO train_until, validation_from, validation_until, test_from, test_until, holdout_from;
    END IF;

    PERFORM set_config('app.' || bound.name, app.window_text(bound.moment), true)
       FROM (
           VALUES ('train_until', train_until), ('validation_from', validation_from),
                  ('validation_until', validation_until), ('test_from', test_from),
                  ('test_until', test_until), ('holdout_from', holdout_from)
       ) AS bound (name, moment);
    RETURN NEXT;
END;
$$;

COMMENT ON FUNCTION app.open_scope(text, text, text[], text) IS
    'First statement of a transaction: writes the scope into it and returns the windows of the splits';
