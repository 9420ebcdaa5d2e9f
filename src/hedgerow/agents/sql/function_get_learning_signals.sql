-- Hands out signals that nobody has learnt from, oldest first, of one agent or, for NULL, of every agent and of none;
-- at most p_limit, all for NULL. Each is locked for the caller's transaction, and whatever another transaction has
-- locked is passed over, so that no two workers hold one signal at a time. The transaction is the lease: the worker
-- sets processed and commits; where it fails, rolls back or dies, the lock goes and the next call hands the signal
-- out again. Nothing is marked here, hence nothing is lost. Under REPEATABLE READ and above a signal that another
-- worker has settled meanwhile raises 40001. Reads, and locks, learning_signals.
CREATE FUNCTION get_learning_signals(p_agent agent_name_type DEFAULT NULL, p_limit integer DEFAULT 100)
RETURNS SETOF learning_signals
-- Not STABLE: locking is not allowed there.
LANGUAGE sql VOLATILE AS $$
    SELECT s.*
      FROM learning_signals AS s
     WHERE s.tenant_id = (SELECT app.current_tenant())
       AND NOT s.processed
       AND (p_agent IS NULL OR s.agent_name = p_agent)
     ORDER BY s.created_at, s.signal_id
     LIMIT p_limit
       FOR UPDATE OF s SKIP LOCKED;
$$;

COMMENT ON FUNCTION get_learning_signals(agent_name_type, integer) IS
    'Signals that nobody has learnt from, oldest first, each locked for one worker until its transaction ends';
