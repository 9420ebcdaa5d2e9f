"""What causes what, how hard it was tried to refute it, and whether it may be acted upon.

Comes in: patients and splits. Goes out: the gate: proceed, review or block.
"""

from hedgerow.causal.enums import ExpertReviewType, GateDecision, RefutationTest, ReviewStatus, ValidationStatus
from hedgerow.causal.estimates import estimate_id, gate_for
from hedgerow.causal.models import CausalPath, CausalValidation, ExpertReview
from hedgerow.causal.views import (
    BlockedEstimate,
    ExpertApproval,
    PendingExpertReview,
    ValidationChain,
    ValidationSummary,
)

__all__ = [
    "BlockedEstimate",
    "CausalPath",
    "CausalValidation",
    "ExpertApproval",
    "ExpertReview",
    "ExpertReviewType",
    "GateDecision",
    "PendingExpertReview",
    "RefutationTest",
    "ReviewStatus",
    "ValidationChain",
    "ValidationStatus",
    "ValidationSummary",
    "estimate_id",
    "gate_for",
]
