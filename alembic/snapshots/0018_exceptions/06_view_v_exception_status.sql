-- Every exception with the status that is stored and the one that its log says, rebuilt here from nothing but the
-- events; the two are the same unless somebody went past the triggers. Reads exception and exception_event.
CREATE VIEW v_exception_status WITH (security_invoker = true) AS
SELECT
    x.exception_id,
    x.status AS stored_status,
    coalesce(l.status, 'open')::varchar(20) AS derived_status,
    l.decided_at
FROM exception AS x
LEFT JOIN LATERAL (
    SELECT
        app.exception_event_status(e.event_type) AS status,
        e.created_at AS decided_at
    FROM exception_event AS e
    WHERE e.tenant_id = x.tenant_id
        AND e.exception_id = x.exception_id
        AND app.exception_event_status(e.event_type) IS NOT NULL
    ORDER BY
        e.created_at DESC,
        array_position(
            ARRAY['open', 'analyzing', 'escalated', 'resolved'], app.exception_event_status(e.event_type)::text
        ) DESC
    LIMIT 1
) AS l ON true
WHERE x.tenant_id = (SELECT app.current_tenant());

COMMENT ON VIEW v_exception_status IS 'Status of each exception as stored and as its events say';
COMMENT ON COLUMN v_exception_status.derived_status IS 'Rebuilt from the log; open where no event says anything';
COMMENT ON COLUMN v_exception_status.decided_at IS 'Time of the event that decides; NULL without one';
