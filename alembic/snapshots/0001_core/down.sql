DROP FUNCTION app.current_artefact_splits;
DROP FUNCTION forbid_mutation;
DROP FUNCTION update_updated_at_column;
DROP FUNCTION app.window_bound;
DROP FUNCTION app.current_splits;
DROP FUNCTION app.current_user_id;
DROP FUNCTION app.current_tenant;
DROP SCHEMA app;
REVOKE USAGE ON SCHEMA public FROM hedgerow_app;
