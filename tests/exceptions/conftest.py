"""Two tenants, and the repository of exceptions over either driver."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from hedgerow.exceptions import BusinessException
from hedgerow.exceptions.repository import AsyncExceptionRepository
from world import OTHER, TENANT, World, make_world

EXCEPTION = {"domain": "settlement", "type": "FAILED_TRADE", "severity": "high", "source_system": "custodian"}


def raised(exception_id: str = "EX-1", **values: Any) -> BusinessException:
    return BusinessException(**(EXCEPTION | {"exception_id": exception_id} | values))


@pytest.fixture
def world(database: Any) -> World:
    """For tests that commit. Both tenants have an exception of the same id."""
    return _made(database)


@pytest.fixture(scope="module")
def still_world(module_database: Any) -> World:
    """The same for all tests of a module that leave it as it is."""
    return _made(module_database)


def _made(database: Any) -> World:
    world = make_world(database)
    for tenant in (TENANT, OTHER):
        with world.session(tenant=tenant) as session:
            session.add(raised())
            session.commit()
    return world


@pytest.fixture(params=["psycopg", "asyncpg"])
def exceptions(still_world: World, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The repository of a session that is rolled back at the end."""
    with still_world.repository(request.param, AsyncExceptionRepository, still_world.scope()) as repository:
        yield repository
