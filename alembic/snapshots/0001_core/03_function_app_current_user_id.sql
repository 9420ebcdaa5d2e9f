-- Person on whose behalf the scope was opened. Reads the transaction-local setting app.user_id.
CREATE FUNCTION app.current_user_id() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN NULLIF(current_setting('app.user_id', true), '');

COMMENT ON FUNCTION app.current_user_id() IS 'User of the open scope, NULL when it names none';
