"""Databases and engines of the battery; one set for the whole battery. Every test leaves them as it found them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from leakage import world
from leakage.attacks import Attack
from leakage.locks import Grounds
from leakage.shapes import Shape


@pytest.fixture(scope="session")
def leaky_template(seeded_template: str, fresh_database: Callable[..., Any]) -> str:
    """Name of the database that holds a few rows of every kind."""
    database = fresh_database(seeded_template)
    with database.admin() as admin:
        world.thin(admin)
    return str(database.name)


@pytest.fixture(scope="session")
def grounds(fresh_database: Callable[..., Any], leaky_template: str) -> Iterator[Grounds]:
    """The database that must not leak."""
    grounds = Grounds(fresh_database(leaky_template))
    with grounds.admin() as admin:
        grounds.keys = world.find_keys(admin)
    yield grounds
    grounds.close()


@pytest.fixture(scope="session")
def truths(fresh_database: Callable[..., Any], leaky_template: str, grounds: Grounds) -> Iterator[dict[str, Grounds]]:
    """By tenant, the database that holds nothing but what the tenant's scope may see."""
    made = {tenant: Grounds(fresh_database(leaky_template), grounds.keys, lender=grounds) for tenant in world.SCOPES}
    for tenant, truth in made.items():
        with truth.admin() as admin:
            world.leave_only_visible(admin, tenant)
    yield made
    for truth in made.values():
        truth.close()


def pytest_make_parametrize_id(config: pytest.Config, val: Any, argname: str) -> str | None:
    # Asked about the parameters of every test of the run, and not only of these.
    return val.name if isinstance(val, Shape | Attack) else None
