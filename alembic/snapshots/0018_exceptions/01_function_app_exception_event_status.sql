-- What an event of a type says about the status of its exception; NULL for a type that says nothing about it, which
-- all unknown ones are. The rule is in Python too (hedgerow.exceptions.status), and tests compare the two.
CREATE FUNCTION app.exception_event_status(p_event_type varchar) RETURNS varchar
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN p_event_type = 'ExceptionCreated' THEN 'open'
    WHEN p_event_type IN (
        'ExceptionNormalized', 'TriageCompleted', 'PolicyEvaluated', 'LLMDecisionProposed', 'ResolutionSuggested'
    ) THEN 'analyzing'
    WHEN p_event_type = 'ExceptionEscalated' THEN 'escalated'
    WHEN p_event_type = 'ResolutionApproved' THEN 'resolved'
END;

COMMENT ON FUNCTION app.exception_event_status(varchar) IS
    'Status that an event of this type gives its exception; NULL where it says nothing about it';
