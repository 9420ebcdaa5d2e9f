CREATE EXTENSION IF NOT EXISTS vector;

DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hedgerow_app') THEN
        CREATE ROLE hedgerow_app NOLOGIN;
    END IF;
END $$;

CREATE SCHEMA app;
COMMENT ON SCHEMA app IS 'The machinery of the scope: who asks, for which tenant, for which splits';
GRANT USAGE ON SCHEMA app TO hedgerow_app;
GRANT USAGE ON SCHEMA public TO hedgerow_app;
