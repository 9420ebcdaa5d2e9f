"""What a session holds of memories is what the database holds of them, after functions have written past it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.exc import InvalidRequestError

from hedgerow.memory import EpisodicMemory, MemoryStatistics, ProceduralMemory
from hedgerow.memory.repository import (
    AsyncEpisodicMemoryRepository,
    AsyncMemoryStatisticsRepository,
    AsyncProceduralMemoryRepository,
    EpisodicMemoryRepository,
)
from world import World


def memories_of(repository: Any) -> tuple[Any, Any]:
    stay = repository.create(EpisodicMemory(agent_name="explainer", content="stays", importance="critical"))
    go = repository.create(EpisodicMemory(agent_name="explainer", content="goes"))
    return stay, go


def test_consolidated_recalled_and_pruned_memories(world: World, driver: str) -> None:
    with world.repository(driver, AsyncEpisodicMemoryRepository, world.scope()) as repository:
        stay, go = memories_of(repository)
        repository.session.commit()
        for row in (stay, go):
            repository.session.refresh(row)
        assert repository.consolidate_memories(threshold_days=0) == 2
        assert (stay.is_consolidated, go.is_consolidated) == (True, True)
        assert repository.count_access([stay.memory_id]) == 1
        assert (stay.access_count, go.access_count) == (1, 0)
        assert repository.prune_memories("explainer", 0) == 1
        # Asynchronous sessions cannot load what was expired: the rest of what they hold stays at hand.
        assert (stay.content, stay.access_count) == ("stays", 1)


def test_what_was_pruned_cannot_be_gone_on_with(world: World) -> None:
    with world.session() as session:
        repository = EpisodicMemoryRepository(session)
        _, go = memories_of(repository)
        repository.prune_memories("explainer", 0)
        with pytest.raises(InvalidRequestError, match=r"Could not refresh|has been deleted"):
            _ = go.content


def test_figures_and_what_else_the_session_holds(world: World, driver: str) -> None:
    with world.repository(driver, AsyncMemoryStatisticsRepository, world.scope()) as figures:
        (row,) = figures.update_memory_statistics()
        figures.session.add(EpisodicMemory(agent_name="explainer", content="one"))
        every, explainer = figures.update_memory_statistics()
        assert every is row
        assert isinstance(explainer, MemoryStatistics)
        assert (row.episodic_count, explainer.episodic_count) == (1, 1)


def test_a_procedure_that_is_stored_again(world: World, driver: str) -> None:
    with world.repository(driver, AsyncProceduralMemoryRepository, world.scope()) as procedures:
        first = procedures.store_procedural_memory("explainer", "p", [1])
        held: ProceduralMemory = procedures.get_by_id(first)
        assert procedures.store_procedural_memory("explainer", "p", [1, 2]) == first
        assert held.steps_json == [1, 2]
