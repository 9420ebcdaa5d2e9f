"""Manifest of the audit domain."""

from hedgerow.core.objects import Domain

DOMAIN = Domain(
    name="audit",
    purpose="The audit chain: entries that name their predecessor by hash, and verifications",
)
