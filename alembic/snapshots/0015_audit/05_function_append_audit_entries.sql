-- Appends many entries in one call and returns their ids in the order given. p_entries is an array of objects with
-- chain_id, entity_type, entity_id, action and, as wanted, payload, actor_id and actor_type, which have the defaults of
-- append_audit_entry. All or none: one bad entry refuses the call. An empty array appends nothing.
-- The chains are taken in the order of their ids, so that calls with chains in common never wait for each other in a
-- circle. The first entry of each chain waits for its turn, the others then follow undisturbed.
CREATE FUNCTION append_audit_entries(p_entries jsonb)
RETURNS SETOF uuid
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_bad record;
    v_first record;
    v_ids uuid[];
    v_firsts bigint[] := '{}';
BEGIN
    IF p_entries IS NULL OR jsonb_typeof(p_entries) <> 'array' THEN
        RAISE EXCEPTION 'The entries to append are not an array'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give an array of objects, as in [{"chain_id": ..., "entity_type": ..., ...}].';
    END IF;
    SELECT i.place, i.entry
      INTO v_bad
      FROM jsonb_array_elements(p_entries) WITH ORDINALITY AS i (entry, place)
     WHERE jsonb_typeof(i.entry) <> 'object'
        OR i.entry ->> 'chain_id' IS NULL
        OR i.entry ->> 'entity_type' IS NULL
        OR i.entry ->> 'entity_id' IS NULL
        OR i.entry ->> 'action' IS NULL
        OR i.entry - '{chain_id,entity_type,entity_id,action,payload,actor_id,actor_type}'::text[] <> '{}'
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Entry % of those to append lacks a chain, an entity or an action, or says more than an entry holds',
              v_bad.place
            USING ERRCODE = 'not_null_violation',
                  TABLE = 'audit_chain_entries',
                  DETAIL = left(v_bad.entry::text, 500),
                  HINT = 'Keys are chain_id, entity_type, entity_id, action, payload, actor_id and actor_type.';
    END IF;

    SELECT array_agg(gen_random_uuid()) INTO v_ids FROM generate_series(1, jsonb_array_length(p_entries));
    FOR v_first IN
        SELECT DISTINCT ON (chain_id) (i.entry ->> 'chain_id')::uuid AS chain_id, i.place, i.entry
          FROM jsonb_array_elements(p_entries) WITH ORDINALITY AS i (entry, place)
         ORDER BY chain_id, i.place
    LOOP
        v_ids[v_first.place] := append_audit_entry(
            v_first.chain_id,
            v_first.entry ->> 'entity_type',
            v_first.entry ->> 'entity_id',
            v_first.entry ->> 'action',
            v_first.entry -> 'payload',
            v_first.entry ->> 'actor_id',
            CASE WHEN v_first.entry ? 'actor_type' THEN v_first.entry ->> 'actor_type' ELSE 'system' END
        );
        v_firsts := v_firsts || v_first.place;
    END LOOP;

    INSERT INTO audit_chain_entries
           (tenant_id, entry_id, chain_id, entity_type, entity_id, action, payload, actor_id, actor_type)
    SELECT (SELECT app.current_tenant()),
           i.id,
           (i.entry ->> 'chain_id')::uuid,
           i.entry ->> 'entity_type',
           i.entry ->> 'entity_id',
           i.entry ->> 'action',
           coalesce(i.entry -> 'payload', '{}'),
           i.entry ->> 'actor_id',
           CASE WHEN i.entry ? 'actor_type' THEN i.entry ->> 'actor_type' ELSE 'system' END
      FROM ROWS FROM (jsonb_array_elements(p_entries), unnest(v_ids)) WITH ORDINALITY AS i (entry, id, place)
     WHERE i.place <> ALL (v_firsts)
     ORDER BY (i.entry ->> 'chain_id')::uuid, i.place;

    RETURN QUERY SELECT unnest(v_ids);
END;
$$;

COMMENT ON FUNCTION append_audit_entries(jsonb) IS 'Appends many entries, of one chain or several, and returns their ids';
