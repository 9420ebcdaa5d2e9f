"""Two tenants with a split configuration, and repositories over either driver: what tests of repositories share."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import count, islice
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.pool import NullPool

from hedgerow.core.engine import build_async_engine, build_engine
from hedgerow.core.repository import AsyncBaseRepository
from hedgerow.core.scope import Scope, Split
from hedgerow.core.session import ScopedSession, open_async_session, open_session
from hedgerow.splits.assignment import assign
from hedgerow.splits.config import load_split_config, parse_split_config
from hedgerow.splits.registration import register_split_config

TENANT, OTHER = "WORLD_A", "WORLD_B"
ADMIN = UUID(int=0xAD)
"""The administrator of either tenant, as whom everything is asked: no audience hides a row of the tenant."""

OPEN = ("train", "validation", "unassigned")

DATED = {
    "config_name": "dated",
    "train_ratio": 0.60,
    "validation_ratio": 0.20,
    "test_ratio": 0.15,
    "holdout_ratio": 0.05,
    "temporal_gap_days": 7,
    "data_start_date": "2023-01-01",
    "train_end_date": "2023-12-31",
    "validation_end_date": "2024-06-30",
    "test_end_date": "2024-12-31",
    "data_end_date": "2025-12-31",
}


def patients(split: Split | str, number: int, prefix: str = "P") -> list[str]:
    """The first ids with the prefix that the rule puts into a split."""
    found = (f"{prefix}{n}" for n in count() if assign(f"{prefix}{n}") == split)
    return list(islice(found, number))


@dataclass(frozen=True)
class World:
    """A database with two tenants that have the default split configuration."""

    database: Any

    @cached_property
    def engine(self) -> Engine:
        return build_engine(self.database.url("app"), poolclass=NullPool)

    @cached_property
    def evaluator_engine(self) -> Engine:
        return build_engine(self.database.url("evaluator"), poolclass=NullPool)

    def scope(self, *splits: str, tenant: str = TENANT) -> Scope:
        sealed = bool({"test", "holdout"} & set(splits))
        purpose = "a test of repositories" if sealed else None
        return Scope(tenant, user_id=ADMIN, splits=splits or OPEN, purpose=purpose)

    def session(self, *splits: str, tenant: str = TENANT) -> ScopedSession:
        scope = self.scope(*splits, tenant=tenant)
        return open_session(scope, engine=self.evaluator_engine if scope.closed_splits else self.engine)

    def admin(self, sql: str, **values: Any) -> list[Any]:
        """Run SQL as a superuser, past every wall."""
        with self.database.admin() as connection:
            result = connection.execute(text(sql), values)
            return list(result) if result.returns_rows else []

    @contextmanager
    def repository(self, driver: str, kind: type[AsyncBaseRepository[Any]], scope: Scope) -> Iterator[Any]:
        """A repository over psycopg or asyncpg, to be called alike: results of the latter are awaited."""
        if driver == "psycopg":
            engine = self.evaluator_engine if scope.closed_splits else self.engine
            with open_session(scope, engine=engine) as session:
                yield kind.sync_class(session)
            return
        with asyncio.Runner() as runner:
            role = "evaluator" if scope.closed_splits else "app"
            asynchronous = build_async_engine(self.database.url(role), poolclass=NullPool)
            session = open_async_session(scope, engine=asynchronous)
            try:
                yield Awaited(kind(session), runner)
            finally:
                runner.run(session.close())


class Awaited:
    """A repository over asyncpg whose methods are awaited where they are called."""

    def __init__(self, target: Any, runner: asyncio.Runner) -> None:
        self._target, self._runner = target, runner

    @property
    def session(self) -> Awaited:
        return Awaited(self._target.session, self._runner)

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            answer = getattr(self._target, name)(*args, **kwargs)
            if hasattr(answer, "__aiter__"):
                return iter(self._runner.run(_collected(answer)))
            return self._runner.run(answer) if asyncio.iscoroutine(answer) else answer

        return call


async def _collected(rows: Any) -> list[Any]:
    return [row async for row in rows]


def make_world(database: Any) -> World:
    """Create the tenants and register the configuration that the package ships."""
    world = World(database)
    for tenant in (TENANT, OTHER):
        world.admin("INSERT INTO tenant (id, name) VALUES (:id, :id)", id=tenant)
        world.admin(
            "INSERT INTO users (tenant_id, id, email, role) VALUES (:t, :id, 'admin@tenant.example', 'admin')",
            t=tenant,
            id=ADMIN,
        )
        register(world, tenant)
    return world


def register(world: World, tenant: str = TENANT, content: dict[str, Any] | None = None) -> Any:
    """Register a configuration as the owner of the schema; without content the one that the package ships."""
    config = load_split_config() if content is None else parse_split_config(content)
    with world.database.engine("owner").begin() as connection:
        return register_split_config(connection, tenant, config)
