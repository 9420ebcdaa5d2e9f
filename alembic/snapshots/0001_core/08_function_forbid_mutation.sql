-- Trigger of append-only tables, BEFORE UPDATE OR DELETE of a row and BEFORE TRUNCATE of the table: refuses.
-- Holds for the owner too, and stops cascades from a parent.
CREATE FUNCTION forbid_mutation() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: the table is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation',
              TABLE = TG_TABLE_NAME,
              HINT = 'Insert a new row that corrects the old one.';
END;
$$;

COMMENT ON FUNCTION forbid_mutation() IS 'Trigger function: refuses UPDATE, DELETE and TRUNCATE';
