-- Raises unless p_opening is a committed opening of exactly this request, for this login, at most a day old: part of
-- app.open_scope. An opening of the transaction that asks could be rolled back with it and would leave no trace, so it
-- does not count. The clock says how old it is, or a transaction that began in time could wait. Reads app.split_opening.
CREATE FUNCTION app.require_opening(p_tenant text, p_user text, p_splits text[], p_purpose text, p_opening uuid)
RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF NOT EXISTS (
        SELECT
          FROM app.split_opening AS o
         WHERE o.opening_id = p_opening
           AND o.tenant_id = p_tenant
           AND o.user_id IS NOT DISTINCT FROM NULLIF(p_user, '')
           AND o.login = session_user
           AND o.purpose = p_purpose
           AND p_splits <@ (o.splits || ARRAY['unassigned', 'train', 'validation'])
           AND o.opened_at > clock_timestamp() - interval '1 day'
           AND o.opened_in IS DISTINCT FROM pg_current_xact_id_if_assigned()
    ) THEN
        RAISE EXCEPTION 'No opening of the splits % is on record for this request', array_to_string(p_splits, ', ')
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Commit app.request_opening in a transaction of its own, and pass its opening_id within a day;'
                         ' open_session(Scope.evaluation(...)) does.';
    END IF;
END;
$$;

COMMENT ON FUNCTION app.require_opening(text, text, text[], text, uuid) IS
    'Owner only, for app.open_scope: raises unless the opening is on record';
