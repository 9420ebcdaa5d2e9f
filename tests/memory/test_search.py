"""Similarity search: what it finds, in which order, and what it never finds, whichever way it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hedgerow.core.open_scope import ISSUE_SCOPE, issuing_parameters
from hedgerow.core.repository import FilterError
from hedgerow.memory import EpisodicMemory, SemanticMemory
from hedgerow.memory.repository import AsyncEpisodicMemoryRepository, AsyncSemanticMemoryRepository
from memory.vectors import ZERO, angle
from world import OTHER, TENANT, World, make_world

ANGLES = [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 120, 180]
# Rows that no search may find, beside those of ANGLES.
NEVER = {"no embedding": None, "zero": ZERO}


@pytest.fixture(scope="module")
def world(module_database: Any) -> World:
    """Memories and cache entries at known angles to the first axis; the other tenant has nearer ones."""
    world = make_world(module_database)
    for tenant, shift in ((TENANT, 5), (OTHER, 0)):
        with world.session(tenant=tenant) as session:
            for place, degrees in enumerate(ANGLES):
                embedding = angle(degrees + shift if degrees < 175 else 180, plane=place)
                agent = "explainer" if place % 2 else "model_trainer"
                session.add(EpisodicMemory(agent_name=agent, content=f"{degrees}", content_embedding=embedding))
                session.add(SemanticMemory(key=f"{degrees}", value_json=degrees, embedding=embedding))
            for name, embedding in NEVER.items():
                session.add(EpisodicMemory(agent_name="explainer", content=name, content_embedding=embedding))
                session.add(SemanticMemory(key=name, value_json=0, embedding=embedding))
            session.commit()
    return world


@pytest.fixture(params=["exact", "index"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def go(session: Any, way: str) -> None:
    """Make the searches of a session go one way, whatever the number of rows."""
    rows = 1_000_000 if way == "exact" else 0
    session.execute(text(f"SET LOCAL hedgerow.exact_search_rows = {rows}"))


@pytest.fixture
def memories(world: World, driver: str, way: str) -> Iterator[Any]:
    with world.repository(driver, AsyncEpisodicMemoryRepository, world.scope()) as repository:
        go(repository.session, way)
        yield repository


@pytest.fixture
def entries(world: World, driver: str, way: str) -> Iterator[Any]:
    with world.repository(driver, AsyncSemanticMemoryRepository, world.scope()) as repository:
        go(repository.session, way)
        yield repository


def said(found: list[Any]) -> list[str]:
    return [hit.row.content if isinstance(hit.row, EpisodicMemory) else hit.row.key for hit in found]


def test_the_nearest_come_first_with_their_similarity(memories: Any, entries: Any) -> None:
    for found in (memories.search_episodic_memories(angle(0)), entries.search_semantic_memories(angle(0))):
        assert said(found) == [f"{degrees}" for degrees in ANGLES[:10]], "ten, unless told otherwise"
        wanted = [sum(a * b for a, b in zip(angle(0), angle(d + 5), strict=True)) for d in ANGLES[:10]]
        assert [hit.similarity for hit in found] == pytest.approx(wanted, abs=1e-6)


def test_length_does_not_count(memories: Any, entries: Any) -> None:
    for factor in (1e-20, 1e20):
        query = [factor * number for number in angle(0)]
        assert said(memories.search_episodic_memories(query, limit=3)) == ["0", "10", "20"]
        assert said(entries.search_semantic_memories(query, limit=3)) == ["0", "10", "20"]


@pytest.mark.parametrize("limit", [1, 2, 12, 45, 46, 500, 2**31 - 1])
def test_a_limit_above_what_is_there_finds_what_is_there(memories: Any, entries: Any, limit: int) -> None:
    wanted = [f"{degrees}" for degrees in ANGLES[:limit]]
    assert said(memories.search_episodic_memories(angle(0), limit=limit)) == wanted, "also what lies opposite"
    assert said(entries.search_semantic_memories(angle(0), limit=limit)) == wanted


def test_of_one_agent(memories: Any) -> None:
    found = memories.search_episodic_memories(angle(0), "explainer", limit=4)
    assert said(found) == ["10", "30", "50", "70"]
    assert memories.search_episodic_memories(angle(0), "drift_monitor") == []
    with pytest.raises(FilterError, match="'nobody' is not a valid AgentName"):
        memories.search_episodic_memories(angle(0), "nobody")


@pytest.mark.parametrize("query", [None, ZERO], ids=["none", "zero"])
def test_what_has_no_direction_finds_nothing(memories: Any, entries: Any, query: Any) -> None:
    assert memories.search_episodic_memories(query) == []
    assert entries.search_semantic_memories(query) == []


def test_limits_that_ask_for_nothing(memories: Any, entries: Any) -> None:
    assert memories.search_episodic_memories(angle(0), limit=0) == []
    assert entries.search_semantic_memories(angle(0), limit=0) == []
    for limit in (-1, True, 1.5, 2**31):
        with pytest.raises(FilterError, match="is not a count"):
            memories.search_episodic_memories(angle(0), limit=limit)
        with pytest.raises(FilterError, match="is not a count"):
            entries.search_semantic_memories(angle(0), limit=limit)


@pytest.mark.parametrize("limit", ["0", "-1", "-2147483648", "NULL"])
def test_the_functions_find_nothing_for_limits_below_one(world: World, way: str, limit: str) -> None:
    with world.session() as session:
        go(session, way)
        for call in (
            f"search_episodic_memories('{angle(0)}', NULL, {limit})",
            f"search_semantic_memories('{angle(0)}', {limit})",
            f"get_related_memories((SELECT '{first(world)}'::uuid), {limit})",
        ):
            assert session.execute(text(f"SELECT * FROM {call}")).all() == []


def first(world: World) -> UUID:
    ((found,),) = world.admin(
        "SELECT memory_id FROM episodic_memories WHERE tenant_id = :t AND content = '0'", t=TENANT
    )
    return UUID(str(found))


def test_another_length_is_refused_even_where_nothing_is_stored(database: Any) -> None:
    empty = make_world(database)
    for call in (
        "search_episodic_memories('[1]')",
        "search_semantic_memories('[1]')",
        "find_relevant_procedures('[1]')",
    ):
        with empty.session() as session, pytest.raises(DBAPIError, match="1536 dimensions, not 1"):
            session.execute(text(f"SELECT * FROM {call}"))


def test_related_memories(memories: Any, world: World) -> None:
    found = memories.get_related_memories(first(world), 3)
    assert said(found) == ["10", "20", "30"], "of any agent, without itself"
    assert found[0].similarity == pytest.approx(0.96226, abs=1e-4)
    assert memories.get_related_memories(uuid4()) == [], "unknown"
    (theirs,), *_ = world.admin("SELECT memory_id FROM episodic_memories WHERE tenant_id = :t", t=OTHER)
    assert memories.get_related_memories(theirs) == [], "of another tenant"
    for content in NEVER:
        ((bare,),) = world.admin(
            "SELECT memory_id FROM episodic_memories WHERE tenant_id = :t AND content = :c", t=TENANT, c=content
        )
        assert memories.get_related_memories(bare) == []


def test_a_memory_with_many_equals_is_not_its_own_relative(database: Any, way: str) -> None:
    world = make_world(database)
    with world.session() as session:
        go(session, way)
        for _ in range(30):
            session.add(EpisodicMemory(agent_name="explainer", content="same", content_embedding=angle(0)))
        session.flush()
        every = sorted(session.execute(text("SELECT memory_id FROM search_episodic_memories(:q, NULL, 40)"), {
            "q": str(angle(0))}).scalars())  # fmt: skip
        for own in (every[0], every[15], every[-1]):
            found = session.execute(text("SELECT memory_id FROM get_related_memories(:m, 5)"), {"m": own}).scalars()
            found = list(found)
            assert len(set(found)) == 5
            assert own not in found
            if way == "exact":
                assert found == [other for other in every if other != own][:5], "of equals the lower id comes first"


def test_expired_entries_are_not_found(database: Any, way: str) -> None:
    world = make_world(database)
    world.admin(
        """
        INSERT INTO semantic_memory_cache (tenant_id, key, value_json, embedding, created_at, ttl_seconds)
        SELECT :t, key, '1', CAST(:v AS vector), now() - age, ttl
          FROM (VALUES ('for ever', INTERVAL '9 years', NULL), ('alive', INTERVAL '1 hour', 7200),
                       ('over', INTERVAL '1 hour', 3599), ('just over', INTERVAL '1 hour', 3600)) AS e (key, age, ttl)
        """,
        t=TENANT,
        v=str(angle(0)),
    )
    with world.session() as session:
        go(session, way)
        found = session.execute(text("SELECT key FROM search_semantic_memories(:q)"), {"q": str(angle(0))}).scalars()
        assert sorted(found) == ["alive", "for ever"]
        # At the very moment that it names, an entry is over.
        session.rollback()
    with world.database.engine("admin").begin() as connection:
        connection.execute(ISSUE_SCOPE, issuing_parameters(TENANT))
        connection.execute(text("UPDATE semantic_memory_cache SET created_at = now() - INTERVAL '3600 seconds'"))
        found = connection.execute(text("SELECT key FROM search_semantic_memories(:q)"), {"q": str(angle(0))}).scalars()
        assert sorted(found) == ["alive", "for ever"]


# --- the way that a search goes -----------------------------------------------------------------------------------


@contextmanager
def watched(world: World, rows: int | None) -> Iterator[Callable[[str], dict[str, int]]]:
    """Runs a search as superuser and tells how often each of the functions behind it was called."""
    with world.database.engine("admin").connect() as connection:
        connection.execute(text("SET LOCAL track_functions = 'all'"))
        connection.execute(ISSUE_SCOPE, issuing_parameters(TENANT))
        if rows is not None:
            connection.execute(text(f"SET LOCAL hedgerow.exact_search_rows = {rows}"))
        calls = "SELECT funcname, calls FROM pg_stat_xact_user_functions WHERE funcname LIKE '%\\_neighbours'"

        def run(search: str) -> dict[str, int]:
            before = dict(map(tuple, connection.execute(text(calls))))
            connection.execute(text(f"SELECT * FROM {search}"), {"q": str(angle(0))}).all()
            after = dict(map(tuple, connection.execute(text(calls))))
            return {
                name.split("_")[0]: after[name] - before.get(name, 0)
                for name in after
                if after[name] > before.get(name, 0)
            }

        yield run
        connection.rollback()


@pytest.mark.parametrize(
    ("rows", "search", "way"),
    [
        (None, "search_episodic_memories(:q)", "exact"),
        (12, "search_episodic_memories(:q)", "exact"),
        (11, "search_episodic_memories(:q)", "indexed"),
        (6, "search_episodic_memories(:q, 'explainer')", "exact"),
        (5, "search_episodic_memories(:q, 'explainer', 5)", "indexed"),
        (11, "search_episodic_memories(:q, NULL, 45)", "indexed"),
        (11, "search_episodic_memories(:q, NULL, 46)", "exact"),
        (None, "search_semantic_memories(:q)", "exact"),
        (12, "search_semantic_memories(:q)", "exact"),
        (11, "search_semantic_memories(:q)", "indexed"),
        (11, "search_semantic_memories(:q, 46)", "exact"),
    ],
)
def test_the_number_of_searchable_rows_decides(world: World, rows: int | None, search: str, way: str) -> None:
    """12 rows of the tenant can be found, 6 of them of one agent; what cannot be found does not count."""
    with watched(world, rows) as run:
        assert run(search) == {way: 1}


@pytest.mark.parametrize(
    ("table", "search"), [("episodic", "search_episodic_memories"), ("semantic", "search_semantic_memories")]
)
def test_what_the_index_misses_is_searched_again(world: World, table: str, search: str) -> None:
    """An index scan ends where it has seen enough rows; then there is no guessing."""
    with world.database.engine("admin").connect() as connection:
        connection.execute(ISSUE_SCOPE, issuing_parameters(TENANT))
        connection.execute(text("SET LOCAL hedgerow.exact_search_rows = 0"))
        signature = connection.scalar(text(f"SELECT pg_get_functiondef('app.indexed_{table}_neighbours'::regproc)"))
        blind = signature.replace("LIMIT p_count", "LIMIT 2")
        assert blind != signature
        connection.exec_driver_sql(blind, execution_options={"no_parameters": True})
        found = connection.execute(text(f"SELECT * FROM {search}(:q)"), {"q": str(angle(0))}).all()
        assert len(found) == 10
        connection.rollback()


def test_the_index_is_used_and_its_settings_end_with_the_function(world: World) -> None:
    names = ("enable_sort", "hnsw.iterative_scan", "hnsw.ef_search", "hnsw.max_scan_tuples", "jit")
    scans = "SELECT pg_stat_get_xact_numscans(CAST('ix_' || :table || '_search_embedding' AS regclass))"
    with world.session() as session:
        session.execute(text("SELECT '[1]'::vector"))  # loads the library, whose settings they are
        before = [session.scalar(text(f"SHOW {name}")) for name in names]
        for table, search in (
            ("episodic_memories", "search_episodic_memories"),
            ("semantic_memory_cache", "search_semantic_memories"),
        ):
            for way, uses in (("exact", 0), ("index", 1)):
                go(session, way)
                used = session.scalar(text(scans), {"table": table})
                session.execute(text(f"SELECT * FROM {search}(:q)"), {"q": str(angle(0))}).all()
                assert session.scalar(text(scans), {"table": table}) - used == uses
        assert [session.scalar(text(f"SHOW {name}")) for name in names] == before


def test_an_access_writes_no_index(world: World) -> None:
    """A heap-only update: the row's next version lies in the same page, and the index over vectors is left alone."""
    with world.database.engine("admin").begin() as connection:
        for table, change in (
            ("episodic_memories", "access_count = access_count + 1, accessed_at = now(), is_consolidated = true"),
            ("semantic_memory_cache", "hit_count = hit_count + 1"),
        ):
            done = connection.execute(text(f"UPDATE {table} SET {change} WHERE tenant_id = :t"), {"t": TENANT}).rowcount
            heap_only = connection.scalar(text(f"SELECT pg_stat_get_xact_tuples_hot_updated('{table}'::regclass)"))
            assert heap_only == done == 14
        connection.rollback()
