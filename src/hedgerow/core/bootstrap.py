"""What stands before the first table: extension, roles, schema ``app``, the readers of the scope, shared triggers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hedgerow.core.objects import APPEND_ONLY, DbObject, Domain, Function
from hedgerow.core.roles import APP_ROLE, EVALUATOR_ROLE, GRANTED, GROUPS, READONLY_ROLE

_ROLES = "\n".join(
    f"    IF to_regrole('{role}') IS NULL THEN\n        CREATE ROLE {role} NOLOGIN;\n    END IF;" for role in GROUPS
)

# Two keys of 64 bytes that nobody chose: what HMAC makes of one key, without the key. Each database has its own.
_SCOPE_KEY = """CREATE TABLE app.scope_key (
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
          FROM generate_series(1, 4)) AS random;"""

# In this schema and without policies: nobody but the owner reads or writes them, through functions of the splits.
_OPENINGS = """CREATE TABLE app.split_opening (
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
    'How often holdout may be opened for a model, where not once; ''*'' for every tenant or model without a row';"""

SHIM = "hedgerow: who asks, where no platform says so"
"""Comment that tells our ``auth`` from that of a platform, which is used and never touched."""

_CALLERS = ", ".join((APP_ROLE, READONLY_ROLE))

_AUTH_UID = f"""\
-- Who asks, by the name that SQL written for Supabase knows. Such a database brings auth.uid() along; elsewhere it is
-- made here, comments mark what is ours, and it reads the verified user of the scope. No policy calls it: that of a
-- platform believes a setting, which anybody can write who can run SQL.
DO $do$ BEGIN
    IF to_regnamespace('auth') IS NULL THEN
        CREATE SCHEMA auth;
        COMMENT ON SCHEMA auth IS '{SHIM}';
        GRANT USAGE ON SCHEMA auth TO {_CALLERS};
    END IF;
    IF to_regprocedure('auth.uid()') IS NULL THEN
        CREATE FUNCTION auth.uid() RETURNS uuid
        LANGUAGE plpgsql STABLE PARALLEL SAFE
        AS $body$ BEGIN RETURN app.current_user_id()::uuid; END $body$;
        COMMENT ON FUNCTION auth.uid() IS '{SHIM}';
        REVOKE ALL ON FUNCTION auth.uid() FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION auth.uid() TO {_CALLERS};
    ELSIF (SELECT prorettype FROM pg_proc WHERE oid = 'auth.uid()'::regprocedure) <> 'uuid'::regtype THEN
        RAISE EXCEPTION 'The database has an auth.uid() that does not return uuid'
            USING ERRCODE = 'wrong_object_type',
                  HINT = 'It stands for the id of a user: rename it, or let it return the id as uuid.';
    END IF;
END $do$;"""

_DROP_AUTH_UID = f"""\
DO $do$ BEGIN
    IF obj_description(to_regprocedure('auth.uid()'), 'pg_proc') = '{SHIM}' THEN
        DROP FUNCTION auth.uid();
    END IF;
    IF obj_description(to_regnamespace('auth'), 'pg_namespace') = '{SHIM}' THEN
        DROP SCHEMA auth;
    END IF;
END $do$;"""


@dataclass(frozen=True)
class CoreDomain(Domain):
    """The core as a domain: no models, but everything that tables and policies call."""

    def objects(self) -> Iterator[DbObject]:
        yield DbObject(
            "bootstrap",
            "extension vector",
            # Not trusted: a DBA installs it once, then this is a no-op for an owner without superuser rights.
            "CREATE EXTENSION IF NOT EXISTS vector;",
            # Never dropped: the database may have had it before us.
            "",
        )
        yield DbObject(
            "bootstrap",
            "roles",
            f"DO $$ BEGIN\n{_ROLES}\n"
            f"    IF NOT pg_has_role('{EVALUATOR_ROLE}', '{APP_ROLE}', 'USAGE') THEN\n"
            f"        GRANT {APP_ROLE} TO {EVALUATOR_ROLE};\n"
            f"    END IF;\n"
            f"END $$;",
            # Roles belong to the whole cluster: another database may use them.
            "",
        )
        roles = ", ".join(GRANTED)
        yield DbObject(
            "bootstrap",
            "schema app",
            f"CREATE SCHEMA app;\n"
            f"COMMENT ON SCHEMA app IS 'The machinery of the scope: who asks, for which tenant, for which splits';\n"
            f"GRANT USAGE ON SCHEMA app TO {roles};\n"
            f"GRANT USAGE ON SCHEMA public TO {roles};",
            f"DROP SCHEMA app;\nREVOKE USAGE ON SCHEMA public FROM {roles};",
        )
        yield DbObject(
            "bootstrap",
            "table app.scope_key",
            _SCOPE_KEY,
            "DROP TABLE app.scope_key;",
        )
        yield DbObject(
            "bootstrap",
            "tables of openings",
            _OPENINGS,
            "DROP TABLE app.holdout_budget;\nDROP TABLE app.split_opening;",
        )
        yield DbObject("bootstrap", "auth.uid()", _AUTH_UID, _DROP_AUTH_UID)
        yield from super().objects()
        # After the functions, one of which they call. The table is no model's, so no trait brings them.
        for trigger in APPEND_ONLY:
            yield trigger.on("app.split_opening")


DOMAIN = CoreDomain(
    name="core",
    purpose="Extension, roles, the signed scope and its readers, shared functions",
    functions=(
        Function("scope_claims", schema="app", callers=GRANTED),
        Function("current_tenant", schema="app", callers=GRANTED, after=("scope_claims",)),
        Function("current_user_id", schema="app", callers=GRANTED, after=("scope_claims",)),
        Function("current_member", schema="app", callers=GRANTED, after=("scope_claims",)),
        Function("current_holding", schema="app", callers=GRANTED, after=("scope_claims",)),
        Function("current_splits", schema="app", callers=GRANTED, after=("scope_claims",)),
        Function("current_artefact_splits", schema="app", callers=GRANTED, after=("scope_claims",)),
        Function("current_windows", schema="app", callers=GRANTED, after=("scope_claims",)),
        Function("window_bound", schema="app", callers=GRANTED, after=("scope_claims",)),
        Function("window_text", schema="app", callers=None),
        Function("sealed", schema="app", callers=None),
        Function("issue_scope", schema="app", callers=None, after=("sealed", "window_text")),
        Function("take_turn", schema="app", after=("current_tenant", "sealed")),
        Function("search_embedding", schema="app"),
        Function("cosine_similarity", schema="app"),
        Function("update_updated_at_column", callers=None),
        Function("forbid_mutation", callers=None),
    ),
    before_tables=True,
)
