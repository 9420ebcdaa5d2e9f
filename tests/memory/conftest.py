"""A database of its own with two tenants, for tests that write."""

from __future__ import annotations

from typing import Any

import pytest

from world import World, make_world


@pytest.fixture
def world(database: Any) -> World:
    return make_world(database)


@pytest.fixture(params=["psycopg", "asyncpg"])
def driver(request: pytest.FixtureRequest) -> str:
    return str(request.param)
