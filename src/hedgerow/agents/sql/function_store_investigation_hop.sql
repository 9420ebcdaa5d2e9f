-- Stores the next hop of an investigation and returns its id. Hops are numbered from 1: those of one investigation are
-- stored one after the other, however many sessions do so, and a number that was rolled back is given again. Whoever
-- names a number says where he believes the investigation to be: a number that is taken raises 23505, one that would
-- leave a gap 23514. Raises 23514 for a confidence outside of 0 to 1 and 23502 for no investigation or source.
-- NULL evidence is none. Writes investigation_hops.
-- The unique key is the lock: a session that finds its number taken waits for the other transaction, and takes the next
-- number. It leads with the tenant, so that nobody else can hold or observe it, as an advisory lock could be.
CREATE FUNCTION store_investigation_hop(
    p_investigation_id uuid,
    p_source_entity text,
    p_target_entity text,
    p_relationship text,
    p_evidence jsonb DEFAULT '{}',
    p_confidence double precision DEFAULT NULL,
    p_hop_number integer DEFAULT NULL
)
RETURNS uuid
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_tenant CONSTANT varchar := app.current_tenant();
    v_next integer;
    v_hop_id uuid;
BEGIN
    LOOP
        SELECT coalesce(max(h.hop_number), 0) + 1
          INTO v_next
          FROM investigation_hops AS h
         WHERE h.tenant_id = v_tenant
           AND h.investigation_id = p_investigation_id;
        IF p_hop_number > v_next THEN
            RAISE EXCEPTION 'Hop % would leave a gap: the next hop of investigation % is %',
                p_hop_number, p_investigation_id, v_next
                USING ERRCODE = 'check_violation',
                      TABLE = 'investigation_hops',
                      HINT = 'Leave p_hop_number out to take the next number.';
        END IF;

        INSERT INTO investigation_hops (
            tenant_id, investigation_id, hop_number, source_entity, target_entity, relationship, evidence, confidence
        )
        VALUES (
            v_tenant, p_investigation_id, coalesce(p_hop_number, v_next), p_source_entity, p_target_entity,
            p_relationship, coalesce(p_evidence, '{}'), p_confidence
        )
        ON CONFLICT (tenant_id, investigation_id, hop_number) DO NOTHING
        RETURNING hop_id INTO v_hop_id;
        IF FOUND THEN
            RETURN v_hop_id;
        ELSIF p_hop_number IS NOT NULL THEN
            RAISE EXCEPTION 'Hop % of investigation % is taken', p_hop_number, p_investigation_id
                USING ERRCODE = 'unique_violation',
                      TABLE = 'investigation_hops',
                      HINT = 'Leave p_hop_number out to take the next number.';
        END IF;
        -- Somebody else took the number, and has committed. The next statement sees it.
    END LOOP;
END;
$$;

COMMENT ON FUNCTION store_investigation_hop(uuid, text, text, text, jsonb, double precision, integer) IS
    'Stores the next hop of an investigation and returns its id; numbers have no gap and no duplicate';
