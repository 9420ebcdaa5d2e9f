-- Who asks: tenant and person of the open scope in one row, verified; the person NULL when the scope names none, both
-- when none is open. For policies that tell people apart: a statement that reads the tenant and the person one after the
-- other can have them of two scopes, since whoever can run SQL can open another one in between.
CREATE FUNCTION app.current_member(OUT tenant_id text, OUT user_id uuid)
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    v_claims CONSTANT text[] := app.scope_claims();
BEGIN
    tenant_id := NULLIF(v_claims[2], '');
    user_id := NULLIF(v_claims[3], '')::uuid;
END;
$$;

COMMENT ON FUNCTION app.current_member() IS 'Tenant and user of the open scope, read at once; NULL for what it does not name';
