-- Appends one entry to a chain of the open scope's tenant and returns its id; a chain begins with its first entry. NULL
-- for the payload is an empty object; NULL for chain, entity or action is refused.
-- The unique key is the lock: a writer that finds its number taken waits for the other transaction and takes the next
-- number. It holds for any pooling, leads with the tenant, so that nobody else can hold or observe it, and is released
-- with the transaction. Under REPEATABLE READ the loser gets a serialization failure instead.
-- A transaction that appends to several chains by single calls does so in one order everywhere, or uses
-- append_audit_entries, which sees to it.
CREATE FUNCTION append_audit_entry(
    p_chain_id uuid,
    p_entity_type text,
    p_entity_id text,
    p_action text,
    p_payload jsonb DEFAULT '{}',
    p_actor_id text DEFAULT NULL,
    p_actor_type text DEFAULT 'system'
)
RETURNS uuid
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_entry uuid;
    v_last bigint;
    v_seen bigint;
    v_missing CONSTANT text := CASE
        WHEN p_chain_id IS NULL THEN 'p_chain_id'
        WHEN p_entity_type IS NULL THEN 'p_entity_type'
        WHEN p_entity_id IS NULL THEN 'p_entity_id'
        WHEN p_action IS NULL THEN 'p_action'
    END;
BEGIN
    IF v_missing IS NOT NULL THEN
        RAISE EXCEPTION 'An audit entry needs a chain, an entity and an action: % is NULL', v_missing
            USING ERRCODE = 'not_null_violation',
                  TABLE = 'audit_chain_entries',
                  HINT = 'Say what was done to what.';
    END IF;
    LOOP
        INSERT INTO audit_chain_entries AS e
               (tenant_id, chain_id, entity_type, entity_id, action, payload, actor_id, actor_type)
        VALUES (
            (SELECT app.current_tenant()), p_chain_id, p_entity_type, p_entity_id, p_action,
            coalesce(p_payload, '{}'), p_actor_id, p_actor_type
        )
        ON CONFLICT DO NOTHING
        RETURNING e.entry_id INTO v_entry;
        IF FOUND THEN
            RETURN v_entry;
        END IF;
        -- Somebody else took the number, and has committed. The next statement sees it.
        SELECT max(e.sequence_number)
          INTO v_last
          FROM audit_chain_entries AS e
         WHERE e.tenant_id = (SELECT app.current_tenant())
           AND e.chain_id = p_chain_id;
        IF v_last IS NOT DISTINCT FROM v_seen THEN
            -- Nothing new, and still no place: an entry in the middle follows the last one.
            RAISE EXCEPTION 'Nothing can be appended to chain %: its links do not fit', p_chain_id
                USING ERRCODE = 'data_corrupted',
                      TABLE = 'audit_chain_entries',
                      HINT = 'Find the fault with verify_audit_chain, and go on in another chain.';
        END IF;
        v_seen := v_last;
    END LOOP;
END;
$$;

COMMENT ON FUNCTION append_audit_entry(uuid, text, text, text, jsonb, text, text) IS
    'Appends an entry to a chain and returns its id';
