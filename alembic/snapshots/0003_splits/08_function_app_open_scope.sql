-- Opens the scope of a transaction: the first statement of every one, and the only way to a scope for anybody but the
-- owner of the schema. Asks whether the caller may have it, issues it signed (app.issue_scope), and returns the windows
-- of the splits so that the filter uses the very same bounds.
--   signature   where app.scope_key holds another key than the database's own, p_grant must be key id, expiry (seconds
--               since 1970) and HMAC-SHA256, separated by colons, over exactly this request; see hedgerow.core.token
--   sealed      test and holdout take a member of hedgerow_evaluator, a purpose, and an opening that is on record
--               (app.request_opening), which holdout has a budget of
--   tenant      must exist and be active
-- Reads the active configuration of ml_split_registry. A window ends after the last day of its split and the next one
-- starts temporal_gap_days whole days later; the strategy patient_stratified, and a tenant without an active
-- configuration, have no date boundaries.
-- Runs with the rights of its owner, who alone can sign. The login decides, not a role that it assumed, since it can go
-- back at any time. Members of the owner, superusers among them, need no signature and no membership: they could take
-- either.
CREATE FUNCTION app.open_scope(
    p_tenant text, p_user text, p_splits text[], p_purpose text, p_grant text DEFAULT NULL, p_opening uuid DEFAULT NULL
) RETURNS TABLE (
    train_until timestamptz,
    validation_from timestamptz,
    validation_until timestamptz,
    test_from timestamptz,
    test_until timestamptz,
    holdout_from timestamptz
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_owner CONSTANT boolean := pg_has_role(session_user, current_user, 'MEMBER');
    v_grant CONSTANT text[] := string_to_array(p_grant, ':');
    v_status text;
BEGIN
    IF NOT coalesce(p_splits <@ ARRAY['unassigned', 'train', 'validation', 'test', 'holdout'], false) THEN
        RAISE EXCEPTION 'Not splits: %', p_splits
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Choose from unassigned, train, validation, test, holdout.';
    END IF;
    IF NOT v_owner AND EXISTS (SELECT FROM app.scope_key AS k WHERE k.key_id <> 'database') THEN
        -- Whatever is missing, the key or a part of the grant, makes it NULL, which is no.
        IF NOT coalesce(
            v_grant[1] <> 'database'
            AND sha256(convert_to(v_grant[3], 'UTF8')) = sha256(convert_to(app.sealed(
                concat_ws(E'\x1f', 'hedgerow scope', v_grant[1], v_grant[2], coalesce(p_tenant, ''), coalesce(p_user, ''),
                          array_to_string(p_splits, ','), coalesce(p_purpose, '')),
                v_grant[1]
            ), 'UTF8')),
            false
        ) THEN
            RAISE EXCEPTION 'The scope of tenant % is not signed by a key of this database', quote_nullable(p_tenant)
                USING ERRCODE = 'invalid_authorization_specification',
                      HINT = 'Set HEDGEROW_SCOPE_KEY to a key that hedgerow db scope-key list shows.';
        END IF;
        -- A valid signature: the second field is a number.
        -- By the clock: somebody may have begun his transaction long before he got hold of the grant.
        IF v_grant[2]::bigint < EXTRACT(EPOCH FROM clock_timestamp()) THEN
            RAISE EXCEPTION 'The signed scope of tenant % has expired', quote_nullable(p_tenant)
                USING ERRCODE = 'invalid_authorization_specification',
                      DETAIL = format('It was valid until %s; now it is %s.',
                                      to_timestamp(v_grant[2]::bigint), clock_timestamp()),
                      HINT = 'Sign each transaction anew, and let the clocks of client and server agree.';
        END IF;
    END IF;
    IF p_splits && ARRAY['test', 'holdout'] THEN
        IF coalesce(p_purpose, '') !~ '\S' THEN
            RAISE EXCEPTION 'The splits % are sealed: opening them needs a purpose', array_to_string(p_splits, ', ')
                USING ERRCODE = 'insufficient_privilege', HINT = 'Open an evaluation scope that states its purpose.';
        END IF;
        IF NOT v_owner AND NOT pg_has_role(session_user, 'hedgerow_evaluator', 'MEMBER') THEN
            RAISE EXCEPTION 'The splits % are sealed, and % is no member of hedgerow_evaluator',
                  array_to_string(p_splits, ', '), session_user
                USING ERRCODE = 'insufficient_privilege',
                      HINT = 'Log in as a member of hedgerow_evaluator: HEDGEROW_EVALUATOR_URL.';
        END IF;
        IF NOT v_owner THEN
            PERFORM app.require_opening(p_tenant, p_user, p_splits, p_purpose, p_opening);
        END IF;
    END IF;

    -- The wall holds for the owner too: what follows is read in the scope of the tenant, without any split.
    PERFORM app.issue_scope(p_tenant, p_user, '{}');
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

    PERFORM app.issue_scope(
        p_tenant, p_user, p_splits,
        ARRAY[train_until, validation_from, validation_until, test_from, test_until, holdout_from]
    );
    RETURN NEXT;
END;
$$;

COMMENT ON FUNCTION app.open_scope(text, text, text[], text, text, uuid) IS
    'First statement of a transaction: issues its scope if the caller may have it, and returns the windows of the splits';
