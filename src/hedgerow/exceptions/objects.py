"""Manifest of the exceptions domain."""

from hedgerow.core.objects import Domain

DOMAIN = Domain(
    name="exceptions",
    purpose="Exceptions of business processes: packs, playbooks, tools, and the event log",
)
