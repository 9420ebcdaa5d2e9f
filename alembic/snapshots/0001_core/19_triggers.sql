CREATE TRIGGER forbid_mutation BEFORE UPDATE OR DELETE ON app.split_opening
    FOR EACH ROW EXECUTE FUNCTION forbid_mutation();

CREATE TRIGGER forbid_truncate BEFORE TRUNCATE ON app.split_opening
    FOR EACH STATEMENT EXECUTE FUNCTION forbid_mutation();
