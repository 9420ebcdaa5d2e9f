-- Trigger of dspy_optimization_runs, BEFORE INSERT OR UPDATE: a run goes from pending to running, and from there to
-- completed, failed or cancelled; from pending it may also fail or be cancelled, and an end is final. The same status
-- again is no step. The phase moves while the run is running: it may go round, but not back to initialization and not
-- on from deployment. The times follow the status: started_at is set when a run begins to run, completed_at when it
-- comes to an end; a clock that lies behind the one that started the run counts as that one. A row may be inserted in
-- any status, since runs of elsewhere are brought along.
CREATE FUNCTION guard_dspy_run() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_legal text;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.status <> OLD.status THEN
            v_legal := CASE OLD.status
                           WHEN 'pending' THEN 'running, failed, cancelled'
                           WHEN 'running' THEN 'completed, failed, cancelled'
                       END;
            IF NEW.status::text = ANY (string_to_array(v_legal, ', ')) IS NOT TRUE THEN
                RAISE EXCEPTION 'The run % is %, so it cannot become %', OLD.run_id, OLD.status, NEW.status
                    USING ERRCODE = 'invalid_parameter_value',
                          TABLE = TG_TABLE_NAME,
                          HINT = CASE
                              WHEN v_legal IS NULL THEN format('%s is final: create another run.', OLD.status)
                              ELSE format('From %s a run becomes one of: %s.', OLD.status, v_legal)
                          END;
            END IF;
        END IF;
        IF NEW.phase <> OLD.phase THEN
            IF 'running' NOT IN (OLD.status, NEW.status) THEN
                RAISE EXCEPTION 'The run % is %, so it stays in the phase %', OLD.run_id, OLD.status, OLD.phase
                    USING ERRCODE = 'invalid_parameter_value',
                          TABLE = TG_TABLE_NAME,
                          HINT = 'The phase moves while a run is running.';
            ELSIF NEW.phase = 'initialization' OR OLD.phase = 'deployment' THEN
                RAISE EXCEPTION 'The run % cannot go from the phase % to %', OLD.run_id, OLD.phase, NEW.phase
                    USING ERRCODE = 'invalid_parameter_value',
                          TABLE = TG_TABLE_NAME,
                          HINT = 'Phases may repeat, but initialization is not returned to, and deployment is the last.';
            END IF;
        END IF;
        IF NEW.status = OLD.status
           AND (NEW.started_at, NEW.completed_at) IS DISTINCT FROM (OLD.started_at, OLD.completed_at) THEN
            RAISE EXCEPTION 'The times of the run % follow its status', OLD.run_id
                USING ERRCODE = 'invalid_parameter_value',
                      TABLE = TG_TABLE_NAME,
                      HINT = 'Set the status, and leave started_at and completed_at out.';
        END IF;
    END IF;

    IF NEW.status = 'running' THEN
        NEW.started_at := coalesce(NEW.started_at, now());
    ELSIF NEW.status <> 'pending' THEN
        -- now() is the begin of a transaction that may have waited for the one that started the run.
        NEW.completed_at := coalesce(NEW.completed_at, greatest(now(), NEW.started_at));
    END IF;
    RETURN NEW;
END;
$$;

COMMENT ON FUNCTION guard_dspy_run() IS
    'Trigger function: lets an optimisation run take legal steps only, and fills in its times';
