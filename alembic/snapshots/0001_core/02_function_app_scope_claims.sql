-- What the scope of this transaction says, as the database itself wrote it down: the only source of the readers below,
-- and with them of every policy. Reads the transaction-local setting app.scope, the ticket that app.issue_scope made:
-- 64 hexadecimal digits of HMAC-SHA256, then the fields, separated by the control character US.
--   1 transaction_timestamp as seconds   2 tenant   3 user   4 splits   5 splits of artefacts
--   6 windows of the splits, then of their artefacts   7 bounds
-- NULL when no scope is open: an unset setting reads NULL, one that was rolled back reads ''. Anybody may write the
-- setting, so whatever this database did not sign for this very transaction raises an error.
-- Runs with the rights of its owner, since nobody else may read the key. Both sides are hashed once more before they
-- are compared, so that the time it takes says nothing about the first digit that differs.
CREATE FUNCTION app.scope_claims() RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_ticket CONSTANT text := current_setting('app.scope', true);
    v_claims text[];
    v_valid boolean;
BEGIN
    IF coalesce(v_ticket, '') = '' THEN
        RETURN NULL;
    END IF;
    v_claims := string_to_array(substr(v_ticket, 65), E'\x1f');
    SELECT sha256(convert_to(left(v_ticket, 64), 'UTF8'))
           = sha256(convert_to(encode(
                 sha256(k.outer_pad || sha256(k.inner_pad || convert_to(substr(v_ticket, 65), 'UTF8'))), 'hex'), 'UTF8'))
           AND v_claims[1] = EXTRACT(EPOCH FROM transaction_timestamp())::text
      INTO v_valid
      FROM app.scope_key AS k
     WHERE k.key_id = 'database';
    IF v_valid IS NOT TRUE THEN
        RAISE EXCEPTION 'The scope of this transaction was not issued by this database'
            USING ERRCODE = 'invalid_authorization_specification',
                  HINT = 'Open it with app.open_scope, as the first statement of the transaction.';
    END IF;
    RETURN v_claims;
END;
$$;

COMMENT ON FUNCTION app.scope_claims() IS
    'Verified claims of the open scope, NULL when none is open; an error when the database did not issue it';
