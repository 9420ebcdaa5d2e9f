ALTER TABLE tenant ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON tenant AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (tenant.id = (SELECT app.current_tenant()))
    WITH CHECK (tenant.id = (SELECT app.current_tenant()));

CREATE POLICY tenant_members ON tenant AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE users FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON users AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (users.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (users.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY self ON users AS PERMISSIVE FOR SELECT TO PUBLIC
    USING ((tenant_id, id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m));

CREATE POLICY administrators ON users AS PERMISSIVE FOR ALL TO PUBLIC
    USING (tenant_id = (SELECT app.overseen_tenant()))
    WITH CHECK (tenant_id = (SELECT app.overseen_tenant()));
