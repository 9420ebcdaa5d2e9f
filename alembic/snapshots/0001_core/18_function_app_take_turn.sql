-- Lets the writers of one thing of a tenant take turns: who comes later waits until the transaction of the one before has
-- ended. For what no row and no unique key can be the lock. The number of an advisory lock can be held by everybody, so it
-- is sealed: nobody else can compute it, and a session asks for turns of its own tenant only. Who watches pg_locks sees
-- numbers, and not of whom. Runs with the rights of its owner, who alone can seal.
CREATE FUNCTION app.take_turn(p_tenant text, VARIADIC p_what text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF p_tenant IS DISTINCT FROM app.current_tenant() AND NOT pg_has_role(session_user, current_user, 'MEMBER') THEN
        RAISE EXCEPTION 'No turns of tenant % in the scope of %',
              quote_nullable(p_tenant), quote_nullable(app.current_tenant())
            USING ERRCODE = 'insufficient_privilege', HINT = 'Open a scope of the tenant.';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(app.sealed(to_jsonb(p_tenant || p_what)::text), 0));
END;
$$;

COMMENT ON FUNCTION app.take_turn(text, text[]) IS
    'Waits until no other transaction writes the same thing of the tenant; the lock says nothing to anybody else';
