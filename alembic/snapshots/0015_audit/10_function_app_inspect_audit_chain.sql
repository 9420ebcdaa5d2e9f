-- Verifies a chain without logging it. One row: how many entries there are, the hash of the last one, and the first fault,
-- NULL for none. No row for a chain that has no entries and never had any.
--
-- Every entry is recomputed: its number is its place, its link is the hash of the entry before, payload hash and entry
-- hash are those of what is stored, its time is not earlier than that of the entry before. What earlier verifications saw
-- must still be there: the same entry at the end of theirs, and no fewer entries. The fault names the first entry that is
-- not proven by this:
--     missing     numbers are left out from fault_number on; fault_entry_id is the entry behind the gap
--     renumbered  the entry that follows has another number
--     duplicate   the number is there twice
--     changed     the entry is not the one that was hashed
--     rewritten   the entry agrees with itself, but the one behind it follows another
--     inserted    the entries from here to the one that proves it were put in between
--     backdated   the entry claims a time before that of its predecessor
--     replaced    the entries from here on agree with one another, but not with an earlier verification
--     truncated   entries that an earlier verification saw are missing at the end; no fault_entry_id
-- hedgerow.audit.offline follows the same rules. Reads audit_chain_entries and audit_chain_verification_log.
CREATE FUNCTION app.inspect_audit_chain(p_chain_id uuid)
RETURNS TABLE (
    entry_count bigint,
    head_hash text,
    fault text,
    fault_number bigint,
    fault_entry_id uuid,
    fault_message text
)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_tenant CONSTANT text := app.current_tenant();
    v_place bigint;             -- of the first entry that does not fit
    v_before audit_chain_entries;
    v_entry audit_chain_entries;
    v_other audit_chain_entries;
    v_anchor record;
    v_proven bigint := 0;
    v_last integer;
    v_last_seen text;
    v_found text;
BEGIN
    SELECT count(*), min(w.place) FILTER (WHERE w.fits IS NOT TRUE)
      INTO entry_count, v_place
      FROM (
          SELECT row_number() OVER following AS place,
                 e.sequence_number = row_number() OVER following
                     AND e.previous_hash IS NOT DISTINCT FROM lag(e.entry_hash) OVER following
                     AND e.payload_hash = app.audit_payload_hash(e.payload)
                     AND e.entry_hash = calculate_chain_hash(app.audit_envelope(e), e.previous_hash)
                     AND e.created_at >= lag(e.created_at, 1, e.created_at) OVER following AS fits
            FROM audit_chain_entries AS e
           WHERE e.tenant_id = v_tenant
             AND e.chain_id = p_chain_id
          WINDOW following AS (ORDER BY e.sequence_number, e.entry_id)
      ) AS w;

    FOR v_anchor IN
        SELECT a.entry_count AS number, a.head_hash AS hash,
               to_char(a.seen_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC' AS seen
          FROM app.audit_chain_anchors(p_chain_id) AS a
    LOOP
        v_last := v_anchor.number;
        v_last_seen := v_anchor.seen;
        -- What lies behind the first fault is explained by it.
        CONTINUE WHEN v_anchor.number >= v_place OR v_anchor.number > entry_count OR fault IS NOT NULL;
        SELECT e.* INTO v_entry
          FROM audit_chain_entries AS e
         WHERE e.tenant_id = v_tenant AND e.chain_id = p_chain_id AND e.sequence_number = v_anchor.number;
        IF v_entry.entry_hash IS NOT DISTINCT FROM v_anchor.hash THEN
            v_proven := greatest(v_proven, v_anchor.number);
        ELSIF v_anchor.hash IS NOT NULL THEN
            fault := 'replaced';
            fault_number := v_proven + 1;
            fault_message := CASE
                WHEN v_anchor.number = fault_number THEN format('Entry %s is not the one', fault_number)
                ELSE format('Entries %s to %s are not all those', fault_number, v_anchor.number)
            END || format(' that the verification of %s saw', v_anchor.seen);
            SELECT e.entry_id INTO fault_entry_id
              FROM audit_chain_entries AS e
             WHERE e.tenant_id = v_tenant AND e.chain_id = p_chain_id AND e.sequence_number = v_proven + 1;
        END IF;
    END LOOP;

    IF entry_count = 0 AND v_last IS NULL THEN
        RETURN;
    END IF;
    SELECT e.entry_hash INTO head_hash
      FROM audit_chain_entries AS e
     WHERE e.tenant_id = v_tenant AND e.chain_id = p_chain_id
     ORDER BY e.sequence_number DESC
     LIMIT 1;
    IF fault IS NOT NULL THEN
        RETURN NEXT;
        RETURN;
    END IF;
    IF v_place IS NULL THEN
        IF v_last > entry_count THEN
            fault := 'truncated';
            fault_number := entry_count + 1;
            fault_message := CASE
                WHEN v_last = fault_number THEN format('Entry %s is', fault_number)
                ELSE format('Entries %s to %s are', fault_number, v_last)
            END || format(' missing at the end: the verification of %s saw %s', v_last_seen, v_last);
        END IF;
        RETURN NEXT;
        RETURN;
    END IF;

    -- The first entry that does not fit, and the one before it.
    SELECT e.* INTO v_entry
      FROM audit_chain_entries AS e
     WHERE e.tenant_id = v_tenant AND e.chain_id = p_chain_id
     ORDER BY e.sequence_number, e.entry_id
    OFFSET v_place - 1 LIMIT 1;
    IF v_place > 1 THEN
        SELECT e.* INTO v_before
          FROM audit_chain_entries AS e
         WHERE e.tenant_id = v_tenant AND e.chain_id = p_chain_id
         ORDER BY e.sequence_number, e.entry_id
        OFFSET v_place - 2 LIMIT 1;
    END IF;
    fault_number := v_place;
    fault_entry_id := v_entry.entry_id;

    IF v_entry.sequence_number < v_place THEN
        fault := 'duplicate';
        fault_number := v_entry.sequence_number;
        fault_message := format('There are two entries %s', v_entry.sequence_number);
    ELSIF v_entry.sequence_number > v_place THEN
        SELECT e.* INTO v_other
          FROM audit_chain_entries AS e
         WHERE e.tenant_id = v_tenant AND e.chain_id = p_chain_id
           AND e.sequence_number > v_place
           AND e.previous_hash IS NOT DISTINCT FROM v_before.entry_hash
         ORDER BY e.sequence_number
         LIMIT 1;
        IF FOUND THEN
            fault := 'renumbered';
            fault_entry_id := v_other.entry_id;
            fault_message := format('Entry %s has the number %s', v_place, v_other.sequence_number);
        ELSIF v_entry.sequence_number = v_place + 1 THEN
            fault := 'missing';
            fault_message := format('Entry %s is missing', v_place);
        ELSE
            fault := 'missing';
            fault_message := format('Entries %s to %s are missing', v_place, v_entry.sequence_number - 1);
        END IF;
    ELSIF v_entry.payload_hash IS DISTINCT FROM app.audit_payload_hash(v_entry.payload) THEN
        fault := 'changed';
        fault_message := format('Entry %s was changed: its payload and its payload_hash differ', v_place);
    ELSIF v_entry.previous_hash IS DISTINCT FROM v_before.entry_hash THEN
        -- The hash of an entry tells whom it followed and which number it had when it was sealed.
        v_found := v_entry.entry_hash;
        IF v_found = calculate_chain_hash(app.audit_envelope(v_entry), v_entry.previous_hash) AND v_place > 1 THEN
            fault := 'rewritten';
            fault_number := v_place - 1;
            fault_entry_id := v_before.entry_id;
            fault_message := format(
                'Entry %s was rewritten: entry %s follows one with another hash', v_place - 1, v_place
            );
        ELSE
            v_other := NULL;
            IF v_found IS DISTINCT FROM calculate_chain_hash(app.audit_envelope(v_entry), v_before.entry_hash) THEN
                SELECT e.* INTO v_other
                  FROM audit_chain_entries AS e
                 WHERE e.tenant_id = v_tenant AND e.chain_id = p_chain_id
                   AND e.sequence_number < v_place - 1
                   AND e.entry_hash = v_entry.previous_hash
                 ORDER BY e.sequence_number
                 LIMIT 1;
            END IF;
            v_entry.sequence_number := v_other.sequence_number + 1;
            IF v_found = calculate_chain_hash(app.audit_envelope(v_entry), v_entry.previous_hash) THEN
                fault := 'inserted';
                fault_number := v_entry.sequence_number;
                SELECT e.entry_id INTO fault_entry_id
                  FROM audit_chain_entries AS e
                 WHERE e.tenant_id = v_tenant AND e.chain_id = p_chain_id AND e.sequence_number = fault_number;
                fault_message := format(
                    'Entries were inserted: %s to %s, since entry %s was sealed with the number %s',
                    fault_number, v_place - 1, v_place, fault_number
                );
            ELSE
                fault := 'changed';
                fault_message := format('Entry %s was changed: it does not follow entry %s', v_place, v_place - 1);
            END IF;
        END IF;
    ELSIF v_entry.entry_hash
            IS DISTINCT FROM calculate_chain_hash(app.audit_envelope(v_entry), v_entry.previous_hash) THEN
        fault := 'changed';
        fault_message := format('Entry %s was changed: its fields and its entry_hash differ', v_place);
    ELSE
        fault := 'backdated';
        fault_message := format('Entry %s claims an earlier time than entry %s', v_place, v_place - 1);
    END IF;
    RETURN NEXT;
END;
$$;

COMMENT ON FUNCTION app.inspect_audit_chain(uuid) IS 'Verifies a chain without logging it, and names the first fault';
