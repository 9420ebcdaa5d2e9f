"""Views of the causal domain, as classes to select from. Validations count where the scope sees them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Numeric, Text
from sqlalchemy.orm import Mapped, mapped_column

from hedgerow.causal.enums import ExpertReviewType, GateDecision
from hedgerow.causal.models import CausalPath
from hedgerow.core.base import ViewBase
from hedgerow.core.splitviews import map_split_views
from hedgerow.core.types import bigint, str50, str64, str100, str200


class ValidationChain(ViewBase):
    """An estimate, its newest validation, and what an expert said of it.

    ``latest_gate`` is that of the newest validation and not the worst one: whether an estimate may be used is decided
    by ``get_validation_gate``.
    """

    __tablename__ = "v_causal_validation_chain"

    estimate_id: Mapped[UUID] = mapped_column(primary_key=True)
    estimate_source: Mapped[str50 | None] = mapped_column(primary_key=True)
    brand: Mapped[str50 | None]
    treatment_variable: Mapped[str100 | None]
    outcome_variable: Mapped[str100 | None]
    validation_count: Mapped[bigint]
    latest_gate: Mapped[GateDecision]
    approval_status: Mapped[str]


class ValidationSummary(ViewBase):
    """The tests of an estimate, counted, and their worst gate; per source, brand, treatment and outcome."""

    __tablename__ = "v_validation_summary"

    estimate_id: Mapped[UUID] = mapped_column(primary_key=True)
    estimate_source: Mapped[str50 | None] = mapped_column(primary_key=True)
    brand: Mapped[str50 | None] = mapped_column(primary_key=True)
    treatment_variable: Mapped[str100 | None] = mapped_column(primary_key=True)
    outcome_variable: Mapped[str100 | None] = mapped_column(primary_key=True)
    total_tests: Mapped[bigint]
    passed_count: Mapped[bigint]
    failed_count: Mapped[bigint]
    warning_count: Mapped[bigint]
    skipped_count: Mapped[bigint]
    avg_confidence: Mapped[Decimal | None]
    min_confidence: Mapped[Decimal | None] = mapped_column(Numeric(4, 3))
    max_confidence: Mapped[Decimal | None] = mapped_column(Numeric(4, 3))
    final_gate: Mapped[GateDecision]
    last_validation_at: Mapped[datetime | None]
    first_validation_at: Mapped[datetime | None]
    failed_tests: Mapped[list[str] | None] = mapped_column(ARRAY(Text))


class BlockedEstimate(ViewBase):
    """An estimate that a validation blocks, and the tests that it failed; per context of the analysis."""

    __tablename__ = "v_blocked_estimates"

    estimate_id: Mapped[UUID] = mapped_column(primary_key=True)
    estimate_source: Mapped[str50 | None] = mapped_column(primary_key=True)
    brand: Mapped[str50 | None] = mapped_column(primary_key=True)
    treatment_variable: Mapped[str100 | None] = mapped_column(primary_key=True)
    outcome_variable: Mapped[str100 | None] = mapped_column(primary_key=True)
    analysis_context: Mapped[str | None] = mapped_column(primary_key=True)
    failed_tests: Mapped[str | None]
    min_confidence: Mapped[Decimal | None] = mapped_column(Numeric(4, 3))
    blocked_at: Mapped[datetime | None]
    failed_test_count: Mapped[bigint]


class ExpertApproval(ViewBase):
    """An approval by an expert, and whether it still holds: ``permanent``, ``active`` or ``expired``.

    Expired ones are listed too, despite the view's name.
    """

    __tablename__ = "v_active_expert_approvals"

    review_id: Mapped[UUID] = mapped_column(primary_key=True)
    review_type: Mapped[ExpertReviewType]
    dag_version_hash: Mapped[str64 | None]
    reviewer_id: Mapped[str100]
    reviewer_name: Mapped[str200 | None]
    reviewer_role: Mapped[str100 | None]
    brand: Mapped[str50 | None]
    treatment_variable: Mapped[str100 | None]
    outcome_variable: Mapped[str100 | None]
    analysis_context: Mapped[str | None]
    approved_at: Mapped[datetime | None]
    valid_until: Mapped[date | None]
    validity_status: Mapped[str]
    days_until_expiry: Mapped[int | None]
    checklist_json: Mapped[dict[str, Any] | None]
    conditions: Mapped[str | None]


class PendingExpertReview(ViewBase):
    """A review that nobody has decided yet, and for how many days."""

    __tablename__ = "v_pending_expert_reviews"

    review_id: Mapped[UUID] = mapped_column(primary_key=True)
    review_type: Mapped[ExpertReviewType]
    dag_version_hash: Mapped[str64 | None]
    brand: Mapped[str50 | None]
    treatment_variable: Mapped[str100 | None]
    outcome_variable: Mapped[str100 | None]
    analysis_context: Mapped[str | None]
    created_at: Mapped[datetime | None]
    days_pending: Mapped[int | None]


map_split_views(CausalPath)
