"""Vocabularies of the assistant domain."""

from enum import StrEnum

from hedgerow.core.types import check_enum


@check_enum("assistant_mode", length=10)
class AssistantMode(StrEnum):
    """Who asks."""

    CUSTOMER = "customer"
    BANKER = "banker"


@check_enum("intent_category")
class IntentCategory(StrEnum):
    """What the assistant may do about an intent."""

    AUTOMATABLE = "automatable"  # answer by itself
    SENSITIVE = "sensitive"  # answer with care
    HUMAN_ONLY = "human_only"  # hand over to a person, always


@check_enum("interaction_outcome")
class InteractionOutcome(StrEnum):
    """How an interaction ended; there is no value for one that still goes on."""

    RESOLVED = "resolved"
    ESCALATED = "escalated"


@check_enum("knowledge_content_type")
class KnowledgeContentType(StrEnum):
    """Where a document of the knowledge base comes from."""

    PUBLIC = "public"
    SYNTHETIC = "synthetic"  # written for the assistant


class EscalationTrigger(StrEnum):
    """Known reasons to escalate. The list is open: the column takes any text of up to 50 characters."""

    HUMAN_ONLY = "human_only"
    LOW_CONFIDENCE = "low_confidence"
    INSUFFICIENT_EVIDENCE = "insufficient_evidence"
