"""Is this a database to seed? At head, owned by the connected role, and nobody else's."""

from __future__ import annotations

from typing import Any, Final

import psycopg

from hedgerow.core.base import metadata
from hedgerow.migrations.config import scripts
from hedgerow.seeding.plan import SeedError
from hedgerow.seeding.world import TENANT_PREFIX

OURS: Final = (TENANT_PREFIX, "DEMO_")
"""How the ids of tenants begin that are fixtures: the seed's own and those of the examples."""

_PATIENCE: Final = "SET LOCAL lock_timeout = '2s'"

Connection = psycopg.Connection[tuple[Any, ...]]


def check_database(connection: Connection, *, force: bool = False) -> None:
    """Refuse a database that must not be seeded.

    :param force: accept tenants of somebody else.
    :raises SeedError: it is not at head, the role does not own the tables, or real tenants live there.
    """
    _check_tables(connection)
    _check_owner(connection)
    _check_head(connection)
    if not force:
        _check_tenants(connection)


def _check_tables(connection: Connection) -> None:
    names = list(metadata.tables)
    missing = connection.execute(
        "SELECT name FROM unnest(%s::text[]) AS name WHERE to_regclass(quote_ident(name)) IS NULL ORDER BY 1", [names]
    ).fetchall()
    if missing:
        listed = ", ".join(name for (name,) in missing[:5]) + (", ..." if len(missing) > 5 else "")
        raise SeedError(
            f"The database is not at head: {len(missing)} of {len(names)} tables are missing ({listed}).",
            remedy="run hedgerow db upgrade",
        )


def _check_owner(connection: Connection) -> None:
    row = connection.execute(
        "SELECT current_user, pg_get_userbyid(relowner), pg_has_role(relowner, 'USAGE')"
        " FROM pg_class WHERE oid = 'tenant'::regclass"
    ).fetchone()
    assert row is not None
    user, owner, owns = row
    if not owns:
        raise SeedError(
            f"The role {user} is not the owner of the schema, and only the owner creates tenants.",
            remedy=f"set DATABASE_URL to the URL of {owner}, the role of hedgerow db upgrade",
        )


def _check_head(connection: Connection) -> None:
    if connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
        # Built from the declarations and not by revisions, as scratch databases are.
        return
    found = {revision for (revision,) in connection.execute("SELECT version_num FROM alembic_version")}
    heads = set(scripts().get_heads())
    if found != heads:
        raise SeedError(
            f"The database is at revision {', '.join(sorted(found)) or '(none)'} and not at head "
            f"({', '.join(sorted(heads))}).",
            remedy="run hedgerow db upgrade",
        )


def _check_tenants(connection: Connection) -> None:
    """Look at every tenant, which the wall hides from the owner too: lift it and roll that back."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(_PATIENCE)
            connection.execute("ALTER TABLE tenant NO FORCE ROW LEVEL SECURITY")
            strangers = connection.execute(
                "SELECT id FROM tenant WHERE NOT id ^@ ANY (%s) ORDER BY id LIMIT 4", [list(OURS)]
            ).fetchall()
    except psycopg.errors.LockNotAvailable:
        raise SeedError(
            "Sessions are at work in the database, so it cannot be told whose tenants it holds.",
            table="tenant",
            remedy="try again when they are done, or say --force if it is not a production database",
        ) from None
    if strangers:
        listed = ", ".join(name for (name,) in strangers[:3]) + (", ..." if len(strangers) > 3 else "")
        raise SeedError(
            f"The database holds tenants that are no fixtures ({listed}).",
            table="tenant",
            remedy="seed another database, or say --force if you mean this one",
        )
