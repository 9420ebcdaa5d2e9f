"""Manifest of the memory domain."""

from hedgerow.core.objects import Domain

DOMAIN = Domain(
    name="memory",
    purpose="What agents remember: episodes, procedures, a semantic cache, cognitive cycles",
)
