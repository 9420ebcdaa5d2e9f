-- Trigger of exception, AFTER INSERT with a status other than open and BEFORE UPDATE of the status by anybody but the
-- trigger of the log: refuses. The status follows from the events, so that the log can be trusted to explain it.
CREATE FUNCTION app.forbid_exception_status() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The status of exception % is not set by hand: it follows from its events',
          quote_literal(NEW.exception_id)
        USING ERRCODE = 'integrity_constraint_violation',
              TABLE = TG_TABLE_NAME,
              COLUMN = 'status',
              HINT = 'Insert the event into exception_event, for example ResolutionApproved.';
END;
$$;

COMMENT ON FUNCTION app.forbid_exception_status() IS 'Trigger function: refuses a status that is set by hand';
