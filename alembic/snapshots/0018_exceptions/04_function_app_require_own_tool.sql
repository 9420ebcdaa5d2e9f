-- Trigger of tool_execution, BEFORE INSERT OR UPDATE OF tool_id: the tool is one of the same tenant or of all. A tool
-- of another tenant is refused exactly as one that does not exist. Reads tool_definition.

CREATE FUNCTION app.require_own_tool() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM
       FROM tool_definition AS t
      WHERE t.tool_id = NEW.tool_id
        AND coalesce(t.tenant_id, NEW.tenant_id) = NEW.tenant_id;
    IF NOT FOUND AND NEW.tenant_id IS NOT NULL AND NEW.tool_id IS NOT NULL THEN
        RAISE EXCEPTION 'There is no tool % for this tenant', NEW.tool_id
            USING ERRCODE = 'foreign_key_violation',
                  TABLE = TG_TABLE_NAME,
                  COLUMN = 'tool_id',
                  HINT = 'Use a tool of the tenant, or one whose tenant_id is NULL.';
    END IF;
    RETURN NEW;
END;
$$;

COMMENT ON FUNCTION app.require_own_tool() IS 'Trigger function: an execution refers to a tool that its tenant may use';
