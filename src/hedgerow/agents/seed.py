"""The eleven agents, and seeded work that they did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hedgerow.agents.enums import Workstream
from hedgerow.agents.models import AgentActivity, AgentRegistry
from hedgerow.agents.reference import AGENTS
from hedgerow.seeding import Row, World, at, later, per_tenant, reference
from hedgerow.seeding.world import END, START

ACTIVITIES: Final = 240
"""Pieces of work in each tenant, spread evenly over three years."""

_KINDS: Final = ("analysis", "monitoring", "recommendation", "explanation")

registry = reference(AgentRegistry, lambda: (agent.row() for agent in AGENTS))


@per_tenant(AgentActivity)
def activities(world: World) -> Iterator[Row]:
    """Every agent in turn; about no patient, so the day decides the split, and a day in a gap gives none."""
    draw = world.draw("agent_activities")
    length = (END - START).days
    for number in range(ACTIVITIES):
        agent = AGENTS[number % len(AGENTS)]
        key = f"ACT-{number + 1:06d}"
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


SEEDS: Final = (registry, activities)
