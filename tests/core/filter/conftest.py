"""Two databases of the toy schema, and engines with and without the filter. The wall is off: one lock at a time."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, Engine, create_engine, select
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from core.filter import toy
from hedgerow.core.embedded import EmbeddedServer
from hedgerow.core.filter import install_filter
from hedgerow.core.session import AsyncScopedSession, ScopedSession, open_async_session, open_session


@pytest.fixture(scope="session")
def toy_server() -> Iterator[EmbeddedServer]:
    """The run's server, or one of our own when these tests run by themselves."""
    home = os.environ.get("HEDGEROW_TEST_HOME")
    if home is not None:
        server = EmbeddedServer(Path(home) / "server", fast=True)
        server.start()
        yield server
        return
    own = Path(tempfile.mkdtemp(prefix="hedgerow-filter-"))
    own.chmod(0o755)
    server = EmbeddedServer(own / "server", fast=True)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(own, ignore_errors=True)


@pytest.fixture(scope="session")
def toy_urls(toy_server: EmbeddedServer) -> Iterator[tuple[URL, URL]]:
    """URLs of the full database and of the one that holds only what the scope may see."""
    names = [f"toy_{kind}_{uuid.uuid4().hex[:8]}" for kind in ("full", "truth")]
    for name in names:
        toy_server.create_database(name)
    urls = [toy_server.url("admin", name).set(drivername="postgresql+psycopg") for name in names]
    for url, only_visible in zip(urls, (False, True), strict=True):
        engine = create_engine(url, poolclass=NullPool)
        with engine.begin() as connection:
            toy.create(connection, only_visible=only_visible)
        engine.dispose()
    yield urls[0], urls[1]
    for name in names:
        toy_server.drop_database(name)


@pytest.fixture(scope="session")
def plain(toy_urls: tuple[URL, URL]) -> Iterator[Engine]:
    """The full database without a filter: shows that there is something to leak."""
    engine = create_engine(toy_urls[0])
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def truth(toy_urls: tuple[URL, URL]) -> Iterator[Engine]:
    """The database that holds nothing to leak."""
    engine = create_engine(toy_urls[1])
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def engine(toy_urls: tuple[URL, URL]) -> Iterator[Engine]:
    """The full database with the filter."""
    engine = create_engine(toy_urls[0])
    install_filter(engine, toy.REGISTRY)
    yield engine
    engine.dispose()


@pytest.fixture
async def async_engine(toy_urls: tuple[URL, URL]) -> AsyncIterator[AsyncEngine]:
    """The full database with the filter, over asyncpg."""
    engine = create_async_engine(toy_urls[0].set(drivername="postgresql+asyncpg"), poolclass=NullPool)
    install_filter(engine.sync_engine, toy.REGISTRY)
    yield engine
    await engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[ScopedSession]:
    with open_session(toy.SCOPE, engine=engine, allow_privileged=True) as session:
        yield session


@pytest.fixture
async def async_session(async_engine: AsyncEngine) -> AsyncIterator[AsyncScopedSession]:
    async with open_async_session(toy.SCOPE, engine=async_engine, allow_privileged=True) as session:
        yield session


@pytest.fixture
def plain_session(plain: Engine) -> Iterator[Session]:
    with Session(plain) as session:
        yield session


@pytest.fixture
def truth_session(truth: Engine) -> Iterator[Session]:
    with Session(truth) as session:
        yield session


def pytest_make_parametrize_id(config: pytest.Config, val: Any, argname: str) -> str | None:
    return getattr(val, "__name__", None)


@pytest.fixture
def log_rows(plain: Engine) -> Callable[[], list[Any]]:
    """The rows of the split access log, as another connection sees them."""

    def read() -> list[Any]:
        columns = toy.ACCESS_LOG.c
        wanted = (
            columns.tenant_id,
            columns.table_name,
            columns.requested_split,
            columns.allowed,
            columns.caller,
        )
        with plain.connect() as connection:
            return list(connection.execute(select(*wanted).order_by(columns.access_id)))

    return read
