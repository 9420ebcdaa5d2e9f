-- Trigger of audit_chain_entries, BEFORE INSERT. An entry that comes without entry_hash is sealed here: it gets the next
-- number, the link, the hashes, and the time of the clock, which never runs backwards along a chain. One that comes with
-- it must fit the chain in every respect, or is refused. What an unsealed entry says of number, link and payload hash
-- must fit as well.
-- Two writers may both see the same last entry; the unique keys then let one of them wait for the other.
-- Looks at the chain of the entry's own tenant.
CREATE FUNCTION validate_audit_entry() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_number bigint;
    v_hash text;
    v_time timestamptz;
    v_fault text;
    v_given CONSTANT text := NEW.payload_hash;
BEGIN
    IF NEW.tenant_id IS DISTINCT FROM app.current_tenant() AND row_security_active(TG_RELID) THEN
        -- Triggers run before policies: without this, the refusal would speak of the chain.
        RAISE EXCEPTION 'row-level security keeps an entry of tenant % out of the scope of tenant %',
              quote_nullable(NEW.tenant_id), quote_nullable(app.current_tenant())
            USING ERRCODE = 'insufficient_privilege',
                  TABLE = TG_TABLE_NAME,
                  HINT = 'Open a session for that tenant.';
    ELSIF NEW.tenant_id IS NULL OR NEW.chain_id IS NULL THEN
        RETURN NEW;  -- refused by NOT NULL
    END IF;

    SELECT e.sequence_number, e.entry_hash, e.created_at
      INTO v_number, v_hash, v_time
      FROM audit_chain_entries AS e
     WHERE e.tenant_id = NEW.tenant_id
       AND e.chain_id = NEW.chain_id
     ORDER BY e.sequence_number DESC
     LIMIT 1;
    v_number := coalesce(v_number, 0) + 1;

    IF NEW.entry_hash IS NULL THEN
        NEW.sequence_number := coalesce(NEW.sequence_number, v_number);
        NEW.previous_hash := coalesce(NEW.previous_hash, v_hash);
        NEW.created_at := greatest(clock_timestamp(), v_time);
        NEW.payload_hash := coalesce(v_given, app.audit_payload_hash(NEW.payload));
        NEW.entry_hash := calculate_chain_hash(app.audit_envelope(NEW), NEW.previous_hash);
        IF NEW.sequence_number = v_number
            AND NEW.previous_hash IS NOT DISTINCT FROM v_hash
            AND (v_given IS NULL OR v_given = app.audit_payload_hash(NEW.payload))
        THEN
            RETURN NEW;
        END IF;
    END IF;

    v_fault := CASE
        WHEN NEW.sequence_number IS DISTINCT FROM v_number
            THEN format('sequence_number is %s, the next one is %s', coalesce(NEW.sequence_number::text, 'NULL'), v_number)
        WHEN NEW.previous_hash IS DISTINCT FROM v_hash
            THEN format('previous_hash is not the hash of entry %s', v_number - 1)
        WHEN NEW.payload_hash IS DISTINCT FROM app.audit_payload_hash(NEW.payload)
            THEN 'payload_hash is not the hash of the payload'
        WHEN NEW.created_at < v_time
            THEN format('created_at is earlier than that of entry %s', v_number - 1)
        WHEN NEW.created_at > greatest(clock_timestamp(), v_time)
            THEN 'created_at has not come yet'
        WHEN NEW.entry_hash IS DISTINCT FROM calculate_chain_hash(app.audit_envelope(NEW), NEW.previous_hash)
            THEN 'entry_hash is not the hash of the entry'
    END;
    IF v_fault IS NOT NULL THEN
        RAISE EXCEPTION 'An entry does not fit chain %: %', NEW.chain_id, v_fault
            USING ERRCODE = 'integrity_constraint_violation',
                  TABLE = TG_TABLE_NAME,
                  HINT = 'Use append_audit_entry, or leave out number, time and hashes: they are filled in.';
    END IF;
    RETURN NEW;
END;
$$;

COMMENT ON FUNCTION validate_audit_entry() IS
    'Trigger function: seals an entry that comes without hash, refuses one that does not fit its chain';
