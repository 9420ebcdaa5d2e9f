"""What an estimate is called: one id for rows of several tables."""

from __future__ import annotations

from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

from hedgerow.causal.enums import GateDecision, ValidationStatus

_NAMESPACE: Final = uuid5(NAMESPACE_URL, "hedgerow:causal_validations.estimate_id")

_GATES: Final = {
    ValidationStatus.PASSED: GateDecision.PROCEED,
    ValidationStatus.WARNING: GateDecision.REVIEW,
    ValidationStatus.SKIPPED: GateDecision.REVIEW,
    ValidationStatus.FAILED: GateDecision.BLOCK,
}


def estimate_id(path_id: str) -> UUID:
    """The ``estimate_id`` that stands for a causal path, whose own key is text and no UUID.

    It follows from the path's key, so that whoever knows the one knows the other. An experiment has a UUID as its key
    and is its own ``estimate_id``.
    """
    return uuid5(_NAMESPACE, path_id)


def gate_for(status: ValidationStatus | str) -> GateDecision:
    """The gate of a single test: proceed when it passed, block when it failed, review otherwise."""
    return _GATES[ValidationStatus(status)]
