-- Tenant of the open scope, verified; NULL when none is open.
CREATE FUNCTION app.current_tenant() RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN NULLIF((app.scope_claims())[2], '');
END;
$$;

COMMENT ON FUNCTION app.current_tenant() IS 'Tenant of the open scope, NULL when none is open';
