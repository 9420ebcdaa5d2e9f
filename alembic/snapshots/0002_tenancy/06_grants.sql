REVOKE ALL ON FUNCTION is_admin FROM PUBLIC;
GRANT EXECUTE ON FUNCTION is_admin TO hedgerow_app;
REVOKE ALL ON FUNCTION app.is_owner FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.is_owner TO hedgerow_app;
REVOKE ALL ON FUNCTION app.sees_every_user FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.sees_every_user TO hedgerow_app;
GRANT SELECT ON tenant TO hedgerow_app;
GRANT SELECT ON users TO hedgerow_app;
