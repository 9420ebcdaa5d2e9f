"""Running revisions from Python.

What comes in: a database of the owner. What goes out: the same database at another revision.
"""

from __future__ import annotations

from alembic import command
from alembic.util import CommandError
from sqlalchemy import URL

from hedgerow.migrations.config import alembic_config
from hedgerow.migrations.errors import MigrationError


def upgrade(
    url: str | URL | None = None, revision: str = "head", *, sql: bool = False, allow_data_loss: bool = False
) -> None:
    """Bring a database to ``revision``; safe to call from several processes at once.

    :param url: database of the owner; None for the settings' (``DATABASE_URL``, else the embedded server).
    :param sql: print the SQL instead of running it; ``revision`` may then be ``from:to``.
    :param allow_data_loss: consent to dropping tables and columns that hold data.

    Raises:
        DataLossError: tables or columns that hold data would be dropped, without consent.
        MigrationError: there is no such revision, or PostgreSQL refuses a statement; what the revision had done is
            rolled back, revisions before it are in place. The message says at which revision the database is.
    """
    _run(url, revision, up=True, sql=sql, allow_data_loss=allow_data_loss)


def downgrade(
    url: str | URL | None = None, revision: str = "-1", *, sql: bool = False, allow_data_loss: bool = False
) -> None:
    """Bring a database back to ``revision``; like :func:`upgrade` otherwise."""
    _run(url, revision, up=False, sql=sql, allow_data_loss=allow_data_loss)


def _run(url: str | URL | None, revision: str, *, up: bool, sql: bool, allow_data_loss: bool) -> None:
    config = alembic_config(url, allow_data_loss=allow_data_loss)
    try:
        (command.upgrade if up else command.downgrade)(config, revision, sql=sql)
    except CommandError as error:
        raise MigrationError(
            f"{str(error).rstrip('.')}.", remedy="Choose one of the revisions that hedgerow db history lists"
        ) from error
