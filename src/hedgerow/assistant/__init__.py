"""What customers of a bank and its bankers asked an assistant, and what it did.

Comes in: interactions, the escalations that they raised, the documents that answers cite. Goes out: figures over them.
"""

from hedgerow.assistant.enums import (
    AssistantMode,
    EscalationTrigger,
    IntentCategory,
    InteractionOutcome,
    KnowledgeContentType,
)
from hedgerow.assistant.errors import InsertError, Problem
from hedgerow.assistant.metrics import AssistantMetrics
from hedgerow.assistant.models import Escalation, Interaction, KnowledgeDocument
from hedgerow.assistant.shapes import Citation
from hedgerow.assistant.views import AssistantMetricsDaily

__all__ = [
    "AssistantMetrics",
    "AssistantMetricsDaily",
    "AssistantMode",
    "Citation",
    "Escalation",
    "EscalationTrigger",
    "InsertError",
    "IntentCategory",
    "Interaction",
    "InteractionOutcome",
    "KnowledgeContentType",
    "KnowledgeDocument",
    "Problem",
]
