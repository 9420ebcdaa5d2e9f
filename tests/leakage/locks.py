"""The two locks, each alone and both together, over both drivers, behind one way to ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Engine, Row, create_engine, event, inspect
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Session

from hedgerow import Scope, open_async_session, open_session
from hedgerow.core.engine import build_async_engine, build_engine
from hedgerow.core.open_scope import OPEN_SCOPE, opening_parameters
from leakage.shapes import Shape
from leakage.world import FOREIGN, OWN, SCOPES, Keys

LOCKS = ("filter", "wall", "both")
DRIVERS = ("psycopg", "asyncpg")


class PlainSession(Session):
    """A session that opens its scope in the database and knows nothing of the filter."""

    def __init__(self, bind: Any = None, *, scope: Scope, **kwargs: Any) -> None:
        self.scope = scope
        super().__init__(bind, **kwargs)


class AsyncPlainSession(AsyncSession):
    sync_session_class = PlainSession


@event.listens_for(PlainSession, "after_begin")
def _open_scope(session: PlainSession, transaction: Any, connection: Connection) -> None:
    if not transaction.nested:
        connection.execute(OPEN_SCOPE, opening_parameters(session.scope))


@dataclass(eq=False)
class Grounds:
    """Engines of one database; sessions on it behind a lock, behind both, or behind none (``"off"``)."""

    database: Any
    keys: Keys | None = None
    lender: Grounds | None = None
    runner: asyncio.Runner = field(default_factory=asyncio.Runner)
    _engines: dict[tuple[str, str], Any] = field(default_factory=dict)

    def engine(self, lock: str, driver: str = "psycopg") -> Any:
        """The engine of a lock: without the wall it logs in as a superuser, without the filter it is a plain one."""
        if (lock, driver) not in self._engines:
            url = self.database.url("admin" if lock in ("off", "filter") else "app")
            plain = lock in ("off", "wall")
            make: Callable[..., Engine | AsyncEngine]
            if driver == "psycopg":
                make = create_engine if plain else build_engine
            else:
                make = create_async_engine if plain else build_async_engine
                url = url.set(drivername="postgresql+asyncpg") if plain else url
            self._engines[lock, driver] = make(url)
        return self._engines[lock, driver]

    def open(self, lock: str, driver: str = "psycopg", tenant: str = OWN, **options: Any) -> Any:
        """A session of ``tenant``, for psycopg or asyncpg."""
        engine, scope = self.engine(lock, driver), SCOPES[tenant]
        options["info"] = {"keys": self.keys, "borrow": self.borrow}
        if lock in ("off", "wall"):
            return (PlainSession if driver == "psycopg" else AsyncPlainSession)(engine, scope=scope, **options)
        make: Any = open_session if driver == "psycopg" else open_async_session
        return make(scope, engine=engine, allow_privileged=lock == "filter", **options)

    def ask(self, shape: Shape, lock: str, driver: str = "psycopg", tenant: str = OWN, *, commit: bool = False) -> Any:
        """What ``shape`` answers, in comparable values."""
        if driver == "psycopg":
            with self.open(lock, driver, tenant) as session:
                answer = plainly(shape.sync(session))
                if commit:
                    session.commit()
                return answer
        return self.runner.run(self.ask_async(shape, lock, tenant, commit=commit))

    async def ask_async(self, shape: Shape, lock: str, tenant: str = OWN, *, commit: bool = False) -> Any:
        async with self.open(lock, "asyncpg", tenant) as session:
            answer = plainly(await shape.asynchronous(session))
            if commit:
                await session.commit()
            return answer

    @contextmanager
    def admin(self) -> Iterator[Connection]:
        """A superuser's connection; every statement commits."""
        with self._admin_engine.connect() as connection:
            yield connection

    @cached_property
    def _admin_engine(self) -> Engine:
        return create_engine(self.database.url("admin"), isolation_level="AUTOCOMMIT")

    def borrow(self, model: type[Any], tenant: str = FOREIGN) -> Any:
        """An object that a session of another tenant loaded and let go."""
        if self.lender is not None:
            return self.lender.borrow(model, tenant)
        assert self.keys is not None
        with self.open("filter", tenant=tenant) as session:
            found = session.get_one(model, self.keys.foreign[model] if tenant == FOREIGN else self.keys.own[model])
            session.expunge(found)
            return found

    def close(self) -> None:
        for (_, driver), engine in self._engines.items():
            self.runner.run(engine.dispose()) if driver == "asyncpg" else engine.dispose()
        self._admin_engine.dispose()
        self.runner.close()


def plainly(value: Any) -> Any:
    """Reduce an answer to values that compare; rows that came in no order of their own are sorted."""
    if isinstance(value, DeclarativeBase):
        state: Any = inspect(value)
        loaded, columns = state.dict, state.mapper.column_attrs.keys()
        return type(value).__name__, sorted((k, repr(loaded[k])) for k in columns if k in loaded)
    if isinstance(value, (Row, tuple)):
        return tuple(plainly(item) for item in value)
    if isinstance(value, (list, set, frozenset)):
        return sorted((plainly(item) for item in value), key=repr)
    return repr(value)
