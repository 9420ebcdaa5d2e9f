ALTER TABLE feature_groups ENABLE ROW LEVEL SECURITY;
ALTER TABLE feature_groups FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON feature_groups AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (feature_groups.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (feature_groups.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY written_unsealed_insert ON feature_groups AS RESTRICTIVE FOR INSERT TO hedgerow_app
    WITH CHECK (NOT (SELECT app.current_splits())::text[] && ARRAY['test', 'holdout']);

CREATE POLICY written_unsealed_update ON feature_groups AS RESTRICTIVE FOR UPDATE TO hedgerow_app
    USING (NOT (SELECT app.current_splits())::text[] && ARRAY['test', 'holdout']);

CREATE POLICY written_unsealed_delete ON feature_groups AS RESTRICTIVE FOR DELETE TO hedgerow_app
    USING (NOT (SELECT app.current_splits())::text[] && ARRAY['test', 'holdout']);

CREATE POLICY tenant_members ON feature_groups AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE feature_definitions ENABLE ROW LEVEL SECURITY;
ALTER TABLE feature_definitions FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON feature_definitions AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (feature_definitions.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (feature_definitions.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY written_unsealed_insert ON feature_definitions AS RESTRICTIVE FOR INSERT TO hedgerow_app
    WITH CHECK (NOT (SELECT app.current_splits())::text[] && ARRAY['test', 'holdout']);

CREATE POLICY written_unsealed_update ON feature_definitions AS RESTRICTIVE FOR UPDATE TO hedgerow_app
    USING (NOT (SELECT app.current_splits())::text[] && ARRAY['test', 'holdout']);

CREATE POLICY written_unsealed_delete ON feature_definitions AS RESTRICTIVE FOR DELETE TO hedgerow_app
    USING (NOT (SELECT app.current_splits())::text[] && ARRAY['test', 'holdout']);

CREATE POLICY tenant_members ON feature_definitions AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE feature_values ENABLE ROW LEVEL SECURITY;
ALTER TABLE feature_values FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON feature_values AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (feature_values.tenant_id = (SELECT app.current_tenant()) AND (feature_values.split_assignment IS NULL OR feature_values.split_assignment = any(CAST((SELECT app.current_splits())::text[] AS TEXT[]))))
    WITH CHECK (feature_values.tenant_id = (SELECT app.current_tenant()) AND (feature_values.split_assignment IS NULL OR feature_values.split_assignment = any(CAST((SELECT app.current_splits())::text[] AS TEXT[]))));

CREATE POLICY written_unsealed_insert ON feature_values AS RESTRICTIVE FOR INSERT TO hedgerow_app
    WITH CHECK (split_assignment IS NOT NULL OR NOT (SELECT app.current_splits())::text[] && ARRAY['test', 'holdout']);

CREATE POLICY tenant_members ON feature_values AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);
