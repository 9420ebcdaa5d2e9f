"""Manifest of the exceptions domain."""

from hedgerow.core.objects import Domain, Function, View

DOMAIN = Domain(
    name="exceptions",
    purpose="Exceptions of business processes: packs, playbooks, tools, and the event log",
    functions=(
        # Called by a trigger and a view with the rights of the session.
        Function("exception_event_status", schema="app"),
        Function("keep_exception_status", schema="app", callers=None, after=("exception_event_status",)),
        Function("forbid_exception_status", schema="app", callers=None),
        Function("forbid_tool_owner", schema="app", callers=None),
        Function("require_own_tool", schema="app", callers=None),
    ),
    views=(View("v_exception_status", after=("exception_event_status",)),),
)
