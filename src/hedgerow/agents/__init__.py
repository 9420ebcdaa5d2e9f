"""Who answers a question, and what was done about it: the registry of agents, routing, and the work they did.

Comes in: the splits. Goes out: the agent for an intent, what each agent produced, what was said in conversations, the
steps of investigations, and the signals that agents learn from.
"""

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
from hedgerow.agents.views import AgentRoute

__all__ = [
    "AgentActivity",
    "AgentName",
    "AgentRegistry",
    "AgentRoute",
    "AgentType",
    "Conversation",
    "FeedbackType",
    "InvestigationHop",
    "LearningSignal",
    "LearningSignalType",
    "MessageRole",
    "Workstream",
]
