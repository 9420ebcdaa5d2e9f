"""Questions about agents: who answers an intent, what was done, what was said, and what is to be learnt from it."""

from hedgerow.agents.repository.conversations import (
    AsyncConversationRepository,
    ConversationRepository,
    SimilarQuery,
)
from hedgerow.agents.repository.hops import (
    AsyncInvestigationHopRepository,
    HopOrderError,
    InvestigationHopRepository,
)
from hedgerow.agents.repository.signals import (
    AsyncLearningSignalRepository,
    LearningSignalRepository,
)
from hedgerow.agents.repository.work import (
    AgentActivityRepository,
    AgentRegistryRepository,
    AsyncAgentActivityRepository,
    AsyncAgentRegistryRepository,
)

__all__ = [
    "AgentActivityRepository",
    "AgentRegistryRepository",
    "AsyncAgentActivityRepository",
    "AsyncAgentRegistryRepository",
    "AsyncConversationRepository",
    "AsyncInvestigationHopRepository",
    "AsyncLearningSignalRepository",
    "ConversationRepository",
    "HopOrderError",
    "InvestigationHopRepository",
    "LearningSignalRepository",
    "SimilarQuery",
]
