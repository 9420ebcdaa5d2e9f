"""The gate: what may be done with an estimate. Whatever is not known to be good does not pass."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from causal.conftest import OTHER, TENANT, ZONES, Desk
from hedgerow.causal import GateDecision, ValidationStatus, estimate_id, gate_for

GATE = "get_validation_gate(:e)"
CONFIDENCE = "get_validation_confidence(:e)"
USE = "can_use_estimate(:e)"
USE_WITH = "can_use_estimate(:e, :h)"


def test_an_estimate_that_nobody_validated_never_proceeds(desk: Desk) -> None:
    estimate = uuid4()
    desk.become()
    assert desk.ask(GATE, e=estimate) == "review"
    assert desk.ask(CONFIDENCE, e=estimate) == 0
    assert desk.ask(USE, e=estimate) is False
    assert desk.ask(USE_WITH, e=estimate, h="nobody approved this") is False
    assert desk.ask("get_validation_gate(NULL)") == "review"
    assert desk.ask("can_use_estimate(NULL)") is False


@pytest.mark.parametrize("gates", [g for n in (1, 2, 3) for g in product(GateDecision, repeat=n)], ids="+".join)
def test_the_worst_gate_decides(desk: Desk, gates: tuple[GateDecision, ...]) -> None:
    estimate = uuid4()
    for gate in gates:
        desk.validate(estimate, gate)
    desk.validate(uuid4(), "block")
    desk.become()
    worst = max(gates, key=list(GateDecision).index)
    assert desk.ask(GATE, e=estimate) == worst
    assert desk.ask(USE, e=estimate) is (worst == "proceed")


def test_a_validation_that_names_no_gate_asks_for_review(desk: Desk) -> None:
    estimate = uuid4()
    desk.validate(estimate, None)
    desk.become()
    assert desk.ask(GATE, e=estimate) == "review"


def test_validations_of_every_source_count(desk: Desk) -> None:
    """The id says which estimate it is: a block is not lost because another source was named."""
    estimate = uuid4()
    desk.validate(estimate, estimate_source="causal_paths")
    desk.validate(estimate, "block", estimate_source="ml_experiments")
    desk.become()
    assert desk.ask(GATE, e=estimate) == "block"


@pytest.mark.parametrize("approved", [True, False])
@pytest.mark.parametrize("gate", [*GateDecision, None])
def test_an_approved_graph_decides_on_review_alone(desk: Desk, gate: GateDecision | None, approved: bool) -> None:
    estimate = uuid4()
    if gate is not None:
        desk.validate(estimate, gate)
    desk.review("approved" if approved else "pending", dag_version_hash="graph")
    desk.become()
    expected = {"proceed": True, "block": False}.get(str(gate), approved)
    assert desk.ask(USE_WITH, e=estimate, h="graph") is expected
    assert desk.ask(USE_WITH, e=estimate, h="another graph") is (gate == "proceed")
    assert desk.ask(USE_WITH, e=estimate, h=None) is (gate == "proceed")
    assert desk.ask(USE, e=estimate) is (gate == "proceed")


@pytest.mark.parametrize(
    ("scores", "mean"),
    [([], 0), ([None], 0), ([None, None], 0), ([0.5], 0.5), ([0.5, None, 0.8], 0.65), ([0, None], 0), ([1, 0], 0.5)],
    ids=str,
)
def test_confidence_is_the_mean_of_the_scores_there_are(desk: Desk, scores: list[float | None], mean: float) -> None:
    estimate = uuid4()
    for score in scores:
        desk.validate(estimate, confidence_score=score)
    desk.validate(uuid4(), confidence_score=0.1)
    desk.become()
    assert desk.ask(CONFIDENCE, e=estimate) == pytest.approx(Decimal(str(mean)))


@pytest.mark.parametrize("zone", ["UTC", *ZONES])
@pytest.mark.parametrize(
    ("until", "valid"), [(None, True), (1, True), (0, True), (-1, False)], ids=["for ever", "tomorrow", "today", "over"]
)
def test_an_approval_holds_until_its_last_day(desk: Desk, until: int | None, valid: bool, zone: str) -> None:
    desk.review(dag_version_hash="graph", valid_until=None if until is None else desk.today(until))
    desk.become(zone=zone)
    assert desk.ask("is_dag_approved('graph')") is valid


@pytest.mark.parametrize("status", ["pending", "rejected", "expired"])
def test_what_is_not_approved_is_not(desk: Desk, status: str) -> None:
    desk.review(status, dag_version_hash="graph")
    desk.become()
    assert desk.ask("is_dag_approved('graph')") is False


def test_an_approval_is_of_a_graph_and_a_brand(desk: Desk) -> None:
    desk.review(dag_version_hash="any", brand=None)
    desk.review(dag_version_hash="one", brand="Kisqali")
    desk.review(dag_version_hash=None, brand="Kisqali")
    desk.become()
    asked = [("any", None), ("any", "Kisqali"), ("one", None), ("one", "Kisqali"), ("one", "Fabhalta"), ("no", None)]
    found = [desk.ask("is_dag_approved(:h, :b)", h=graph, b=brand) for graph, brand in asked]
    assert found == [True, False, True, True, False, False]
    assert desk.ask("is_dag_approved(NULL)") is False
    assert desk.ask("is_dag_approved(NULL, 'Kisqali')") is False


def test_valid_from_is_not_looked_at(desk: Desk) -> None:
    desk.review(dag_version_hash="graph", valid_from=desk.today(30))
    desk.become()
    assert desk.ask("is_dag_approved('graph')") is True


def test_the_gate_knows_what_the_scope_may_know(desk: Desk) -> None:
    """Validations flow to later splits and never back, and are in no scope without a split."""
    estimate = uuid4()
    desk.validate(estimate, "proceed", split_assignment="train", confidence_score=0.9)
    desk.validate(estimate, "review", split_assignment="validation", confidence_score=0.5)
    desk.validate(estimate, "block", split_assignment="holdout", confidence_score=0.1)
    for splits, gate, confidence in (
        (("train",), "proceed", 0.9),
        (("validation",), "review", 0.7),
        (("test",), "review", 0.7),
        (("holdout",), "block", 0.5),
        (("unassigned",), "review", 0),
    ):
        desk.become(*splits)
        assert desk.ask(GATE, e=estimate) == gate, splits
        assert desk.ask(CONFIDENCE, e=estimate) == pytest.approx(Decimal(str(confidence))), splits


def test_nothing_of_another_tenant_opens_or_closes_the_gate(desk: Desk) -> None:
    """The same estimate and the same graph in both: each tenant has its own answer."""
    estimate = uuid4()
    desk.validate(estimate, "block", tenant_id=OTHER, confidence_score=0.2)
    desk.review(tenant_id=OTHER, dag_version_hash="graph")
    desk.become(tenant=OTHER)
    assert desk.ask(GATE, e=estimate) == "block"
    assert desk.ask(CONFIDENCE, e=estimate) == Decimal("0.2")
    assert desk.ask("is_dag_approved('graph')") is True
    desk.become()
    assert desk.ask(GATE, e=estimate) == "review"
    assert desk.ask(CONFIDENCE, e=estimate) == 0
    assert desk.ask("is_dag_approved('graph')") is False
    assert desk.ask(USE_WITH, e=estimate, h="graph") is False


@pytest.mark.parametrize("role", ["admin", "app"])
def test_without_a_scope_nothing_proceeds(world: Any, role: str) -> None:
    estimate = uuid4()
    world.admin(
        "INSERT INTO causal_validations (tenant_id, estimate_id, test_type, status, gate_decision, split_assignment)"
        " VALUES (:t, :e, 'bootstrap', 'passed', 'proceed', 'train')",
        t=TENANT,
        e=estimate,
    )
    with world.database.engine(role).connect() as connection:
        assert connection.scalar(text(f"SELECT {GATE}"), {"e": estimate}) == "review"
        assert connection.scalar(text(f"SELECT {USE}"), {"e": estimate}) is False
    world.admin("DELETE FROM causal_validations")


def test_the_gate_of_a_single_test() -> None:
    assert {status.value: gate_for(status).value for status in ValidationStatus} == {
        "passed": "proceed",
        "warning": "review",
        "skipped": "review",
        "failed": "block",
    }
    with pytest.raises(ValueError):
        gate_for("hoped for")


def test_an_estimate_is_no_foreign_key_but_a_path_has_an_id(desk: Desk) -> None:
    """Paths have text as their key, estimates a UUID: the id that stands for a path follows from its key."""
    keys = desk.rows(
        "SELECT FROM pg_constraint AS c JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)"
        " WHERE c.conrelid = 'causal_validations'::regclass AND c.contype = 'f' AND a.attname = 'estimate_id'"
    )
    assert keys == []
    desk.validate(uuid4())
    assert estimate_id("CP-00001") == UUID("4d300147-11ef-5fc0-b4b8-5f1f3665af45")
    assert len({estimate_id(f"CP-{n}") for n in range(500)}) == 500


@pytest.mark.parametrize("score", [-0.001, 1.001])
def test_confidence_is_zero_to_one(desk: Desk, score: float) -> None:
    with pytest.raises(DBAPIError, match="check constraint"):
        desk.validate(uuid4(), confidence_score=score)
