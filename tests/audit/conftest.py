"""A database with two tenants, and a desk at which chains are written and forged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from audit.forging import Desk
from world import World, make_world


@pytest.fixture(scope="module")
def world(module_database: Any) -> World:
    return make_world(module_database)


@pytest.fixture
def desk(world: World) -> Iterator[Desk]:
    with world.database.engine("admin").connect() as connection:
        yield Desk(connection)
        connection.rollback()
