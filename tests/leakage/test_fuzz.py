"""Random statements: the filter alone, the wall alone and both answer what Python's choice of rows answers.

``make fuzz`` runs as many as you like; the test command a thousand. Each batch is drawn from its own number, so that a
failure is found again by the name of its test.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from leakage import world
from leakage.locks import LOCKS, Grounds
from leakage.statements import TABLES, statements
from leakage.world import OWN

BATCH = 250
DEPTH = 4
BATCHES = max(1, int(os.environ.get("HEDGEROW_FUZZ", "1000")) // BATCH)

#: A random statement may join without end: it is given up, and few of a batch may be.
PATIENCE = "3s"
FEW = BATCH // 10
CANCELLED = "57014"

#: One statement in so many has something to leak, at least. Of the first 33 batches one had no more than one in five.
LEAKY = 10


@pytest.fixture(scope="module")
def opponents(fresh_database: Callable[..., Any], leaky_template: str) -> Iterator[tuple[Grounds, Grounds]]:
    """The database that must not leak, and the one that holds nothing but what the own scope may see."""
    pair = Grounds(fresh_database(leaky_template)), Grounds(fresh_database(leaky_template))
    for grounds in pair:
        with grounds.admin() as admin:
            admin.exec_driver_sql(f"ALTER DATABASE {grounds.database.name} SET statement_timeout = '{PATIENCE}'")
    with pair[1].admin() as admin:
        world.leave_only_visible(admin, OWN)
    yield pair
    for grounds in pair:
        grounds.close()


def answer(session: Session, statement: Any) -> Counter[str] | None:
    """The rows, which come in no order; None where they take too long."""
    try:
        return Counter(map(repr, session.execute(statement)))
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != CANCELLED:
            raise
        session.rollback()
        return None


@pytest.mark.parametrize("batch", range(BATCHES))
def test_filter_wall_and_python_agree(
    batch: int, opponents: tuple[Grounds, Grounds], record_property: Callable[[str, object], None]
) -> None:
    grounds, truth = opponents
    told = Counter[str]()

    @seed(batch)
    @settings(max_examples=BATCH, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(statement=statements(DEPTH))
    def agree(statement: Any) -> None:
        right = answer(sessions["truth"], statement)
        if right is None:
            told["given up"] += 1
            return
        told["agreed"] += 1
        told["leaky"] += answer(sessions["off"], statement) != right
        for lock in LOCKS:
            assert answer(sessions[lock], statement) in (right, None), lock

    sessions = {lock: grounds.open(lock) for lock in (*LOCKS, "off")} | {"truth": truth.open("off")}
    try:
        agree()
    finally:
        for session in sessions.values():
            session.close()
    for what, how_many in told.items():
        record_property(what, how_many)
    assert told["given up"] <= FEW
    assert told["leaky"] > told["agreed"] // LEAKY, "few of the statements have anything to leak"


def test_every_table_that_both_locks_divide_alike_takes_part() -> None:
    assert {table.name for table in TABLES} >= {"patient_journeys", "treatment_events", "ml_predictions", "triggers"}
    assert len(TABLES) > 20
