"""Are models, revisions and database the same thing? The drift check.

What comes in: the database of the owner. What goes out: a :class:`Report`: heads, revisions that are pending, and
every object that is not as declared.
"""

from __future__ import annotations

from dataclasses import dataclass

from alembic.runtime.migration import MigrationContext
from sqlalchemy import URL, Connection
from sqlalchemy.exc import ProgrammingError

from hedgerow.migrations import config
from hedgerow.migrations.catalogue import Catalogue, Difference, diff, read_catalogue
from hedgerow.migrations.environment import connected, owner_connection
from hedgerow.migrations.errors import ScratchDatabaseError
from hedgerow.migrations.scratch import Databases, build_scratch, databases, domains_until


@dataclass(frozen=True, slots=True)
class Report:
    """What the check found.

    :ivar heads: the last revisions of the chain; more than one is a fault.
    :ivar current: revision of the database, None before the first.
    :ivar pending: revisions that the database has yet to see, in order.
    :ivar differences: objects of the database that are not as declared. Expected are the declarations, actual is
        the database. None are looked for while revisions are pending: everything that those bring would differ.
    """

    heads: tuple[str, ...]
    current: str | None
    pending: tuple[str, ...]
    differences: tuple[Difference, ...]

    @property
    def clean(self) -> bool:
        """Whether there is nothing to complain of."""
        return len(self.heads) == 1 and not self.pending and not self.differences


def check(url: str | URL | None = None, make: Databases | None = None, *, declared: Catalogue | None = None) -> Report:
    """Compare a database with the revisions and with the declarations; changes neither.

    :param url: the owner's database; None for the settings'.
    :param make: how to make a scratch database; None for the server of the settings.
    :param declared: what :func:`declared_catalogue` gave before, to spare the time of another scratch database.

    Raises:
        ScratchDatabaseError: the scratch database cannot be made, or is not empty.
    """
    scripts = config.scripts()
    heads = tuple(scripts.get_heads())
    with owner_connection(url) as connection:
        connection.rollback()
        connection.execution_options(isolation_level="REPEATABLE READ")
        applied = MigrationContext.configure(connection, opts={"version_table_schema": "public"}).get_current_heads()
        actual = read_catalogue(connection)
    known = {script.revision for script in scripts.iterate_revisions(applied, "base")} if applied else set()
    pending = [s.revision for s in scripts.iterate_revisions("heads", "base") if s.revision not in known]
    if pending:
        return Report(heads=heads, current=", ".join(applied) or None, pending=tuple(reversed(pending)), differences=())
    if declared is None:
        declared = declared_catalogue(make or databases())
    return Report(
        heads=heads,
        current=", ".join(applied) or None,
        pending=(),
        differences=tuple(diff(declared, actual)),
    )


def declared_catalogue(make: Databases) -> Catalogue:
    """The catalogue of everything that is declared, read from a scratch database that is left as empty as it was."""
    with make() as url, connected(url) as connection:
        _demand_empty(connection)
        try:
            build_scratch(connection, domains_until())
        except ProgrammingError as error:
            raise ScratchDatabaseError(
                f"The declarations cannot be built in the scratch database: {str(error.orig).strip()}."
            ) from error
        # Closing rolls back.
        return read_catalogue(connection)


def _demand_empty(connection: Connection) -> None:
    found = [
        key
        for key, entry in read_catalogue(connection).items()
        if key.name == "app" or (key.kind not in ("extension", "schema") and entry.definition)
    ]
    if found:
        raise ScratchDatabaseError(
            f"The scratch database {connection.engine.url.database!r} is not empty: it holds {found[0]}.",
            remedy="Name an empty one, with the extension vector",
        )
