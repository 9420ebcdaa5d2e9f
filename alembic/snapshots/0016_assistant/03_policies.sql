ALTER TABLE interactions ENABLE ROW LEVEL SECURITY;
ALTER TABLE interactions FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON interactions AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (interactions.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (interactions.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY written_unsealed_insert ON interactions AS RESTRICTIVE FOR INSERT TO hedgerow_app
    WITH CHECK (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_update ON interactions AS RESTRICTIVE FOR UPDATE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_delete ON interactions AS RESTRICTIVE FOR DELETE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY tenant_members ON interactions AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE knowledge_documents ENABLE ROW LEVEL SECURITY;
ALTER TABLE knowledge_documents FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON knowledge_documents AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (knowledge_documents.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (knowledge_documents.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY written_unsealed_insert ON knowledge_documents AS RESTRICTIVE FOR INSERT TO hedgerow_app
    WITH CHECK (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_update ON knowledge_documents AS RESTRICTIVE FOR UPDATE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_delete ON knowledge_documents AS RESTRICTIVE FOR DELETE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY tenant_members ON knowledge_documents AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE escalations ENABLE ROW LEVEL SECURITY;
ALTER TABLE escalations FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON escalations AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (escalations.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (escalations.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY written_unsealed_insert ON escalations AS RESTRICTIVE FOR INSERT TO hedgerow_app
    WITH CHECK (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_update ON escalations AS RESTRICTIVE FOR UPDATE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_delete ON escalations AS RESTRICTIVE FOR DELETE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY tenant_members ON escalations AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);
