-- Tenant of the open scope if its user administers it, else NULL. One answer, and not a tenant here and a yes there: a
-- statement that reads the two one after the other can have them of two scopes. Nothing but these functions runs between
-- its own readings. Reads users through is_admin.
CREATE FUNCTION app.administered_tenant() RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT m.tenant_id FROM app.current_member() AS m WHERE public.is_admin(m.user_id));
END;
$$;

COMMENT ON FUNCTION app.administered_tenant() IS 'Tenant of the open scope if its user is an administrator there, else NULL';
