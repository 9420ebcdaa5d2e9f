DROP TRIGGER forbid_truncate ON app.split_opening;
DROP TRIGGER forbid_mutation ON app.split_opening;
DROP FUNCTION app.take_turn;
DROP FUNCTION app.issue_scope;
DROP FUNCTION app.window_bound;
DROP FUNCTION app.current_windows;
DROP FUNCTION app.current_artefact_splits;
DROP FUNCTION app.current_splits;
DROP FUNCTION app.current_holding;
DROP FUNCTION app.current_member;
DROP FUNCTION app.current_user_id;
DROP FUNCTION app.current_tenant;
DROP FUNCTION forbid_mutation;
DROP FUNCTION update_updated_at_column;
DROP FUNCTION app.cosine_similarity;
DROP FUNCTION app.search_embedding;
DROP FUNCTION app.sealed;
DROP FUNCTION app.window_text;
DROP FUNCTION app.scope_claims;
DO $do$ BEGIN
    IF obj_description(to_regprocedure('auth.uid()'), 'pg_proc') = 'hedgerow: who asks, where no platform says so' THEN
        DROP FUNCTION auth.uid();
    END IF;
    IF obj_description(to_regnamespace('auth'), 'pg_namespace') = 'hedgerow: who asks, where no platform says so' THEN
        DROP SCHEMA auth;
    END IF;
END $do$;
DROP TABLE app.holdout_budget;
DROP TABLE app.split_opening;
DROP TABLE app.scope_key;
DROP SCHEMA app;
REVOKE USAGE ON SCHEMA public FROM hedgerow_app, hedgerow_readonly, hedgerow_auditor;
