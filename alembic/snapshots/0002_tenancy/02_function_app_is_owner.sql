-- Whether the current role owns the schema, or acts with the rights of the role that does. Reads pg_class.
CREATE FUNCTION app.is_owner() RETURNS boolean
LANGUAGE sql STABLE
RETURN (SELECT pg_has_role(current_user, c.relowner, 'USAGE') FROM pg_class AS c WHERE c.oid = 'users'::regclass);

COMMENT ON FUNCTION app.is_owner() IS 'Whether the current role owns the schema';
