"""Who answers a question, and what was done about it: the registry of agents, routing, and the work they did.

Comes in: the splits. Goes out: the agent for an intent, and what each agent produced.
"""

from hedgerow.agents.enums import AgentType, Workstream
from hedgerow.agents.models import AgentActivity, AgentRegistry
from hedgerow.agents.views import AgentRoute

__all__ = ["AgentActivity", "AgentRegistry", "AgentRoute", "AgentType", "Workstream"]
