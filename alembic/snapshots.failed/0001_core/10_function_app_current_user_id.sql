-- Person on whose behalf the scope was opened, verified; NULL when it names none.
CREATE FUNCTION app.current_user_id() RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN NULLIF((app.scope_claims())[3], '');
END;
$$;

COMMENT ON FUNCTION app.current_user_id() IS 'User of the open scope, NULL when it names none';
