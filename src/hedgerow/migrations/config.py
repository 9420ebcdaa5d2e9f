"""Where the revisions are: inside the wheel, or beside ``src`` in a checkout."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection

import hedgerow
from hedgerow.migrations.errors import MigrationError


def script_directory() -> Path:
    """The directory with env.py, versions and snapshots: inside the wheel, or beside ``src`` in a checkout.

    Raises:
        MigrationError: there is neither.
    """
    package = Path(hedgerow.__file__).resolve().parent
    for directory in (package / "_alembic", package.parents[1] / "alembic"):
        if (directory / "env.py").is_file():
            return directory
    raise MigrationError(
        f"The revisions are missing: neither {package / '_alembic'} nor {package.parents[1] / 'alembic'} holds them.",
        remedy="Reinstall hedgerow, or work from a complete checkout",
    )


def alembic_config(
    url: str | URL | None = None, *, connection: Connection | None = None, allow_data_loss: bool = False
) -> Config:
    """Alembic's configuration for use from Python; needs neither the repository nor alembic.ini.

    :param url: database of the owner; None for the settings' (``DATABASE_URL``, else the embedded server).
    :param connection: run on this connection instead, whose locks, timeouts and transaction are the caller's.
    :param allow_data_loss: consent to dropping tables and columns that hold data.
    """
    config = Config()
    config.set_main_option("script_location", str(script_directory()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(rev)s")
    config.cmd_opts = Namespace(x=[f"allow-data-loss={str(allow_data_loss).lower()}"], quiet=True)
    if url is not None:
        config.attributes["url"] = url
    if connection is not None:
        config.attributes["connection"] = connection
    return config


def scripts() -> ScriptDirectory:
    """The revisions as Alembic knows them."""
    return ScriptDirectory.from_config(alembic_config())
