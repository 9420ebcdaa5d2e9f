-- Splits of the open scope, verified: what it may write. NULL when none is open, so that "= ANY" is never true.
CREATE FUNCTION app.current_splits() RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN string_to_array(NULLIF((app.scope_claims())[4], ''), ',');
END;
$$;

COMMENT ON FUNCTION app.current_splits() IS 'Splits of the open scope, NULL when none is open';
