"""Two tenants, and the assistant's client over either driver."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from hedgerow.assistant.repository import AsyncAssistantRepository
from world import World, make_world


@pytest.fixture(scope="module")
def world(module_database: Any) -> World:
    return make_world(module_database)


@pytest.fixture(params=["psycopg", "asyncpg"])
def assistant(world: World, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The client of a session that is rolled back at the end."""
    with world.repository(request.param, AsyncAssistantRepository, world.scope()) as repository:
        yield repository
