"""The rows of agent_registry: the same everywhere, so they are part of the schema and come with its revision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from hedgerow.agents.enums import AgentType

WILDCARD: Final = "*"
"""Intent of the agent that takes what no other agent handles."""

REGISTERED_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""Fixed, so that two databases made from the same revisions hold the same rows."""


@dataclass(frozen=True, slots=True)
class AgentReference:
    """One agent as it comes with the schema.

    Attributes:
        agent: which one.
        tier: 1 to 5; among agents that handle an intent the lowest is asked.
        priority_order: breaks ties inside a tier, the lowest first.
        intents: what it handles, in upper case.
        description: what it does, in a sentence.
    """

    agent: AgentType
    tier: int
    priority_order: int
    intents: tuple[str, ...]
    description: str

    def row(self) -> dict[str, Any]:
        """The row of agent_registry; its id follows from the name."""
        return {
            "id": uuid5(NAMESPACE_URL, f"hedgerow:agent_registry:{self.agent.value}"),
            "agent_name": self.agent.value,
            "tier": self.tier,
            "intents": list(self.intents),
            "description": self.description,
            "is_active": True,
            "created_at": REGISTERED_AT,
            "priority_order": self.priority_order,
        }


AGENTS: Final = (
    AgentReference(
        AgentType.ORCHESTRATOR,
        1,
        1,
        (WILDCARD,),
        "Takes every question that no other agent handles, and puts the answers of several agents together.",
    ),
    AgentReference(
        AgentType.CAUSAL_IMPACT,
        2,
        10,
        ("CAUSAL", "WHAT_IF"),
        "Estimates what caused a change, and what a change would cause.",
    ),
    AgentReference(
        AgentType.GAP_ANALYZER,
        2,
        11,
        ("COMPARATIVE", "EXPLORATORY"),
        "Compares segments and periods, and finds where results fall short of what is possible.",
    ),
    AgentReference(
        AgentType.HETEROGENEOUS_OPTIMIZER,
        2,
        12,
        ("SEGMENT", "PERSONALIZE", "OPTIMIZE", "UPLIFT"),
        "Finds for whom an action works best, from effects that differ between segments.",
    ),
    AgentReference(
        AgentType.DRIFT_MONITOR,
        3,
        20,
        ("DRIFT", "CHANGE", "DEGRADE", "ALERT"),
        "Watches data and models, and warns when either moves away from what was learnt.",
    ),
    AgentReference(
        AgentType.EXPERIMENT_DESIGNER,
        3,
        21,
        ("EXPERIMENT", "TEST", "AB_TEST", "VALIDATE"),
        "Designs experiments that can answer a question, and says how large they must be.",
    ),
    AgentReference(
        AgentType.HEALTH_SCORE,
        3,
        22,
        ("HEALTH", "STATUS", "SCORE", "MONITOR"),
        "Reports the health of the system and its parts as one comparable score.",
    ),
    AgentReference(
        AgentType.PREDICTION_SYNTHESIZER,
        4,
        30,
        ("PREDICT", "FORECAST", "MODEL", "ENSEMBLE"),
        "Combines the predictions of several models into one, with its uncertainty.",
    ),
    AgentReference(
        AgentType.RESOURCE_OPTIMIZER,
        4,
        31,
        ("RESOURCE", "ALLOCATE", "BUDGET", "OPTIMIZE"),
        "Allocates budgets and people to where they achieve most.",
    ),
    AgentReference(
        AgentType.EXPLAINER,
        5,
        40,
        ("EXPLAIN", "DESCRIBE", "SUMMARIZE", "NARRATIVE"),
        "Tells what was found and why, in the words of the person who asks.",
    ),
    AgentReference(
        AgentType.FEEDBACK_LEARNER,
        5,
        41,
        ("LEARN", "IMPROVE", "FEEDBACK", "OPTIMIZE_PROMPT"),
        "Learns from outcomes and feedback, and improves the prompts of the other agents.",
    ),
)
"""The eleven agents, in the order in which they are asked."""
