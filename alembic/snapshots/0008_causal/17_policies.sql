ALTER TABLE expert_reviews ENABLE ROW LEVEL SECURITY;
ALTER TABLE expert_reviews FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON expert_reviews AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (expert_reviews.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (expert_reviews.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY tenant_members ON expert_reviews AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE causal_paths ENABLE ROW LEVEL SECURITY;
ALTER TABLE causal_paths FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON causal_paths AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (causal_paths.tenant_id = (SELECT app.current_tenant()) AND causal_paths.split_assignment = any(CAST((SELECT app.current_splits())::text[] AS TEXT[])) AND CASE WHEN (causal_paths.split_assignment = 'train') THEN (CAST(causal_paths.discovery_date AS TIMESTAMP WITHOUT TIME ZONE) AT TIME ZONE 'UTC') < (SELECT app.window_bound('train_until')) WHEN (causal_paths.split_assignment = 'validation') THEN (CAST(causal_paths.discovery_date AS TIMESTAMP WITHOUT TIME ZONE) AT TIME ZONE 'UTC') >= (SELECT app.window_bound('validation_from')) AND (CAST(causal_paths.discovery_date AS TIMESTAMP WITHOUT TIME ZONE) AT TIME ZONE 'UTC') < (SELECT app.window_bound('validation_until')) WHEN (causal_paths.split_assignment = 'test') THEN (CAST(causal_paths.discovery_date AS TIMESTAMP WITHOUT TIME ZONE) AT TIME ZONE 'UTC') >= (SELECT app.window_bound('test_from')) AND (CAST(causal_paths.discovery_date AS TIMESTAMP WITHOUT TIME ZONE) AT TIME ZONE 'UTC') < (SELECT app.window_bound('test_until')) WHEN (causal_paths.split_assignment = 'holdout') THEN (CAST(causal_paths.discovery_date AS TIMESTAMP WITHOUT TIME ZONE) AT TIME ZONE 'UTC') >= (SELECT app.window_bound('holdout_from')) ELSE true END)
    WITH CHECK (causal_paths.tenant_id = (SELECT app.current_tenant()) AND causal_paths.split_assignment = any(CAST((SELECT app.current_splits())::text[] AS TEXT[])));

CREATE POLICY tenant_members ON causal_paths AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE causal_validations ENABLE ROW LEVEL SECURITY;
ALTER TABLE causal_validations FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON causal_validations AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (causal_validations.tenant_id = (SELECT app.current_tenant()) AND causal_validations.split_assignment = any(CAST((SELECT app.current_artefact_splits())::text[] AS TEXT[])))
    WITH CHECK (causal_validations.tenant_id = (SELECT app.current_tenant()) AND causal_validations.split_assignment = any(CAST((SELECT app.current_splits())::text[] AS TEXT[])));

CREATE POLICY own_split_update ON causal_validations AS RESTRICTIVE FOR UPDATE TO PUBLIC
    USING (causal_validations.tenant_id = (SELECT app.current_tenant()) AND causal_validations.split_assignment = any(CAST((SELECT app.current_splits())::text[] AS TEXT[])));

CREATE POLICY own_split_delete ON causal_validations AS RESTRICTIVE FOR DELETE TO PUBLIC
    USING (causal_validations.tenant_id = (SELECT app.current_tenant()) AND causal_validations.split_assignment = any(CAST((SELECT app.current_splits())::text[] AS TEXT[])));

CREATE POLICY tenant_members ON causal_validations AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);
