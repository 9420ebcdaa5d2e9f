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

-- Who asks, for the policies. A Supabase database brings auth.uid() along; elsewhere it is made here, comments mark
-- what is ours, and it reads the user of the scope: NULL, to which nothing is equal, when the scope names none.
DO $do$ BEGIN
    IF to_regnamespace('auth') IS NULL THEN
        CREATE SCHEMA auth;
        COMMENT ON SCHEMA auth IS 'hedgerow: who asks, where no platform says so';
        GRANT USAGE ON SCHEMA auth TO hedgerow_app;
    END IF;
    IF to_regprocedure('auth.uid()') IS NULL THEN
        CREATE FUNCTION auth.uid() RETURNS uuid
        LANGUAGE sql STABLE PARALLEL SAFE
        RETURN NULLIF(current_setting('app.user_id', true), '')::uuid;
        COMMENT ON FUNCTION auth.uid() IS 'hedgerow: who asks, where no platform says so';
        REVOKE ALL ON FUNCTION auth.uid() FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION auth.uid() TO hedgerow_app;
    ELSIF (SELECT prorettype FROM pg_proc WHERE oid = 'auth.uid()'::regprocedure) <> 'uuid'::regtype THEN
        RAISE EXCEPTION 'The database has an auth.uid() that does not return uuid'
            USING ERRCODE = 'wrong_object_type',
                  HINT = 'Policies compare it with ids of users: rename it, or let it return the id as uuid.';
    END IF;
END $do$;
