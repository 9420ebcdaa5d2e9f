-- Tenant and splits of the open scope in one row, verified; NULL when none is open. For policies that ask for splits apart
-- from a row's own: a statement that reads tenant and splits one after the other can have them of two scopes.
CREATE FUNCTION app.current_holding(OUT tenant_id text, OUT splits text[])
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    v_claims CONSTANT text[] := app.scope_claims();
BEGIN
    tenant_id := NULLIF(v_claims[2], '');
    splits := string_to_array(NULLIF(v_claims[4], ''), ',');
END;
$$;

COMMENT ON FUNCTION app.current_holding() IS 'Tenant and splits of the open scope, read at once; NULL when none is open';
