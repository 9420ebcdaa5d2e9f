"""Questions about how agents think, and daily figures about what they remember."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import JSONB

from hedgerow.agents.enums import AgentName
from hedgerow.core.repository import AsyncBaseRepository, BaseRepository, awaiting, refusals
from hedgerow.core.repository.filters import coerced, count
from hedgerow.memory.enums import CognitivePhase
from hedgerow.memory.models import CognitiveCycle, MemoryStatistics
from hedgerow.memory.repository.parts import of_enum, reread


@dataclass(frozen=True, slots=True)
class CognitiveMetrics:
    """How an agent thought in the last days.

    :ivar cycles_per_phase: every phase, also those without a cycle.
    :ivar mean_duration_ms: of the cycles that state it, None without any.
    :ivar mean_token_count: likewise.
    :ivar episodic_memories: created in that time and still there.
    :ivar procedural_memories: likewise.
    """

    agent_name: AgentName | None
    days: int
    cycles: int
    cycles_per_phase: Mapping[CognitivePhase, int]
    mean_duration_ms: float | None
    mean_token_count: float | None
    total_token_count: int
    episodic_memories: int
    procedural_memories: int


class CognitiveCycleRepository(BaseRepository[CognitiveCycle]):
    """Phases of the thinking of agents."""

    model_class = CognitiveCycle

    def calculate_cognitive_metrics(self, agent: AgentName | str | None = None, days: int = 30) -> CognitiveMetrics:
        """Return how an agent thought in the last days of 24 hours.

        :param agent: one agent; None for all of them together.
        :raises FilterError: an unknown agent, or negative days.
        """
        agent_name = of_enum(agent, CognitiveCycle, "agent_name")
        call = func.calculate_cognitive_metrics(agent_name, count("number of days", days), type_=JSONB)
        figures = dict(self.session.execute(select(call)).scalar_one())
        figures["agent_name"] = figures["agent_name"] and AgentName(figures["agent_name"])
        figures["cycles_per_phase"] = {
            phase: figures["cycles_per_phase"].get(phase.value, 0) for phase in CognitivePhase
        }
        return CognitiveMetrics(**figures)


class MemoryStatisticsRepository(BaseRepository[MemoryStatistics]):
    """Daily figures about what agents remember."""

    model_class = MemoryStatistics

    def update_memory_statistics(self, day: date | None = None) -> list[MemoryStatistics]:
        """Compute the figures of a day (UTC) anew and return them, those of all agents together first.

        :param day: None for today.
        :raises FilterError: it is no day.
        """
        with refusals(self.session, self.table_name):
            self.session.execute(select(func.update_memory_statistics(_day(day))))
        reread(self.session, MemoryStatistics)
        return self.get_by_day(day)

    def get_by_day(self, day: date | None = None) -> list[MemoryStatistics]:
        """Return the figures of a day (UTC), those of all agents together first, then by agent; None for today."""
        rows = self.select().where(MemoryStatistics.stat_date == _day(day))
        return self.rows(rows.order_by(MemoryStatistics.agent_name.nulls_first()))


def _day(day: date | None) -> Any:
    return func.date(func.timezone("UTC", func.now())) if day is None else coerced(MemoryStatistics, "stat_date", day)


class AsyncCognitiveCycleRepository(AsyncBaseRepository[CognitiveCycle]):
    """:class:`CognitiveCycleRepository` over an asynchronous session."""

    sync_class = CognitiveCycleRepository
    calculate_cognitive_metrics = awaiting(CognitiveCycleRepository.calculate_cognitive_metrics)


class AsyncMemoryStatisticsRepository(AsyncBaseRepository[MemoryStatistics]):
    """:class:`MemoryStatisticsRepository` over an asynchronous session."""

    sync_class = MemoryStatisticsRepository
    update_memory_statistics = awaiting(MemoryStatisticsRepository.update_memory_statistics)
    get_by_day = awaiting(MemoryStatisticsRepository.get_by_day)
