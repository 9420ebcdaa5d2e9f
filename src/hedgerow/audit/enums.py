"""Vocabularies of the audit domain."""

from enum import StrEnum

from hedgerow.core.types import check_enum


@check_enum("audit_verification_status")
class VerificationStatus(StrEnum):
    """What is known of a chain without computing anything."""

    UNVERIFIED = "unverified"  # never verified
    INVALID = "invalid"  # the newest verification found a fault
    STALE = "stale"  # the chain is no longer what the newest verification saw
    VERIFIED = "verified"
