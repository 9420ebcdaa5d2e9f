"""Two tenants, a scope that may record, and a model for the programs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

import dspy
from hedgerow import Scope
from hedgerow.integrations.dspy import record_run
from pupil import Pupil
from world import TENANT, World, make_world

TRAIN = Scope(TENANT, splits={"train"})


@pytest.fixture(scope="module")
def world(module_database: Any) -> World:
    return make_world(module_database)


@pytest.fixture
def module(request: pytest.FixtureRequest) -> str:
    """A module name of the test's own."""
    return request.node.name[:200]


@pytest.fixture
def recording(world: World, module: str) -> Any:
    return partial(record_run, TRAIN, agent="explainer", module=module, engine=world.engine)


@pytest.fixture(autouse=True)
def lm() -> Iterator[Any]:
    model = Pupil()
    with dspy.context(lm=model):
        yield model
