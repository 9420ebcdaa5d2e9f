ALTER TABLE audit_chain_entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_chain_entries FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON audit_chain_entries AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (audit_chain_entries.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (audit_chain_entries.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY tenant_members ON audit_chain_entries AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE audit_chain_verification_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_chain_verification_log FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON audit_chain_verification_log AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (audit_chain_verification_log.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (audit_chain_verification_log.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY tenant_members ON audit_chain_verification_log AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);
