"""Manifest of the assistant domain."""

from hedgerow.core.objects import Domain, Function, View

DOMAIN = Domain(
    name="assistant",
    purpose="The banking assistant: interactions, escalations, knowledge documents",
    functions=(Function("assistant_metrics", schema="app"),),
    views=(View("v_assistant_metrics_daily"),),
)
