-- Asks to open sealed splits for the model that is to be judged, in the scope of a tenant. Writes the answer to
-- ml_split_access_log, one entry for each split, and returns it: the id of the opening, which app.open_scope takes once
-- this transaction has committed; or no id, and who used the budget of holdout up, and when.
-- An opening counts from its commit on, whatever becomes of the transactions that it opens. A refusal is an answer and
-- not an error, or it could not be logged: whoever asks commits in either case.
-- One request at a time for a model, so that two at once cannot both find the budget unused; under isolation levels that
-- do not see what the other one committed, the unique number of an opening stops the second.
-- The budget is app.holdout_budget_of. Requests without a model count together. Runs with the rights of its owner, since
-- nobody else may write an opening or change a budget. The login decides, as in app.open_scope; the log names it after
-- the reason, since the caller is what the client says.
CREATE FUNCTION app.request_opening(p_splits text[], p_model text, p_purpose text, p_caller text DEFAULT NULL)
RETURNS TABLE (opening_id uuid, budget integer, opened_by text, opened_at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_tenant CONSTANT text := app.current_tenant();
    v_user CONSTANT text := app.current_user_id();
    v_model CONSTANT text := btrim(coalesce(p_model, ''));
    v_caller CONSTANT text := left(coalesce(p_caller, v_user, session_user::text), 255);
    v_number integer;
    v_reason text := p_purpose || CASE WHEN v_model <> '' THEN format(' (model %s)', v_model) ELSE '' END;
BEGIN
    IF v_tenant IS NULL THEN
        RAISE EXCEPTION 'There is no scope'
            USING ERRCODE = 'invalid_authorization_specification',
                  HINT = 'Open the scope of a tenant first, without a sealed split.';
    END IF;
    IF NOT coalesce(cardinality(p_splits) > 0 AND p_splits <@ ARRAY['test', 'holdout'], false) THEN
        RAISE EXCEPTION 'Not sealed splits: %', p_splits
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Choose from test, holdout.';
    END IF;
    IF coalesce(p_purpose, '') !~ '\S' THEN
        RAISE EXCEPTION 'The splits % are sealed: opening them needs a purpose', array_to_string(p_splits, ', ')
            USING ERRCODE = 'insufficient_privilege', HINT = 'Open an evaluation scope that states its purpose.';
    END IF;
    IF NOT pg_has_role(session_user, current_user, 'MEMBER')
       AND NOT pg_has_role(session_user, 'hedgerow_evaluator', 'MEMBER') THEN
        RAISE EXCEPTION 'The splits % are sealed, and % is no member of hedgerow_evaluator',
              array_to_string(p_splits, ', '), session_user
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Log in as a member of hedgerow_evaluator: HEDGEROW_EVALUATOR_URL.';
    END IF;

    opening_id := gen_random_uuid();
    IF 'holdout' = ANY (p_splits) THEN
        PERFORM app.take_turn(v_tenant, 'opening', v_model);
        budget := app.holdout_budget_of(v_tenant, v_model);
        SELECT coalesce(max(o.holdout_number), 0) + 1 INTO v_number
          FROM app.split_opening AS o
         WHERE o.tenant_id = v_tenant AND o.model = v_model;
        IF v_number > budget THEN
            opening_id := NULL;
            SELECT format('%s, logged in as %s', o.caller, o.login), o.opened_at INTO opened_by, opened_at
              FROM app.split_opening AS o
             WHERE o.tenant_id = v_tenant AND o.model = v_model AND o.holdout_number = v_number - 1;
            v_reason := format('holdout may be opened %s time(s) for %s', budget,
                               CASE WHEN v_model = '' THEN 'no model in particular' ELSE 'model ' || v_model END)
                     || coalesce(format('; opened by %s at %s', opened_by, to_char(opened_at AT TIME ZONE 'UTC',
                                        'YYYY-MM-DD HH24:MI:SS "UTC"')), '');
        END IF;
    END IF;
    IF opening_id IS NOT NULL THEN
        INSERT INTO app.split_opening
               (opening_id, tenant_id, user_id, login, caller, splits, model, holdout_number, purpose)
        VALUES (opening_id, v_tenant, v_user, session_user, v_caller, p_splits, v_model, v_number, p_purpose);
    END IF;
    INSERT INTO ml_split_access_log (tenant_id, table_name, requested_split, caller, allowed, reason)
    SELECT v_tenant, '*', s.name, v_caller, opening_id IS NOT NULL, format('%s, logged in as %s', v_reason, session_user)
      FROM unnest(p_splits) WITH ORDINALITY AS s (name, position)
     ORDER BY s.position;
    RETURN NEXT;
END;
$$;

COMMENT ON FUNCTION app.request_opening(text[], text, text, text) IS
    'Asks to open sealed splits; once committed, its id opens them in app.open_scope. No id: the budget is used up';
