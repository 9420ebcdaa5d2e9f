"""What tests of migrations share: catalogues at each revision, and scratch databases of the test server."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from hedgerow.migrations import Catalogue, read_catalogue
from hedgerow.migrations.check import declared_catalogue
from hedgerow.migrations.commands import upgrade
from hedgerow.migrations.config import script_directory, scripts
from hedgerow.migrations.scratch import Databases, embedded_database


def revisions() -> list[str]:
    """Every revision, the first one first."""
    return [script.revision for script in scripts().walk_revisions()][::-1]


def catalogue_of(database: Any) -> Catalogue:
    with database.engine("owner").connect() as connection:
        return read_catalogue(connection)


def execute(database: Any, *statements: str) -> None:
    """Run statements as superuser, past every wall."""
    with database.admin() as connection:
        for statement in statements:
            connection.execute(text(statement))


@pytest.fixture(scope="session")
def catalogues(fresh_database: Callable[[str | None], Any]) -> dict[str, Catalogue]:
    """The catalogue after each revision on the way up from an empty database, and that of ``base``."""
    database = fresh_database(None)
    found = {"base": catalogue_of(database)}
    for revision in revisions():
        upgrade(database.url("owner"), revision)
        found[revision] = catalogue_of(database)
    return found


@pytest.fixture(scope="session")
def make(server: Any) -> Databases:
    """Makes scratch databases."""
    return lambda: embedded_database(server)


@pytest.fixture(scope="session")
def declared(make: Databases) -> Catalogue:
    """The catalogue of everything that is declared."""
    return declared_catalogue(make)


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the revisions that a test may change and add to."""
    directory = tmp_path / "alembic"
    shutil.copytree(script_directory(), directory, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr("hedgerow.migrations.config.script_directory", lambda: directory)
    return directory
