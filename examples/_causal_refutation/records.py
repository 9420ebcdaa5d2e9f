"""What is kept of effects and refutations, and what the database says of them.

Ids are derived from what a row is about, so that a second run finds the rows of the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID, uuid5

from _breast_cancer.data import NAMESPACE
from _breast_cancer.model import HORIZON_DAYS
from sqlalchemy.orm import Session

from hedgerow import Split
from hedgerow.causal import (
    CausalPath,
    CausalValidation,
    ExpertReview,
    ExpertReviewType,
    GateDecision,
    ReviewStatus,
    estimate_id,
)
from hedgerow.causal.repository import CausalPathRepository, CausalValidationRepository, ExpertReviewRepository

from .effects import METHOD, OUTCOME, SEED, SIMULATIONS, Effect, Refutation

BRAND: Final = "tamoxifen"
CONTEXT: Final = f"risk within {HORIZON_DAYS} days of entry, patients with a known outcome"
REVIEWER: Final = "demo-biostatistician"
LARGEST: Final = Decimal("9999.9999")
"""What delta_percent can hold; an effect next to nothing moves by more."""


def keep_path(session: Session, config_id: UUID, effect: Effect) -> bool:
    """Store an effect as a causal path; return False if it is there."""
    paths = CausalPathRepository(session)
    if paths.get_by_id(effect.path_id) is not None:
        return False
    question = effect.question
    paths.create(
        CausalPath(
            path_id=effect.path_id,
            discovery_date=datetime.now(UTC).date(),
            causal_chain=[question.treatment, OUTCOME],
            start_node=question.treatment,
            end_node=OUTCOME,
            intermediate_nodes=[],
            path_length=1,
            causal_effect_size=_decimal(effect.size, 3),
            method_used=METHOD,
            confounders_controlled=question.confounders,
            time_lag_days=HORIZON_DAYS,
            split_assignment=Split.TRAIN,
            split_config_id=config_id,
        )
    )
    return True


def keep_refutations(session: Session, effect: Effect, refutations: Sequence[Refutation]) -> bool:
    """Store how an effect came out of its tests; return False if that is there.

    No gate is named: passed proceeds, failed blocks, and the rest asks for review.
    """
    validations = CausalValidationRepository(session)
    if validations.of_estimate(estimate_id(effect.path_id)):
        return False
    question, original = effect.question, _decimal(effect.size, 6)
    validations.record(
        CausalValidation(
            validation_id=_validation_id(effect, one),
            estimate_id=estimate_id(effect.path_id),
            test_type=one.test,
            status=one.status,
            original_effect=original,
            refuted_effect=None if one.refuted is None else _decimal(one.refuted, 6),
            p_value=None if one.p_value is None else _decimal(one.p_value, 5),
            delta_percent=None if one.refuted is None else _change(effect.size, one.refuted),
            confidence_score=_decimal(one.confidence, 3),
            test_config={"simulations": SIMULATIONS, "seed": SEED} if one.refuted is not None else {},
            details_json=one.details,
            brand=BRAND,
            analysis_context=CONTEXT,
            treatment_variable=question.treatment,
            outcome_variable=OUTCOME,
            split_assignment=Split.TRAIN,
        )
        for one in refutations
    )
    return True


def ask_expert(session: Session, effect: Effect, refutations: Sequence[Refutation]) -> tuple[UUID, bool]:
    """Ask for the review of the causal graph behind an effect; return its id and whether it is still to be decided."""
    reviews = ExpertReviewRepository(session)
    review_id = uuid5(NAMESPACE, f"review {effect.path_id}")
    review = reviews.get_by_id(review_id)
    if review is None:
        review = reviews.create(
            ExpertReview(
                review_id=review_id,
                review_type=ExpertReviewType.DAG_APPROVAL,
                dag_version_hash=effect.question.graph_hash,
                reviewer_id=REVIEWER,
                reviewer_role="biostatistician",
                brand=BRAND,
                analysis_context=CONTEXT,
                treatment_variable=effect.question.treatment,
                outcome_variable=OUTCOME,
                related_validation_ids=[_validation_id(effect, one) for one in refutations],
            )
        )
    return review_id, review.approval_status is ReviewStatus.PENDING


def verdict(session: Session, effect: Effect) -> tuple[GateDecision, float, bool]:
    """What the database says of an effect: gate, mean confidence, and whether it may be used."""
    validations, estimate = CausalValidationRepository(session), estimate_id(effect.path_id)
    return (
        validations.get_validation_gate(estimate),
        validations.get_validation_confidence(estimate),
        validations.can_use_estimate(estimate, effect.question.graph_hash),
    )


def _validation_id(effect: Effect, refutation: Refutation) -> UUID:
    return uuid5(NAMESPACE, f"validation {effect.path_id} {refutation.test}")


def _change(before: float, after: float) -> Decimal:
    change = _decimal(100 * (after - before) / abs(before), 4)
    return max(-LARGEST, min(change, LARGEST))


def _decimal(value: float, places: int) -> Decimal:
    return round(Decimal(float(value)), places)
