"""What the audit chain refuses."""

from __future__ import annotations

from hedgerow.core.errors import HedgerowError


class AuditError(HedgerowError):
    """Base of the errors of the audit chain."""


class InvalidEntryError(AuditError, ValueError):
    """What was to be appended is no entry: a part is missing, too long, or cannot be stored as JSON."""


class ChainConflictError(AuditError):
    """Somebody else appended to the chain meanwhile, in a way that this transaction cannot follow: run it again."""


class BrokenChainError(AuditError):
    """Nothing can be appended: the entries of the chain do not follow one another."""


class UnknownChainError(AuditError, LookupError):
    """The tenant has no such chain, and never had."""
