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


def test_alembic_shows_a_refusal_as_a_message_and_says_where_the_database_is(database: Any) -> None:
    execute(database, "INSERT INTO tenant (id, name) VALUES ('T', 'A tenant')")
    process = alembic("downgrade", "base", url=database.url("owner"))
    said = "".join(process.communicate(timeout=120))
    assert process.returncode != 0
    assert "Traceback" not in said
    assert said.count("table tenant: 1 row") == 1
    assert f"The database is now at {revisions()[1]}, no longer at {revisions()[-1]}" in said
    assert "hedgerow db upgrade brings it to head" in said
    assert "Remedy: Save the data first" in said
    # The same in Python, and where nothing went before the refusal.
    with pytest.raises(MigrationError, match=f"The database is still at {revisions()[1]}"):
        downgrade(database.url("owner"), "base")


def test_alembic_shows_an_unreachable_database_as_a_message(database: Any) -> None:
    process = alembic("current", url=database.url("owner").set(database="nowhere"))
    said = process.communicate(timeout=60)[1]
    assert process.returncode != 0
    assert "cannot be reached" in said
    assert "Traceback" not in said


def test_a_refusal_of_postgresql_is_its_message_and_its_hint(seeded_template: str, fresh_database: Any) -> None:
    database = fresh_database(seeded_template)
    process = alembic("-x", "allow-data-loss=true", "downgrade", "base", url=database.url("owner"))
    said = "".join(process.communicate(timeout=120))
    assert "The value 'local_realtime' of shap_analysis_type is in use" in said
    assert "Remedy: Change or delete these rows first." in said
    for noise in ("Traceback", "CONTEXT", "PL/pgSQL", "DO $", "nothing was changed"):
        assert noise not in said
