"""Seeded causal paths, the tests that tried to refute them, and what experts said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from itertools import islice
from typing import Final
from uuid import UUID

from hedgerow.agents.enums import AgentType
from hedgerow.agents.seed import work_of
from hedgerow.causal.enums import ExpertReviewType, RefutationTest, ReviewStatus, ValidationStatus
from hedgerow.causal.estimates import estimate_id, gate_for
from hedgerow.causal.models import CausalPath, CausalValidation, ExpertReview
from hedgerow.core.scope import Split
from hedgerow.patients.enums import Brand
from hedgerow.seeding import NOW, Row, World, at, later, per_tenant
from hedgerow.seeding.world import END, START

PATHS: Final = 60
"""Causal paths in each tenant, spread evenly over three years."""

REVIEWS: Final = 16
"""Expert reviews in each tenant."""

_CHAINS: Final = (
    ("nurse_visit", "adherence", "discontinuation"),
    ("copay_support", "first_refill", "adherence", "discontinuation"),
    ("early_lab_test", "dose_adjustment", "adverse_event"),
    ("specialist_referral", "time_to_treatment", "response"),
)
_CONFOUNDERS: Final = ("age", "region", "prior_treatment", "disease_severity")
_BRANDS: Final = (Brand.REMIBRUTINIB, Brand.FABHALTA, Brand.KISQALI)


@dataclass(frozen=True, slots=True)
class SeedPath:
    """A path, and what its other rows have to agree with."""

    number: int
    path_id: str
    day: date
    chain: tuple[str, ...]
    brand: Brand
    split: Split
    effect: Decimal

    @property
    def tested(self) -> bool:
        """Every sixth path was never tested."""
        return self.number % 6 != 5


@lru_cache
def _paths(world: World) -> tuple[SeedPath, ...]:
    draw = world.draw("causal_paths.effects")
    length = (END - START).days
    found = []
    for number in range(PATHS):
        # The same key in every tenant, on purpose.
        path_id = f"CP-{number + 1:05d}"
        day = START + timedelta(days=length * number // PATHS)
        split = world.split_without_patient(path_id, day)
        chain, brand = _CHAINS[number % len(_CHAINS)], _BRANDS[number % len(_BRANDS)]
        found.append(SeedPath(number, path_id, day, chain, brand, split, draw.decimal(-0.3, 0.3, 3)))
    return tuple(found)


@per_tenant(CausalPath)
def paths(world: World) -> Iterator[Row]:
    """About no patient, so the day of the discovery decides the split, and a day in a gap gives none."""
    draw = world.draw("causal_paths")
    for path in _paths(world):
        yield {
            "path_id": path.path_id,
            "discovery_date": path.day,
            "causal_chain": list(path.chain),
            "start_node": path.chain[0],
            "end_node": path.chain[-1],
            "intermediate_nodes": path.chain[1:-1],
            "path_length": len(path.chain) - 1,
            "causal_effect_size": path.effect,
            "confidence_level": draw.decimal(0.5, 0.99, 3),
            "method_used": draw.pick(("backdoor.linear_regression", "backdoor.propensity_score_weighting")),
            "confounders_controlled": draw.some(_CONFOUNDERS, 3),
            "mediators_identified": path.chain[1:-1],
            "interaction_effects": {},
            "time_lag_days": draw.whole(7, 90),
            "validation_status": "validated" if path.tested else "pending",
            "business_impact_estimate": draw.decimal(1_000, 250_000, 2) if draw.chance(0.7) else None,
            "split_assignment": path.split,
            "split_config_id": world.config_id,
            "created_at": at(path.day, 60 * 18),
        }


def _validation_id(world: World, path: SeedPath, test: RefutationTest) -> UUID:
    return world.id("causal_validations", path.path_id, test.value)


@per_tenant(CausalValidation)
def validations(world: World) -> Iterator[Row]:
    """Every test on every tested path, the day after its discovery, on the split that it was found on."""
    draw = world.draw("causal_validations")
    for path in filter(lambda one: one.tested, _paths(world)):
        for number, test in enumerate(RefutationTest):
            status = draw.weighted(
                (
                    (ValidationStatus.PASSED, 84),
                    (ValidationStatus.WARNING, 8),
                    (ValidationStatus.FAILED, 4),
                    (ValidationStatus.SKIPPED, 4),
                )
            )
            ran = status is not ValidationStatus.SKIPPED
            delta = draw.decimal(0, 8, 4) if status is ValidationStatus.PASSED else draw.decimal(12, 90, 4)
            placebo = test is RefutationTest.PLACEBO_TREATMENT
            refuted = draw.decimal(-0.005, 0.005, 6) if placebo else round(path.effect * (1 + delta / 100), 6)
            when = later(at(path.day), days=1, minutes=10 * number)
            yield {
                "validation_id": _validation_id(world, path, test),
                "estimate_id": estimate_id(path.path_id),
                "estimate_source": "causal_paths",
                "test_type": test,
                "status": status,
                "original_effect": path.effect,
                "refuted_effect": refuted if ran else None,
                "p_value": draw.decimal(0.05, 0.99, 5) if ran else None,
                "delta_percent": delta if ran and not placebo else None,
                "confidence_score": draw.decimal(0.5, 0.99, 3) if ran else None,
                "gate_decision": gate_for(status),
                "test_config": {"simulations": 100, "seed": 7},
                "details_json": None if ran else {"reason": "the estimator does not support the test"},
                "agent_activity_id": work_of(AgentType.CAUSAL_IMPACT, path.day),
                "brand": path.brand.value,
                "analysis_context": "quarterly causal review",
                "treatment_variable": path.chain[0],
                "outcome_variable": path.chain[-1],
                "split_assignment": path.split,
                "created_at": when,
                "updated_at": when,
            }


def _graph(chain: tuple[str, ...], version: int) -> str:
    return sha256(f"{' -> '.join(chain)} v{version}".encode()).hexdigest()


@per_tenant(ExpertReview)
def reviews(world: World) -> Iterator[Row]:
    """Of the first tested paths: approved for ever, for a while, or once; rejected, expired, and not yet decided."""
    draw = world.draw("expert_reviews")
    outcomes = (ReviewStatus.APPROVED, ReviewStatus.APPROVED, ReviewStatus.APPROVED, ReviewStatus.PENDING)
    tested = islice(filter(lambda one: one.tested, _paths(world)), REVIEWS)
    for number, path in enumerate(tested):
        status = (ReviewStatus.REJECTED, ReviewStatus.EXPIRED)[number // 8] if number % 8 == 7 else outcomes[number % 4]
        approved = status in (ReviewStatus.APPROVED, ReviewStatus.EXPIRED)
        asked: datetime = later(at(path.day), days=3)
        ends = (None, NOW.date() + timedelta(days=365), asked.date() + timedelta(days=90), None)[number % 4]
        yield {
            "review_id": world.id("expert_reviews", number),
            "review_type": tuple(ExpertReviewType)[number % 4],
            "dag_version_hash": _graph(path.chain, 1 + number // 4),
            "reviewer_id": f"expert-{number % 3 + 1}",
            "reviewer_name": None,
            "reviewer_role": draw.pick(("biostatistician", "epidemiologist", "medical director")),
            "reviewer_email": f"expert-{number % 3 + 1}@{world.tenant_id.lower()}.test",
            "approval_status": status,
            "checklist_json": {"confounders": True, "overlap": True, "positivity": approved},
            "comments_json": None,
            "concerns_raised": ("Disease severity is measured late",) if status is ReviewStatus.REJECTED else None,
            "conditions": "Adults only" if approved and number % 2 else None,
            "brand": path.brand.value,
            "analysis_context": "quarterly causal review",
            "treatment_variable": path.chain[0],
            "outcome_variable": path.chain[-1],
            "valid_from": asked.date(),
            "valid_until": ends if approved else None,
            "created_at": asked,
            "updated_at": asked,
            "approved_at": later(asked, days=2) if approved else None,
            "related_validation_ids": [str(_validation_id(world, path, test)) for test in RefutationTest],
            "supersedes_review_id": world.id("expert_reviews", number - 4) if number >= 12 else None,
        }


SEEDS: Final = (paths, validations, reviews)
