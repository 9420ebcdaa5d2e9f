-- A bound of a window as the text of a setting: ISO 8601 in UTC, whatever TimeZone and DateStyle of the session are, so
-- that app.window_bound reads the same instant under any of them.
CREATE FUNCTION app.window_text(p_moment timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
    WHEN isfinite(p_moment) THEN to_char(p_moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    WHEN p_moment > '2000-01-01T00:00:00Z' THEN 'infinity'
    ELSE '-infinity'
END;

COMMENT ON FUNCTION app.window_text(timestamptz) IS 'A bound of a window as ISO 8601 text in UTC';
