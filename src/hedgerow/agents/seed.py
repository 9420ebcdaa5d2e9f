"""The eleven agents, and seeded work, conversations, investigations and signals of theirs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Final

from hedgerow.agents.enums import (
    AgentName,
    AgentType,
    FeedbackType,
    LearningSignalType,
    MessageRole,
    Workstream,
)
from hedgerow.agents.models import (
    AgentActivity,
    AgentRegistry,
    Conversation,
    InvestigationHop,
    LearningSignal,
)
from hedgerow.agents.reference import AGENTS
from hedgerow.core.vector import DIMENSIONS
from hedgerow.seeding import Draw, Row, World, at, later, per_tenant, reference
from hedgerow.seeding.world import END, START

ACTIVITIES: Final = 240
"""Pieces of work in each tenant, spread evenly over three years."""

SESSIONS: Final = 24
"""Conversations in each tenant, of four turns each."""

EMBEDDED: Final = 6
"""Conversations whose question has an embedding."""

INVESTIGATIONS: Final = 12
"""Investigations in each tenant, of two to five hops."""

SIGNALS: Final = 96
"""Learning signals in each tenant; the last third is not processed."""

_KINDS: Final = ("analysis", "monitoring", "recommendation", "explanation")

registry = reference(AgentRegistry, lambda: (agent.row() for agent in AGENTS))


@per_tenant(AgentActivity)
def activities(world: World) -> Iterator[Row]:
    """Every agent in turn; about no patient, so the day decides the split, and a day in a gap gives none."""
    draw = world.draw("agent_activities")
    length = (END - START).days
    for number in range(ACTIVITIES):
        agent = AGENTS[number % len(AGENTS)]
        key = _activity_id(number)
        begun = later(at(START), days=length * number // ACTIVITIES, minutes=draw.whole(0, 1439))
        status = draw.weighted((("completed", 90), ("failed", 6), ("pending", 4)))
        done = status == "completed"
        impact = draw.decimal(1_000, 90_000, 2) if done and agent.tier in (2, 4) else None
        yield {
            "activity_id": key,
            "agent_type": agent.agent,
            "tier": agent.tier,
            "activity_timestamp": begun,
            "activity_type": draw.pick(_KINDS),
            "workstream": draw.pick(tuple(Workstream)),
            "processing_duration_ms": draw.bell(40, 9_000) if done else None,
            "input_data": {"intent": draw.pick(agent.intents)},
            "records_processed": draw.whole(10, 5_000) if done else None,
            "time_window": draw.pick(("30d", "90d", "180d")),
            "analysis_results": {"findings": draw.whole(0, 7)} if done else {},
            "causal_paths_analyzed": draw.whole(1, 40) if agent.agent == "causal_impact" else None,
            "confidence_level": draw.decimal(0.4, 0.99, 3) if done else None,
            "recommendations": [{"action": "contact"}] if impact is not None else [],
            "actions_initiated": [],
            "impact_estimate": impact,
            "roi_estimate": draw.decimal(0.5, 6, 2) if impact is not None else None,
            "status": status,
            "error_message": "The source did not answer in time" if status == "failed" else None,
            "resource_usage": {"tokens": draw.whole(200, 8_000)},
            "split_assignment": world.split_without_patient(key, begun.date()),
            "split_config_id": world.config_id,
            "created_at": later(begun, seconds=10),
        }


def _activity_id(number: int) -> str:
    return f"ACT-{number + 1:06d}"


def work_of(agent: AgentType, day: date) -> str:
    """Id of the latest piece of work that an agent began on or before a day, or of its first one."""
    place = next(number for number, known in enumerate(AGENTS) if known.agent == agent)
    latest = ACTIVITIES * (day - START).days // (END - START).days
    return _activity_id(max(latest - (latest - place) % len(AGENTS), place))


_QUESTIONS: Final = (
    ("Why did refills fall in the west?", AgentType.CAUSAL_IMPACT),
    ("Which segment falls short of its peers?", AgentType.GAP_ANALYZER),
    ("Has the churn model drifted?", AgentType.DRIFT_MONITOR),
    ("Explain the score of the last patient", AgentType.EXPLAINER),
)


def _begun(number: int, of: int) -> datetime:
    return later(at(START), days=(END - START).days * number // of, minutes=61 * number % 1440)


@per_tenant(Conversation)
def conversations(world: World) -> Iterator[Row]:
    """Question, tool, answer and thanks; session and user ids are the same in every tenant, on purpose."""
    draw, embedding = world.draw("conversations"), world.draw("conversations.embeddings")
    for session in range(SESSIONS):
        question, agent = _QUESTIONS[session % len(_QUESTIONS)]
        begun = _begun(session, SESSIONS)
        feedback = draw.pick((None, *FeedbackType))
        turns = (
            (MessageRole.USER, question, None),
            (MessageRole.TOOL, '{"rows": 12}', None),
            (MessageRole.ASSISTANT, f"{agent.value.replace('_', ' ').capitalize()}: see the attached finding.", agent),
            (MessageRole.USER, "Thanks", None),
        )
        for number, (role, content, answering) in enumerate(turns):
            searchable = session < EMBEDDED and number == 0
            judged = role is MessageRole.ASSISTANT and feedback is not None
            yield {
                "id": world.id("conversations", session, number),
                "session_id": f"session-{session + 1:03d}",
                "user_id": f"user-{session % 5 + 1}",
                "agent_type": answering,
                "role": role,
                "content": content,
                "content_embedding": _vector(embedding) if searchable else None,
                "feedback_type": feedback if judged else None,
                "feedback_text": "Not what I asked" if judged and feedback is FeedbackType.NEGATIVE else None,
                "metadata": {"turn": number + 1},
                "created_at": later(begun, minutes=number),
            }


def _vector(draw: Draw) -> str:
    return f"[{','.join(str(draw.decimal(-1, 1, 3)) for _ in range(DIMENSIONS))}]"


@per_tenant(InvestigationHop)
def hops(world: World) -> Iterator[Row]:
    """From a brand to what explains its figures, one relationship at a time."""
    draw = world.draw("investigation_hops")
    entities = ("brand:Kisqali", "region:west", "hcp_segment:early_adopters", "channel:email", "trigger:refill", None)
    for investigation in range(INVESTIGATIONS):
        begun = _begun(investigation, INVESTIGATIONS)
        for number in range(1, draw.whole(2, 5) + 1):
            target = entities[number]
            yield {
                "hop_id": world.id("investigation_hops", investigation, number),
                "investigation_id": world.id("investigations", investigation),
                "hop_number": number,
                "source_entity": entities[number - 1],
                "target_entity": target,
                "relationship": draw.pick(("explains", "correlates_with", "precedes")) if target else None,
                "evidence": {"rows": draw.whole(10, 900)},
                "confidence": draw.whole(20, 99) / 100,
                "created_at": later(begun, minutes=number),
            }


@per_tenant(LearningSignal)
def signals(world: World) -> Iterator[Row]:
    """About answers and about work; every agent in turn, those of tier 0 too, and some for whoever asks."""
    draw = world.draw("learning_signals")
    learners = (*AgentName, None)
    for number in range(SIGNALS):
        answer = number % 2 == 0
        yield {
            "signal_id": world.id("learning_signals", number),
            "source_type": "conversation" if answer else "activity",
            "source_id": world.id("conversations", number % SESSIONS, 2) if answer else None,
            "signal_type": tuple(LearningSignalType)[number % len(LearningSignalType)],
            "signal_value": draw.whole(-10, 10) / 10 if draw.chance(0.8) else None,
            "context_json": {} if answer else {"activity_id": _activity_id(number)},
            "agent_name": learners[number % len(learners)],
            "processed": number < SIGNALS * 2 // 3,
            "created_at": _begun(number, SIGNALS),
        }


SEEDS: Final = (registry, activities, conversations, hops, signals)
