"""Arguments that no memory has: refused in words, and the transaction goes on."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hedgerow.core.repository import FilterError
from hedgerow.memory.repository import (
    AsyncEpisodicMemoryRepository,
    AsyncMemoryStatisticsRepository,
    AsyncProceduralMemoryRepository,
    AsyncSemanticMemoryRepository,
)
from memory.vectors import angle
from world import TENANT, World, make_world

NUL, NAN = "a\0b", float("nan")
EPISODES, PROCEDURES, CACHE, FIGURES = (
    AsyncEpisodicMemoryRepository,
    AsyncProceduralMemoryRepository,
    AsyncSemanticMemoryRepository,
    AsyncMemoryStatisticsRepository,
)
REFUSED: list[tuple[type[Any], str, tuple[Any, ...], dict[str, Any]]] = [
    (EPISODES, "store_episodic_memory", ("explainer", None), {}),
    (EPISODES, "store_episodic_memory", ("explainer", NUL), {}),
    (EPISODES, "store_episodic_memory", (None, "a"), {}),
    (EPISODES, "store_episodic_memory", ("explainer", "a"), {"session_id": "none"}),
    (EPISODES, "store_episodic_memory", ("explainer", "a"), {"importance": None}),
    (EPISODES, "store_episodic_memory", ("explainer", "a"), {"context": {"a": NAN}}),
    (EPISODES, "store_episodic_memory", ("explainer", "a"), {"context": {"a": NUL}}),
    (EPISODES, "get_related_memories", ("none",), {}),
    (EPISODES, "get_embedding", ("none",), {}),
    (EPISODES, "count_access", (["none"],), {}),
    (EPISODES, "get_memory_e2i_ids", ("none",), {}),
    (EPISODES, "get_memory_entity_context", ("none",), {}),
    (EPISODES, "hybrid_vector_search", (angle(0), 5, {"colour": "red"}), {}),
    (EPISODES, "hybrid_vector_search", (angle(0), 5, {"date_from": "never"}), {}),
    (EPISODES, "hybrid_vector_search", (angle(0), 5, {"agent_name": "nobody"}), {}),
    (PROCEDURES, "store_procedural_memory", ("explainer", "x" * 256, [1]), {}),
    (PROCEDURES, "store_procedural_memory", ("explainer", NUL, [1]), {}),
    (PROCEDURES, "store_procedural_memory", ("explainer", None, [1]), {}),
    (PROCEDURES, "store_procedural_memory", ("explainer", "a", 5), {}),
    (PROCEDURES, "store_procedural_memory", ("explainer", "a", {"tool": "x"}), {}),
    (PROCEDURES, "store_procedural_memory", ("explainer", "a", [NAN]), {}),
    (PROCEDURES, "find_relevant_procedures", (angle(0),), {"brand": NUL}),
    (PROCEDURES, "find_relevant_procedures", (angle(0),), {"intent": 5}),
    (PROCEDURES, "record_execution", ("none",), {"succeeded": True}),
    (PROCEDURES, "record_execution", (uuid4(),), {"succeeded": True, "duration_ms": -1}),
    (CACHE, "put", (None, 1), {}),
    (CACHE, "put", ("x" * 256, 1), {}),
    (CACHE, "put", (NUL, 1), {}),
    (CACHE, "put", ("k", NAN), {}),
    (CACHE, "put", ("k", NUL), {}),
    (CACHE, "put", ("k", 1), {"ttl_seconds": 2**31}),
    (CACHE, "put", ("k", 1), {"source": "x" * 101}),
    (CACHE, "get", (NUL,), {}),
    (CACHE, "get", (5,), {}),
    (FIGURES, "update_memory_statistics", ("never",), {}),
    (FIGURES, "update_memory_statistics", (datetime(2024, 1, 1, tzinfo=UTC),), {}),
    (FIGURES, "get_by_day", ("never",), {}),
]


@pytest.fixture(scope="module")
def shared(module_database: Any) -> World:
    return make_world(module_database)


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_what_no_memory_can_be_is_refused_in_words(shared: World, driver: str) -> None:
    for kind, name, args, named in REFUSED:
        with shared.repository(driver, kind, shared.scope()) as repository:
            with pytest.raises(FilterError):
                getattr(repository, name)(*args, **named)
            assert repository.count() == 0, "nothing is stored, and the transaction goes on"


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_the_last_and_the_first_day_have_figures(shared: World, driver: str) -> None:
    with shared.repository(driver, FIGURES, shared.scope()) as figures:
        for day in (date(1, 1, 2), date(9999, 12, 30)):  # asyncpg takes date.max for infinity
            assert [row.episodic_count for row in figures.update_memory_statistics(day)] == [0]


@pytest.mark.parametrize("day", ["infinity", "-infinity", "10000-01-01", "5874897-12-31", "0001-12-31 BC"])
def test_what_is_no_day_of_the_calendar_has_none(shared: World, day: str) -> None:
    """No driver could read its row, nor any question that finds it."""
    with shared.database.engine("app").connect() as connection:
        connection.execute(text("SELECT FROM app.open_scope(:t, NULL, '{train}', NULL)"), {"t": TENANT})
        with pytest.raises(DBAPIError, match="no day of the calendar") as refused:
            connection.execute(text(f"SELECT update_memory_statistics('{day}')"))
        assert refused.value.orig.sqlstate == "22023"  # type: ignore[union-attr]
