"""Two tenants, and transactions in the scope of the first one that are rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection

from asking import enter
from world import World, make_world


@pytest.fixture(scope="module")
def world(module_database: Any) -> World:
    return make_world(module_database)


@pytest.fixture(params=["admin", "app"])
def db(world: World, request: pytest.FixtureRequest) -> Iterator[Connection]:
    """A transaction in the scope of TENANT, past the wall and behind it; undone afterwards."""
    with world.database.engine(request.param).connect() as connection:
        enter(connection)
        yield connection
