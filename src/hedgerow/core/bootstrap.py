"""What stands before the first table: extension, role, schema ``app``, the readers of the scope, shared triggers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hedgerow.core.objects import APP_ROLE, DbObject, Domain, Function

SHIM = "hedgerow: who asks, where no platform says so"
"""Comment that tells our ``auth`` from that of a platform, which is used and never touched."""

_AUTH_UID = f"""\
-- Who asks, for the policies. A Supabase database brings auth.uid() along; elsewhere it is made here, comments mark
-- what is ours, and it reads the user of the scope: NULL, to which nothing is equal, when the scope names none.
DO $do$ BEGIN
    IF to_regnamespace('auth') IS NULL THEN
        CREATE SCHEMA auth;
        COMMENT ON SCHEMA auth IS '{SHIM}';
        GRANT USAGE ON SCHEMA auth TO {APP_ROLE};
    END IF;
    IF to_regprocedure('auth.uid()') IS NULL THEN
        CREATE FUNCTION auth.uid() RETURNS uuid
        LANGUAGE sql STABLE PARALLEL SAFE
        RETURN NULLIF(current_setting('app.user_id', true), '')::uuid;
        COMMENT ON FUNCTION auth.uid() IS '{SHIM}';
        REVOKE ALL ON FUNCTION auth.uid() FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION auth.uid() TO {APP_ROLE};
    ELSIF (SELECT prorettype FROM pg_proc WHERE oid = 'auth.uid()'::regprocedure) <> 'uuid'::regtype THEN
        RAISE EXCEPTION 'The database has an auth.uid() that does not return uuid'
            USING ERRCODE = 'wrong_object_type',
                  HINT = 'Policies compare it with ids of users: rename it, or let it return the id as uuid.';
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
    """The core as a domain: no tables, but everything that tables and policies call."""

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
            f"role {APP_ROLE}",
            f"DO $$ BEGIN\n"
            f"    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{APP_ROLE}') THEN\n"
            f"        CREATE ROLE {APP_ROLE} NOLOGIN;\n"
            f"    END IF;\n"
            f"END $$;",
            # Roles belong to the whole cluster: another database may use it.
            "",
        )
        yield DbObject(
            "bootstrap",
            "schema app",
            f"CREATE SCHEMA app;\n"
            f"COMMENT ON SCHEMA app IS 'The machinery of the scope: who asks, for which tenant, for which splits';\n"
            f"GRANT USAGE ON SCHEMA app TO {APP_ROLE};\n"
            f"GRANT USAGE ON SCHEMA public TO {APP_ROLE};",
            f"DROP SCHEMA app;\nREVOKE USAGE ON SCHEMA public FROM {APP_ROLE};",
        )
        yield DbObject("bootstrap", "auth.uid()", _AUTH_UID, _DROP_AUTH_UID)
        yield from super().objects()


DOMAIN = CoreDomain(
    name="core",
    purpose="Extension, roles, the readers of the scope and shared functions",
    functions=(
        Function("current_tenant", schema="app"),
        Function("current_user_id", schema="app"),
        Function("current_splits", schema="app"),
        Function("current_artefact_splits", schema="app", after=("current_splits",)),
        Function("window_bound", schema="app"),
        Function("search_embedding", schema="app"),
        Function("cosine_similarity", schema="app"),
        Function("update_updated_at_column", callers=None),
        Function("forbid_mutation", callers=None),
    ),
    before_tables=True,
)
