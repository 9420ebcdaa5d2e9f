-- The filters of a hybrid search as they were given, those that hold null left out. NULL is no filter. Raises
-- invalid_parameter_value for anything but an object, and for a name that neither half of the search knows: a
-- misspelt filter that was ignored would widen the search in silence. Reads nothing.
CREATE FUNCTION app.search_filters(p_filters jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    v_known CONSTANT text[] := ARRAY['agent_name', 'brand', 'date_from', 'date_to', 'priority', 'region', 'status'];
    v_filters CONSTANT jsonb := coalesce(p_filters, '{}');
BEGIN
    IF jsonb_typeof(v_filters) <> 'object' OR v_filters - v_known <> '{}' THEN
        RAISE EXCEPTION 'Not filters of a search: %',
              CASE jsonb_typeof(v_filters) WHEN 'object' THEN v_filters - v_known ELSE v_filters END
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = format('Give an object with some of %s.', array_to_string(v_known, ', '));
    END IF;
    RETURN jsonb_strip_nulls(v_filters);
END;
$$;

COMMENT ON FUNCTION app.search_filters(jsonb) IS 'Filters of a hybrid search, checked';
