"""Runs the revisions: with `alembic`, with `hedgerow db upgrade`, and from Python; online or as a script (--sql).

The database is the owner's of DATABASE_URL, else the embedded server's, which is started. `-x url=...` names
another one, `-x allow-data-loss=true` consents to dropping tables and columns that hold data.
"""

from __future__ import annotations

from logging.config import fileConfig
from typing import Any

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

import hedgerow.migrations.operations  # noqa: F401 - registers the operations that revisions use
from hedgerow.core.errors import HedgerowError, sentence
from hedgerow.migrations.environment import migration_lock, owner_connection, told
from hedgerow.migrations.errors import MigrationError, server_words
from hedgerow.migrations.guard import OPTION, DataLossGuard

config = context.config
arguments = context.get_x_argument(as_dictionary=True)
guard = DataLossGuard(allowed=str(arguments.get("allow-data-loss", "")).lower() == "true")

if config.config_file_name is not None:
    fileConfig(config.config_file_name, disable_existing_loggers=False)


def refuse_revision(*_: Any) -> None:
    """`alembic revision` knows nothing of functions, views, policies and grants."""
    raise MigrationError("Revisions are written by another command.", remedy='Run hedgerow db revision -m "..."')


OPTIONS: dict[str, Any] = {
    # A revision that fails leaves those before it in place, and nothing of itself.
    "transaction_per_migration": True,
    "version_table_schema": "public",
    "on_version_apply": guard.conclude,
    "process_revision_directives": refuse_revision,
    OPTION: guard,
}


def run_offline() -> None:
    """Write the SQL of the revisions; connects to nothing."""
    context.configure(dialect_name="postgresql", literal_binds=True, **OPTIONS)
    with context.begin_transaction():
        context.run_migrations()


def run(connection: Connection) -> None:
    """Run the revisions on a connection."""
    context.configure(connection=connection, **OPTIONS)
    guard.install(context.get_context())
    with guard.watch(connection), context.begin_transaction():
        context.run_migrations()


def run_online() -> None:
    """Run the revisions on a connection of our own, as the only migration of the database."""
    url = arguments.get("url") or config.attributes.get("url")
    with owner_connection(url) as connection, migration_lock(connection), told(connection):
        run(connection)


def main() -> None:
    """Run the revisions in the way that was asked for."""
    given = config.attributes.get("connection")
    if context.is_offline_mode():
        run_offline()
    elif given is not None:
        run(given)
    else:
        run_online()


def refuse(error: HedgerowError | DBAPIError) -> CommandError:
    """What Alembic's command line shows as a message of its own instead of a traceback."""
    # The log says it already, on standard error; Alembic would say it once more on standard output.
    config.messaging_opts = {"quiet": True}
    if isinstance(error, DBAPIError):
        what, hint = server_words(error)
        error = MigrationError(f"PostgreSQL refused: {what}.", remedy=hint)
    return CommandError(error.message.rstrip() + (f"\nRemedy: {sentence(error.remedy)}" if error.remedy else ""))


if config.config_file_name is None:
    # hedgerow's own commands show errors in their own way.
    main()
else:
    try:
        main()
    except (HedgerowError, DBAPIError) as error:
        raise refuse(error) from error
