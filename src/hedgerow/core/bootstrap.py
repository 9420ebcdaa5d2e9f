"""What stands before the first table: extension, role, schema ``app``, the readers of the scope, shared triggers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hedgerow.core.objects import APP_ROLE, DbObject, Domain, Function


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
        yield from super().objects()


DOMAIN = CoreDomain(
    name="core",
    purpose="Extension, roles, the readers of the scope and shared trigger functions",
    functions=(
        Function("current_tenant", schema="app"),
        Function("current_user_id", schema="app"),
        Function("current_splits", schema="app"),
        Function("current_artefact_splits", schema="app", after=("current_splits",)),
        Function("window_bound", schema="app"),
        Function("update_updated_at_column", callers=None),
        Function("forbid_mutation", callers=None),
    ),
    before_tables=True,
)
