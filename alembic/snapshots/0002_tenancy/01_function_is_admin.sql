-- Whether a person administers the tenant of the open scope: exists there, is active, not deleted, role admin.
-- False, never NULL, for NULL and for unknown ids. Reads users with the rights of its owner; row-level security is
-- forced on the owner too, so a policy on users itself must not call it: it would call itself without end. There
-- app.overseen_tenant stands in between.
CREATE FUNCTION is_admin(p_user_id uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
RETURN EXISTS (
    SELECT
      FROM users AS u
     WHERE u.tenant_id = (SELECT app.current_tenant())
       AND u.id = p_user_id
       AND u.role = 'admin'
       AND u.is_active
       AND u.deleted_at IS NULL
);

COMMENT ON FUNCTION is_admin(uuid) IS 'Whether the person is an active administrator of the tenant of the open scope';
