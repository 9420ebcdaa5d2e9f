ALTER TABLE data_source_tracking ENABLE ROW LEVEL SECURITY;
ALTER TABLE data_source_tracking FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON data_source_tracking AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (data_source_tracking.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (data_source_tracking.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY tenant_members ON data_source_tracking AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE etl_pipeline_metrics ENABLE ROW LEVEL SECURITY;
ALTER TABLE etl_pipeline_metrics FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON etl_pipeline_metrics AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (etl_pipeline_metrics.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (etl_pipeline_metrics.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY tenant_members ON etl_pipeline_metrics AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE ml_annotations ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml_annotations FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON ml_annotations AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (ml_annotations.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (ml_annotations.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY written_unsealed_insert ON ml_annotations AS RESTRICTIVE FOR INSERT TO hedgerow_app
    WITH CHECK (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_update ON ml_annotations AS RESTRICTIVE FOR UPDATE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_delete ON ml_annotations AS RESTRICTIVE FOR DELETE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY tenant_members ON ml_annotations AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE user_sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE user_sessions FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON user_sessions AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (user_sessions.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (user_sessions.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY tenant_members ON user_sessions AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE business_metrics ENABLE ROW LEVEL SECURITY;
ALTER TABLE business_metrics FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON business_metrics AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (business_metrics.tenant_id = (SELECT app.current_tenant()) AND CASE WHEN ((CAST(business_metrics.metric_date AS TIMESTAMP WITHOUT TIME ZONE) AT TIME ZONE INTERVAL '0') <@ ((SELECT app.current_windows()))[hashtext(business_metrics.tenant_id) >> 1][CAST(hashtextextended(business_metrics.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (business_metrics.split_assignment = 'train') THEN 2 WHEN (business_metrics.split_assignment = 'test') THEN 4 WHEN (business_metrics.split_assignment = 'validation') THEN 3 WHEN (business_metrics.split_assignment = 'holdout') THEN 5 WHEN (business_metrics.split_assignment = 'unassigned') THEN 1 ELSE NULL END]) THEN true END IS NOT NULL)
    WITH CHECK (business_metrics.tenant_id = (SELECT app.current_tenant()) AND ((SELECT app.current_windows()))[hashtext(business_metrics.tenant_id) >> 1][CAST(hashtextextended(business_metrics.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (business_metrics.split_assignment = 'train') THEN 2 WHEN (business_metrics.split_assignment = 'test') THEN 4 WHEN (business_metrics.split_assignment = 'validation') THEN 3 WHEN (business_metrics.split_assignment = 'holdout') THEN 5 WHEN (business_metrics.split_assignment = 'unassigned') THEN 1 ELSE NULL END] IS NOT NULL);

CREATE POLICY tenant_members ON business_metrics AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE hcp_intent_surveys ENABLE ROW LEVEL SECURITY;
ALTER TABLE hcp_intent_surveys FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON hcp_intent_surveys AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (hcp_intent_surveys.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (hcp_intent_surveys.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY tenant_members ON hcp_intent_surveys AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);
