"""Manifest of the assistant domain."""

from hedgerow.core.objects import Domain

DOMAIN = Domain(
    name="assistant",
    purpose="The banking assistant: interactions, escalations, knowledge documents",
)
