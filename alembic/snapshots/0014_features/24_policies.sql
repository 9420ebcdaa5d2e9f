ALTER TABLE feature_groups ENABLE ROW LEVEL SECURITY;
ALTER TABLE feature_groups FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON feature_groups AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (feature_groups.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (feature_groups.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY written_unsealed_insert ON feature_groups AS RESTRICTIVE FOR INSERT TO hedgerow_app
    WITH CHECK (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_update ON feature_groups AS RESTRICTIVE FOR UPDATE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_delete ON feature_groups AS RESTRICTIVE FOR DELETE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY tenant_members ON feature_groups AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE feature_definitions ENABLE ROW LEVEL SECURITY;
ALTER TABLE feature_definitions FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON feature_definitions AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (feature_definitions.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (feature_definitions.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY written_unsealed_insert ON feature_definitions AS RESTRICTIVE FOR INSERT TO hedgerow_app
    WITH CHECK (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_update ON feature_definitions AS RESTRICTIVE FOR UPDATE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_delete ON feature_definitions AS RESTRICTIVE FOR DELETE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY tenant_members ON feature_definitions AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE feature_values ENABLE ROW LEVEL SECURITY;
ALTER TABLE feature_values FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON feature_values AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (feature_values.tenant_id = (SELECT app.current_tenant()) AND (feature_values.split_assignment IS NULL OR ((SELECT app.current_windows()))[hashtext(feature_values.tenant_id) >> 1][CAST(hashtextextended(feature_values.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (feature_values.split_assignment = 'train') THEN 2 WHEN (feature_values.split_assignment = 'test') THEN 4 WHEN (feature_values.split_assignment = 'validation') THEN 3 WHEN (feature_values.split_assignment = 'holdout') THEN 5 WHEN (feature_values.split_assignment = 'unassigned') THEN 1 ELSE NULL END] IS NOT NULL))
    WITH CHECK (feature_values.tenant_id = (SELECT app.current_tenant()) AND (feature_values.split_assignment IS NULL OR ((SELECT app.current_windows()))[hashtext(feature_values.tenant_id) >> 1][CAST(hashtextextended(feature_values.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (feature_values.split_assignment = 'train') THEN 2 WHEN (feature_values.split_assignment = 'test') THEN 4 WHEN (feature_values.split_assignment = 'validation') THEN 3 WHEN (feature_values.split_assignment = 'holdout') THEN 5 WHEN (feature_values.split_assignment = 'unassigned') THEN 1 ELSE NULL END] IS NOT NULL));

CREATE POLICY written_unsealed_insert ON feature_values AS RESTRICTIVE FOR INSERT TO hedgerow_app
    WITH CHECK (split_assignment IS NOT NULL OR tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY tenant_members ON feature_values AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);
