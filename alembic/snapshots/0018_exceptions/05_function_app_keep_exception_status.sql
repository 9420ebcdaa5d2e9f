-- Trigger of exception_event, AFTER INSERT, once a statement: writes the status that follows from the log into each
-- exception that got events. The newest event that says anything decides; of events at the same moment the one furthest
-- along; open without one. updated_at becomes the time of the newest new event where that is later.
-- The exceptions are locked first, in order, so that writers of the same one take turns and each sees the events of
-- those before it; the lock is one that the foreign keys of waiting events do not oppose. Every exception is written,
-- whether its status changes or not: a transaction whose snapshot is older then fails to serialise instead of
-- overlooking events. Reads and writes exception, reads exception_event.
CREATE FUNCTION app.keep_exception_status() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM
       FROM exception AS x
      WHERE (x.tenant_id, x.exception_id) IN (SELECT a.tenant_id, a.exception_id FROM added AS a)
      ORDER BY x.tenant_id, x.exception_id
        FOR NO KEY UPDATE;

    -- A statement of its own, and so a snapshot taken after the locks.
    UPDATE exception AS x
       SET status = coalesce(
               (
                   SELECT app.exception_event_status(e.event_type)
                     FROM exception_event AS e
                    WHERE e.tenant_id = x.tenant_id
                      AND e.exception_id = x.exception_id
                      AND app.exception_event_status(e.event_type) IS NOT NULL
                    ORDER BY e.created_at DESC,
                             array_position(
                                 ARRAY['open', 'analyzing', 'escalated', 'resolved'],
                                 app.exception_event_status(e.event_type)::text
                             ) DESC
                    LIMIT 1
               ),
               'open'
           ),
           updated_at = greatest(x.updated_at, n.newest)
      FROM (
          SELECT a.tenant_id, a.exception_id, max(a.created_at) AS newest
            FROM added AS a
           GROUP BY a.tenant_id, a.exception_id
      ) AS n
     WHERE x.tenant_id = n.tenant_id AND x.exception_id = n.exception_id;
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION app.keep_exception_status() IS
    'Trigger function: writes the status that follows from the log into the exceptions that got events';
