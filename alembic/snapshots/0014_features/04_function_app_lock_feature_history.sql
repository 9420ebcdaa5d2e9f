-- Takes the history of one feature and entity for this transaction, and gives its newest value; no row where there is
-- none. The lock is that of the newest value's row, so writers of other entities never wait, and a load of a million
-- entities needs no lock table. Which row is the newest changes while one waits: so whoever waits lets go of the row
-- again and looks anew, each look being a snapshot of its own. To hold it while waiting for the next one would deadlock
-- with the holder of that, who may have to change this one. Two first values at once have no row to wait for; the
-- unique index on current values lets one of them in. Reads feature_values.
CREATE FUNCTION app.lock_feature_history(p_tenant text, p_feature_id uuid, p_entity_type text, p_entity_id text)
RETURNS TABLE (value_id uuid, valid_from timestamptz, computed_at timestamptz)
LANGUAGE plpgsql VOLATILE ROWS 1
AS $$
DECLARE
    v_newest record;
    v_locked uuid;
BEGIN
    LOOP
        SELECT v.value_id, v.valid_from, v.computed_at INTO v_newest
          FROM feature_values AS v
         WHERE v.tenant_id = p_tenant
           AND v.feature_id = p_feature_id
           AND v.entity_type = p_entity_type
           AND v.entity_id = p_entity_id
           AND v.status <> 'invalid'
         ORDER BY v.valid_from DESC, v.computed_at DESC
         LIMIT 1;
        EXIT WHEN v_newest.value_id IS NULL;
        IF v_newest.value_id = v_locked THEN
            RETURN QUERY SELECT v_newest.value_id, v_newest.valid_from, v_newest.computed_at;
            EXIT;
        END IF;

        SELECT v.value_id INTO v_locked
          FROM feature_values AS v
         WHERE v.tenant_id = p_tenant AND v.value_id = v_newest.value_id
           FOR NO KEY UPDATE SKIP LOCKED;
        IF NOT FOUND THEN
            BEGIN
                PERFORM FROM feature_values AS v
                  WHERE v.tenant_id = p_tenant AND v.value_id = v_newest.value_id
                    FOR NO KEY UPDATE;
                RAISE SQLSTATE 'HG001' USING MESSAGE = 'undoes the lock';
            EXCEPTION WHEN SQLSTATE 'HG001' THEN
                v_locked := NULL;
            END;
        END IF;
    END LOOP;
END;
$$;

COMMENT ON FUNCTION app.lock_feature_history(text, uuid, text, text) IS
    'Locks the history of a feature and entity until the transaction ends, and gives its newest value';
