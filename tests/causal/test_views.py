"""What the views of the causal domain show, edge cases included, to superuser and session alike."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from causal.conftest import OTHER, WHEN, ZONES, Desk
from hedgerow.causal import (
    BlockedEstimate,
    ExpertApproval,
    PendingExpertReview,
    RefutationTest,
    ValidationChain,
    ValidationSummary,
)

ABOUT = {"brand": "Kisqali", "treatment_variable": "visit", "outcome_variable": "refill"}
VIEWS = (ValidationChain, ValidationSummary, BlockedEstimate, ExpertApproval, PendingExpertReview)
CHAIN = "SELECT * FROM v_causal_validation_chain"
SUMMARY = "SELECT * FROM v_validation_summary"
BLOCKED = "SELECT * FROM v_blocked_estimates"


def chain(desk: Desk, *splits: str) -> list[tuple[Any, ...]]:
    desk.become(*splits)
    return [tuple(row) for row in desk.rows(f"{CHAIN} ORDER BY estimate_id, estimate_source")]


def approval(desk: Desk) -> str:
    (row,) = chain(desk)
    return str(row[-1])


def test_the_chain_tells_the_newest_validation_and_how_many_there_are(desk: Desk) -> None:
    estimate = uuid4()
    desk.validate(estimate, "block", created_at=WHEN, brand="old", treatment_variable="t", outcome_variable="o")
    desk.validate(estimate, "proceed", created_at=WHEN + timedelta(seconds=1), **ABOUT)
    desk.validate(estimate, "review", created_at=None, brand="undated")
    desk.validate(estimate, "review", estimate_source="ml_experiments", brand="other source")
    assert chain(desk) == [
        (estimate, "causal_paths", "Kisqali", "visit", "refill", 3, "proceed", "none"),
        (estimate, "ml_experiments", "other source", None, None, 1, "review", "none"),
    ], "the newest gate, not the worst: the gate itself says block"
    assert desk.ask("get_validation_gate(:e)", e=estimate) == "block"


def test_validations_of_one_moment_are_told_apart_by_id(desk: Desk) -> None:
    estimate, ids = uuid4(), sorted(uuid4() for _ in range(4))
    for gate, validation in zip(("review", "block", "review", "proceed"), ids, strict=True):
        desk.validate(estimate, gate, validation_id=validation)
    ((*_, gate, _),) = chain(desk)
    assert gate == "proceed"


@pytest.mark.parametrize("status", ["pending", "approved", "rejected", "expired"])
def test_a_review_that_lists_a_validation_comes_first(desk: Desk, status: str) -> None:
    estimate = uuid4()
    older, newer = desk.validate(estimate, **ABOUT), desk.validate(estimate, **ABOUT, created_at=WHEN)
    desk.review(status, related_validation_ids=[uuid4(), older])
    desk.review("rejected" if status != "rejected" else "approved", created_at=WHEN + timedelta(days=1), **ABOUT)
    desk.review("approved", created_at=WHEN - timedelta(days=1), related_validation_ids=[newer])
    desk.review("approved", created_at=None, related_validation_ids=[newer])
    assert approval(desk) == status


def test_failing_that_a_review_of_the_same_question_counts(desk: Desk) -> None:
    desk.validate(uuid4(), **ABOUT)
    desk.review("approved", created_at=WHEN - timedelta(days=1), **ABOUT)
    desk.review("rejected", **ABOUT)
    desk.review("pending", created_at=WHEN + timedelta(days=1), **ABOUT | {"brand": "Fabhalta"})
    desk.review("pending", created_at=WHEN + timedelta(days=1), **ABOUT | {"treatment_variable": None})
    desk.review("pending", created_at=WHEN + timedelta(days=1), related_validation_ids=[uuid4()])
    assert approval(desk) == "rejected"


def test_a_review_about_nothing_approves_nothing(desk: Desk) -> None:
    desk.validate(uuid4())
    desk.review("approved")
    desk.review("approved", related_validation_ids=[])
    assert approval(desk) == "none"


@pytest.mark.parametrize("zone", ["UTC", *ZONES])
@pytest.mark.parametrize(("days", "status"), [(1, "approved"), (0, "approved"), (-1, "expired"), (None, "approved")])
def test_an_approval_past_its_last_day_reads_expired(desk: Desk, days: int | None, status: str, zone: str) -> None:
    validation = desk.validate(uuid4())
    until = None if days is None else desk.today(days)
    desk.review(valid_until=until, related_validation_ids=[validation])
    desk.become(zone=zone)
    assert [row.approval_status for row in desk.rows(CHAIN)] == [status]


def test_only_approvals_run_out(desk: Desk) -> None:
    validation = desk.validate(uuid4())
    desk.review("pending", valid_until=desk.today(-1), related_validation_ids=[validation])
    assert approval(desk) == "pending"


def test_the_summary_counts_and_takes_the_worst_gate(desk: Desk) -> None:
    estimate = uuid4()
    rows = [
        ("passed", "proceed", 0.9, "bootstrap", 0),
        ("passed", "proceed", 0.8, "data_subset", 5),
        ("failed", "review", 0.333, "sensitivity_e_value", 2),
        ("failed", "proceed", None, "placebo_treatment", 3),
        ("failed", "proceed", 0.5, "placebo_treatment", 4),
        ("warning", "proceed", 0.5, "random_common_cause", 1),
        ("skipped", "review", None, "bootstrap", None),
    ]
    for status, gate, score, test, minutes in rows:
        at = None if minutes is None else WHEN + timedelta(minutes=minutes)
        desk.validate(estimate, gate, status=status, confidence_score=score, test_type=test, created_at=at, **ABOUT)
    desk.become()
    (row,) = desk.rows(SUMMARY)
    assert tuple(row) == (
        estimate,
        "causal_paths",
        "Kisqali",
        "visit",
        "refill",
        7,
        2,
        3,
        1,
        1,
        Decimal("0.607"),
        Decimal("0.333"),
        Decimal("0.900"),
        "review",
        WHEN + timedelta(minutes=5),
        WHEN,
        ["placebo_treatment", "sensitivity_e_value"],
    )


def test_nothing_failed_is_null(desk: Desk) -> None:
    desk.validate(uuid4(), confidence_score=None)
    desk.become()
    (row,) = desk.rows(SUMMARY)
    assert (row.failed_tests, row.failed_count, row.avg_confidence, row.final_gate) == (None, 0, None, "proceed")


def test_one_estimate_is_parted_by_what_it_is_about(desk: Desk) -> None:
    """NULLs are one group; each row has a gate of its own, and get_validation_gate is the one over all of them."""
    estimate = uuid4()
    for brand, gate in ((None, "proceed"), (None, "review"), ("Kisqali", "proceed"), ("Fabhalta", "block")):
        desk.validate(estimate, gate, brand=brand)
    desk.become()
    found = {(row.brand, row.total_tests, row.final_gate) for row in desk.rows(SUMMARY)}
    assert found == {(None, 2, "review"), ("Kisqali", 1, "proceed"), ("Fabhalta", 1, "block")}
    assert desk.ask("get_validation_gate(:e)", e=estimate) == "block"


def test_blocked_estimates_name_the_tests_that_failed(desk: Desk) -> None:
    """The gate of a suite is written to each of its tests: one that passed is not called failed."""
    estimate = uuid4()
    for test, status, score in (
        ("sensitivity_e_value", "failed", 0.2),
        ("placebo_treatment", "failed", 0.3),
        ("placebo_treatment", "failed", None),
        ("bootstrap", "passed", 0.1),
        ("data_subset", "warning", 0.9),
    ):
        desk.validate(estimate, "block", test_type=test, status=status, confidence_score=score, **ABOUT)
    desk.validate(estimate, "proceed", test_type="random_common_cause", status="failed", confidence_score=0, **ABOUT)
    desk.validate(estimate, "block", created_at=WHEN + timedelta(days=1), analysis_context="another", **ABOUT)
    desk.validate(uuid4(), "review", status="failed")
    desk.become()
    about = (estimate, "causal_paths", "Kisqali", "visit", "refill")
    assert [tuple(row) for row in desk.rows(f"{BLOCKED} ORDER BY blocked_at")] == [
        (*about, None, "placebo_treatment, sensitivity_e_value", Decimal("0.100"), WHEN, 3),
        (*about, "another", None, None, WHEN + timedelta(days=1), 0),
    ]


@pytest.mark.parametrize("zone", ["UTC", *ZONES])
def test_approvals_say_whether_they_hold(desk: Desk, zone: str) -> None:
    """Expired ones are listed too, and a start in the future is not looked at."""
    expected: dict[UUID, tuple[str, int | None]] = {}
    for days, status in ((None, "permanent"), (3, "active"), (0, "active"), (-1, "expired"), (-400, "expired")):
        until = None if days is None else desk.today(days)
        review = desk.review(valid_until=until, valid_from=desk.today(9), conditions="Adults", checklist_json="{}")
        expected[review] = (status, days)
    for status in ("pending", "rejected", "expired"):
        desk.review(status)
    desk.become(zone=zone)
    rows = desk.rows("SELECT * FROM v_active_expert_approvals")
    assert {row.review_id: (row.validity_status, row.days_until_expiry) for row in rows} == expected
    assert {(row.reviewer_id, row.conditions, str(row.checklist_json)) for row in rows} == {("expert", "Adults", "{}")}


def test_pending_reviews_come_oldest_first(desk: Desk) -> None:
    ages = {"0 s": 0, "23 h 59 min 59 s": 0, "24 h": 1, "47 h": 1, "400 days": 400}
    reviews = {}
    for age in ages:
        at = desk.ask(f"now() - INTERVAL '{age}'")
        reviews[desk.review("pending", created_at=at, dag_version_hash=age)] = age
    undated = desk.review("pending", created_at=None)
    for status in ("approved", "rejected", "expired"):
        desk.review(status)
    for zone in ("UTC", "America/New_York"):
        desk.become(zone=zone)
        rows = desk.rows("SELECT * FROM v_pending_expert_reviews")
        assert [(reviews.get(row.review_id), row.days_pending) for row in rows] == [
            *reversed(ages.items()),
            (None, None),
        ]
        assert rows[-1].review_id == undated


@pytest.mark.parametrize("splits", [("train",), ("validation",), ("test",), ("holdout",)], ids=str)
def test_views_know_what_the_scope_may_know(desk: Desk, splits: tuple[str]) -> None:
    order = ["unassigned", "train", "validation", "test", "holdout"]
    estimates = {}
    for split in order:
        estimates[split] = uuid4()
        desk.validate(estimates[split], "block", split_assignment=split)
    desk.validate(uuid4(), "block", split_assignment=None)
    visible = {estimates[split] for split in order[: order.index(splits[0]) + 1]}
    desk.become(*splits)
    for view in (CHAIN, SUMMARY, BLOCKED):
        assert {row.estimate_id for row in desk.rows(view)} == visible, view


@pytest.mark.parametrize("view", VIEWS, ids=lambda v: v.__tablename__)
def test_another_tenant_sees_nothing_of_it(desk: Desk, view: Any) -> None:
    validation = desk.validate(uuid4(), "block", tenant_id=OTHER, **ABOUT)
    desk.review(tenant_id=OTHER, related_validation_ids=[validation])
    desk.review("pending", tenant_id=OTHER)
    # The same question here: a review of the other tenant must not answer it.
    desk.become(tenant=OTHER)
    there = text(f"SELECT count(*) FROM {view.__tablename__}")
    assert desk.connection.scalar(there) == 1, "there is something to leak"
    desk.become()
    assert desk.connection.scalar(there) == 0
    desk.validate(uuid4(), **ABOUT)
    assert approval(desk) == "none"


@pytest.mark.parametrize("view", VIEWS, ids=lambda v: v.__tablename__)
def test_views_have_classes(desk: Desk, view: Any) -> None:
    desk.validate(uuid4(), "block", status="failed", test_type=RefutationTest.BOOTSTRAP)
    desk.review(valid_until=desk.today(1))
    desk.review("pending")
    desk.become()
    (row,) = desk.rows(f"SELECT * FROM {view.__tablename__}")
    with Session(desk.connection) as session:
        (mapped,) = session.scalars(select(view))
        assert {name: getattr(mapped, name) for name in row._mapping} == dict(row._mapping)
        session.close()
