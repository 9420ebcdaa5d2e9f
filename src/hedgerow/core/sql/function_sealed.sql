-- HMAC-SHA256 of a text under a key of app.scope_key, in hexadecimal digits; by default under the database's own. The pads
-- are stored XORed with the key, so that two hashes are all there is to do. NULL when there is no such key.
CREATE FUNCTION app.sealed(p_text text, p_key_id text DEFAULT 'database') RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT encode(sha256(k.outer_pad || sha256(k.inner_pad || convert_to(p_text, 'UTF8'))), 'hex')
          FROM app.scope_key AS k
         WHERE k.key_id = p_key_id
    );
END;
$$;

COMMENT ON FUNCTION app.sealed(text, text) IS 'Owner only: HMAC-SHA256 of a text under a key of app.scope_key';
