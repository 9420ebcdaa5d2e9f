"""Seeded sessions of the tenant's people, what is said and done in them, and what waits for a decision."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from hedgerow.customers.enums import ApprovalStatus, MessageRole, RunStatus, StepType
from hedgerow.customers.models import AgentMessage, AgentRun, AgentSession, AgentStep, Approval
from hedgerow.seeding import NOW, Row, World, at, later, per_tenant
from hedgerow.tenancy.seed import user_ids

ADA, CARLA, CARL, ANNA, LEO = 0, 1, 2, 3, 6
"""Places in :data:`hedgerow.tenancy.seed.PEOPLE`."""


LOOSE: Final = "Unmatched lead"
"""What arrives before its customer is known: it hangs on none, and administrators alone see it."""


def customer_id(world: World, name: str) -> UUID:
    """Id of a seeded customer."""
    return world.id("customers", name)


def customer_of(world: World, name: str) -> UUID | None:
    """Id of the customer that something hangs on, None for :data:`LOOSE`."""
    return None if name == LOOSE else customer_id(world, name)


CONVERSATIONS: Final = (
    ("risk", "Lakeside Hospital Group", CARLA),
    ("renewal", "Northwind Clinics", ANNA),
    ("usage", "Alpine Care", CARL),
    ("portfolio", None, ADA),
    ("handover", "Summit Pharmacy", None),  # began without a user
)
"""Key, customer, and place of the user."""


def session_id(world: World, key: str) -> UUID:
    """Id of a seeded session."""
    return world.id("agent_sessions", key)


def _begun(place: int) -> datetime:
    return at(date(2025, 12, 10) + timedelta(days=place), 540)


@per_tenant(AgentSession)
def sessions(world: World) -> Iterator[Row]:
    """See :data:`CONVERSATIONS`."""
    people = user_ids(world)
    for place, (key, customer, user) in enumerate(CONVERSATIONS):
        yield {
            "id": session_id(world, key),
            "customer_id": None if customer is None else customer_id(world, customer),
            "user_id": None if user is None else people[user],
            "title": None if user is None else f"About the {key}",
            "created_at": _begun(place),
            "updated_at": later(_begun(place), minutes=12),
        }


@per_tenant(AgentMessage)
def messages(world: World) -> Iterator[Row]:
    """A question, a call of a tool, and an answer."""
    for place, (key, customer, _) in enumerate(CONVERSATIONS):
        about = customer or "all customers"
        for number, (role, content) in enumerate(
            (
                (MessageRole.USER, f"What should I know about {about}?"),
                (MessageRole.TOOL, None),
                (MessageRole.ASSISTANT, f"Here is what stands out about {about}."),
            )
        ):
            called = role == MessageRole.TOOL
            yield {
                "id": world.id("agent_messages", key, number),
                "session_id": session_id(world, key),
                "role": role,
                "content": content,
                "thinking": "Look at score and signals first." if number == 2 else None,
                "tool_calls": [{"name": "customer_health", "arguments": {"customer": about}}] if called else None,
                "metadata": {"model": "assistant-2"} if number == 2 else None,
                "created_at": later(_begun(place), minutes=number),
            }
    yield {
        "id": world.id("agent_messages", LOOSE),
        "session_id": None,
        "role": MessageRole.SYSTEM,
        "content": "The session of this message is gone.",
        "thinking": None,
        "tool_calls": None,
        "metadata": None,
        "created_at": _begun(0),
    }


@per_tenant(AgentRun)
def runs(world: World) -> Iterator[Row]:
    """One of each session, and a nightly one that belongs to a customer alone."""
    done = RunStatus.COMPLETED
    nightly = (
        ("Lakeside Hospital Group", done),
        ("Alpine Care", RunStatus.FAILED),
        ("Cedar Labs", RunStatus.RUNNING),
        (LOOSE, done),
    )
    found: list[tuple[str, UUID | None, UUID | None, RunStatus]] = [
        *((key, session_id(world, key), None, done) for key, _, _ in CONVERSATIONS),
        *((f"nightly {name}", None, customer_of(world, name), status) for name, status in nightly),
    ]
    for place, (key, session, customer, status) in enumerate(found):
        running = status == RunStatus.RUNNING
        yield {
            "id": world.id("agent_runs", key),
            "session_id": session,
            "agent_id": "health-watch" if session is None else "copilot",
            "agent_type": "nightly" if session is None else "interactive",
            "customer_id": customer,
            "status": status,
            "input": f"run {key}",
            "output": "Done." if status == done else None,
            "total_tokens_input": None if running else 900 + 10 * place,
            "total_tokens_output": None if running else 300 + 10 * place,
            "started_at": _begun(place),
            "ended_at": None if running else later(_begun(place), minutes=2),
            "metadata": {"trigger": "schedule"} if session is None else None,
        }


@per_tenant(AgentStep)
def steps(world: World) -> Iterator[Row]:
    """Think, call, read, answer: of every run of a session."""
    kinds = (StepType.THINKING, StepType.TOOL_CALL, StepType.TOOL_RESULT, StepType.LLM_CALL)
    for place, (key, _, _) in enumerate(CONVERSATIONS):
        for number, kind in enumerate(kinds):
            yield {
                "id": world.id("agent_steps", key, number),
                "run_id": world.id("agent_runs", key),
                "step_type": kind,
                "name": None if kind == StepType.THINKING else "customer_health",
                "input": {"about": key} if kind == StepType.TOOL_CALL else None,
                "output": {"rows": 1} if kind == StepType.TOOL_RESULT else None,
                "duration_ms": None if kind == StepType.THINKING else 120 * (number + 1),
                "created_at": later(_begun(place), seconds=10 * number),
            }
    yield {
        "id": world.id("agent_steps", LOOSE),
        "run_id": None,
        "step_type": StepType.HANDOFF,
        "name": None,
        "input": None,
        "output": None,
        "duration_ms": 0,
        "created_at": _begun(0),
    }


@per_tenant(Approval)
def approvals(world: World) -> Iterator[Row]:
    """Waiting, overdue, approved by the manager of the customer, rejected by the administrator."""
    people = user_ids(world)
    made = (
        ("discount", "risk", ApprovalStatus.PENDING, None, None),
        ("email", "renewal", ApprovalStatus.PENDING, None, date(2025, 12, 20)),
        ("meeting", "renewal", ApprovalStatus.APPROVED, CARLA, date(2025, 12, 31)),
        ("refund", "usage", ApprovalStatus.REJECTED, ADA, None),
        ("export", "portfolio", ApprovalStatus.EXPIRED, None, date(2025, 12, 15)),
        ("cleanup", None, ApprovalStatus.EXPIRED, None, date(2025, 12, 16)),  # asked for outside of any session
    )
    for place, (action, key, status, decider, expires) in enumerate(made):
        yield {
            "id": world.id("approvals", action),
            "session_id": None if key is None else session_id(world, key),
            "action_type": action,
            "action_description": f"The assistant wants to prepare: {action}" if place else None,
            "action_data": {"action": action},
            "status": status,
            "decided_by": None if decider is None else people[decider],
            "decided_at": None if decider is None else later(_begun(place), hours=5),
            "notes": "Too early" if status == ApprovalStatus.REJECTED else None,
            "created_at": later(_begun(place), minutes=3),
            "expires_at": None if expires is None else datetime.combine(expires, NOW.timetz()),
        }
