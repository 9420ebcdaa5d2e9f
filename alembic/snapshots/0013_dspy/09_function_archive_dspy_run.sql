-- Archives the runs that came to an end more than so many days of 24 hours ago, and returns how many; a run that is
-- archived already, pending or running is left alone, so a second call returns 0. Raises for negative or no days.
CREATE FUNCTION archive_dspy_run(p_older_than_days integer DEFAULT 90) RETURNS integer
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_archived integer;
BEGIN
    IF p_older_than_days IS NULL OR p_older_than_days < 0 THEN
        RAISE EXCEPTION 'Runs cannot be older than % days', coalesce(p_older_than_days::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value',
                  TABLE = 'dspy_optimization_runs',
                  HINT = 'Give 0 or more; 0 archives every run that is over.';
    END IF;
    UPDATE dspy_optimization_runs AS r
       SET archived_at = now()
     WHERE r.tenant_id = (SELECT app.current_tenant())
       AND r.archived_at IS NULL
       AND r.status IN ('completed', 'failed', 'cancelled')
       -- As an age in seconds: subtracting days would follow the session's time zone, and overflow.
       AND extract(EPOCH FROM now() - r.completed_at) > p_older_than_days * 86400.0;
    GET DIAGNOSTICS v_archived = ROW_COUNT;
    RETURN v_archived;
END;
$$;

COMMENT ON FUNCTION archive_dspy_run(integer) IS
    'Archives runs that have been over for more than the given days and returns how many';
