"""Sessions of a seeded tenant's people, and a superuser's transaction in which somebody else can be acted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from customers.battery import PEOPLE, plant
from hedgerow import Scope, open_async_session, open_session
from hedgerow.core.engine import build_async_engine
from hedgerow.core.repository import AsyncBaseRepository
from hedgerow.core.session import ScopedSession
from planting import planting
from world import Awaited


@pytest.fixture
def planted(seeded: Any) -> Iterator[Connection]:
    """A superuser's transaction with the rows of the battery; it is undone."""
    with planting(seeded, triggers=True) as connection:
        plant(connection)
        yield connection


@pytest.fixture(scope="module")
def engine(seeded: Any) -> Iterator[Engine]:
    engine = seeded.scoped_engine("app")
    yield engine
    engine.dispose()


@pytest.fixture
def session_of(engine: Engine) -> Iterator[Callable[..., ScopedSession]]:
    """Opens a session of one of :data:`customers.battery.PEOPLE`; nothing is committed unless the test says so."""
    opened: list[ScopedSession] = []

    def make(name: str, **options: Any) -> ScopedSession:
        who = PEOPLE[name]
        opened.append(open_session(Scope(who.tenant, user_id=who.user), engine=engine, **options))
        return opened[-1]

    yield make
    for session in opened:
        session.close()


@pytest.fixture(params=["psycopg", "asyncpg"])
def ask(request: pytest.FixtureRequest, seeded: Any, session_of: Any) -> Iterator[Callable[..., Any]]:
    """A repository of one of the people over either driver, to be called alike; nothing is committed."""
    if request.param == "psycopg":
        yield lambda kind, name, **options: kind.sync_class(session_of(name, **options))
        return
    with asyncio.Runner() as runner:
        engine = build_async_engine(seeded.url("app"))
        opened: list[Any] = []

        def make(kind: type[AsyncBaseRepository[Any]], name: str, **options: Any) -> Awaited:
            who = PEOPLE[name]
            opened.append(open_async_session(Scope(who.tenant, user_id=who.user), engine=engine, **options))
            return Awaited(kind(opened[-1]), runner)

        yield make
        for session in opened:
            runner.run(session.close())
        runner.run(engine.dispose())
