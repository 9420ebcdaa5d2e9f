"""``hedgerow db``: the whole life of the embedded server from the command line."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError
from typer.testing import CliRunner

from hedgerow.cli import app as cli
from hedgerow.cli import explained, show_error
from hedgerow.cli.schema import MOST, show
from hedgerow.core.embedded import EmbeddedServer
from hedgerow.core.engine import build_async_engine
from hedgerow.core.errors import HedgerowError
from hedgerow.migrations import Key
from hedgerow.migrations.catalogue import Difference
from hedgerow.migrations.check import Report

SOURCE = Path(__file__).parents[2] / "src"

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    base = tmp_path_factory.mktemp("cli")
    for directory in (base, *base.parents):
        if directory == Path(tempfile.gettempdir()):
            break
        directory.chmod(0o755)  # the account of the server must pass when the tests run as root
    yield base / "home"
    EmbeddedServer(base / "home").stop()


@pytest.fixture
def hedgerow(home: Path) -> Run:
    """Runs ``python -m hedgerow db`` as a user does, in an environment without a configured database."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        inherited = {k: v for k, v in os.environ.items() if k != "DATABASE_URL" and not k.startswith("HEDGEROW")}
        return subprocess.run(
            [sys.executable, "-m", "hedgerow", "db", *arguments],
            env={**inherited, "PYTHONPATH": str(SOURCE), "HEDGEROW_HOME": str(home), **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_the_life_of_a_server(hedgerow: Run, home: Path) -> None:
    absent = hedgerow("status")
    assert absent.returncode == 3
    assert "absent" in absent.stdout
    assert not home.exists()

    started = hedgerow("start")
    assert started.returncode == 0, started.stderr
    assert "PostgreSQL 18 is up after" in started.stdout
    assert "was running already" in hedgerow("start").stdout

    status = hedgerow("status")
    assert status.returncode == 0
    assert "running" in status.stdout
    assert str(home) in status.stdout

    assert "is stopped" in hedgerow("stop").stdout
    assert "was not running" in hedgerow("stop").stdout
    stopped = hedgerow("status")
    assert stopped.returncode == 3
    assert "stopped" in stopped.stdout


@pytest.mark.parametrize(
    ("options", "user"),
    [((), "hedgerow_owner"), (("--app",), "hedgerow_session"), (("--admin",), "postgres")],
)
def test_a_url_is_one_that_works(hedgerow: Run, options: tuple[str, ...], user: str) -> None:
    url = hedgerow("url", *options).stdout.strip()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT current_user::text").fetchone() == (user,)


async def test_the_asynchronous_url_works(hedgerow: Run) -> None:
    url = hedgerow("url", "--app", "--async").stdout.strip()
    assert url.startswith("postgresql+asyncpg://")
    engine = build_async_engine(url)
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT current_user::text")) == "hedgerow_session"
    await engine.dispose()


def test_psql(hedgerow: Run) -> None:
    done = hedgerow("psql", "-c", "SELECT current_user AS me", "-c", "SELECT 6 * 7 AS answer")
    assert done.returncode == 0, done.stderr
    assert "hedgerow_owner" in done.stdout
    assert "42" in done.stdout
    assert "hedgerow_session" in hedgerow("psql", "--app", "-c", "SELECT current_user").stdout
    failed = hedgerow("psql", "-c", "SELECT nonsense")
    assert failed.returncode != 0
    assert "nonsense" in failed.stderr


def test_a_configured_database_comes_first(hedgerow: Run) -> None:
    url = hedgerow("url", "--app").stdout.strip()
    assert hedgerow("url", DATABASE_URL=url.replace("hedgerow_session", "me:pass%20word")).stdout.strip() == (
        url.replace("hedgerow_session", "me:pass%20word")
    )
    assert "hedgerow_session" in hedgerow("psql", "-c", "SELECT current_user", DATABASE_URL=url).stdout
    started = hedgerow("start", DATABASE_URL="postgresql://me:secret@elsewhere/d")
    assert "DATABASE_URL is set, so this server is not the one in use" in started.stdout
    assert "secret" not in started.stdout


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        (("url",), {"DATABASE_URL": "sqlite:///x"}, "names a database of kind 'sqlite'"),
        (("url",), {"HEDGEROW_APP_URL": "postgresql://a@h/d"}, "the owner of the schema is unknown"),
        (("url", "--app", "--admin"), {}, "exclude each other"),
        (("url", "--admin"), {"DATABASE_URL": "postgresql://a@h/d"}, "known for the embedded server only"),
        (("start",), {"HEDGEROW_HOME": "/dev/null"}, "is a file"),
        (("status",), {"HEDGEROW_LOCK_TIMEOUT": "[bold]soon"}, "HEDGEROW_LOCK_TIMEOUT='[bold]soon'"),
    ],
)
def test_an_error_is_a_message_and_a_remedy(
    hedgerow: Run, arguments: tuple[str, ...], variables: dict[str, str], said: str
) -> None:
    done = hedgerow(*arguments, **variables)
    assert done.returncode == 1
    assert done.stdout == ""
    assert said in done.stderr
    assert "Remedy: " in done.stderr
    assert "Traceback" not in done.stderr


def test_an_error_is_red_where_there_is_colour(hedgerow: Run) -> None:
    done = hedgerow("url", DATABASE_URL="sqlite:///x", FORCE_COLOR="1")
    assert "\x1b[1;31mError: \x1b[0m\x1b[31mDATABASE_URL" in done.stderr


def test_stop_can_remove_the_data(hedgerow: Run, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("removed")
    (home / "mine.txt").touch()
    try:
        assert hedgerow("start", HEDGEROW_HOME=str(home)).returncode == 0
        data = EmbeddedServer(home).status().data
        removed = hedgerow("stop", "--remove", HEDGEROW_HOME=str(home))
        assert removed.returncode == 0, removed.stderr
        assert "Removed " in removed.stdout
        assert not data.exists()
        # What somebody else put there stays.
        assert [file.name for file in home.iterdir()] == ["mine.txt"]
        assert "nothing to remove" in hedgerow("stop", "--remove", HEDGEROW_HOME=str(home)).stdout
    finally:
        EmbeddedServer(home).remove()


def test_psql_says_that_the_owner_sees_no_rows_of_tenants(hedgerow: Run) -> None:
    assert hedgerow("psql", "-c", "SELECT 1").stderr.count("\n") == 1
    assert "--admin" in hedgerow("psql", "-c", "SELECT 1").stderr
    for option in ("--app", "--admin"):
        assert hedgerow("psql", option, "-c", "SELECT 1").stderr == ""


def test_a_database_without_the_schema_is_told_what_is_pending(hedgerow: Run) -> None:
    for command in ("check", "doctor"):
        done = hedgerow(command)
        assert done.returncode == 1
        assert "0001_core" in done.stdout
        assert "missing" not in done.stdout
        assert "hedgerow db upgrade" in "\n".join(done.stdout.strip().splitlines()[-2:])


def test_many_differences_are_cut_short(capsys: pytest.CaptureFixture[str]) -> None:
    differences = tuple(Difference("unexpected", Key("table", f"t_{n}"), None, "x") for n in range(MOST + 5))
    show(Report(("head",), "head", (), differences))
    said = capsys.readouterr().out
    assert f"t_{MOST - 1}" in said
    assert f"t_{MOST + 1}" not in said
    assert "and 5 more (--all)" in said
    assert "make revision" in said
    show(Report(("head",), "head", (), differences), most=None)
    assert f"t_{MOST + 4}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (OperationalError("SELECT 'secret'", {}, psycopg.OperationalError("no route")), "cannot be reached: no route"),
        (psycopg.errors.UndefinedTable("no such table"), "hedgerow db upgrade"),
        (ArgumentError("secret"), "cannot be used"),
    ],
)
def test_errors_of_the_database_are_a_message_and_a_remedy(raised: Exception, said: str) -> None:
    assert isinstance(raised, SQLAlchemyError | psycopg.Error)
    error = explained(raised)
    assert said in str(error)
    assert error.remedy
    assert "secret" not in str(error)


@pytest.mark.parametrize(("remedy", "shown"), [("do it", "do it."), ("do it.", "do it."), ("is it on?", "is it on?")])
def test_a_remedy_ends_in_one_mark(remedy: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    error = HedgerowError("no", remedy=remedy)
    assert str(error) == f"no Remedy: {shown}"
    show_error(error)
    assert capsys.readouterr().err == f"Error: no\nRemedy: {shown}\n"


@pytest.mark.parametrize(
    ("name", "file"),
    [("PatientJourney", "patients/models.py"), ("DataSplit", "splits/enums.py"), ("Split", "core/scope.py")],
)
def test_a_class_is_found_as_well(name: str, file: str) -> None:
    found = CliRunner().invoke(cli, ["where", name])
    assert found.exit_code == 0
    assert file in found.output
