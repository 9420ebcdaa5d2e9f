-- One bound of the time window of a split. Reads the transaction-local setting app.<p_name>, written by
-- app.open_scope; 'infinity' and '-infinity' where the split has no date boundary.
CREATE FUNCTION app.window_bound(p_name text) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
RETURN NULLIF(current_setting('app.' || p_name, true), '')::timestamptz;

COMMENT ON FUNCTION app.window_bound(text) IS 'Bound of a split window in the open scope, NULL when none is open';
