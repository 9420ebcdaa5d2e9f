"""Manifest of the customers domain."""

from hedgerow.core.objects import Domain

DOMAIN = Domain(
    name="customers",
    purpose="Customer success: customers and what hangs on them, agent sessions and approvals",
)
