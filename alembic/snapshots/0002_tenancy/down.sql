DROP POLICY tenant_members ON users;
DROP POLICY tenant_isolation ON users;
DROP POLICY tenant_members ON tenant;
DROP POLICY tenant_isolation ON tenant;
DROP TRIGGER set_updated_at ON users;
DROP TRIGGER set_updated_at ON tenant;
DROP FUNCTION is_admin;
