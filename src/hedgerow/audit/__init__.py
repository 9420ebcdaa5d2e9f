"""Who did what, in a chain that cannot be changed without being noticed.

Comes in: entries. Goes out: proof that nothing was changed, or the first place where it was.
"""

from hedgerow.audit.enums import VerificationStatus
from hedgerow.audit.errors import AuditError, BrokenChainError, ChainConflictError, InvalidEntryError, UnknownChainError
from hedgerow.audit.models import AuditChainEntry, AuditChainVerification
from hedgerow.audit.views import AuditChainDailyStats, AuditChainIntegrity, AuditChainSummary

__all__ = [
    "AuditChainDailyStats",
    "AuditChainEntry",
    "AuditChainIntegrity",
    "AuditChainSummary",
    "AuditChainVerification",
    "AuditError",
    "BrokenChainError",
    "ChainConflictError",
    "InvalidEntryError",
    "UnknownChainError",
    "VerificationStatus",
]
