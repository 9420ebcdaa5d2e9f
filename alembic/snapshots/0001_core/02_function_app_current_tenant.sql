-- Tenant of the open scope. Reads the transaction-local setting app.current_tenant.
-- NULL when no scope is open: an unset setting reads NULL, one that was rolled back reads ''.
CREATE FUNCTION app.current_tenant() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN NULLIF(current_setting('app.current_tenant', true), '');

COMMENT ON FUNCTION app.current_tenant() IS 'Tenant of the open scope, NULL when none is open';
