-- One bound of the time windows of the splits, verified; 'infinity' and '-infinity' where there are no date
-- boundaries, whether the split is open or not. NULL for another name and when no scope is open.
CREATE FUNCTION app.window_bound(p_name text) RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN NULLIF((string_to_array((app.scope_claims())[7], ','))[array_position(
        ARRAY['train_until', 'validation_from', 'validation_until', 'test_from', 'test_until', 'holdout_from'], p_name
    )], '')::timestamptz;
END;
$$;

COMMENT ON FUNCTION app.window_bound(text) IS 'Bound of a split window in the open scope, NULL when none is open';
