-- When the open scope may look into each split, verified: one range for unassigned, train, validation, test and
-- holdout, in this order, then one for what was computed on each of them; NULL for what is closed, so that nothing lies
-- in it. NULL when no scope is open.
-- The ranges lie below two subscripts made of the tenant's id: [31 bits of its hash][31 others][1 to 10]. A statement
-- reads the tenant in one sub-select and the windows in another, and whoever can run SQL can change the scope in between.
-- So a policy takes the windows by the tenant of the row, and those of another tenant's scope are not there.
CREATE FUNCTION app.current_windows() RETURNS tstzrange[]
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    v_claims CONSTANT text[] := app.scope_claims();
BEGIN
    IF v_claims IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN format(
        '[%1$s:%1$s][%2$s:%2$s][1:10]={{{%3$s}}}',
        hashtext(v_claims[2]) >> 1, hashtextextended(v_claims[2], 0) >> 33, v_claims[6]
    )::tstzrange[];
END;
$$;

COMMENT ON FUNCTION app.current_windows() IS
    'Windows of the open scope by hash of the tenant and place: those of the five splits, then those of their artefacts';
