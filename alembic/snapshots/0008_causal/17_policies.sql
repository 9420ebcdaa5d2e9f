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
    USING (causal_paths.tenant_id = (SELECT app.current_tenant()) AND CASE WHEN ((CAST(causal_paths.discovery_date AS TIMESTAMP WITHOUT TIME ZONE) AT TIME ZONE INTERVAL '0') <@ ((SELECT app.current_windows()))[hashtext(causal_paths.tenant_id) >> 1][CAST(hashtextextended(causal_paths.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (causal_paths.split_assignment = 'train') THEN 2 WHEN (causal_paths.split_assignment = 'test') THEN 4 WHEN (causal_paths.split_assignment = 'validation') THEN 3 WHEN (causal_paths.split_assignment = 'holdout') THEN 5 WHEN (causal_paths.split_assignment = 'unassigned') THEN 1 ELSE NULL END]) THEN true END IS NOT NULL)
    WITH CHECK (causal_paths.tenant_id = (SELECT app.current_tenant()) AND ((SELECT app.current_windows()))[hashtext(causal_paths.tenant_id) >> 1][CAST(hashtextextended(causal_paths.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (causal_paths.split_assignment = 'train') THEN 2 WHEN (causal_paths.split_assignment = 'test') THEN 4 WHEN (causal_paths.split_assignment = 'validation') THEN 3 WHEN (causal_paths.split_assignment = 'holdout') THEN 5 WHEN (causal_paths.split_assignment = 'unassigned') THEN 1 ELSE NULL END] IS NOT NULL);

CREATE POLICY tenant_members ON causal_paths AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE causal_validations ENABLE ROW LEVEL SECURITY;
ALTER TABLE causal_validations FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON causal_validations AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (causal_validations.tenant_id = (SELECT app.current_tenant()) AND ((SELECT app.current_windows()))[hashtext(causal_validations.tenant_id) >> 1][CAST(hashtextextended(causal_validations.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (causal_validations.split_assignment = 'train') THEN 7 WHEN (causal_validations.split_assignment = 'test') THEN 9 WHEN (causal_validations.split_assignment = 'validation') THEN 8 WHEN (causal_validations.split_assignment = 'holdout') THEN 10 WHEN (causal_validations.split_assignment = 'unassigned') THEN 6 ELSE NULL END] IS NOT NULL)
    WITH CHECK (causal_validations.tenant_id = (SELECT app.current_tenant()) AND ((SELECT app.current_windows()))[hashtext(causal_validations.tenant_id) >> 1][CAST(hashtextextended(causal_validations.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (causal_validations.split_assignment = 'train') THEN 2 WHEN (causal_validations.split_assignment = 'test') THEN 4 WHEN (causal_validations.split_assignment = 'validation') THEN 3 WHEN (causal_validations.split_assignment = 'holdout') THEN 5 WHEN (causal_validations.split_assignment = 'unassigned') THEN 1 ELSE NULL END] IS NOT NULL);

CREATE POLICY own_split_update ON causal_validations AS RESTRICTIVE FOR UPDATE TO PUBLIC
    USING (causal_validations.tenant_id = (SELECT app.current_tenant()) AND ((SELECT app.current_windows()))[hashtext(causal_validations.tenant_id) >> 1][CAST(hashtextextended(causal_validations.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (causal_validations.split_assignment = 'train') THEN 2 WHEN (causal_validations.split_assignment = 'test') THEN 4 WHEN (causal_validations.split_assignment = 'validation') THEN 3 WHEN (causal_validations.split_assignment = 'holdout') THEN 5 WHEN (causal_validations.split_assignment = 'unassigned') THEN 1 ELSE NULL END] IS NOT NULL);

CREATE POLICY own_split_delete ON causal_validations AS RESTRICTIVE FOR DELETE TO PUBLIC
    USING (causal_validations.tenant_id = (SELECT app.current_tenant()) AND ((SELECT app.current_windows()))[hashtext(causal_validations.tenant_id) >> 1][CAST(hashtextextended(causal_validations.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (causal_validations.split_assignment = 'train') THEN 2 WHEN (causal_validations.split_assignment = 'test') THEN 4 WHEN (causal_validations.split_assignment = 'validation') THEN 3 WHEN (causal_validations.split_assignment = 'holdout') THEN 5 WHEN (causal_validations.split_assignment = 'unassigned') THEN 1 ELSE NULL END] IS NOT NULL);

CREATE POLICY tenant_members ON causal_validations AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);
