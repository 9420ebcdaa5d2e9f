ALTER TABLE ml_predictions ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml_predictions FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON ml_predictions AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (ml_predictions.tenant_id = (SELECT app.current_tenant()) AND CASE WHEN (coalesce(ml_predictions.prediction_timestamp, ml_predictions.created_at) <@ ((SELECT app.current_windows()))[hashtext(ml_predictions.tenant_id) >> 1][CAST(hashtextextended(ml_predictions.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (ml_predictions.split_assignment = 'train') THEN 2 WHEN (ml_predictions.split_assignment = 'test') THEN 4 WHEN (ml_predictions.split_assignment = 'validation') THEN 3 WHEN (ml_predictions.split_assignment = 'holdout') THEN 5 WHEN (ml_predictions.split_assignment = 'unassigned') THEN 1 ELSE NULL END]) THEN true END IS NOT NULL)
    WITH CHECK (ml_predictions.tenant_id = (SELECT app.current_tenant()) AND ((SELECT app.current_windows()))[hashtext(ml_predictions.tenant_id) >> 1][CAST(hashtextextended(ml_predictions.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (ml_predictions.split_assignment = 'train') THEN 2 WHEN (ml_predictions.split_assignment = 'test') THEN 4 WHEN (ml_predictions.split_assignment = 'validation') THEN 3 WHEN (ml_predictions.split_assignment = 'holdout') THEN 5 WHEN (ml_predictions.split_assignment = 'unassigned') THEN 1 ELSE NULL END] IS NOT NULL);

CREATE POLICY tenant_members ON ml_predictions AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE ml_shap_analyses ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml_shap_analyses FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON ml_shap_analyses AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (ml_shap_analyses.tenant_id = (SELECT app.current_tenant()) AND ((SELECT app.current_windows()))[hashtext(ml_shap_analyses.tenant_id) >> 1][CAST(hashtextextended(ml_shap_analyses.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (ml_shap_analyses.split_assignment = 'train') THEN 7 WHEN (ml_shap_analyses.split_assignment = 'test') THEN 9 WHEN (ml_shap_analyses.split_assignment = 'validation') THEN 8 WHEN (ml_shap_analyses.split_assignment = 'holdout') THEN 10 WHEN (ml_shap_analyses.split_assignment = 'unassigned') THEN 6 ELSE NULL END] IS NOT NULL)
    WITH CHECK (ml_shap_analyses.tenant_id = (SELECT app.current_tenant()) AND ((SELECT app.current_windows()))[hashtext(ml_shap_analyses.tenant_id) >> 1][CAST(hashtextextended(ml_shap_analyses.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (ml_shap_analyses.split_assignment = 'train') THEN 2 WHEN (ml_shap_analyses.split_assignment = 'test') THEN 4 WHEN (ml_shap_analyses.split_assignment = 'validation') THEN 3 WHEN (ml_shap_analyses.split_assignment = 'holdout') THEN 5 WHEN (ml_shap_analyses.split_assignment = 'unassigned') THEN 1 ELSE NULL END] IS NOT NULL);

CREATE POLICY own_split_update ON ml_shap_analyses AS RESTRICTIVE FOR UPDATE TO PUBLIC
    USING (ml_shap_analyses.tenant_id = (SELECT app.current_tenant()) AND ((SELECT app.current_windows()))[hashtext(ml_shap_analyses.tenant_id) >> 1][CAST(hashtextextended(ml_shap_analyses.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (ml_shap_analyses.split_assignment = 'train') THEN 2 WHEN (ml_shap_analyses.split_assignment = 'test') THEN 4 WHEN (ml_shap_analyses.split_assignment = 'validation') THEN 3 WHEN (ml_shap_analyses.split_assignment = 'holdout') THEN 5 WHEN (ml_shap_analyses.split_assignment = 'unassigned') THEN 1 ELSE NULL END] IS NOT NULL);

CREATE POLICY own_split_delete ON ml_shap_analyses AS RESTRICTIVE FOR DELETE TO PUBLIC
    USING (ml_shap_analyses.tenant_id = (SELECT app.current_tenant()) AND ((SELECT app.current_windows()))[hashtext(ml_shap_analyses.tenant_id) >> 1][CAST(hashtextextended(ml_shap_analyses.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (ml_shap_analyses.split_assignment = 'train') THEN 2 WHEN (ml_shap_analyses.split_assignment = 'test') THEN 4 WHEN (ml_shap_analyses.split_assignment = 'validation') THEN 3 WHEN (ml_shap_analyses.split_assignment = 'holdout') THEN 5 WHEN (ml_shap_analyses.split_assignment = 'unassigned') THEN 1 ELSE NULL END] IS NOT NULL);

CREATE POLICY tenant_members ON ml_shap_analyses AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE triggers ENABLE ROW LEVEL SECURITY;
ALTER TABLE triggers FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON triggers AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (triggers.tenant_id = (SELECT app.current_tenant()) AND CASE WHEN (triggers.trigger_timestamp <@ ((SELECT app.current_windows()))[hashtext(triggers.tenant_id) >> 1][CAST(hashtextextended(triggers.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (triggers.split_assignment = 'train') THEN 2 WHEN (triggers.split_assignment = 'test') THEN 4 WHEN (triggers.split_assignment = 'validation') THEN 3 WHEN (triggers.split_assignment = 'holdout') THEN 5 WHEN (triggers.split_assignment = 'unassigned') THEN 1 ELSE NULL END]) THEN true END IS NOT NULL)
    WITH CHECK (triggers.tenant_id = (SELECT app.current_tenant()) AND ((SELECT app.current_windows()))[hashtext(triggers.tenant_id) >> 1][CAST(hashtextextended(triggers.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (triggers.split_assignment = 'train') THEN 2 WHEN (triggers.split_assignment = 'test') THEN 4 WHEN (triggers.split_assignment = 'validation') THEN 3 WHEN (triggers.split_assignment = 'holdout') THEN 5 WHEN (triggers.split_assignment = 'unassigned') THEN 1 ELSE NULL END] IS NOT NULL);

CREATE POLICY tenant_members ON triggers AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);
