"""How env.py meets the database: one migration at a time, never waiting for ever, never losing data unasked."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from alembic.runtime.migration import MigrationContext
from sqlalchemy import URL, Connection, create_engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from hedgerow.core.errors import sentence
from hedgerow.core.settings import Settings, resolve_urls, sync_url
from hedgerow.migrations.errors import MigrationError, server_words

log = logging.getLogger("alembic.hedgerow")

LOCK: Final = int.from_bytes(b"hedgerow")
"""Key of the advisory lock that a migration holds, in the database that it migrates."""

PATIENCE: Final = 600.0
"""Seconds to wait for another migration."""

_HOLDER: Final = """
    SELECT a.pid, date_trunc('second', now() - a.backend_start)::text AS age
    FROM pg_locks AS l
    JOIN pg_stat_activity AS a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (l.classid::bigint << 32 | l.objid::bigint) = %s
"""


@contextmanager
def owner_connection(url: Any = None, settings: Settings | None = None) -> Iterator[Connection]:
    """A connection of the schema's owner with the timeouts of migrations, closed in the end.

    :param url: None for the settings' URL; starts the embedded server when no database is configured.

    Raises:
        MigrationError: the database cannot be reached.
    """
    settings = settings or Settings.load()
    target = sync_url(url) if url is not None else resolve_urls(settings).owner
    with connected(target, application_name="hedgerow migration") as connection:
        for name, value in (("lock_timeout", settings.lock_timeout), ("statement_timeout", settings.statement_timeout)):
            connection.exec_driver_sql("SELECT set_config(%s, %s, false)", (name, value))
        # Revisions name what they create without a schema.
        connection.exec_driver_sql("SET search_path TO public")
        connection.commit()
        yield connection


@contextmanager
def connected(url: URL, **arguments: Any) -> Iterator[Connection]:
    """A connection that is closed in the end, and with it every lock and transaction that it might still hold.

    Raises:
        MigrationError: the database cannot be reached.
    """
    engine = create_engine(url, poolclass=NullPool, connect_args=arguments)
    try:
        connection = engine.connect()
    except OperationalError as error:
        raise MigrationError(
            f"The database {url.render_as_string(hide_password=True)} cannot be reached: "
            f"{sentence(server_words(error)[0])}",
            remedy="Correct the URL, or start the server; without DATABASE_URL the embedded one is used",
        ) from error
    with connection:
        yield connection


@contextmanager
def migration_lock(
    connection: Connection, *, patience: float = PATIENCE, sleep: Callable[[float], None] = time.sleep
) -> Iterator[None]:
    """Be the only migration of the database inside of the ``with`` block; others wait and then find nothing to do.

    The lock is polled, with a commit between the tries: a session that waits inside of a transaction would hold up
    the CREATE INDEX CONCURRENTLY of the migration that it waits for.

    Raises:
        MigrationError: another migration held the lock for ``patience`` seconds.
    """
    deadline, told = time.monotonic() + patience, False
    while True:
        got = connection.exec_driver_sql("SELECT pg_try_advisory_lock(%s)", (LOCK,)).scalar_one()
        holder = None if got else connection.exec_driver_sql(_HOLDER, (LOCK,)).first()
        connection.commit()
        if got:
            break
        who = f"process {holder[0]} of the server, connected for {holder[1]}" if holder else "another session"
        if time.monotonic() > deadline:
            raise MigrationError(
                f"Another migration of this database has been running for more than {patience:g} seconds ({who}).",
                remedy="Wait for it, or end it with SELECT pg_terminate_backend(<process>), then run this again",
            )
        if not told:
            log.warning("Another migration of this database is running (%s); waiting for it.", who)
            told = True
        sleep(0.2)
    if told:
        log.info("The other migration has ended; going on.")
    try:
        yield
    finally:
        # After an error the session ends anyway, and the lock with it.
        if not connection.invalidated:
            connection.rollback()
            connection.exec_driver_sql("SELECT pg_advisory_unlock(%s)", (LOCK,))
            connection.commit()


@contextmanager
def told(connection: Connection) -> Iterator[None]:
    """Make a failure inside of the ``with`` block say at which revision the database is then.

    Each revision is a transaction of its own, so that those before the one that failed stay done.

    Raises:
        MigrationError: in the place of PostgreSQL's refusal of a statement.
    """
    before = _revision(connection)
    try:
        yield
    except MigrationError as error:
        error.message = f"{error.message.rstrip()}\n{_whereabouts(connection, before)}"
        raise
    except DBAPIError as error:
        what, hint = server_words(error)
        raise MigrationError(
            f"The migration failed and was rolled back: {what}.\n{_whereabouts(connection, before)}",
            remedy=hint or "Correct what PostgreSQL complains of and run it again",
        ) from error


def _whereabouts(connection: Connection, before: str | None) -> str:
    try:
        connection.rollback()
        now = _revision(connection)
    except DBAPIError:
        return "The connection is lost: hedgerow db current says at which revision the database is."
    if now == before:
        return f"The database is still at {now or 'no revision'}."
    return (
        f"The database is now at {now or 'no revision'}, no longer at {before or 'no revision'}: the steps before this"
        " one are done. hedgerow db upgrade brings it to head."
    )


def _revision(connection: Connection) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table_schema": "public"})
    heads = context.get_current_heads()
    # Reading begins a transaction, and Alembic's own are to begin outside of any.
    connection.rollback()
    return ", ".join(heads) or None
