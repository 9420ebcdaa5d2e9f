"""Engines: one per URL, and connections that carry nothing from one user to the next."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from hedgerow.core import engine as engines
from hedgerow.core.embedded import EmbeddedServer
from hedgerow.core.settings import Settings

# Each pair: what one user leaves behind, and a query that shows it to the next.
TRACES = {
    "cursor": (
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
        "SELECT count(*) FROM pg_cursors WHERE name = 'c'",
        0,
    ),
    "setting": (
        "SET app.current_tenant = 'A'",
        "SELECT coalesce(nullif(current_setting('app.current_tenant', true), ''), '-')",
        "-",
    ),
    "role": ("SET ROLE hedgerow_app", "SELECT current_user::text", "hedgerow_session"),
    "advisory lock": (
        "SELECT pg_advisory_lock(42)",
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
        0,
    ),
    "channel": ("LISTEN news", "SELECT count(*) FROM pg_listening_channels()", 0),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    base = tmp_path_factory.mktemp("engine")
    for directory in (base, *base.parents):
        if directory == Path(tempfile.gettempdir()):
            break
        directory.chmod(0o755)  # the account of the server must pass when the tests run as root
    started = EmbeddedServer(base / "home", fast=True)
    started.start()
    yield started
    started.stop()


@pytest.fixture
def settings(server: EmbeddedServer) -> Iterator[Settings]:
    yield Settings(home=server.home)
    engines.dispose_engines()


@pytest.mark.parametrize("trace", TRACES)
def test_nothing_is_left_for_the_next_user(settings: Settings, trace: str) -> None:
    leave, look, nothing = TRACES[trace]
    engine = engines.app_engine(settings=settings)
    with engine.connect() as connection:
        first = connection.scalar(text("SELECT pg_backend_pid()"))
        connection.execute(text(leave))
        connection.commit()
        assert connection.scalar(text(look)) != nothing
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT pg_backend_pid()")) == first
        assert connection.scalar(text(look)) == nothing


@pytest.mark.parametrize("trace", TRACES)
async def test_nothing_is_left_for_the_next_asynchronous_user(settings: Settings, trace: str) -> None:
    leave, look, nothing = TRACES[trace]
    engine = engines.async_app_engine(settings=settings)
    async with engine.connect() as connection:
        first = await connection.scalar(text("SELECT pg_backend_pid()"))
        await connection.execute(text(leave))
        await connection.commit()
        assert await connection.scalar(text(look)) != nothing
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT pg_backend_pid()")) == first
        assert await connection.scalar(text(look)) == nothing
    await engines.dispose_async_engines()


REPLACED = (
    "DEALLOCATE ALL",
    # The names that the drivers give.
    *(f'PREPARE "{name}" AS SELECT 1' for name in ("_pg3_0", "__asyncpg_stmt_1__")),
)
PREPARED = "SELECT count(*) FROM pg_prepared_statements WHERE from_sql"


def test_no_statement_of_another_is_run_for_the_next_user(settings: Settings) -> None:
    """Under the name of one that the driver prepared, it would run with the next user's parameters, in his scope."""
    engine = engines.app_engine(settings=settings)
    with engine.connect() as connection:
        first = connection.scalar(text("SELECT pg_backend_pid()"))
        for statement in REPLACED:
            connection.execute(text(statement))
        connection.commit()
        assert connection.scalar(text(PREPARED)) == 2
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT pg_backend_pid()")) != first
        assert connection.scalar(text(PREPARED)) == 0


async def test_no_statement_of_another_is_run_for_the_next_asynchronous_user(settings: Settings) -> None:
    engine = engines.async_app_engine(settings=settings)
    async with engine.connect() as connection:
        first = await connection.scalar(text("SELECT pg_backend_pid()"))
        driver = (await connection.get_raw_connection()).driver_connection
        for statement in REPLACED:
            await driver.execute(statement)
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT pg_backend_pid()")) != first
        assert await connection.scalar(text(PREPARED)) == 0
    await engines.dispose_async_engines()


def test_temporary_tables_are_gone_too(server: EmbeddedServer) -> None:
    # Only a role with more rights than the session's can make one.
    engine = engines.build_engine(server.url("owner"))
    for _ in range(2):
        with engine.begin() as connection:
            connection.execute(text("CREATE TEMP TABLE trace (x int)"))
    engine.dispose()


def test_an_autocommitting_user_leaves_nothing_and_the_next_has_transactions(settings: Settings) -> None:
    engine = engines.app_engine(settings=settings)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET app.current_tenant = 'A'"))
    with engine.connect() as connection:
        assert not connection.scalar(text("SELECT current_setting('app.current_tenant', true)"))
        raw = connection.connection.dbapi_connection
        assert raw is not None
        assert raw.autocommit is False


def test_both_kinds_say_who_they_are(settings: Settings) -> None:
    with engines.app_engine(settings=settings).connect() as connection:
        assert connection.scalar(text("SHOW application_name")) == "hedgerow"

    async def asynchronous() -> object:
        async with engines.async_app_engine(settings=settings).connect() as connection:
            shown = await connection.scalar(text("SHOW application_name"))
        await engines.dispose_async_engines()
        return shown

    assert asyncio.run(asynchronous()) == "hedgerow"


async def test_a_url_may_say_otherwise(server: EmbeddedServer) -> None:
    url = server.url("app").update_query_dict({"application_name": "mine", "options": "-c work_mem=7MB"})
    shown = "SELECT current_setting('application_name') || current_setting('work_mem')"
    engine = engines.build_engine(url)
    with engine.connect() as connection:
        assert connection.scalar(text(shown)) == "mine7MB"
    engine.dispose()
    asynchronous = engines.build_async_engine(url)
    async with asynchronous.connect() as connection:
        assert await connection.scalar(text(shown)) == "mine7MB"
    await asynchronous.dispose()


def test_one_engine_per_url(settings: Settings, server: EmbeddedServer) -> None:
    app, owner = engines.app_engine(settings=settings), engines.owner_engine(settings=settings)
    assert app is engines.app_engine(settings=settings)
    assert app is engines.app_engine(server.url("app"), settings=settings)
    assert app is not owner
    assert owner.url.username == "hedgerow_owner"
    engines.dispose_engines()
    assert app is not engines.app_engine(settings=settings)


def test_one_asynchronous_engine_per_event_loop(settings: Settings) -> None:
    async def use() -> int:
        engine = engines.async_app_engine(settings=settings)
        assert engine is engines.async_app_engine(settings=settings)
        async with engine.connect() as connection:
            assert await connection.scalar(text("SELECT 1")) == 1
        await engines.dispose_async_engines()
        return id(engine)

    asyncio.run(use())
    asyncio.run(use())


def test_a_restarted_server_is_not_noticed(settings: Settings, server: EmbeddedServer) -> None:
    engine = engines.app_engine(settings=settings)
    for _ in range(2):
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT 1")) == 1
        server.stop()
        server.start()


async def test_a_restarted_server_is_not_noticed_asynchronously(settings: Settings, server: EmbeddedServer) -> None:
    engine = engines.async_app_engine(settings=settings)
    for _ in range(2):
        async with engine.connect() as connection:
            assert await connection.scalar(text("SELECT 1")) == 1
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
    await engines.dispose_async_engines()


def test_a_child_process_has_engines_of_its_own(settings: Settings) -> None:
    mine = engines.app_engine(settings=settings)
    child = os.fork()
    if child == 0:
        os._exit(0 if engines.app_engine(settings=settings) is not mine else 1)
    assert os.waitpid(child, 0)[1] == 0
