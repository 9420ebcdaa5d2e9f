"""Manifest of the customers domain."""

from hedgerow.core.objects import Domain, Function, View

DOMAIN = Domain(
    name="customers",
    purpose="Customer success: customers and what hangs on them, agent sessions and approvals",
    functions=(Function("keep_customer_score", schema="app", callers=None),),
    views=(View("v_customer_health"), View("v_at_risk_customers"), View("v_upcoming_renewals")),
)
