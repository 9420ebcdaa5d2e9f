"""Vocabularies of the causal domain."""

from enum import StrEnum

from hedgerow.core.types import check_enum, pg_enum


@pg_enum("refutation_test_type")
class RefutationTest(StrEnum):
    """A way to try to refute a causal estimate."""

    PLACEBO_TREATMENT = "placebo_treatment"  # a treatment that does nothing: the effect should vanish
    RANDOM_COMMON_CAUSE = "random_common_cause"  # one more, meaningless confounder: the effect should stay
    DATA_SUBSET = "data_subset"  # fewer rows: the effect should stay
    BOOTSTRAP = "bootstrap"  # rows drawn again: the effect should stay
    SENSITIVITY_E_VALUE = "sensitivity_e_value"  # how strong an unseen confounder explains the effect away


@pg_enum("validation_status")
class ValidationStatus(StrEnum):
    """How an estimate came out of a refutation test."""

    PASSED = "passed"
    FAILED = "failed"
    WARNING = "warning"
    SKIPPED = "skipped"


@pg_enum("gate_decision")
class GateDecision(StrEnum):
    """What may be done with an estimate; declared from the best to the worst, which is how it sorts."""

    PROCEED = "proceed"
    REVIEW = "review"  # and whatever nobody has tested
    BLOCK = "block"


@pg_enum("expert_review_type")
class ExpertReviewType(StrEnum):
    """What an expert signs."""

    DAG_APPROVAL = "dag_approval"
    METHODOLOGY_REVIEW = "methodology_review"
    QUARTERLY_AUDIT = "quarterly_audit"
    AD_HOC_VALIDATION = "ad_hoc_validation"


@check_enum("approval_status", length=30)
class ReviewStatus(StrEnum):
    """What became of an expert review."""

    PENDING = "pending"
    APPROVED = "approved"  # until valid_until, itself included
    REJECTED = "rejected"
    EXPIRED = "expired"
