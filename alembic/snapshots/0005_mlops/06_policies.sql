ALTER TABLE ml_experiments ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml_experiments FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON ml_experiments AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (ml_experiments.tenant_id = (SELECT app.current_tenant()) AND ml_experiments.split_assignment = any(CAST((SELECT app.current_artefact_splits())::text[] AS TEXT[])))
    WITH CHECK (ml_experiments.tenant_id = (SELECT app.current_tenant()) AND ml_experiments.split_assignment = any(CAST((SELECT app.current_splits())::text[] AS TEXT[])));

CREATE POLICY own_split_update ON ml_experiments AS RESTRICTIVE FOR UPDATE TO PUBLIC
    USING (ml_experiments.tenant_id = (SELECT app.current_tenant()) AND ml_experiments.split_assignment = any(CAST((SELECT app.current_splits())::text[] AS TEXT[])));

CREATE POLICY own_split_delete ON ml_experiments AS RESTRICTIVE FOR DELETE TO PUBLIC
    USING (ml_experiments.tenant_id = (SELECT app.current_tenant()) AND ml_experiments.split_assignment = any(CAST((SELECT app.current_splits())::text[] AS TEXT[])));

CREATE POLICY tenant_members ON ml_experiments AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE ml_model_registry ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml_model_registry FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON ml_model_registry AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (ml_model_registry.tenant_id = (SELECT app.current_tenant()) AND ml_model_registry.split_assignment = any(CAST((SELECT app.current_artefact_splits())::text[] AS TEXT[])))
    WITH CHECK (ml_model_registry.tenant_id = (SELECT app.current_tenant()) AND ml_model_registry.split_assignment = any(CAST((SELECT app.current_splits())::text[] AS TEXT[])));

CREATE POLICY own_split_update ON ml_model_registry AS RESTRICTIVE FOR UPDATE TO PUBLIC
    USING (ml_model_registry.tenant_id = (SELECT app.current_tenant()) AND ml_model_registry.split_assignment = any(CAST((SELECT app.current_splits())::text[] AS TEXT[])));

CREATE POLICY own_split_delete ON ml_model_registry AS RESTRICTIVE FOR DELETE TO PUBLIC
    USING (ml_model_registry.tenant_id = (SELECT app.current_tenant()) AND ml_model_registry.split_assignment = any(CAST((SELECT app.current_splits())::text[] AS TEXT[])));

CREATE POLICY tenant_members ON ml_model_registry AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);
