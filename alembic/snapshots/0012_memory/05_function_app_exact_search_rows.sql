-- Up to how many rows a search compares one by one; above, it goes through the index. Reads the setting
-- hedgerow.exact_search_rows, for servers on which another figure was measured (benchmarks/memory.py), else 5000.
CREATE FUNCTION app.exact_search_rows() RETURNS integer
LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(NULLIF(current_setting('hedgerow.exact_search_rows', true), '')::integer, 5000);

COMMENT ON FUNCTION app.exact_search_rows() IS 'Up to how many rows a similarity search compares one by one';
