"""Behind a pooler in transaction mode: scopes hold although a connection changes hands after each transaction."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import URL, Engine, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import NullPool

from bouncer import bouncing, require_pgbouncer
from hedgerow import Scope, open_async_session, open_session
from hedgerow.agents import AgentActivity
from hedgerow.core import engine as engines
from hedgerow.core.engine import app_engine, async_app_engine, build_async_engine, build_engine
from hedgerow.core.settings import Settings
from hedgerow.kpi import UserSession
from isolation.oracle import open_scope

TENANTS = ("TEST_TENANT_001", "TEST_TENANT_002")
COUNT = select(func.count()).select_from(UserSession)


@pytest.fixture(scope="module", autouse=True)
def program() -> None:
    require_pgbouncer()


@pytest.fixture
def shared(seeded: Any) -> Iterator[URL]:
    """One connection to the server, for everybody."""
    with bouncing(seeded.url("app"), connections=1) as url:
        yield url


@pytest.fixture
def few(seeded: Any) -> Iterator[URL]:
    with bouncing(seeded.url("app"), connections=2) as url:
        yield url


@pytest.fixture(scope="module")
def truth(seeded: Any) -> dict[str, set[str]]:
    """Ids of each tenant's sessions, past every wall."""
    with seeded.admin() as admin:
        found = {
            tenant: {
                str(key)
                for key in admin.scalars(text("SELECT id FROM user_sessions WHERE tenant_id = :t"), {"t": tenant})
            }
            for tenant in TENANTS
        }
    assert all(found.values()), "there is something to leak"
    return found


def test_without_the_setting_prepared_statements_collide(shared: URL) -> None:
    """What the setting is for: two clients prepare under one name, on one connection."""

    def use(engine: Engine) -> None:
        for _ in range(8):
            with engine.begin() as connection:
                connection.execute(text("SELECT CAST(:x AS integer) + 1"), {"x": 1})
        engine.dispose()

    use(build_engine(shared, forget=False, pool_size=1))
    with pytest.raises(DBAPIError, match="prepared statement"):
        use(build_engine(shared, forget=False, pool_size=1))
    for _ in range(2):
        use(build_engine(shared, pooler="transaction", pool_size=1))


async def test_without_the_setting_asyncpg_collides_too(shared: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(engine: AsyncEngine) -> None:
        # Names are counted by process: this is another one.
        monkeypatch.setattr("asyncpg.connection._uid", 0)
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
            await connection.commit()
            used.append(engine)

    used: list[AsyncEngine] = []
    await use(build_async_engine(shared, forget=False))
    with pytest.raises(DBAPIError, match="prepared statement"):
        await use(build_async_engine(shared, forget=False))
    for _ in range(2):
        await use(build_async_engine(shared, pooler="transaction"))
    for engine in used:
        await engine.dispose()


def test_clients_take_turns_on_one_connection(shared: URL, truth: dict[str, set[str]]) -> None:
    """Whatever was prepared or set by the one before, each sees its own tenant."""
    clients = {
        tenant: [build_engine(shared, pooler="transaction", pool_size=1) for _ in range(2)] for tenant in TENANTS
    }
    backends = set()
    for _ in range(10):
        for tenant in TENANTS:
            for engine in clients[tenant]:
                with open_session(Scope(tenant), engine=engine) as session:
                    assert {str(key) for key in session.scalars(select(UserSession.id))} == truth[tenant]
                    backends.add(session.scalar(select(func.pg_backend_pid())))
                    session.commit()
    assert len(backends) == 1, "they did share it"
    for mine in clients.values():
        for engine in mine:
            engine.dispose()


@pytest.mark.parametrize("rolls_back", [False, True])
def test_threads_of_two_tenants(few: URL, truth: dict[str, set[str]], rolls_back: bool) -> None:
    engine = build_engine(few, pooler="transaction", pool_size=8)
    backends: set[int] = set()

    def ask(number: int) -> None:
        tenant = TENANTS[number % 2]
        with open_session(Scope(tenant), engine=engine) as session:
            for _ in range(3):
                assert {str(key) for key in session.scalars(select(UserSession.id))} == truth[tenant]
                with session.begin_nested():
                    assert session.scalar(COUNT) == len(truth[tenant])
                backends.add(session.scalar(select(func.pg_backend_pid())) or 0)
                # The next transaction opens the scope anew, perhaps on another connection.
                session.rollback() if rolls_back or random.random() < 0.5 else session.commit()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(80)))
    engine.dispose()
    assert 1 <= len(backends) <= 2


async def test_tasks_of_two_tenants(few: URL, truth: dict[str, set[str]]) -> None:
    engine = build_async_engine(few, pooler="transaction", pool_size=8)
    backends: set[int] = set()

    async def ask(number: int) -> None:
        tenant = TENANTS[number % 2]
        async with open_async_session(Scope(tenant), engine=engine) as session:
            for _ in range(3):
                assert {str(key) for key in await session.scalars(select(UserSession.id))} == truth[tenant]
                # An enum, whose type asyncpg looks up, and a value bound to it.
                activities = select(AgentActivity).where(AgentActivity.agent_type == "gap_analyzer").limit(3)
                assert {found.tenant_id for found in await session.scalars(activities)} == {tenant}
                backends.add(await session.scalar(select(func.pg_backend_pid())) or 0)
                await session.commit()

    await asyncio.gather(*(ask(number) for number in range(80)))
    await engine.dispose()
    assert 1 <= len(backends) <= 2


def test_a_setting_that_somebody_left_opens_nothing(shared: URL, truth: dict[str, set[str]]) -> None:
    """A client without hedgerow sets the other tenant for the whole connection; the next transaction is not in it."""
    careless = build_engine(shared, pooler="transaction", poolclass=NullPool)
    with careless.connect() as connection:
        open_scope(connection, TENANTS[1])
        assert connection.scalar(text("SELECT count(*) FROM user_sessions")) == len(truth[TENANTS[1]])
        names = "unnest('{app.scope,app.current_tenant}'::text[]) AS name"
        connection.execute(text(f"SELECT set_config(name, current_setting(name), false) FROM {names}"))
        connection.commit()
        assert connection.scalar(text("SHOW app.current_tenant")) == TENANTS[1], "it stays"
        with pytest.raises(DBAPIError, match="not issued by this database"):
            connection.scalar(text("SELECT count(*) FROM user_sessions"))
    engine = build_engine(shared, pooler="transaction", poolclass=NullPool)
    with open_session(Scope(TENANTS[0]), engine=engine) as session:
        assert {str(key) for key in session.scalars(select(UserSession.id))} == truth[TENANTS[0]]


def test_the_environment_says_so(seeded: Any, few: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEDGEROW_APP_URL", few.render_as_string(hide_password=False))
    monkeypatch.setenv("HEDGEROW_POOLER", "transaction")
    try:
        with app_engine().connect() as connection:
            raw: Any = connection.connection.driver_connection
            assert raw.prepare_threshold is None
        assert app_engine() is app_engine()
        assert app_engine(settings=Settings(pooler=None)) is not app_engine()
    finally:
        engines.dispose_engines()


async def test_the_environment_says_so_to_asyncpg(few: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEDGEROW_APP_URL", few.render_as_string(hide_password=False))
    monkeypatch.setenv("HEDGEROW_POOLER", "transaction")
    try:
        async with async_app_engine().connect() as connection:
            names = text("SELECT name FROM pg_prepared_statements")
            assert all(name.startswith("hedgerow_") for name in await connection.scalars(names))
    finally:
        await engines.dispose_async_engines()
