"""Memories are stored, recalled, consolidated and pruned."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import sample
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from hedgerow.core.repository import FilterError
from hedgerow.memory import EpisodicMemory, MemoryImportance, MemoryStatistics
from hedgerow.memory.repository import AsyncEpisodicMemoryRepository, EpisodicMemoryRepository
from memory.vectors import angle
from world import OTHER, TENANT, World


@pytest.fixture
def memories(world: World, driver: str) -> Any:
    with world.repository(driver, AsyncEpisodicMemoryRepository, world.scope()) as repository:
        yield repository


def test_what_is_stored(memories: Any) -> None:
    session_id = uuid4()
    stored = memories.store_episodic_memory(
        "model_trainer",
        "The loss fell",
        session_id=session_id,
        importance="high",
        memory_type="fact",
        context={"hcp_id": "H1"},
        embedding=angle(3),
    )
    row = memories.get_by_id(stored)
    assert (row.tenant_id, row.agent_name, row.content, row.session_id) == (
        TENANT,
        "model_trainer",
        "The loss fell",
        session_id,
    )
    assert (row.importance, row.memory_type, row.context_json) == ("high", "fact", {"hcp_id": "H1"})
    assert (row.access_count, row.accessed_at, row.decay_factor, row.is_consolidated) == (0, None, 1, False)
    assert row.created_at is not None
    assert memories.get_embedding(stored) == pytest.approx(angle(3))

    bare = memories.get_by_id(memories.store_episodic_memory("explainer", "Nothing else"))
    assert (bare.session_id, bare.importance, bare.memory_type, bare.context_json) == (None, "medium", "experience", {})
    assert memories.get_embedding(bare.memory_id) is None
    assert memories.search_episodic_memories(angle(3))[0].row.memory_id == stored
    assert len(memories.search_episodic_memories(angle(3))) == 1


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("nobody", "x"), "is not a valid AgentName"),
        (("explainer", " \n"), "A memory says something"),
        (("explainer", ""), "A memory says something"),
    ],
)
def test_what_cannot_be_stored(memories: Any, arguments: Any, what: str) -> None:
    with pytest.raises(FilterError, match=what):
        memories.store_episodic_memory(*arguments)
    with pytest.raises(FilterError, match="is not a valid MemoryImportance"):
        memories.store_episodic_memory("explainer", "x", importance="vital")


@pytest.mark.parametrize(
    ("call", "state"),
    [
        ("'explainer', NULL, NULL", "23502"),
        ("NULL, NULL, 'x'", "23502"),
        ("'explainer', NULL, ''", "23514"),
        ("'explainer', NULL, E' \\t\\n'", "23514"),
        ("'nobody', NULL, 'x'", "22P02"),
        ("'explainer', NULL, 'x', 'vital'", "22P02"),
        ("'explainer', NULL, 'x', NULL", "23502"),
        ("'explainer', NULL, 'x', 'low', 'fact', '{}', '[1,2,3]'", "22000"),
    ],
)
def test_what_the_function_refuses(world: World, call: str, state: str) -> None:
    with world.session() as session, pytest.raises(DBAPIError) as refused:
        session.execute(text(f"SELECT store_episodic_memory({call})"))
    assert refused.value.orig.sqlstate == state


def test_nothing_is_stored_without_a_scope(world: World) -> None:
    with world.database.engine("app").connect() as connection, pytest.raises(DBAPIError) as refused:
        connection.execute(text("SELECT store_episodic_memory('explainer', NULL, 'x')"))
    assert refused.value.orig.sqlstate in ("23502", "42501")


def test_accesses_are_counted(memories: Any) -> None:
    ids = [memories.store_episodic_memory("explainer", f"{n}") for n in range(3)]
    assert memories.count_access(ids[:2]) == 2
    assert memories.count_access([ids[0], uuid4()]) == 1, "unknown ids count not"
    assert memories.count_access([]) == 0
    memories.session.expire_all()
    rows = [memories.get_by_id(key) for key in ids]
    assert [row.access_count for row in rows] == [2, 1, 0]
    assert [row.accessed_at is None for row in rows] == [False, False, True]


def together(world: World, work: Callable[[EpisodicMemoryRepository], Any], times: int = 6) -> list[Any]:
    """Do the work in that many sessions at once, each in a transaction of its own."""
    start = threading.Barrier(times, timeout=30)

    def once(_: int) -> Any:
        with world.session() as session:
            session.connection()
            start.wait()
            done = work(EpisodicMemoryRepository(session))
            session.commit()
            return done

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(once, range(times)))


def test_accesses_at_once_are_all_counted_and_do_not_deadlock(world: World) -> None:
    ids = plant(world, 20)
    for _ in range(3):
        assert together(world, lambda repository: repository.count_access(sample(ids, 20))) == [20] * 6
    assert world.admin("SELECT DISTINCT access_count FROM episodic_memories") == [(18,)]


def plant(world: World, number: int, tenant: str = TENANT, **values: Any) -> list[Any]:
    """Store memories of the explainer, the oldest first; values are SQL over n from 1."""
    row = {
        "agent_name": "'explainer'",
        "content": "n::text",
        "importance": "'medium'",
        "access_count": "0",
        "created_at": f"now() - ({number} - n) * INTERVAL '1 minute'",
    } | values
    with world.database.admin() as admin:
        return list(
            admin.scalars(
                text(
                    f"INSERT INTO episodic_memories (tenant_id, {', '.join(row)})"
                    f" SELECT '{tenant}', {', '.join(row.values())} FROM generate_series(1, {number}) AS n"
                    " RETURNING memory_id"
                )
            )
        )


# --- consolidation ------------------------------------------------------------------------------------------------


def counted(world: World, column: str, tenant: str = TENANT) -> dict[str | None, int]:
    """Figures of today by agent."""
    sql = f"""SELECT agent_name::text, {column} FROM memory_statistics
               WHERE tenant_id = :t AND stat_date = (now() AT TIME ZONE 'UTC')::date"""
    return dict(map(tuple, world.admin(sql, t=tenant)))


def test_what_is_older_than_the_threshold_is_consolidated_once(world: World, memories: Any) -> None:
    plant(world, 5, created_at="now() - n * INTERVAL '10 days' - INTERVAL '1 minute'")
    plant(world, 2, agent_name="'orchestrator'", created_at="now() - INTERVAL '31 days'")
    plant(world, 3, tenant=OTHER, created_at="now() - INTERVAL '99 days'")
    assert memories.consolidate_memories("explainer") == 3
    assert memories.consolidate_memories("explainer") == 0, "the second time there is nothing left"
    assert memories.consolidate_memories() == 2, "all agents"
    assert memories.consolidate_memories("explainer", 20) == 1
    assert memories.consolidate_memories(threshold_days=2**31 - 1) == 0
    memories.session.commit()
    assert counted(world, "consolidation_count") == {None: 6, "explainer": 4, "orchestrator": 2}
    assert counted(world, "consolidation_count", OTHER) == {}
    assert world.admin("SELECT DISTINCT is_consolidated FROM episodic_memories WHERE tenant_id = :t", t=OTHER) == [
        (False,)
    ]


def test_exactly_at_the_threshold_is_not_older(world: World) -> None:
    with world.session() as session:
        # now() stands still in a transaction.
        for age in ("30 days", "30 days 1 microsecond"):
            session.execute(
                text(
                    "SELECT store_episodic_memory('explainer', NULL, :a);"
                ), {"a": age}
            )  # fmt: skip
        session.flush()
        for memory in session.query(EpisodicMemory):
            memory.created_at = session.scalar(text("SELECT now() - CAST(:a AS interval)"), {"a": memory.content})
        session.flush()
        repository = EpisodicMemoryRepository(session)
        assert repository.consolidate_memories("explainer") == 1
        assert repository.consolidate_memories("explainer", 29) == 1


def test_a_day_has_24_hours_in_every_time_zone(world: World) -> None:
    plant(world, 1, created_at="now() - INTERVAL '23 hours 30 minutes'")
    with world.session() as session:
        session.execute(text("SET LOCAL TIME ZONE 'America/New_York'"))
        assert EpisodicMemoryRepository(session).consolidate_memories("explainer", 1) == 0


@pytest.mark.parametrize("days", ["-1", "NULL"])
def test_a_threshold_that_is_no_age(world: World, memories: Any, days: str) -> None:
    with world.session() as session, pytest.raises(DBAPIError, match="is no age") as refused:
        session.execute(text(f"SELECT consolidate_memories('explainer', {days})"))
    assert refused.value.orig.sqlstate == "22023"
    with pytest.raises(FilterError):
        memories.consolidate_memories("explainer", -1)


def test_two_consolidations_at_once_count_each_memory_once(world: World) -> None:
    plant(
        world, 30, created_at="now() - INTERVAL '40 days'", agent_name="(enum_range(NULL::agent_name_type))[n % 9 + 1]"
    )
    assert sum(together(world, lambda repository: repository.consolidate_memories())) == 30
    assert counted(world, "consolidation_count")[None] == 30
    assert sum(counted(world, "consolidation_count").values()) == 60


# --- pruning ------------------------------------------------------------------------------------------------------


def left(world: World, tenant: str = TENANT) -> list[str]:
    sql = "SELECT content FROM episodic_memories WHERE tenant_id = :t ORDER BY content::int"
    return [content for (content,) in world.admin(sql, t=tenant)]


def test_the_least_important_go_first_and_critical_ones_never(world: World) -> None:
    """Against the rule in Python, for every number that may be kept."""
    rows = [
        ("trivial", 9, 0), ("low", 0, 1), ("low", 0, 2), ("critical", 0, 3), ("medium", 5, 4), ("high", 0, 5),
        ("low", 3, 6), ("trivial", 0, 7), ("critical", 0, 8), ("medium", 0, 9), ("high", 1, 10), ("medium", 5, 11),
    ]  # fmt: skip
    for importance, count, place in rows:
        plant(
            world,
            1,
            content=f"'{place}'",
            importance=f"'{importance}'",
            access_count=f"{count}",
            created_at=f"now() - INTERVAL '{100 - place} hours'",
        )
    plant(world, 2, tenant=OTHER)
    plant(world, 1, agent_name="'orchestrator'", content="'99'")
    order = list(MemoryImportance)
    may_go = [row for row in rows if row[0] != "critical"]
    may_go.sort(key=lambda row: (-order.index(MemoryImportance(row[0])), row[1], row[2]))
    for kept in range(14):
        going = may_go[: max(len(rows) - kept, 0)]
        gone = {f"{place}" for *_, place in going}
        with world.session() as session:
            repository = EpisodicMemoryRepository(session)
            assert repository.prune_memories("explainer", kept) == len(going)
            assert repository.prune_memories("explainer", kept) == 0
            here = session.scalars(select(EpisodicMemory.content)).all()
            assert sorted(here, key=int) == [f"{n}" for n in range(12) if f"{n}" not in gone] + ["99"]
            figures = session.execute(select(MemoryStatistics.agent_name, MemoryStatistics.pruned_count)).all()
            wanted = [(None, len(going)), ("explainer", len(going))] if going else []
            assert sorted(map(tuple, figures), key=str) == sorted(wanted, key=str)
    assert left(world, OTHER) == ["1", "2"]


@pytest.mark.parametrize("call", ["NULL, 3", "'explainer', NULL", "'explainer', -1"])
def test_pruning_without_agent_or_number(world: World, memories: Any, call: str) -> None:
    with world.session() as session, pytest.raises(DBAPIError, match="Pruning needs an agent") as refused:
        session.execute(text(f"SELECT prune_memories({call})"))
    assert refused.value.orig.sqlstate == "22023"
    for arguments in ((None, 3), ("explainer", -1), ("nobody", 1)):
        with pytest.raises(FilterError):
            memories.prune_memories(*arguments)


def test_two_prunings_at_once_do_not_prune_too_much(world: World) -> None:
    for _ in range(3):
        plant(world, 40)
        pruned = together(world, lambda repository: repository.prune_memories("explainer", 10))
        assert sum(pruned) >= 30
        assert len(left(world)) == 10
    assert counted(world, "pruned_count")[None] == sum(counted(world, "pruned_count").values()) / 2


def test_a_memory_that_became_critical_meanwhile_stays(world: World) -> None:
    (key,) = plant(world, 1)

    def prune() -> int:
        with world.session() as session:
            pruned = EpisodicMemoryRepository(session).prune_memories("explainer", 0)
            session.commit()
            return pruned

    with ThreadPoolExecutor(1) as pool:
        # Inside the pool's block: whatever happens, the lock is let go before the thread is waited for.
        with world.database.engine("admin").begin() as holder:
            holder.execute(text("UPDATE episodic_memories SET importance = 'critical'"))
            waiting = pool.submit(prune)
            for _ in range(500):
                if world.admin("SELECT FROM pg_locks WHERE NOT granted"):
                    break
                threading.Event().wait(0.02)
        assert waiting.result(timeout=30) == 0
    assert world.admin("SELECT memory_id FROM episodic_memories") == [(key,)]


# --- what a memory is about ---------------------------------------------------------------------------------------


def test_ids_of_what_a_memory_is_about(memories: Any) -> None:
    context = {
        "agent_activity_id": "A",
        "treatment_event_id": "TE",
        "prediction_id": "P",
        "causal_path_id": 7,
        "trigger_id": "T",
        "hcp_id": "H",
        "patient_id": "N",
        "patient_journey_id": "J",
        "brand": "Kisqali",
    }
    stored = memories.store_episodic_memory("explainer", "x", context=context)
    assert memories.get_memory_e2i_ids(stored) == [
        ("patient_journey", "J"),
        ("patient", "N"),
        ("hcp", "H"),
        ("trigger", "T"),
        ("causal_path", "7"),
        ("prediction", "P"),
        ("treatment_event", "TE"),
        ("agent_activity", "A"),
    ]
    odd = memories.store_episodic_memory("explainer", "x", context={"hcp_id": None, "trigger_id": {"a": 1}, "other": 1})
    assert memories.get_memory_e2i_ids(odd) == []
    assert memories.get_memory_e2i_ids(uuid4()) == [], "unknown"
