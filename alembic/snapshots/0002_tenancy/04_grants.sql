REVOKE ALL ON FUNCTION is_admin FROM PUBLIC;
GRANT EXECUTE ON FUNCTION is_admin TO hedgerow_app;
GRANT SELECT ON tenant TO hedgerow_app;
GRANT SELECT ON users TO hedgerow_app;
GRANT INSERT ON users TO hedgerow_app;
GRANT UPDATE (email, full_name, role, is_active, created_at, updated_at, deleted_at) ON users TO hedgerow_app;
GRANT DELETE ON users TO hedgerow_app;
