CREATE EXTENSION IF NOT EXISTS vector;

DO $$ BEGIN
    IF to_regrole('hedgerow_app') IS NULL THEN
        CREATE ROLE hedgerow_app NOLOGIN;
    END IF;
    IF to_regrole('hedgerow_evaluator') IS NULL THEN
        CREATE ROLE hedgerow_evaluator NOLOGIN;
    END IF;
    IF to_regrole('hedgerow_readonly') IS NULL THEN
        CREATE ROLE hedgerow_readonly NOLOGIN;
    END IF;
    IF to_regrole('hedgerow_auditor') IS NULL THEN
        CREATE ROLE hedgerow_auditor NOLOGIN;
    END IF;
    IF NOT pg_has_role('hedgerow_evaluator', 'hedgerow_app', 'USAGE') THEN
        GRANT hedgerow_app TO hedgerow_evaluator;
    END IF;
END $$;

CREATE SCHEMA app;
COMMENT ON SCHEMA app IS 'The machinery of the scope: who asks, for which tenant, for which splits';
GRANT USAGE ON SCHEMA app TO hedgerow_app, hedgerow_readonly, hedgerow_auditor;
GRANT USAGE ON SCHEMA public TO hedgerow_app, hedgerow_readonly, hedgerow_auditor;

CREATE TABLE app.scope_key (
    key_id text NOT NULL CONSTRAINT pk_scope_key PRIMARY KEY,
    inner_pad bytea NOT NULL CONSTRAINT ck_scope_key_inner_pad CHECK (octet_length(inner_pad) = 64),
    outer_pad bytea NOT NULL CONSTRAINT ck_scope_key_outer_pad CHECK (octet_length(outer_pad) = 64),
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE app.scope_key IS
    'Keys of scopes, for the owner alone: ''database'' signs each transaction; any other one demands a signed request';
COMMENT ON COLUMN app.scope_key.inner_pad IS 'Key XOR 0x36, 64 bytes';
COMMENT ON COLUMN app.scope_key.outer_pad IS 'Key XOR 0x5c, 64 bytes';
INSERT INTO app.scope_key (key_id, inner_pad, outer_pad)
SELECT 'database', sha256(r[1]) || sha256(r[2]), sha256(r[3]) || sha256(r[4])
  FROM (SELECT array_agg(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) AS r
          FROM generate_series(1, 4)) AS random;

CREATE TABLE app.split_opening (
    opening_id uuid NOT NULL CONSTRAINT pk_split_opening PRIMARY KEY,
    tenant_id text NOT NULL,
    user_id text,
    login name NOT NULL,
    caller text NOT NULL,
    splits text[] NOT NULL,
    model text NOT NULL,
    holdout_number integer CONSTRAINT ck_split_opening_holdout_number CHECK (holdout_number > 0),
    purpose text NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT now(),
    opened_in xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT uq_split_opening_tenant_id_model_holdout_number UNIQUE (tenant_id, model, holdout_number)
);
COMMENT ON TABLE app.split_opening IS 'Openings of test and holdout that were granted; one opens one session';
COMMENT ON COLUMN app.split_opening.login IS 'Who may use it';
COMMENT ON COLUMN app.split_opening.model IS 'The model that is judged; empty when none was named';
COMMENT ON COLUMN app.split_opening.holdout_number IS 'Which opening of holdout for the model; NULL for test alone';
COMMENT ON COLUMN app.split_opening.opened_in IS 'The transaction that it was granted in, which cannot use it';
CREATE TABLE app.holdout_budget (
    tenant_id text NOT NULL,
    model text NOT NULL,
    openings integer NOT NULL CONSTRAINT ck_holdout_budget_openings CHECK (openings >= 0),
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_holdout_budget PRIMARY KEY (tenant_id, model),
    CONSTRAINT ck_holdout_budget_tenant_id CHECK (tenant_id <> '*' OR model = '*')
);
COMMENT ON TABLE app.holdout_budget IS
    'How often holdout may be opened for a model, where not once; ''*'' for every tenant or model without a row';

-- Who asks, by the name that SQL written for Supabase knows. Such a database brings auth.uid() along; elsewhere it is
-- made here, comments mark what is ours, and it reads the verified user of the scope. No policy calls it: that of a
-- platform believes a setting, which anybody can write who can run SQL.
DO $do$ BEGIN
    IF to_regnamespace('auth') IS NULL THEN
        CREATE SCHEMA auth;
        COMMENT ON SCHEMA auth IS 'hedgerow: who asks, where no platform says so';
        GRANT USAGE ON SCHEMA auth TO hedgerow_app, hedgerow_readonly;
    END IF;
    IF to_regprocedure('auth.uid()') IS NULL THEN
        CREATE FUNCTION auth.uid() RETURNS uuid
        LANGUAGE plpgsql STABLE PARALLEL SAFE
        AS $body$ BEGIN RETURN app.current_user_id()::uuid; END $body$;
        COMMENT ON FUNCTION auth.uid() IS 'hedgerow: who asks, where no platform says so';
        REVOKE ALL ON FUNCTION auth.uid() FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION auth.uid() TO hedgerow_app, hedgerow_readonly;
    ELSIF (SELECT prorettype FROM pg_proc WHERE oid = 'auth.uid()'::regprocedure) <> 'uuid'::regtype THEN
        RAISE EXCEPTION 'The database has an auth.uid() that does not return uuid'
            USING ERRCODE = 'wrong_object_type',
                  HINT = 'It stands for the id of a user: rename it, or let it return the id as uuid.';
    END IF;
END $do$;
