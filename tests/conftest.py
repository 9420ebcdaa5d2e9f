"""One PostgreSQL server a run, one migrated template database a worker, one copy of it a test that writes."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, Connection, Engine, create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

import mutants
from hedgerow import Scope, open_session
from hedgerow.core.embedded import EmbeddedServer
from hedgerow.core.embedded.server import Role
from hedgerow.core.engine import build_engine
from hedgerow.migrations.commands import upgrade
from hedgerow.seeding import seed
from hedgerow.splits.budget import EVERY, set_holdout_budget

HOME = "HEDGEROW_TEST_HOME"


def pytest_configure(config: pytest.Config) -> None:
    """The controller starts the server; workers find it through the environment they inherit."""
    mutants.sabotage()
    if hasattr(config, "workerinput"):
        return
    home = Path(tempfile.mkdtemp(prefix="hedgerow-tests-"))
    # mkdtemp makes it 0700, which the account that runs the server could not enter.
    home.chmod(0o755)
    os.environ[HOME] = str(home)
    # A test that forgets its database must not meet the developer's.
    os.environ["HEDGEROW_HOME"] = str(home / "default")
    os.environ.pop("DATABASE_URL", None)
    os.environ.pop("HEDGEROW_APP_URL", None)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what was started, whatever happened in between."""
    if hasattr(config, "workerinput") or HOME not in os.environ:
        return
    home = Path(os.environ.pop(HOME))
    for directory in (home / "server", home / "default"):
        EmbeddedServer(directory).stop()
    shutil.rmtree(home, ignore_errors=True)


@dataclass(frozen=True)
class Database:
    """A database of the test server, as each of those who may enter it.

    ``admin`` is a superuser (sees everything, proves that there was something to leak), ``owner`` owns the schema,
    ``app`` is what sessions log in as, ``evaluator`` what those log in as that open a sealed split.
    """

    server: EmbeddedServer
    name: str

    def url(self, role: Role = "app") -> URL:
        return self.server.url(role, self.name)

    def engine(self, role: Role = "app") -> Engine:
        """A plain engine without hedgerow's filter; connections are not kept, so databases can be dropped."""
        return create_engine(self.url(role), poolclass=NullPool)

    def scoped_engine(self, role: Role = "app") -> Engine:
        """An engine for sessions; the caller disposes of it."""
        return build_engine(self.url(role), poolclass=NullPool)

    def admin(self) -> Connection:
        """An autocommitting superuser connection; use it as a context manager."""
        return self.engine("admin").connect().execution_options(isolation_level="AUTOCOMMIT")


@pytest.fixture(scope="session")
def server() -> EmbeddedServer:
    """The server of this run."""
    instance = EmbeddedServer(Path(os.environ[HOME]) / "server", fast=True)
    instance.start()
    return instance


@pytest.fixture(scope="session")
def template(server: EmbeddedServer, worker_id: str) -> str:
    """Name of a database at head, made by the revisions that users run. Nobody stays connected to it."""
    name = f"template_{worker_id}"
    server.create_database(name)
    upgrade(server.url("owner", name))
    # Tests open holdout again and again; those that are about its budget take this one away.
    engine = create_engine(server.url("owner", name), poolclass=NullPool)
    with engine.begin() as connection:
        set_holdout_budget(connection, EVERY, 1_000_000)
        mutants.sabotage_database(connection)
    return name


@pytest.fixture(scope="session")
def fresh_database(server: EmbeddedServer) -> Iterator[Callable[[str | None], Database]]:
    """Makes databases, empty or copied from a template; they are dropped at the end of the run."""
    made: list[str] = []

    def make(template: str | None = None) -> Database:
        name = f"db_{uuid.uuid4().hex[:12]}"
        server.create_database(name, template)
        made.append(name)
        return Database(server, name)

    yield make
    for name in made:
        server.drop_database(name)


@pytest.fixture
def database(fresh_database: Callable[[str | None], Database], template: str) -> Database:
    """A database at head, without rows but reference data, for one test."""
    return fresh_database(template)


@pytest.fixture(scope="module")
def module_database(fresh_database: Callable[[str | None], Database], template: str) -> Database:
    """A database at head, for all tests of one module."""
    return fresh_database(template)


@pytest.fixture
def empty_database(fresh_database: Callable[[str | None], Database]) -> Database:
    """A database that no revision has touched."""
    return fresh_database(None)


@pytest.fixture(scope="session")
def seeded_template(server: EmbeddedServer, template: str, worker_id: str) -> str:
    """Name of a database at head that holds the seed's tenants. Nobody stays connected to it."""
    name = f"seeded_{worker_id}"
    server.create_database(name, template)
    seed(server.url("owner", name))
    return name


@pytest.fixture(scope="module")
def seeded(fresh_database: Callable[[str | None], Database], seeded_template: str) -> Database:
    """A seeded database, for all tests of one module; tests roll back or leave rows as they found them."""
    return fresh_database(seeded_template)


@pytest.fixture
def sessions(request: pytest.FixtureRequest) -> Iterator[Callable[..., Session]]:
    """Opens sessions on the seeded database behind one lock or both: ``sessions(scope, "filter" | "both")``.

    With ``"filter"`` the session logs in as a superuser, whom no policy stops.
    """
    database: Database = request.getfixturevalue("seeded")
    engines = {role: database.scoped_engine(role) for role in ("admin", "app", "evaluator")}
    opened: list[Session] = []

    def open_behind(scope: Scope, lock: str, **options: Any) -> Session:
        role = "admin" if lock == "filter" else "evaluator" if scope.closed_splits else "app"
        session = open_session(scope, engine=engines[role], allow_privileged=lock == "filter", **options)
        opened.append(session)
        return session

    yield open_behind
    for session in opened:
        session.close()
    for engine in engines.values():
        engine.dispose()
