-- Whether every account of the tenant is open to whoever asks: to its administrators, and to the owner of the schema,
-- who keeps the accounts. The owner is also whom is_admin reads them as: asked as the owner, is_admin is not called,
-- so the policy of users, which this is for, does not come back to itself. Reads users through is_admin.
CREATE FUNCTION app.sees_every_user() RETURNS boolean
LANGUAGE sql STABLE
RETURN CASE WHEN app.is_owner() THEN true ELSE is_admin(app.current_user_id()::uuid) END;

COMMENT ON FUNCTION app.sees_every_user() IS
    'Whether whoever asks sees every account of the tenant: its administrators, and the owner of the schema';
