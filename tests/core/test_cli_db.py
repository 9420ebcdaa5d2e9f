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

from hedgerow.core.embedded import EmbeddedServer
from hedgerow.core.engine import build_async_engine

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
