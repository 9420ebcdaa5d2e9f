ALTER TABLE ml_split_access_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml_split_access_log FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON ml_split_access_log AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (ml_split_access_log.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (ml_split_access_log.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY tenant_members ON ml_split_access_log AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE ml_split_registry ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml_split_registry FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON ml_split_registry AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (ml_split_registry.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (ml_split_registry.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY tenant_members ON ml_split_registry AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE ml_leakage_audit ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml_leakage_audit FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON ml_leakage_audit AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (ml_leakage_audit.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (ml_leakage_audit.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY tenant_members ON ml_leakage_audit AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE ml_patient_split_assignments ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml_patient_split_assignments FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON ml_patient_split_assignments AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (ml_patient_split_assignments.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (ml_patient_split_assignments.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY tenant_members ON ml_patient_split_assignments AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE ml_preprocessing_metadata ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml_preprocessing_metadata FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON ml_preprocessing_metadata AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (ml_preprocessing_metadata.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (ml_preprocessing_metadata.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY written_from_train_insert ON ml_preprocessing_metadata AS RESTRICTIVE FOR INSERT TO PUBLIC
    WITH CHECK (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE s.splits <@ ARRAY['train']));

CREATE POLICY written_from_train_update ON ml_preprocessing_metadata AS RESTRICTIVE FOR UPDATE TO PUBLIC
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE s.splits <@ ARRAY['train']));

CREATE POLICY written_from_train_delete ON ml_preprocessing_metadata AS RESTRICTIVE FOR DELETE TO PUBLIC
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE s.splits <@ ARRAY['train']));

CREATE POLICY tenant_members ON ml_preprocessing_metadata AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);
