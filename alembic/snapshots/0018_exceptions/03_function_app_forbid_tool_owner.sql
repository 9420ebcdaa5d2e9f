-- Trigger of tool_definition, BEFORE UPDATE of the tenant: refuses. Executions of the tool would be left with a tool
-- that their tenant may not see; no foreign key can say so, since a tool of all tenants has none.
CREATE FUNCTION app.forbid_tool_owner() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Tool % stays with its tenant', OLD.tool_id
        USING ERRCODE = 'integrity_constraint_violation',
              TABLE = TG_TABLE_NAME,
              COLUMN = 'tenant_id',
              HINT = 'Define another tool.';
END;
$$;

COMMENT ON FUNCTION app.forbid_tool_owner() IS 'Trigger function: refuses to hand a tool to another tenant';
