"""Questions about causes: which paths there are, how they were tested, and whether they may be acted upon."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Double, Integer, Select, String, Text, Uuid, column, func, literal, select, update
from sqlalchemy.dialects.postgresql import JSONB

from hedgerow.causal.enums import GateDecision, ReviewStatus
from hedgerow.causal.estimates import gate_for
from hedgerow.causal.models import CausalPath, CausalValidation, ExpertReview
from hedgerow.causal.views import (
    BlockedEstimate,
    ExpertApproval,
    PendingExpertReview,
    ValidationChain,
    ValidationSummary,
)
from hedgerow.core.repository import (
    AsyncBaseRepository,
    AsyncSplitAwareRepository,
    BaseRepository,
    FilterError,
    RepositoryError,
    RowNotFoundError,
    SplitAwareRepository,
    awaiting,
    refusals,
)
from hedgerow.core.repository.filters import coerced, count
from hedgerow.core.scope import Split
from hedgerow.core.types import ENUM_TYPES


class ReviewDecidedError(RepositoryError):
    """A review that was decided before is decided again."""


@dataclass(frozen=True, slots=True)
class SearchHit:
    """Something that a full-text search found.

    :ivar source_table: ``causal_paths``, ``agent_activities`` or ``triggers``.
    :ivar id: its key in that table.
    :ivar content: its words.
    :ivar rank: how well it matches, 0 and up; comparable within one search.
    :ivar metadata: what else is told of it; depends on the table.
    """

    source_table: str
    id: str
    content: str
    rank: float
    metadata: dict[str, Any]


class CausalPathRepository(SplitAwareRepository[CausalPath]):
    """Causal paths, the newest discovery first."""

    model_class = CausalPath

    def get_paths_for_cause(self, start_node: str, split: Split | str | None = None) -> list[CausalPath]:
        """Return every path that starts at a cause."""
        return self.rows(self._newest(self.matching({"start_node": start_node}, split)))

    def get_paths_for_effect(self, end_node: str, split: Split | str | None = None) -> list[CausalPath]:
        """Return every path that ends at an effect."""
        return self.rows(self._newest(self.matching({"end_node": end_node}, split)))

    def get_path_between(self, start_node: str, end_node: str, split: Split | str | None = None) -> CausalPath | None:
        """Return the path from a cause to an effect, None when there is none; of several the newest discovery."""
        between = self.matching({"start_node": start_node, "end_node": end_node}, split)
        return self.first(self._newest(between))

    def hybrid_fulltext_search(
        self, search_query: str, match_count: int = 20, filters: Mapping[str, str] | None = None
    ) -> list[SearchHit]:
        """Search causal paths, agent activities and triggers in English, and return the best matches first.

        :param search_query: as in a web search: words, "phrases", or, -not. Empty finds nothing.
        :param match_count: at most so many.
        :param filters: which activities, by ``agent_name`` and ``status``, and which triggers, by ``priority``; each
            leaves the other tables alone, and other filters are ignored.
        :raises FilterError: a negative number of matches.
        """
        query, most = coerced(CausalPath, "start_node", search_query), count("number of matches", match_count)
        found = func.hybrid_fulltext_search(
            literal(query, Text), literal(most, Integer), literal(dict(filters or {}), JSONB)
        ).table_valued(
            column("source_table", Text),
            column("id", Text),
            column("content", Text),
            column("rank", Double),
            column("metadata", JSONB),
            name="found",
        )
        best = select(found).order_by(found.c.rank.desc(), found.c.source_table, found.c.id.collate("C"))
        return [SearchHit(*row) for row in self.session.execute(best)]

    def _newest(self, statement: Select[CausalPath]) -> Select[CausalPath]:
        return statement.order_by(CausalPath.discovery_date.desc(), CausalPath.path_id)


class AsyncCausalPathRepository(AsyncSplitAwareRepository[CausalPath]):
    """:class:`CausalPathRepository` over an asynchronous session."""

    sync_class = CausalPathRepository
    get_paths_for_cause = awaiting(CausalPathRepository.get_paths_for_cause)
    get_paths_for_effect = awaiting(CausalPathRepository.get_paths_for_effect)
    get_path_between = awaiting(CausalPathRepository.get_path_between)
    hybrid_fulltext_search = awaiting(CausalPathRepository.hybrid_fulltext_search)


class CausalValidationRepository(SplitAwareRepository[CausalValidation]):
    """Refutation tests of estimates, and the gate that follows from them.

    Every answer is that of the validations which the scope sees: those that were run on its splits or on earlier ones.
    """

    model_class = CausalValidation

    def record(self, validations: Iterable[CausalValidation]) -> list[CausalValidation]:
        """Store the results of refutation tests and return them in their order.

        One that says nothing about its gate gets that of its status: proceed when it passed, block when it failed,
        review otherwise.

        :raises FilterError: one of them does not say which split it was run on, or has a value that its column cannot
            hold; then none is stored.
        :raises RowNotFoundError: one names a piece of work that is not there; then none is stored.
        :raises SplitAccessError: the scope does not hold that split.
        """
        stored = list(validations)
        for validation in stored:
            if validation.split_assignment is None:
                raise FilterError(
                    "A validation without a split would be seen by nobody.",
                    remedy="say on which split the test was run: CausalValidation(split_assignment=...)",
                    table=self.table_name,
                )
        for validation in stored:
            if validation.gate_decision is None:
                validation.gate_decision = gate_for(coerced(CausalValidation, "status", validation.status))
        with refusals(self.session, self.table_name):
            self.session.add_all(stored)
            self.session.flush()
        return stored

    def of_estimate(self, estimate_id: UUID | str) -> list[CausalValidation]:
        """Return every validation of an estimate, in the order in which they were run."""
        found = self.matching({"estimate_id": estimate_id})
        order = (CausalValidation.created_at.nulls_first(), CausalValidation.validation_id)
        return self.rows(found.order_by(*order))

    def get_validation_gate(self, estimate_id: UUID) -> GateDecision:
        """Return the worst gate of an estimate's validations; ``review`` when nobody has validated it."""
        gate = func.get_validation_gate(_uuid(estimate_id), type_=ENUM_TYPES[GateDecision])
        return GateDecision(self.session.execute(select(gate)).scalar_one())

    def get_validation_confidence(self, estimate_id: UUID) -> float:
        """Return the mean confidence of an estimate's validations, 0 to 1; 0 when none has a score."""
        return float(self.session.execute(select(func.get_validation_confidence(_uuid(estimate_id)))).scalar_one())

    def can_use_estimate(self, estimate_id: UUID, dag_hash: str | None = None) -> bool:
        """Return whether an estimate may be acted upon.

        Yes where its gate is ``proceed``, no where it is ``block``. Where it is ``review``, as for an estimate that
        nobody has validated, only if an approval of the causal graph is valid today.

        :param dag_hash: version of the graph behind the estimate; without it ``review`` is no.
        """
        allowed = func.can_use_estimate(_uuid(estimate_id), _hash(dag_hash))
        return bool(self.session.execute(select(allowed)).scalar_one())

    def get_validation_chain(self, estimate_id: UUID | None = None) -> list[ValidationChain]:
        """Return estimates with their newest validation and expert review, from ``v_causal_validation_chain``.

        :param estimate_id: of one estimate only, one row for each of its sources.
        """
        chain = select(ValidationChain).order_by(ValidationChain.estimate_id, ValidationChain.estimate_source)
        return self._seen(chain, ValidationChain, estimate_id)

    def get_validation_summary(self, estimate_id: UUID | None = None) -> list[ValidationSummary]:
        """Return the counted tests of estimates, from ``v_validation_summary``.

        :param estimate_id: of one estimate only. It has several rows where its validations name different sources,
            brands, treatments or outcomes.
        """
        summary = select(ValidationSummary).order_by(
            ValidationSummary.estimate_id,
            ValidationSummary.estimate_source,
            ValidationSummary.brand,
            ValidationSummary.treatment_variable,
            ValidationSummary.outcome_variable,
        )
        return self._seen(summary, ValidationSummary, estimate_id)

    def get_blocked_estimates(self) -> list[BlockedEstimate]:
        """Return the estimates that a validation blocks, the latest first, from ``v_blocked_estimates``."""
        blocked = select(BlockedEstimate).order_by(
            BlockedEstimate.blocked_at.desc().nulls_last(), BlockedEstimate.estimate_id
        )
        return self._seen(blocked, BlockedEstimate, None)

    def _seen(self, statement: Select[Any], view: Any, estimate_id: UUID | None) -> list[Any]:
        if estimate_id is not None:
            statement = statement.where(view.estimate_id == _uuid(estimate_id))
        # What a view said earlier in the session may have changed since.
        return list(self.session.scalars(statement, execution_options={"populate_existing": True}))


def _uuid(value: UUID | None) -> Any:
    return literal(None if value is None else coerced(CausalValidation, "estimate_id", value), Uuid())


def _hash(value: str | None) -> Any:
    return literal(None if value is None else coerced(ExpertReview, "dag_version_hash", value), String)


class AsyncCausalValidationRepository(AsyncSplitAwareRepository[CausalValidation]):
    """:class:`CausalValidationRepository` over an asynchronous session."""

    sync_class = CausalValidationRepository
    record = awaiting(CausalValidationRepository.record)
    of_estimate = awaiting(CausalValidationRepository.of_estimate)
    get_validation_gate = awaiting(CausalValidationRepository.get_validation_gate)
    get_validation_confidence = awaiting(CausalValidationRepository.get_validation_confidence)
    can_use_estimate = awaiting(CausalValidationRepository.can_use_estimate)
    get_validation_chain = awaiting(CausalValidationRepository.get_validation_chain)
    get_validation_summary = awaiting(CausalValidationRepository.get_validation_summary)
    get_blocked_estimates = awaiting(CausalValidationRepository.get_blocked_estimates)


class ExpertReviewRepository(BaseRepository[ExpertReview]):
    """Expert reviews of causal graphs and methods."""

    model_class = ExpertReview

    def is_dag_approved(self, dag_hash: str | None, brand: str | None = None) -> bool:
        """Return whether an approval of a causal graph is valid today (UTC).

        :param brand: then only an approval of this brand counts; one without a brand does not cover it.
        """
        approved = func.is_dag_approved(_hash(dag_hash), _hash(brand))
        return bool(self.session.execute(select(approved)).scalar_one())

    def get_active_expert_approvals(self, *, include_expired: bool = False) -> list[ExpertApproval]:
        """Return the approvals that hold today, those that end first first, from ``v_active_expert_approvals``.

        :param include_expired: also those that held once, as the view lists them.
        """
        order = (ExpertApproval.valid_until.nulls_last(), ExpertApproval.review_id)
        approvals = select(ExpertApproval).order_by(*order).execution_options(populate_existing=True)
        if not include_expired:
            approvals = approvals.where(ExpertApproval.validity_status != "expired")
        return list(self.session.scalars(approvals))

    def get_pending_expert_reviews(self) -> list[PendingExpertReview]:
        """Return the reviews that nobody has decided, the oldest first, from ``v_pending_expert_reviews``."""
        order = (PendingExpertReview.created_at, PendingExpertReview.review_id)
        pending = select(PendingExpertReview).order_by(*order).execution_options(populate_existing=True)
        return list(self.session.scalars(pending))

    def approve(
        self, review_id: UUID | str, *, valid_until: date | None = None, conditions: str | None = None
    ) -> ExpertReview:
        """Approve a pending review and return it.

        :param valid_until: last day of the approval, UTC; None for no end.
        :param conditions: under which it holds, in words.
        :raises FilterError: a last day that is no day.
        :raises RowNotFoundError: there is no such review.
        :raises ReviewDecidedError: it is not pending any more; ask for another one.
        """
        return self._decide(
            review_id,
            approval_status=ReviewStatus.APPROVED,
            approved_at=func.now(),
            valid_until=None if valid_until is None else coerced(ExpertReview, "valid_until", valid_until),
            conditions=conditions,
        )

    def reject(self, review_id: UUID | str, *, concerns: Sequence[str] = ()) -> ExpertReview:
        """Reject a pending review and return it; errors as :meth:`approve`.

        :param concerns: why, in words.
        """
        return self._decide(review_id, approval_status=ReviewStatus.REJECTED, concerns_raised=list(concerns))

    def _decide(self, review_id: UUID | str, **values: Any) -> ExpertReview:
        is_review = self._identified(review_id)
        if is_review is not None:
            pending = is_review & (ExpertReview.approval_status == ReviewStatus.PENDING)
            # One statement: of two who decide at once the second finds it decided.
            decide = update(ExpertReview).where(pending).values(values).returning(ExpertReview)
            options = {"synchronize_session": False, "populate_existing": True}
            decided = self.session.scalars(decide, execution_options=options).first()
            if decided is not None:
                return decided
        found = self.get_by_id(review_id)
        if found is None:
            raise RowNotFoundError(
                f"There is no review {str(review_id)!r} in the scope.",
                remedy="check the id, and the tenant of the scope",
                table=self.table_name,
            )
        raise ReviewDecidedError(
            f"The review {review_id} is {found.approval_status.value} already.",
            remedy="ask for another review, with supersedes_review_id naming this one",
            table=self.table_name,
        )


class AsyncExpertReviewRepository(AsyncBaseRepository[ExpertReview]):
    """:class:`ExpertReviewRepository` over an asynchronous session."""

    sync_class = ExpertReviewRepository
    is_dag_approved = awaiting(ExpertReviewRepository.is_dag_approved)
    get_active_expert_approvals = awaiting(ExpertReviewRepository.get_active_expert_approvals)
    get_pending_expert_reviews = awaiting(ExpertReviewRepository.get_pending_expert_reviews)
    approve = awaiting(ExpertReviewRepository.approve)
    reject = awaiting(ExpertReviewRepository.reject)
