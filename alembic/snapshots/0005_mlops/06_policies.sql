ALTER TABLE ml_experiments ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml_experiments FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON ml_experiments AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (ml_experiments.tenant_id = (SELECT app.current_tenant()) AND ((SELECT app.current_windows()))[hashtext(ml_experiments.tenant_id) >> 1][CAST(hashtextextended(ml_experiments.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (ml_experiments.split_assignment = 'train') THEN 7 WHEN (ml_experiments.split_assignment = 'test') THEN 9 WHEN (ml_experiments.split_assignment = 'validation') THEN 8 WHEN (ml_experiments.split_assignment = 'holdout') THEN 10 WHEN (ml_experiments.split_assignment = 'unassigned') THEN 6 ELSE NULL END] IS NOT NULL)
    WITH CHECK (ml_experiments.tenant_id = (SELECT app.current_tenant()) AND ((SELECT app.current_windows()))[hashtext(ml_experiments.tenant_id) >> 1][CAST(hashtextextended(ml_experiments.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (ml_experiments.split_assignment = 'train') THEN 2 WHEN (ml_experiments.split_assignment = 'test') THEN 4 WHEN (ml_experiments.split_assignment = 'validation') THEN 3 WHEN (ml_experiments.split_assignment = 'holdout') THEN 5 WHEN (ml_experiments.split_assignment = 'unassigned') THEN 1 ELSE NULL END] IS NOT NULL);

CREATE POLICY own_split_update ON ml_experiments AS RESTRICTIVE FOR UPDATE TO PUBLIC
    USING (ml_experiments.tenant_id = (SELECT app.current_tenant()) AND ((SELECT app.current_windows()))[hashtext(ml_experiments.tenant_id) >> 1][CAST(hashtextextended(ml_experiments.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (ml_experiments.split_assignment = 'train') THEN 2 WHEN (ml_experiments.split_assignment = 'test') THEN 4 WHEN (ml_experiments.split_assignment = 'validation') THEN 3 WHEN (ml_experiments.split_assignment = 'holdout') THEN 5 WHEN (ml_experiments.split_assignment = 'unassigned') THEN 1 ELSE NULL END] IS NOT NULL);

CREATE POLICY own_split_delete ON ml_experiments AS RESTRICTIVE FOR DELETE TO PUBLIC
    USING (ml_experiments.tenant_id = (SELECT app.current_tenant()) AND ((SELECT app.current_windows()))[hashtext(ml_experiments.tenant_id) >> 1][CAST(hashtextextended(ml_experiments.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (ml_experiments.split_assignment = 'train') THEN 2 WHEN (ml_experiments.split_assignment = 'test') THEN 4 WHEN (ml_experiments.split_assignment = 'validation') THEN 3 WHEN (ml_experiments.split_assignment = 'holdout') THEN 5 WHEN (ml_experiments.split_assignment = 'unassigned') THEN 1 ELSE NULL END] IS NOT NULL);

CREATE POLICY tenant_members ON ml_experiments AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE ml_model_registry ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml_model_registry FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON ml_model_registry AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (ml_model_registry.tenant_id = (SELECT app.current_tenant()) AND ((SELECT app.current_windows()))[hashtext(ml_model_registry.tenant_id) >> 1][CAST(hashtextextended(ml_model_registry.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (ml_model_registry.split_assignment = 'train') THEN 7 WHEN (ml_model_registry.split_assignment = 'test') THEN 9 WHEN (ml_model_registry.split_assignment = 'validation') THEN 8 WHEN (ml_model_registry.split_assignment = 'holdout') THEN 10 WHEN (ml_model_registry.split_assignment = 'unassigned') THEN 6 ELSE NULL END] IS NOT NULL)
    WITH CHECK (ml_model_registry.tenant_id = (SELECT app.current_tenant()) AND ((SELECT app.current_windows()))[hashtext(ml_model_registry.tenant_id) >> 1][CAST(hashtextextended(ml_model_registry.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (ml_model_registry.split_assignment = 'train') THEN 2 WHEN (ml_model_registry.split_assignment = 'test') THEN 4 WHEN (ml_model_registry.split_assignment = 'validation') THEN 3 WHEN (ml_model_registry.split_assignment = 'holdout') THEN 5 WHEN (ml_model_registry.split_assignment = 'unassigned') THEN 1 ELSE NULL END] IS NOT NULL);

CREATE POLICY own_split_update ON ml_model_registry AS RESTRICTIVE FOR UPDATE TO PUBLIC
    USING (ml_model_registry.tenant_id = (SELECT app.current_tenant()) AND ((SELECT app.current_windows()))[hashtext(ml_model_registry.tenant_id) >> 1][CAST(hashtextextended(ml_model_registry.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (ml_model_registry.split_assignment = 'train') THEN 2 WHEN (ml_model_registry.split_assignment = 'test') THEN 4 WHEN (ml_model_registry.split_assignment = 'validation') THEN 3 WHEN (ml_model_registry.split_assignment = 'holdout') THEN 5 WHEN (ml_model_registry.split_assignment = 'unassigned') THEN 1 ELSE NULL END] IS NOT NULL);

CREATE POLICY own_split_delete ON ml_model_registry AS RESTRICTIVE FOR DELETE TO PUBLIC
    USING (ml_model_registry.tenant_id = (SELECT app.current_tenant()) AND ((SELECT app.current_windows()))[hashtext(ml_model_registry.tenant_id) >> 1][CAST(hashtextextended(ml_model_registry.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (ml_model_registry.split_assignment = 'train') THEN 2 WHEN (ml_model_registry.split_assignment = 'test') THEN 4 WHEN (ml_model_registry.split_assignment = 'validation') THEN 3 WHEN (ml_model_registry.split_assignment = 'holdout') THEN 5 WHEN (ml_model_registry.split_assignment = 'unassigned') THEN 1 ELSE NULL END] IS NOT NULL);

CREATE POLICY tenant_members ON ml_model_registry AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);
