-- Notes that a source has just delivered, and when its next delivery is due: now for realtime, else a day, one week,
-- two weeks, a month or three months later, UTC; one week where the frequency is unknown. Raises for an unknown source.
-- Writes data_sources, which belongs to every tenant at once: only the owner of the schema may call it.
CREATE FUNCTION update_data_source_refresh(p_source_id text) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    -- Without a zone: adding days or months must not follow the session's daylight saving or date.
    v_now CONSTANT timestamp := now() AT TIME ZONE 'UTC';
BEGIN
    UPDATE data_sources AS d
       SET last_refresh_date = now(),
           next_scheduled_refresh = (
               v_now + CASE d.refresh_frequency
                           WHEN 'realtime' THEN INTERVAL '0'
                           WHEN 'daily' THEN INTERVAL '1 day'
                           WHEN 'weekly' THEN INTERVAL '7 days'
                           WHEN 'biweekly' THEN INTERVAL '14 days'
                           WHEN 'monthly' THEN INTERVAL '1 month'
                           WHEN 'quarterly' THEN INTERVAL '3 months'
                           ELSE INTERVAL '7 days'
                       END
           ) AT TIME ZONE 'UTC'
     WHERE d.source_id = p_source_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'The data source % does not exist', quote_nullable(p_source_id)
            USING ERRCODE = 'no_data_found',
                  TABLE = 'data_sources',
                  HINT = 'See data_sources for the sources there are, or insert this one first.';
    END IF;
END;
$$;

COMMENT ON FUNCTION update_data_source_refresh(text) IS
    'Notes a delivery of a data source and when the next one is due; for the owner of the schema';
