"""Migrations at once, as a script, and with the lock held by somebody else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hedgerow.core.embedded import find_installation
from hedgerow.core.settings import libpq_url
from hedgerow.migrations import Catalogue, MigrationError, diff
from hedgerow.migrations.commands import downgrade, upgrade
from hedgerow.migrations.config import script_directory
from hedgerow.migrations.environment import migration_lock, owner_connection

from .conftest import catalogue_of, execute, revisions

ROOT = script_directory().parent


def alembic(*arguments: str, url: Any = None) -> subprocess.Popen[str]:
    """Start Alembic's own command line in the checkout."""
    environment = dict(os.environ) | ({"DATABASE_URL": libpq_url(url)} if url else {})
    return subprocess.Popen(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def psql(url: Any, script: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    file = tmp_path / "script.sql"
    file.write_text(script, "utf-8")
    return subprocess.run(
        [find_installation().program("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", file, libpq_url(url)],
        text=True,
        capture_output=True,
    )


def test_three_upgrades_at_once_do_the_work_once(empty_database: Any, catalogues: dict[str, Catalogue]) -> None:
    running = [alembic("upgrade", "head", url=empty_database.url("owner")) for _ in range(3)]
    said = [process.communicate(timeout=120)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], said
    assert sum(text.count("Running upgrade") for text in said) == len(revisions())
    assert diff(catalogues[revisions()[-1]], catalogue_of(empty_database)) == []


def test_waiting_for_another_migration_says_so_and_ends(database: Any, caplog: pytest.LogCaptureFixture) -> None:
    url = database.url("owner")
    with (
        owner_connection(url) as first,
        migration_lock(first),
        owner_connection(url) as second,
        pytest.raises(MigrationError, match="Another migration"),
        migration_lock(second, patience=0.5),
    ):
        pass
    assert "Another migration of this database is running (process" in caplog.text
    # It is free again.
    with owner_connection(url) as third, migration_lock(third, patience=0):
        pass


def test_a_migration_does_not_wait_for_a_locked_table_for_ever(database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEDGEROW_LOCK_TIMEOUT", "200ms")
    with database.engine("admin").connect() as reader:
        reader.exec_driver_sql("SELECT count(*) FROM tenant")
        with pytest.raises(MigrationError, match="lock timeout"):
            downgrade(database.url("owner"), "base")


def test_a_script_of_all_revisions_makes_the_same_database(
    empty_database: Any, catalogues: dict[str, Catalogue], tmp_path: Path
) -> None:
    script, said = alembic("upgrade", "base:head", "--sql").communicate(timeout=120)
    assert script, said
    done = psql(empty_database.url("owner"), script, tmp_path)
    assert done.returncode == 0, done.stderr
    assert diff(catalogues[revisions()[-1]], catalogue_of(empty_database)) == []
    upgrade(empty_database.url("owner"))


def test_a_script_of_the_way_back_refuses_to_destroy_data(
    database: Any, catalogues: dict[str, Catalogue], tmp_path: Path
) -> None:
    execute(database, "INSERT INTO tenant (id, name) VALUES ('T', 'A tenant')")
    script, _ = alembic("downgrade", "head:base", "--sql").communicate(timeout=120)
    done = psql(database.url("owner"), script, tmp_path)
    assert "would destroy data: table" in done.stderr
    execute(database, "DELETE FROM tenant")
    script, _ = alembic("downgrade", f"{revisions()[1]}:base", "--sql").communicate(timeout=120)
    assert psql(database.url("owner"), script, tmp_path).returncode == 0
    assert diff(catalogues["base"], catalogue_of(database)) == []


def test_alembics_own_revision_command_is_refused(database: Any) -> None:
    process = alembic("revision", "-m", "nothing", url=database.url("owner"))
    assert "hedgerow db revision" in process.communicate(timeout=60)[1]
    assert process.returncode != 0
