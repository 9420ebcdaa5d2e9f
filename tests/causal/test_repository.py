"""Repositories of the causal domain, over either driver: every function and view has its method."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.exc import DBAPIError

from hedgerow import CrossTenantError, SplitAccessError
from hedgerow.causal import (
    CausalPath,
    CausalValidation,
    ExpertReview,
    GateDecision,
    ReviewStatus,
    estimate_id,
)
from hedgerow.causal.repository import (
    AsyncCausalPathRepository,
    AsyncCausalValidationRepository,
    AsyncExpertReviewRepository,
    ExpertReviewRepository,
    ReviewDecidedError,
)
from hedgerow.core.repository import FilterError, RowNotFoundError
from isolation.oracle import refusal
from world import OTHER, TENANT, World, make_world

GRAPH = "9f" * 32
ABOUT = {"brand": "Kisqali", "treatment_variable": "visit", "outcome_variable": "refill"}
DRIVERS = ("psycopg", "asyncpg")


@pytest.fixture
def world(database: Any) -> World:
    """Paths and a blocked estimate in both tenants: whatever is found here twice has leaked."""
    world = make_world(database)
    for tenant in (TENANT, OTHER):
        with world.session("train", "test", tenant=tenant) as session:
            for number, (cause, effect, split) in enumerate(
                [("visit", "refill", "train"), ("visit", "refill", "train"), ("visit", "visit", "test")]
            ):
                session.add(
                    CausalPath(
                        path_id=f"P{number}",
                        discovery_date=date(2026, 1, 1 + number),
                        causal_chain=[cause, "call", effect],
                        start_node=cause,
                        end_node=effect,
                        split_assignment=split,
                    )
                )
            if tenant == OTHER:
                session.add(result("failed", gate_decision="block", estimate_id=estimate_id("P1")))
            session.add(result("failed", gate_decision="block", estimate_id=estimate_id("BAD")))
            session.commit()
    return world


def result(status: str, test: str = "bootstrap", **values: Any) -> CausalValidation:
    row = {"estimate_id": estimate_id("P1"), "split_assignment": "train"} | ABOUT | values
    return CausalValidation(status=status, test_type=test, **row)


def pending(**values: Any) -> ExpertReview:
    row = {"review_type": "dag_approval", "reviewer_id": "expert", "dag_version_hash": GRAPH}
    return ExpertReview(**(row | values))


@pytest.fixture(params=DRIVERS)
def paths(world: World, request: pytest.FixtureRequest) -> Iterator[Any]:
    with world.repository(request.param, AsyncCausalPathRepository, world.scope()) as repository:
        yield repository


@pytest.fixture(params=DRIVERS)
def validations(world: World, request: pytest.FixtureRequest) -> Iterator[Any]:
    with world.repository(request.param, AsyncCausalValidationRepository, world.scope("train")) as repository:
        yield repository


@pytest.fixture(params=DRIVERS)
def reviews(world: World, request: pytest.FixtureRequest) -> Iterator[Any]:
    with world.repository(request.param, AsyncExpertReviewRepository, world.scope()) as repository:
        yield repository


def keys(found: list[CausalPath]) -> list[str]:
    assert {path.tenant_id for path in found} <= {TENANT}
    return [path.path_id for path in found]


def test_paths_by_cause_effect_and_both(paths: Any) -> None:
    assert keys(paths.get_paths_for_cause("visit")) == ["P1", "P0"]
    assert keys(paths.get_paths_for_effect("refill")) == ["P1", "P0"]
    assert keys(paths.get_paths_for_effect("visit")) == [], "the test split is not in the scope"
    assert paths.get_path_between("visit", "refill").path_id == "P1"
    for cause, effect in (("visit", "call"), ("refill", "visit"), ("visit", "visit")):
        assert paths.get_path_between(cause, effect) is None
    with pytest.raises(SplitAccessError):
        paths.get_path_between("visit", "visit", split="test")


def test_search(paths: Any) -> None:
    hits = paths.hybrid_fulltext_search("refills")
    assert [(hit.source_table, hit.id, hit.content) for hit in hits] == [
        ("causal_paths", "P0", "visit refill"),
        ("causal_paths", "P1", "visit refill"),
    ]
    assert hits[0].rank > 0
    assert hits[0].metadata["discovery_date"] == "2026-01-01"
    assert [hit.id for hit in paths.hybrid_fulltext_search("refill", 1, {"status": "failed"})] == ["P0"]
    assert paths.hybrid_fulltext_search("refill", 0) == paths.hybrid_fulltext_search("") == []
    with pytest.raises(FilterError):
        paths.hybrid_fulltext_search("refill", -1)


def test_before_and_after_validation(validations: Any) -> None:
    """The other tenant's estimate of the same id is blocked, and this one is nobody's yet."""
    estimate = estimate_id("P1")
    assert validations.get_validation_gate(estimate) is GateDecision.REVIEW
    assert validations.get_validation_confidence(estimate) == 0
    assert validations.can_use_estimate(estimate) is False
    assert validations.get_validation_chain(estimate) == validations.get_validation_summary(estimate) == []
    stored = validations.record(
        [
            result("passed", confidence_score=0.9),
            result("warning", "sensitivity_e_value", confidence_score=0.5),
            result("skipped", "data_subset"),
            result("passed", "placebo_treatment", gate_decision="review"),
        ]
    )
    assert [row.gate_decision for row in stored] == ["proceed", "review", "review", "review"]
    assert validations.get_validation_gate(estimate) is GateDecision.REVIEW
    assert validations.get_validation_confidence(estimate) == pytest.approx(0.7)
    assert validations.can_use_estimate(estimate) is validations.can_use_estimate(estimate, GRAPH) is False
    stored += validations.record([result("failed", "random_common_cause")])
    assert validations.get_validation_gate(estimate) is GateDecision.BLOCK
    found = validations.of_estimate(str(estimate))
    assert {row.validation_id for row in found} == {row.validation_id for row in stored}
    assert len(found) == 5


def test_views_through_the_repository(validations: Any) -> None:
    estimate = estimate_id("P1")
    validations.record([result("passed", confidence_score=0.5), result("passed", estimate_source="ml_experiments")])
    (first, second) = validations.get_validation_chain(estimate)
    assert (first.estimate_source, second.estimate_source) == ("causal_paths", "ml_experiments")
    assert (first.validation_count, first.latest_gate, first.approval_status) == (1, GateDecision.PROCEED, "none")
    assert len(validations.get_validation_chain()) == 3
    (summary, _) = validations.get_validation_summary(estimate)
    assert (summary.passed_count, summary.final_gate, summary.failed_tests) == (1, GateDecision.PROCEED, None)
    (blocked,) = validations.get_blocked_estimates()
    assert (blocked.estimate_id, blocked.failed_tests) == (estimate_id("BAD"), "bootstrap")
    validations.record([result("failed", "data_subset")])
    (summary, _) = validations.get_validation_summary(estimate)
    assert (summary.failed_tests, summary.final_gate) == (["data_subset"], "block"), "views are read anew"
    assert [row.estimate_id for row in validations.get_blocked_estimates()] == [estimate, estimate_id("BAD")]
    assert len(validations.get_validation_summary()) == 3


def test_a_validation_says_where_it_was_run(validations: Any) -> None:
    estimate = estimate_id("P1")
    with pytest.raises(FilterError, match="split"):
        validations.record([result("passed"), result("passed", split_assignment=None)])
    assert validations.of_estimate(estimate) == []
    with pytest.raises(SplitAccessError):
        validations.record([result("passed", split_assignment="validation")])


def test_an_expert_opens_what_review_keeps_shut(world: World) -> None:
    estimate = estimate_id("P1")
    for driver in DRIVERS:
        with world.repository(driver, AsyncCausalValidationRepository, world.scope("train")) as validations:
            validations.record([result("warning")])
            reviews: Any = AsyncExpertReviewRepository.sync_class
            assert validations.can_use_estimate(estimate, GRAPH) is False
            if driver == "psycopg":
                review = reviews(validations.session).create(pending())
                reviews(validations.session).approve(review.review_id)
                assert validations.can_use_estimate(estimate, GRAPH) is True
                assert validations.can_use_estimate(estimate) is False


def test_reviews_are_approved_once(reviews: Any) -> None:
    review = reviews.create(pending(brand="Kisqali"))
    assert (review.approval_status, review.approved_at) == (ReviewStatus.PENDING, None)
    assert [row.review_id for row in reviews.get_pending_expert_reviews()] == [review.review_id]
    assert reviews.is_dag_approved(GRAPH) is False
    until = datetime.now(UTC).date() + timedelta(days=30)
    approved = reviews.approve(review.review_id, valid_until=until, conditions="Adults only")
    assert approved is review
    assert (review.approval_status, review.valid_until, review.conditions) == ("approved", until, "Adults only")
    assert review.approved_at is not None
    assert reviews.is_dag_approved(GRAPH) is reviews.is_dag_approved(GRAPH, "Kisqali") is True
    assert reviews.is_dag_approved(GRAPH, "Fabhalta") is reviews.is_dag_approved(None) is False
    assert reviews.get_pending_expert_reviews() == []
    for decide in (reviews.approve, reviews.reject):
        with pytest.raises(ReviewDecidedError, match="approved already"):
            decide(str(review.review_id))
    assert reviews.is_dag_approved(GRAPH) is True


def test_reviews_are_rejected_with_concerns(reviews: Any) -> None:
    review = reviews.create(pending())
    rejected = reviews.reject(review.review_id, concerns=["Severity is measured late"])
    assert (rejected.approval_status, rejected.concerns_raised) == ("rejected", ["Severity is measured late"])
    assert rejected.approved_at is None
    with pytest.raises(ReviewDecidedError, match="rejected already"):
        reviews.approve(review.review_id)
    assert reviews.is_dag_approved(GRAPH) is False


def test_active_approvals_leave_expired_ones_out_unless_asked(reviews: Any) -> None:
    today = datetime.now(UTC).date()
    ids = []
    # Two days off: the day may change while the test runs.
    for days in (-2, 2, None):
        review = reviews.create(pending())
        reviews.approve(review.review_id, valid_until=None if days is None else today + timedelta(days=days))
        ids.append(review.review_id)
    holding = reviews.get_active_expert_approvals()
    assert [(row.review_id, row.validity_status) for row in holding] == [(ids[1], "active"), (ids[2], "permanent")]
    everything = reviews.get_active_expert_approvals(include_expired=True)
    assert [row.review_id for row in everything] == ids
    assert everything[0].validity_status == "expired"


def test_nobody_decides_over_another_tenants_review(reviews: Any, world: World) -> None:
    with world.session(tenant=OTHER) as session:
        theirs = ExpertReviewRepository(session).create(pending()).review_id
        session.commit()
    for unknown in (theirs, uuid4(), "no id"):
        for decide in (reviews.approve, reviews.reject):
            with pytest.raises(RowNotFoundError):
                decide(unknown)
    assert reviews.get_pending_expert_reviews() == []
    with pytest.raises((DBAPIError, CrossTenantError)) as refused:
        reviews.create(pending(supersedes_review_id=theirs))
    assert refusal(refused.value) == "23503"  # type: ignore[arg-type]
    assert world.admin("SELECT approval_status FROM expert_reviews") == [("pending",)]


def test_a_review_may_replace_an_earlier_one(world: World) -> None:
    with world.session() as session:
        repository = ExpertReviewRepository(session)
        old = repository.create(pending())
        new = repository.create(pending(supersedes_review_id=old.review_id))
        assert new.supersedes is old
        assert (old.tenant_id, old.valid_from) == (TENANT, datetime.now(UTC).date())


def test_of_two_who_decide_at_once_one_does(world: World) -> None:
    with world.session() as session:
        review: UUID = ExpertReviewRepository(session).create(pending()).review_id
        session.commit()
    start = Barrier(2)

    def decide(verdict: str) -> str:
        with world.session() as session:
            session.connection()
            start.wait(timeout=30)
            try:
                getattr(ExpertReviewRepository(session), verdict)(review)
            except ReviewDecidedError:
                return "too late"
            session.commit()
            return verdict

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(decide, ("approve", "reject")))
    assert outcomes.count("too late") == 1
    stored = {"approve": "approved", "reject": "rejected"}[next(one for one in outcomes if one != "too late")]
    assert world.admin("SELECT approval_status FROM expert_reviews") == [(stored,)]


def test_updated_at_is_kept(world: World) -> None:
    with world.session() as session:
        ExpertReviewRepository(session).create(pending())
        session.commit()
    for table in ("expert_reviews", "causal_validations"):
        world.admin(f"UPDATE {table} SET updated_at = '2020-01-01'")
        world.admin(f"UPDATE {table} SET brand = 'changed'")
        assert world.admin(f"SELECT DISTINCT updated_at > '2026-01-01' FROM {table}") == [(True,)]


@pytest.mark.parametrize(
    "values",
    [
        {"test_type": "x"},
        {"status": "x"},
        {"status": None},
        {"estimate_id": None},
        {"confidence_score": 2},
        {"confidence_score": float("nan")},
        {"original_effect": 1e9},
    ],
    ids=str,
)
@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_what_is_no_validation_is_refused_in_words(world: World, driver: str, values: dict[str, Any]) -> None:
    good = {"estimate_id": uuid4(), "test_type": "placebo_treatment", "status": "passed", "split_assignment": "train"}
    with world.repository(driver, AsyncCausalValidationRepository, world.scope("train")) as validations:
        before = validations.count()
        with pytest.raises(FilterError):
            validations.record([CausalValidation(**good), CausalValidation(**good | values)])
        assert validations.count() == before, "none is stored, and the transaction goes on"
        with pytest.raises(RowNotFoundError, match="no such row of agent_activities"):
            validations.record([CausalValidation(**good, agent_activity_id="unknown")])


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_what_can_be_no_estimate_graph_or_day(world: World, driver: str) -> None:
    with world.repository(driver, AsyncCausalValidationRepository, world.scope()) as validations:
        for ask in (
            lambda: validations.get_validation_gate("none"),
            lambda: validations.can_use_estimate("none"),
            lambda: validations.get_validation_confidence("none"),
            lambda: validations.get_validation_chain("none"),
            lambda: validations.can_use_estimate(uuid4(), "a\0b"),
        ):
            with pytest.raises(FilterError):
                ask()
        assert validations.get_validation_gate(None) is GateDecision.REVIEW
        assert validations.can_use_estimate(None, None) is False
    with world.repository(driver, AsyncExpertReviewRepository, world.scope()) as reviews:
        review = reviews.create(ExpertReview(review_type="dag_approval", reviewer_id="e"))
        for wrong in ("never", datetime(2030, 1, 1, tzinfo=UTC)):
            with pytest.raises(FilterError):
                reviews.approve(review.review_id, valid_until=wrong)
        assert reviews.get_by_id(review.review_id).approval_status is ReviewStatus.PENDING
        assert reviews.is_dag_approved(None) is False
    with world.repository(driver, AsyncCausalPathRepository, world.scope()) as paths:
        for wrong in ({"search_query": "a\0b"}, {"match_count": 2**31}, {"search_query": None}):
            with pytest.raises(FilterError):
                paths.hybrid_fulltext_search(**{"search_query": "a"} | wrong)
