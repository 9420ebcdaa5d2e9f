"""Seeded exceptions of a settlement desk, their logs, and the recipes and tools that they are handled with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from hedgerow.exceptions.enums import ActorType, ExceptionEventType, ExceptionSeverity, ToolExecutionStatus
from hedgerow.exceptions.models import (
    BusinessException,
    DomainPackVersion,
    ExceptionEvent,
    Playbook,
    PlaybookStep,
    TenantPolicyPackVersion,
    ToolDefinition,
    ToolExecution,
)
from hedgerow.seeding import NOW, Row, World, at, later, per_tenant, shared
from hedgerow.seeding.world import END

EXCEPTIONS: Final = 80
"""Exceptions in each tenant, over the last quarter of the data."""

DOMAINS: Final = ("settlement", "payments")
_KINDS: Final = ("FAILED_TRADE", "AMOUNT_MISMATCH", "LATE_CONFIRMATION", "UNKNOWN_ACCOUNT")
_RECIPES: Final = (
    ("Failed trade", "settlement", (("notify", "Tell the desk"), ("force_settle", "Settle by hand"))),
    ("Amount mismatch", "payments", (("call_tool", "Ask the ledger"), ("notify", "Tell the client"))),
    ("Anything critical", None, (("escalate", "Call the duty manager"),)),
)
_PUBLISHED: Final = NOW.replace(year=2025)
_THEN: Final = (
    ExceptionEventType.EXCEPTION_NORMALIZED,
    ExceptionEventType.TRIAGE_COMPLETED,
    ExceptionEventType.POLICY_EVALUATED,
    ExceptionEventType.RESOLUTION_SUGGESTED,
)


@shared(DomainPackVersion)
def domain_packs() -> Iterator[Row]:
    """Two domains, the first of them twice."""
    for number, (domain, version) in enumerate(((DOMAINS[0], 1), (DOMAINS[0], 2), (DOMAINS[1], 1)), 1):
        pack = {"exception_types": list(_KINDS[: version + 1]), "currency": "EUR"}
        yield {"id": number, "domain": domain, "version": version, "pack_json": pack, "created_at": _PUBLISHED}


@per_tenant(TenantPolicyPackVersion)
def policy_packs(world: World) -> Iterator[Row]:
    """Each tenant's own limits, changed once."""
    for version, limit in ((1, 10_000), (2, 5_000 * world.number)):
        yield {
            "id": version,
            "version": version,
            "pack_json": {"approve_up_to": limit, "escalate": ["critical"]},
            "created_at": later(_PUBLISHED, days=30 * version),
        }


@per_tenant(Playbook)
def playbooks(world: World) -> Iterator[Row]:
    """The same numbers and names in every tenant."""
    for number, (name, domain, _) in enumerate(_RECIPES, 1):
        yield {
            "playbook_id": number,
            "name": name,
            "version": 1,
            "conditions": {"domain": domain} if domain else {"severity": "critical"},
            "created_at": _PUBLISHED,
        }


@per_tenant(PlaybookStep)
def playbook_steps(world: World) -> Iterator[Row]:
    """One or two steps a recipe."""
    number = 0
    for playbook, (_, _, steps) in enumerate(_RECIPES, 1):
        for place, (action, name) in enumerate(steps, 1):
            number += 1
            yield {
                "step_id": number,
                "playbook_id": playbook,
                "step_order": place,
                "name": name,
                "action_type": action,
                "params": {"tool": "Ledger"} if action == "call_tool" else {"to": "desk"},
                "created_at": _PUBLISHED,
            }


@shared(ToolDefinition)
def tools_of_all() -> Iterator[Row]:
    """Tools that every tenant may call."""
    for number, (name, kind) in enumerate((("Mail", "email"), ("Ledger", "rest")), 1):
        yield _tool(number, name, kind, "https://tools.example")


@per_tenant(ToolDefinition)
def tools(world: World) -> Iterator[Row]:
    """A tenant's own, one of which goes by the name of one of all tenants."""
    for place, (name, kind) in enumerate((("Ledger", "rest"), ("Pager", "webhook"))):
        yield _tool(tool_id(world, place), name, kind, f"https://tenant{world.number:03d}.example")


def tool_id(world: World, place: int) -> int:
    """Number of a tenant's own tool; tools have one sequence over all tenants."""
    return world.number * 100 + place


def _tool(number: int, name: str, kind: str, host: str) -> Row:
    return {
        "tool_id": number,
        "name": name,
        "type": kind,
        "config": {"url": f"{host}/{name.lower()}"},
        "created_at": _PUBLISHED,
    }


@per_tenant(BusinessException)
def exceptions(world: World) -> Iterator[Row]:
    """All of them open: their events, which follow, say what became of them."""
    draw = world.draw("exception")
    for number in range(EXCEPTIONS):
        severity = draw.weighted(tuple(zip(ExceptionSeverity, (4, 3, 2, 1), strict=True)))
        raised = _raised(number)
        amount = draw.decimal(10, 90_000, 2) if draw.chance(0.8) else None
        assigned = draw.chance(0.6)
        yield {
            "exception_id": exception_id(number),
            "domain": draw.pick(DOMAINS),
            "type": draw.pick(_KINDS),
            "severity": severity,
            "source_system": draw.pick(("core-banking", "custodian")),
            "entity": f"ACC-{draw.whole(1, 400):05d}" if draw.chance(0.9) else None,
            "amount": amount,
            "sla_deadline": later(raised, hours=48) if severity in ("high", "critical") else None,
            "owner": draw.pick(("desk-a", "desk-b")) if assigned else None,
            "current_playbook_id": draw.whole(1, len(_RECIPES)) if assigned else None,
            "current_step": 1 if assigned else None,
            "created_at": raised,
            "updated_at": raised,
        }


def exception_id(number: int) -> str:
    """Id of an exception, the same in every tenant."""
    return f"EX-2025-{number + 1:05d}"


def _raised(number: int) -> datetime:
    return at(END - timedelta(days=90 - number), number * 37 % 1_440)


@per_tenant(ExceptionEvent)
def events(world: World) -> Iterator[Row]:
    """The log of each exception: half of them resolved, some escalated, some still open."""
    draw = world.draw("exception_event")
    for number in range(EXCEPTIONS):
        reached = draw.weighted((("open", 1), ("analyzing", 3), ("escalated", 2), ("resolved", 6)))
        story = [ExceptionEventType.EXCEPTION_CREATED]
        if reached != "open":
            story += _THEN[: draw.whole(2, len(_THEN))]
        if draw.chance(0.3):
            story += (ExceptionEventType.COPILOT_QUESTION_ASKED, ExceptionEventType.COPILOT_ANSWER_GIVEN)
        if reached == "escalated":
            story.append(ExceptionEventType.EXCEPTION_ESCALATED)
        if reached == "resolved":
            story += (ExceptionEventType.RESOLUTION_APPROVED, ExceptionEventType.FEEDBACK_CAPTURED)
        for place, kind in enumerate(story):
            yield _event(world, number, place, kind)


def _event(world: World, number: int, place: int, kind: ExceptionEventType) -> Row:
    actor = ActorType.AGENT
    if kind in ("ResolutionApproved", "FeedbackCaptured", "CopilotQuestionAsked"):
        actor = ActorType.USER
    elif kind == ExceptionEventType.EXCEPTION_CREATED:
        actor = ActorType.SYSTEM
    return {
        "event_id": world.id("exception_event", number, place),
        "exception_id": exception_id(number),
        "event_type": str(kind),
        "actor_type": actor,
        "actor_id": {ActorType.AGENT: "triage-agent", ActorType.USER: "operator"}.get(actor),
        "payload": {"place": place},
        "created_at": later(_raised(number), minutes=20 * place),
    }


@per_tenant(ToolExecution)
def executions(world: World) -> Iterator[Row]:
    """Calls of the tenant's tools and of those of all, most of them for an exception."""
    draw = world.draw("tool_execution")
    for number in range(40):
        asked = at(END - timedelta(days=80 - 2 * number), draw.whole(0, 1_439))
        status = draw.weighted(tuple(zip(ToolExecutionStatus, (1, 1, 7, 2), strict=True)))
        done = status in (ToolExecutionStatus.SUCCEEDED, ToolExecutionStatus.FAILED)
        answer: dict[str, Any] | None = {"ok": True} if status == ToolExecutionStatus.SUCCEEDED else None
        yield {
            "id": world.id("tool_execution", number),
            "tool_id": draw.pick((1, 2, tool_id(world, 0), tool_id(world, 1))),
            "exception_id": exception_id(number) if draw.chance(0.8) else None,
            "status": status,
            "requested_by_actor_type": ActorType.AGENT,
            "requested_by_actor_id": "resolution-agent",
            "input_payload": {"attempt": number},
            "output_payload": answer,
            "error_message": "The tool did not answer" if status == ToolExecutionStatus.FAILED else None,
            "created_at": asked,
            "updated_at": later(asked, minutes=2) if done else asked,
        }


SEEDS: Final = (
    domain_packs,
    policy_packs,
    playbooks,
    playbook_steps,
    tools_of_all,
    tools,
    exceptions,
    events,
    executions,
)
