-- When the open scope may look into each split, verified: one range for unassigned, train, validation, test and holdout,
-- in this order; NULL for a split that is closed, so that nothing lies in it. NULL when no scope is open.
CREATE FUNCTION app.current_windows() RETURNS tstzrange[]
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN NULLIF((app.scope_claims())[6], '')::tstzrange[];
END;
$$;

COMMENT ON FUNCTION app.current_windows() IS 'Window of each split in the open scope, by place: unassigned, train, validation, test, holdout';
