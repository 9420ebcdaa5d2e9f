"""Who sees and writes what of the customers domain. Tenant and wall come first; the ADR on audiences has the reasons.

Administrators see and write all of it. A customer is its success manager's, and so is what hangs on it. A session is
its user's; whoever sees its customer reads along, and decides what the session asks for.
"""

from __future__ import annotations

from typing import Final

from hedgerow.core.wall import Audience
from hedgerow.tenancy.audience import ADMINISTRATORS, OWNER, mine, of_another, of_any, of_few

ASSIGNED: Final = (ADMINISTRATORS, Audience("assigned_manager", mine("csm_id")))
"""Of ``customers``: a manager keeps those assigned to himself, so he can neither take nor give one away."""


_MANAGER: Final = of_few("customer_id", "customers", mine("p.csm_id"))
"""Rows that hang on a customer of the person's own."""

ON_A_CUSTOMER: Final = (ADMINISTRATORS, Audience("customer_manager", _MANAGER))
"""Of a table whose rows hang on a customer: the customer's manager."""

SESSIONS: Final = (
    ADMINISTRATORS,
    Audience("own_sessions", mine("user_id")),
    Audience("customer_manager", _MANAGER, command="SELECT"),
)
"""Of ``agent_sessions``."""

MESSAGES: Final = (
    ADMINISTRATORS,
    Audience("own_sessions", of_any("agent_messages", "session_id", "agent_sessions", mine("p.user_id"))),
    Audience("seen_sessions", of_any("agent_messages", "session_id", "agent_sessions"), command="SELECT"),
)
"""Of ``agent_messages``: written by the session's user, read by whoever sees the session."""

RUNS: Final = (
    *ON_A_CUSTOMER,
    Audience("own_sessions", of_any("agent_runs", "session_id", "agent_sessions", mine("p.user_id"))),
    Audience("seen_sessions", of_any("agent_runs", "session_id", "agent_sessions"), command="SELECT"),
)
"""Of ``agent_runs``: a run belongs to a session, to a customer, or to both."""

STEPS: Final = (ADMINISTRATORS, Audience("seen_runs", of_any("agent_steps", "run_id", "agent_runs")))
"""Of ``agent_steps``: whoever sees the run."""

_ASKED_BY_ME: Final = of_any("approvals", "session_id", "agent_sessions", mine("p.user_id"))
_ASKED_BY_ANOTHER: Final = of_another("approvals", "session_id", "agent_sessions", "user_id")
_DECIDED_BY_ANOTHER: Final = of_any(
    "approvals", "session_id", "agent_sessions", "p.user_id IS DISTINCT FROM approvals.decided_by"
)
_IN_TIME: Final = "(expires_at IS NULL OR expires_at > now())"

APPROVALS: Final = (
    Audience(ADMINISTRATORS.name, ADMINISTRATORS.using, command="SELECT"),
    Audience("seen_sessions", of_any("approvals", "session_id", "agent_sessions"), command="SELECT"),
    Audience(
        "asks",
        # Nobody asks for what is decided already; what was decided elsewhere the owner of the schema brings in.
        f"{OWNER} OR status = 'pending' AND decided_by IS NULL AND decided_at IS NULL "
        f"AND ({ADMINISTRATORS.using} OR {_ASKED_BY_ME})",
        command="INSERT",
    ),
    Audience(
        "decides",
        # Once, and never the person who asked, be it an administrator. Whoever sees another one's session is an
        # administrator, or the manager of its customer. Said of the row before and after: somebody may have opened
        # another scope in between, and would decide as himself what he asked for.
        f"status = 'pending' AND ({_ASKED_BY_ANOTHER} OR session_id IS NULL AND {ADMINISTRATORS.using})",
        check=f"status IN ('approved', 'rejected') AND {mine('decided_by')} AND decided_at IS NOT NULL AND {_IN_TIME} "
        f"AND (session_id IS NULL AND {ADMINISTRATORS.using} OR {_DECIDED_BY_ANOTHER}) "
        f"OR status = 'expired' AND decided_by IS NULL AND NOT {_IN_TIME}",
        command="UPDATE",
    ),
)
"""Of ``approvals``: seen by whoever sees the session, decided by another person, deleted by nobody."""
