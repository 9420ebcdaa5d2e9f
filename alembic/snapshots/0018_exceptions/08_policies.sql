ALTER TABLE playbook ENABLE ROW LEVEL SECURITY;
ALTER TABLE playbook FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON playbook AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (playbook.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (playbook.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY tenant_members ON playbook AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE tenant_policy_pack_version ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant_policy_pack_version FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON tenant_policy_pack_version AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (tenant_policy_pack_version.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (tenant_policy_pack_version.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY tenant_members ON tenant_policy_pack_version AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE tool_definition ENABLE ROW LEVEL SECURITY;
ALTER TABLE tool_definition FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON tool_definition AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (coalesce(tool_definition.tenant_id, (SELECT app.current_tenant())) = (SELECT app.current_tenant()))
    WITH CHECK (tool_definition.tenant_id IS NULL OR tool_definition.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY own_tenant_insert ON tool_definition AS RESTRICTIVE FOR INSERT TO hedgerow_app
    WITH CHECK (tool_definition.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY own_tenant_update ON tool_definition AS RESTRICTIVE FOR UPDATE TO hedgerow_app
    USING (tool_definition.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (tool_definition.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY own_tenant_delete ON tool_definition AS RESTRICTIVE FOR DELETE TO hedgerow_app
    USING (tool_definition.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY tenant_members ON tool_definition AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE exception ENABLE ROW LEVEL SECURITY;
ALTER TABLE exception FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON exception AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (exception.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (exception.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY written_unsealed_insert ON exception AS RESTRICTIVE FOR INSERT TO hedgerow_app
    WITH CHECK (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_update ON exception AS RESTRICTIVE FOR UPDATE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_delete ON exception AS RESTRICTIVE FOR DELETE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY tenant_members ON exception AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE playbook_step ENABLE ROW LEVEL SECURITY;
ALTER TABLE playbook_step FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON playbook_step AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (playbook_step.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (playbook_step.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY tenant_members ON playbook_step AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE exception_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE exception_event FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON exception_event AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (exception_event.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (exception_event.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY written_unsealed_insert ON exception_event AS RESTRICTIVE FOR INSERT TO hedgerow_app
    WITH CHECK (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY tenant_members ON exception_event AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE tool_execution ENABLE ROW LEVEL SECURITY;
ALTER TABLE tool_execution FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON tool_execution AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (tool_execution.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (tool_execution.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY written_unsealed_insert ON tool_execution AS RESTRICTIVE FOR INSERT TO hedgerow_app
    WITH CHECK (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_update ON tool_execution AS RESTRICTIVE FOR UPDATE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_delete ON tool_execution AS RESTRICTIVE FOR DELETE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY tenant_members ON tool_execution AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);
