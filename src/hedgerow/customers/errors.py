"""What is refused about approvals."""

from __future__ import annotations

from hedgerow.core.errors import HedgerowError


class ApprovalError(HedgerowError):
    """Base of the refusals of a decision."""


class NoUserError(ApprovalError):
    """A decision was made in a scope that names no user."""


class OwnApprovalError(ApprovalError):
    """Somebody decides what was asked for in a session of his own."""


class DecidedError(ApprovalError):
    """It has been decided before."""


class ApprovalExpiredError(ApprovalError):
    """The time to decide has passed."""
