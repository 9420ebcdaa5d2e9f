"""Seeded questions to a bank's assistant, what it handed over to people, and the documents that it cites."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from hedgerow.assistant.enums import (
    AssistantMode,
    EscalationTrigger,
    IntentCategory,
    InteractionOutcome,
    KnowledgeContentType,
)
from hedgerow.assistant.models import Escalation, Interaction, KnowledgeDocument
from hedgerow.seeding import Row, World, at, later, per_tenant
from hedgerow.seeding.draw import Draw
from hedgerow.seeding.world import END

INTERACTIONS: Final = 240
"""Questions in each tenant, over the last quarter of the data."""

THRESHOLD: Final = 0.6
"""Below this confidence the assistant hands over."""

_INTENTS: Final = (
    ("card_limit", IntentCategory.AUTOMATABLE, "What is the limit of my card?"),
    ("opening_hours", IntentCategory.AUTOMATABLE, "When is the branch open on Saturdays?"),
    ("transfer_fee", IntentCategory.AUTOMATABLE, "What does a transfer abroad cost?"),
    ("mortgage_rate", IntentCategory.SENSITIVE, "Which rate would I get for a mortgage of 20 years?"),
    ("complaint", IntentCategory.SENSITIVE, "A payment was charged twice, what can I do?"),
    ("fraud_report", IntentCategory.HUMAN_ONLY, "Somebody withdrew money from my account."),
    ("bereavement", IntentCategory.HUMAN_ONLY, "My father has died and had an account with you."),
)
_TITLES: Final = (
    ("Fees and charges", "public", "fees"),
    ("Opening hours of all branches", "public", "branches"),
    ("Card terms", "public", "cards"),
    ("Mortgages explained", "public", "loans"),
    ("Complaints procedure", "public", "service"),
    ("Transfers abroad: questions and answers", "synthetic", "fees"),
    ("Card limits: questions and answers", "synthetic", "cards"),
    ("Notes of the loans desk", None, None),
)


def file_id(number: int) -> str:
    """Id of a document at the provider: the same in every tenant, as though they shared an account."""
    return f"file-{number:06d}"


@per_tenant(KnowledgeDocument)
def documents(world: World) -> Iterator[Row]:
    """What the assistant may cite."""
    for number, (title, kind, topic) in enumerate(_TITLES):
        public = kind == "public"
        yield {
            "id": world.id("knowledge_documents", number),
            "openai_file_id": file_id(number),
            "title": title,
            "source_url": f"https://bank.example/{topic}/{number}" if public else None,
            "content_type": KnowledgeContentType(kind) if kind else None,
            "topic_collection": topic,
            "ingested_at": at(END - timedelta(days=120), number),
            "metadata": {"pages": 3 + number} if kind else None,
        }


@per_tenant(Interaction)
def interactions(world: World) -> Iterator[Row]:
    """A question every nine hours or so; some outside of any conversation, some of no known intent."""
    return (row for row, _ in _conversations(world))


@per_tenant(Escalation)
def escalations(world: World) -> Iterator[Row]:
    """One for each escalated interaction, a second one for some, and a few that no interaction raised."""
    draw = world.draw("escalations")
    number = 0
    for row, trigger in _conversations(world):
        if trigger is None:
            continue
        reasons = [trigger]
        if trigger is EscalationTrigger.LOW_CONFIDENCE and draw.chance(0.3):
            reasons.append(EscalationTrigger.INSUFFICIENT_EVIDENCE)
        for reason in reasons:
            yield _escalation(world, number, row["id"], reason, later(row["created_at"], seconds=1))
            number += 1
    for day in range(3):
        yield _escalation(world, number + day, None, "asked_for_a_person", at(END - timedelta(days=day * 20), 600))


def _escalation(world: World, number: int, interaction: Any, reason: str, moment: Any) -> Row:
    return {
        "id": world.id("escalations", number),
        "interaction_id": interaction,
        "trigger_type": str(reason),
        "escalation_reason": str(reason).replace("_", " ").capitalize(),
        "created_at": moment,
    }


def _conversations(world: World) -> Iterator[tuple[dict[str, Any], EscalationTrigger | None]]:
    draw = world.draw("interactions")
    for number in range(INTERACTIONS):
        asked = at(END - timedelta(days=90 - number * 90 // INTERACTIONS), draw.whole(360, 1_320))
        yield _interaction(world, draw, number, asked)


def _interaction(world: World, draw: Draw, number: int, asked: Any) -> tuple[dict[str, Any], EscalationTrigger | None]:
    intent, category, query = draw.weighted([(entry, 7 - place) for place, entry in enumerate(_INTENTS)])
    known = draw.chance(0.95)
    confidence = float(draw.decimal(0.35, 0.99, 3))
    cited = draw.some(range(5), draw.whole(0, 2))
    measured, in_session = draw.chance(0.97), draw.chance(0.9)
    milliseconds = draw.bell(300, 9_000)
    trigger = None
    if category is IntentCategory.HUMAN_ONLY:
        trigger = EscalationTrigger.HUMAN_ONLY
    elif confidence < THRESHOLD:
        trigger = EscalationTrigger.LOW_CONFIDENCE
    elif not cited and category is IntentCategory.SENSITIVE:
        trigger = EscalationTrigger.INSUFFICIENT_EVIDENCE
    answered = trigger is not EscalationTrigger.HUMAN_ONLY
    row = {
        "id": world.id("interactions", number),
        "timestamp": asked,
        "assistant_mode": draw.weighted(((AssistantMode.CUSTOMER, 3), (AssistantMode.BANKER, 1))),
        # The provider's ids are the same in every tenant on purpose.
        "session_id": f"conv-{number // 3:05d}" if in_session else None,
        "user_query": query,
        "intent_name": intent if known else None,
        "intent_category": category if known else None,
        "classification_reason": f"Mentions {intent.replace('_', ' ')}" if known else None,
        "step_1_intent_completed": known,
        "step_2_routing_decision": "answer" if answered else "hand_over",
        "step_3_retrieval_performed": answered,
        "step_4_response_generated": trigger is None,
        "step_5_confidence_score": confidence if answered else None,
        "step_6_escalation_triggered": trigger is not None,
        "outcome": InteractionOutcome.RESOLVED if trigger is None else InteractionOutcome.ESCALATED,
        "confidence_score": confidence if answered and draw.chance(0.9) else None,
        "escalation_reason": None if trigger is None else trigger.replace("_", " ").capitalize(),
        "response_text": "Please see the sources below." if trigger is None else None,
        "citations": _citations(cited) if answered else None,
        "retrieved_chunks_count": len(cited) * 2 if answered else None,
        "processing_time_ms": milliseconds if measured else None,
        "created_at": later(asked, seconds=milliseconds / 1_000),
    }
    return row, trigger


def _citations(cited: list[int]) -> list[dict[str, Any]]:
    return [
        {
            "number": place,
            "source": _TITLES[document][0],
            "url": f"https://bank.example/{_TITLES[document][2]}/{document}",
        }
        for place, document in enumerate(cited, 1)
    ]


SEEDS: Final = (documents, interactions, escalations)
