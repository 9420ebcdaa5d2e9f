"""Tables of the causal domain."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Computed, Index, Numeric, Text, Uuid, func, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from hedgerow.causal.enums import ExpertReviewType, GateDecision, RefutationTest, ReviewStatus, ValidationStatus
from hedgerow.core.base import Base
from hedgerow.core.keys import tenant_fk, tenant_relationship
from hedgerow.core.mixins import Created, KeepsUpdatedAt, SplitAware, TenantOwned
from hedgerow.core.scope import Split
from hedgerow.core.types import EMPTY_OBJECT, str20, str30, str50, str64, str100, str200, uuid_pk

TODAY_UTC = text("(now() AT TIME ZONE 'UTC')::date")


class CausalPath(SplitAware, Created, TenantOwned, Base):
    """A discovered causal chain, with the size of its effect and how sure that is."""

    __tablename__ = "causal_paths"
    __event_time__ = ("discovery_date",)
    __table_args__ = (
        *tenant_fk("split_config_id", "ml_split_registry.split_config_id"),
        Index(None, "search_vector", postgresql_using="gin"),
        Index(None, "tenant_id", "split_assignment", "split_config_id"),
        Index(None, "tenant_id", "created_at"),
        Index(None, "tenant_id", "start_node", "end_node"),
        Index(None, "tenant_id", "end_node"),
    )

    path_id: Mapped[str20] = mapped_column(primary_key=True)
    discovery_date: Mapped[date]
    causal_chain: Mapped[list[Any]] = mapped_column(comment="The nodes from cause to effect, in their order")
    start_node: Mapped[str100 | None] = mapped_column(comment="The cause")
    end_node: Mapped[str100 | None] = mapped_column(comment="The effect")
    intermediate_nodes: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    path_length: Mapped[int | None] = mapped_column(comment="Steps from cause to effect")
    causal_effect_size: Mapped[Decimal | None] = mapped_column(
        Numeric(5, 3), comment="Change of the effect for one unit of the cause"
    )
    confidence_level: Mapped[Decimal | None] = mapped_column(Numeric(4, 3), comment="0 to 1")
    method_used: Mapped[str50 | None]
    confounders_controlled: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    mediators_identified: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    interaction_effects: Mapped[dict[str, Any] | None] = mapped_column(server_default=EMPTY_OBJECT)
    time_lag_days: Mapped[int | None]
    validation_status: Mapped[str20 | None] = mapped_column(
        comment="A note; what was tested, and what follows from it, is in causal_validations"
    )
    business_impact_estimate: Mapped[Decimal | None] = mapped_column(Numeric(15, 2))
    split_assignment: Mapped[Split] = mapped_column(server_default=text("'unassigned'"))
    split_config_id: Mapped[UUID | None]
    search_vector: Mapped[str | None] = mapped_column(
        TSVECTOR,
        Computed(
            "setweight(to_tsvector('english', coalesce(start_node, '') || ' ' || coalesce(end_node, '')), 'A')"
            " || setweight(to_tsvector('english', coalesce(method_used, '')), 'B')"
            " || setweight(to_tsvector('english', causal_chain::text), 'C')",
            persisted=True,
        ),
        sort_order=2,
        # Asked for in searches, not in reads.
        deferred=True,
        comment="Cause and effect (A), method (B) and chain (C) as English search terms",
    )


# Neither is Timestamped, whose columns are NOT NULL: here both are nullable.
class CausalValidation(KeepsUpdatedAt, SplitAware, TenantOwned, Base):
    """Result of one refutation test on a causal estimate, and the gate that it leads to.

    ``estimate_id`` is no foreign key: it names rows of several tables, and the key of causal_paths is text. See
    :func:`hedgerow.causal.estimate_id` for the id that stands for a path.
    """

    __tablename__ = "causal_validations"
    __table_args__ = (
        *tenant_fk("agent_activity_id", "agent_activities.activity_id"),
        CheckConstraint("confidence_score >= 0 AND confidence_score <= 1", name="confidence_score"),
        Index(None, "tenant_id", "estimate_id", "gate_decision"),
        Index(None, "tenant_id", "estimate_id", "estimate_source"),
        Index(None, "tenant_id", "brand"),
        Index(None, "tenant_id", "gate_decision"),
        Index(None, "tenant_id", "status"),
        Index(None, "tenant_id", "test_type"),
        Index(None, "tenant_id", "treatment_variable"),
        Index(None, "tenant_id", "created_at"),
    )

    validation_id: Mapped[uuid_pk]
    estimate_id: Mapped[UUID]
    estimate_source: Mapped[str50 | None] = mapped_column(
        server_default=text("'causal_paths'"), comment="causal_paths or ml_experiments"
    )
    test_type: Mapped[RefutationTest]
    status: Mapped[ValidationStatus]
    original_effect: Mapped[Decimal | None] = mapped_column(Numeric(12, 6))
    refuted_effect: Mapped[Decimal | None] = mapped_column(Numeric(12, 6), comment="The effect under the test")
    p_value: Mapped[Decimal | None] = mapped_column(Numeric(6, 5))
    delta_percent: Mapped[Decimal | None] = mapped_column(
        Numeric(8, 4), comment="Change of the effect under the test, in percent of the original effect"
    )
    confidence_score: Mapped[Decimal | None] = mapped_column(Numeric(4, 3), comment="0 to 1")
    gate_decision: Mapped[GateDecision] = mapped_column(server_default=text("'review'"))
    test_config: Mapped[dict[str, Any] | None]
    details_json: Mapped[dict[str, Any] | None]
    agent_activity_id: Mapped[str30 | None] = mapped_column(comment="The piece of work that ran the test")
    brand: Mapped[str50 | None]
    analysis_context: Mapped[str | None]
    treatment_variable: Mapped[str100 | None]
    outcome_variable: Mapped[str100 | None]
    split_assignment: Mapped[Split | None] = mapped_column(
        comment="Split that the test was run on; NULL is in no scope, so sessions always name one"
    )
    created_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime | None] = mapped_column(server_default=func.now())


class ExpertReview(KeepsUpdatedAt, TenantOwned, Base):
    """Expert sign-off of a causal graph or method, with the days on which it is valid."""

    __tablename__ = "expert_reviews"
    __table_args__ = (
        *tenant_fk("supersedes_review_id", "expert_reviews.review_id"),
        Index(
            "ix_expert_reviews_approved",
            "tenant_id",
            "dag_version_hash",
            "valid_until",
            postgresql_where=text("approval_status = 'approved'"),
        ),
        Index(None, "tenant_id", "approval_status"),
        Index(None, "tenant_id", "brand"),
        Index(None, "tenant_id", "dag_version_hash"),
        Index(None, "tenant_id", "review_type"),
        Index(None, "tenant_id", "reviewer_id"),
        Index(None, "tenant_id", "treatment_variable"),
        Index(None, "tenant_id", "valid_until"),
        Index(None, "tenant_id", "created_at"),
    )

    review_id: Mapped[uuid_pk]
    review_type: Mapped[ExpertReviewType]
    dag_version_hash: Mapped[str64 | None] = mapped_column(comment="Which version of which causal graph is reviewed")
    reviewer_id: Mapped[str100]
    reviewer_name: Mapped[str200 | None]
    reviewer_role: Mapped[str100 | None]
    reviewer_email: Mapped[str200 | None]
    approval_status: Mapped[ReviewStatus] = mapped_column(server_default=text("'pending'"))
    checklist_json: Mapped[dict[str, Any] | None]
    comments_json: Mapped[dict[str, Any] | None]
    concerns_raised: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    conditions: Mapped[str | None] = mapped_column(comment="Under which the approval holds, in words")
    brand: Mapped[str50 | None]
    analysis_context: Mapped[str | None]
    treatment_variable: Mapped[str100 | None]
    outcome_variable: Mapped[str100 | None]
    valid_from: Mapped[date | None] = mapped_column(
        server_default=TODAY_UTC, comment="A note: nothing that asks whether a review is valid reads it"
    )
    valid_until: Mapped[date | None] = mapped_column(comment="Last day of an approval, UTC; NULL for no end")
    created_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    approved_at: Mapped[datetime | None]
    related_validation_ids: Mapped[list[UUID] | None] = mapped_column(
        ARRAY(Uuid()), comment="Validations that the review is about"
    )
    supersedes_review_id: Mapped[UUID | None] = mapped_column(comment="The review that this one replaces")

    supersedes: Mapped[ExpertReview | None] = tenant_relationship(
        "ExpertReview.supersedes_review_id", "ExpertReview.review_id"
    )
