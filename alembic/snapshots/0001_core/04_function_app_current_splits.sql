-- Splits that the open scope may see. Reads the transaction-local setting app.splits, a comma-separated list.
-- NULL when no scope is open, so that "= ANY" is never true.
CREATE FUNCTION app.current_splits() RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
RETURN string_to_array(NULLIF(current_setting('app.splits', true), ''), ',');

COMMENT ON FUNCTION app.current_splits() IS 'Splits of the open scope, NULL when none is open';
