"""Seeded memories. Embeddings are made up: each lies near that of its topic, so that searches find something."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hedgerow.agents.enums import AgentName
from hedgerow.core.vector import DIMENSIONS
from hedgerow.memory.enums import CognitivePhase, MemoryImportance, MemoryType, ProcedureType
from hedgerow.memory.models import CognitiveCycle, EpisodicMemory, MemoryStatistics, ProceduralMemory, SemanticMemory
from hedgerow.patients.enums import Brand, Region
from hedgerow.patients.seed_cohort import prescriber_id
from hedgerow.seeding import Draw, Row, World, at, later, per_tenant
from hedgerow.seeding.world import END

MEMORIES: Final = 48
"""Memories in each tenant; every sixth has no embedding."""

CYCLES: Final = 10
"""Thinking cycles in each tenant, of six phases each."""

_AGENTS: Final = (AgentName.CAUSAL_IMPACT, AgentName.DRIFT_MONITOR, AgentName.EXPLAINER, AgentName.MODEL_TRAINER)

_TOPICS: Final = (
    "Prescribers who were visited twice in a month prescribe more in the next one",
    "Patients who change their dosage give up more often",
    "The lag of the claims source grows at the end of a quarter",
    "Triggers by phone are accepted more often than those by email",
)

_DETAILS: Final = ("it holds in every region", "it holds for one brand only", "it was weaker last year")

_PROCEDURES: Final = (
    ("compare segments", ProcedureType.ANALYSIS_WORKFLOW, "COMPARATIVE", ("segment", "estimate", "compare")),
    ("find the cause of a drop", ProcedureType.TOOL_SEQUENCE, "CAUSAL", ("detect", "refute", "report")),
    ("query prescriptions by month", ProcedureType.QUERY_PATTERN, "EXPLORATORY", ("query",)),
    ("answer without a late source", ProcedureType.ERROR_RECOVERY, "STATUS", ("detect", "leave_out", "warn")),
)


def near(topic: int, draw: Draw) -> list[float]:
    """An embedding that lies nearer to its topic than to any other; topics are the same in every tenant."""
    centre = Draw("topic", topic)
    return [round(2 * centre.share() - 1 + draw.share() - 0.5, 3) for _ in range(DIMENSIONS)]


@per_tenant(EpisodicMemory)
def memories(world: World) -> Iterator[Row]:
    """Every agent remembers something about every topic."""
    draw = world.draw("episodic_memories")
    for number in range(MEMORIES):
        topic = number // len(_AGENTS) % len(_TOPICS)
        created = later(at(END), days=-7 * (MEMORIES - number), minutes=draw.whole(0, 1439))
        recalled = draw.whole(0, 9)
        yield {
            "memory_id": world.id("episodic_memories", number),
            "agent_name": _AGENTS[number % len(_AGENTS)],
            "session_id": world.id("conversation", number // 4) if number % 3 else None,
            "content": f"{_TOPICS[topic]}; {draw.pick(_DETAILS)}",
            "content_embedding": near(topic, draw) if number % 6 else None,
            "importance": draw.pick(tuple(MemoryImportance)),
            "memory_type": draw.pick(tuple(MemoryType)),
            "context_json": {
                "brand": draw.pick(tuple(Brand)).value,
                "region": draw.pick(tuple(Region)).value,
                "hcp_id": prescriber_id(draw.whole(1, 9)),
            },
            "created_at": created,
            "accessed_at": later(created, days=draw.whole(1, 30)) if recalled else None,
            "access_count": recalled,
            "decay_factor": draw.whole(50, 100) / 100,
            "is_consolidated": number < MEMORIES // 3,
        }


@per_tenant(ProceduralMemory)
def procedures(world: World) -> Iterator[Row]:
    """One procedure for each topic and two agents."""
    draw = world.draw("procedural_memories")
    for agent in _AGENTS[:2]:
        for topic, (name, kind, intent, steps) in enumerate(_PROCEDURES):
            executed = draw.whole(0, 40)
            created = later(at(END), days=-draw.whole(30, 300))
            yield {
                "procedure_id": world.id("procedural_memories", agent, name),
                "procedure_name": name,
                "procedure_type": kind,
                "agent_name": agent,
                "steps_json": [{"tool": step} for step in steps],
                "success_rate": draw.whole(0, executed) / executed if executed else 0.0,
                "execution_count": executed,
                "avg_duration_ms": draw.bell(100, 4_000) if executed else None,
                "preconditions_json": {"source": "claims"},
                "postconditions_json": {},
                "created_at": created,
                "last_executed_at": later(created, days=draw.whole(1, 25)) if executed else None,
                "trigger_embedding": near(topic, draw),
                "trigger_pattern": f"{intent.lower()} question",
                "detected_intent": intent,
                "applicable_brands": ["all"] if topic % 2 else [Brand.KISQALI.value],
                "is_active": topic != 3 or agent is AgentName.CAUSAL_IMPACT,
            }


@per_tenant(SemanticMemory)
def cache(world: World) -> Iterator[Row]:
    """What is known of each brand for ever, and of each region for a day, which is over."""
    draw = world.draw("semantic_memory_cache")
    keys = [(f"brand:{brand.value}", None) for brand in Brand] + [(f"region:{r.value}", 86_400) for r in Region]
    for number, (key, lifetime) in enumerate(keys):
        yield {
            "cache_id": world.id("semantic_memory_cache", key),
            "key": key,
            "value_json": {"summary": _TOPICS[number % len(_TOPICS)]},
            "embedding": near(number % len(_TOPICS), draw) if number % 4 != 3 else None,
            "source": "seed",
            "ttl_seconds": lifetime,
            "created_at": later(at(END), days=-draw.whole(3, 60)),
            "hit_count": draw.whole(0, 200),
        }


@per_tenant(CognitiveCycle)
def cycles(world: World) -> Iterator[Row]:
    """Thinking cycles of six phases, of which some end early."""
    draw = world.draw("cognitive_cycles")
    for number in range(CYCLES):
        moment = later(at(END), days=-3 * (CYCLES - number))
        ends = len(CognitivePhase) if draw.chance(0.8) else draw.whole(1, 5)
        for place, phase in enumerate(tuple(CognitivePhase)[:ends]):
            known = draw.chance(0.9)
            yield {
                "cycle_id": world.id("cognitive_cycles", number, phase),
                "session_id": world.id("conversation", number),
                "agent_name": _AGENTS[number % len(_AGENTS)],
                "phase": phase,
                "input_context": {"question": _TOPICS[number % len(_TOPICS)]} if place == 0 else {},
                "processing_result": {"chosen": draw.whole(0, 3)} if phase is CognitivePhase.DECISION else None,
                "duration_ms": draw.bell(5, 900) if known else None,
                "token_count": draw.whole(20, 2_000) if known else None,
                "created_at": later(moment, seconds=place),
            }


@per_tenant(MemoryStatistics)
def statistics(world: World) -> Iterator[Row]:
    """The figures of the last seeded day: what update_memory_statistics counts from the rows above."""
    held = list(memories.make(world, 0))
    known = list(procedures.make(world, 0))
    cached = sum(1 for _ in cache.make(world, 0))
    draw = world.draw("memory_statistics")
    for agent in (None, *_AGENTS):
        yield {
            "stat_id": world.id("memory_statistics", END, agent),
            "agent_name": agent,
            "stat_date": END,
            "episodic_count": sum(agent in (None, row["agent_name"]) for row in held),
            "procedural_count": sum(agent in (None, row["agent_name"]) for row in known),
            "semantic_cache_count": cached,
            "avg_retrieval_ms": draw.whole(10, 90) / 10,
            "cache_hit_rate": draw.whole(40, 99) / 100,
            "consolidation_count": 0,
            "pruned_count": 0,
        }


SEEDS: Final = (memories, procedures, cache, cycles, statistics)
