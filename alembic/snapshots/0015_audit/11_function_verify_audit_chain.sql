-- Verifies a chain of the open scope's tenant, logs what was found and returns it: true, false, or NULL for a chain that
-- has no entries and never had any, of which nothing is logged. See app.inspect_audit_chain for what is checked.
-- Runs with the rights of its owner, since sessions may not write the log: a verification that never ran could be claimed.
-- Row-level security is forced on the owner too, so the tenant is that of the scope.
CREATE FUNCTION verify_audit_chain(p_chain_id uuid) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_found record;
    v_valid boolean;
BEGIN
    SELECT * INTO v_found FROM app.inspect_audit_chain(p_chain_id);
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    v_valid := v_found.fault IS NULL;
    INSERT INTO audit_chain_verification_log
           (tenant_id, chain_id, verified_at, verified_by, is_valid, entries_checked, first_invalid_entry,
            error_message, head_hash)
    VALUES (
        app.current_tenant(),
        p_chain_id,
        clock_timestamp(),
        coalesce(app.current_user_id(), session_user),
        v_valid,
        v_found.entry_count,
        v_found.fault_entry_id,
        v_found.fault_message,
        CASE WHEN v_valid THEN v_found.head_hash END
    );
    RETURN v_valid;
END;
$$;

COMMENT ON FUNCTION verify_audit_chain(uuid) IS
    'Verifies a chain and logs the result; NULL for a chain that never had an entry';
