REVOKE ALL ON FUNCTION is_admin FROM PUBLIC;
GRANT EXECUTE ON FUNCTION is_admin TO hedgerow_app;
GRANT SELECT ON tenant TO hedgerow_app;
GRANT SELECT ON users TO hedgerow_app;
