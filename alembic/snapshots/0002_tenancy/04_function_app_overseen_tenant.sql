-- Tenant whose accounts are all open to whoever asks: that of the open scope, for its administrators and for the owner
-- of the schema, who keeps the accounts; else NULL. The owner is also whom is_admin reads them as: asked as the owner,
-- is_admin is not called, so the policy of users, which this is for, does not come back to itself.
CREATE FUNCTION app.overseen_tenant() RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN CASE WHEN app.is_owner() THEN app.current_tenant() ELSE app.administered_tenant() END;
END;
$$;

COMMENT ON FUNCTION app.overseen_tenant() IS
    'Tenant of the open scope if whoever asks sees every account of it: its administrators, and the owner of the schema';
