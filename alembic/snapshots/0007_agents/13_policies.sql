ALTER TABLE conversations ENABLE ROW LEVEL SECURITY;
ALTER TABLE conversations FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON conversations AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (conversations.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (conversations.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY written_unsealed_insert ON conversations AS RESTRICTIVE FOR INSERT TO hedgerow_app
    WITH CHECK (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_update ON conversations AS RESTRICTIVE FOR UPDATE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_delete ON conversations AS RESTRICTIVE FOR DELETE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY tenant_members ON conversations AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE investigation_hops ENABLE ROW LEVEL SECURITY;
ALTER TABLE investigation_hops FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON investigation_hops AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (investigation_hops.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (investigation_hops.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY written_unsealed_insert ON investigation_hops AS RESTRICTIVE FOR INSERT TO hedgerow_app
    WITH CHECK (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_update ON investigation_hops AS RESTRICTIVE FOR UPDATE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_delete ON investigation_hops AS RESTRICTIVE FOR DELETE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY tenant_members ON investigation_hops AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE learning_signals ENABLE ROW LEVEL SECURITY;
ALTER TABLE learning_signals FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON learning_signals AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (learning_signals.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (learning_signals.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY written_unsealed_insert ON learning_signals AS RESTRICTIVE FOR INSERT TO hedgerow_app
    WITH CHECK (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_update ON learning_signals AS RESTRICTIVE FOR UPDATE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_delete ON learning_signals AS RESTRICTIVE FOR DELETE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY tenant_members ON learning_signals AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE agent_activities ENABLE ROW LEVEL SECURITY;
ALTER TABLE agent_activities FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON agent_activities AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (agent_activities.tenant_id = (SELECT app.current_tenant()) AND CASE WHEN (agent_activities.activity_timestamp <@ ((SELECT app.current_windows()))[hashtext(agent_activities.tenant_id) >> 1][CAST(hashtextextended(agent_activities.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (agent_activities.split_assignment = 'train') THEN 2 WHEN (agent_activities.split_assignment = 'test') THEN 4 WHEN (agent_activities.split_assignment = 'validation') THEN 3 WHEN (agent_activities.split_assignment = 'holdout') THEN 5 WHEN (agent_activities.split_assignment = 'unassigned') THEN 1 ELSE NULL END]) THEN true END IS NOT NULL)
    WITH CHECK (agent_activities.tenant_id = (SELECT app.current_tenant()) AND ((SELECT app.current_windows()))[hashtext(agent_activities.tenant_id) >> 1][CAST(hashtextextended(agent_activities.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (agent_activities.split_assignment = 'train') THEN 2 WHEN (agent_activities.split_assignment = 'test') THEN 4 WHEN (agent_activities.split_assignment = 'validation') THEN 3 WHEN (agent_activities.split_assignment = 'holdout') THEN 5 WHEN (agent_activities.split_assignment = 'unassigned') THEN 1 ELSE NULL END] IS NOT NULL);

CREATE POLICY tenant_members ON agent_activities AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);
