"""Recall within a tenant, and nothing of another one: over clustered vectors, through the index, behind each lock."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection, text

from hedgerow import Scope
from hedgerow.core.session import open_session
from hedgerow.memory import EpisodicMemory, ProceduralMemory, SemanticMemory
from hedgerow.memory.repository import (
    CognitiveCycleRepository,
    EpisodicMemoryRepository,
    MemoryStatisticsRepository,
    ProceduralMemoryRepository,
    SemanticMemoryRepository,
)
from memory.vectors import Topics, angle, nearest
from world import OTHER, TENANT, World, make_world

ROWS, OTHERS, CROWD = 200, 4, 500
"""Memories of the tenant, and other tenants with as many each that are about the same topics."""

OWN, FOREIGN = range(12), range(12, 24)
LOCKS = ("filter", "wall", "both")


@pytest.fixture(scope="module")
def corpus(module_database: Any) -> tuple[World, Any, Topics]:
    """A tenant among others. Half of its memories are about topics of its own; the others know nothing of these."""
    world = make_world(module_database)
    topics = Topics(5, 24)
    own = np.vstack([topics.near(OWN, ROWS // 2), topics.near(FOREIGN, ROWS // 2)])
    with world.database.engine("admin").begin() as connection:
        # The index is built afterwards, which is faster and what a large load would do.
        index = connection.scalar(text("SELECT pg_get_indexdef('ix_episodic_memories_search_embedding'::regclass)"))
        connection.execute(text("DROP INDEX ix_episodic_memories_search_embedding"))
        load(connection, TENANT, own)
        for number in range(OTHERS):
            tenant = OTHER if number == 0 else f"CROWD_{number}"
            sql = text("INSERT INTO tenant (id, name) VALUES (:t, :t) ON CONFLICT DO NOTHING")
            connection.execute(sql, {"t": tenant})
            load(connection, tenant, topics.near(FOREIGN, CROWD))
        connection.execute(text(index))
        connection.execute(text("ANALYZE episodic_memories"))
    return world, own, topics


def load(connection: Connection, tenant: str, vectors: Any) -> None:
    """Store vectors as memories whose content is their place."""
    rows = [{"t": tenant, "c": f"{place}", "v": str(vector.round(4).tolist())} for place, vector in enumerate(vectors)]
    connection.execute(
        text(
            "INSERT INTO episodic_memories (tenant_id, agent_name, content, content_embedding)"
            " VALUES (:t, 'explainer', :c, CAST(:v AS vector))"
        ),
        rows,
    )


def places(session: Any, query: Any, rows: int, limit: int = 10) -> list[int]:
    session.execute(text(f"SET LOCAL hedgerow.exact_search_rows = {rows}"))
    found = session.execute(
        text("SELECT tenant_id, content FROM search_episodic_memories(:q, NULL, :l)"),
        {"q": str(query.tolist()), "l": limit},
    ).all()
    assert {row.tenant_id for row in found} == {TENANT}
    return [int(row.content) for row in found]


def recall(session: Any, corpus: Any, topics: range, rows: int, queries: int = 30) -> float:
    _, own, source = corpus
    shares = []
    for query in source.near(topics, queries):
        found = places(session, query, rows)
        assert len(found) == 10
        shares.append(len(set(found) & set(nearest(own, query, 10))) / 10)
    return float(np.mean(shares))


def test_comparing_every_row_is_exact_and_in_order(corpus: Any) -> None:
    world, own, source = corpus
    with world.session() as session:
        for query in source.near(range(24), 20):
            assert places(session, query, 1_000_000) == nearest(own, query, 10)


@pytest.mark.parametrize("topics", [OWN, FOREIGN, range(24)], ids=["own", "foreign", "all"])
def test_the_index_finds_what_an_index_over_the_own_rows_would(corpus: Any, topics: range) -> None:
    """Ten of eleven rows are another tenant's, and about foreign topics nearly all of the nearest are."""
    world, *_ = corpus
    with world.session() as session:
        assert recall(session, corpus, topics, rows=0) >= 0.99


@pytest.mark.parametrize("topics", [OWN, FOREIGN], ids=["own", "foreign"])
def test_in_what_the_index_compares_the_own_rows_are_the_nearest(corpus: Any, topics: range) -> None:
    """Why it finds them, however many others there are: a search meets the tenant's rows before it meets others."""
    world, _, source = corpus
    sql = text(
        f"SELECT tenant_id FROM episodic_memories"
        f" ORDER BY (search_embedding <=> app.search_embedding(:t, CAST(:q AS vector))) + 0 LIMIT {ROWS}"
    )
    with world.database.admin() as admin:
        for query in source.near(topics, 10):
            met = list(admin.scalars(sql, {"t": TENANT, "q": str(query.tolist())}))
            assert met.count(TENANT) >= 0.98 * ROWS


def test_without_the_tenants_signature_it_would_not(corpus: Any) -> None:
    """What the test above proves: the plain way to search through an index loses the tenant's rows."""
    world, own, source = corpus
    with world.database.engine("admin").connect() as connection:
        connection.execute(text("CREATE TEMP TABLE plain AS SELECT tenant_id, content, content_embedding AS v"
                                " FROM episodic_memories"))  # fmt: skip
        connection.execute(text("CREATE INDEX ON plain USING hnsw (v vector_cosine_ops)"))
        connection.execute(text("SET LOCAL enable_sort = off"))
        found = []
        for query in source.near(FOREIGN, 30):
            rows = connection.execute(
                text("SELECT content FROM plain WHERE tenant_id = :t ORDER BY v <=> CAST(:q AS vector) LIMIT 10"),
                {"t": TENANT, "q": str(query.tolist())},
            ).scalars()
            found.append(len({int(place) for place in rows} & set(nearest(own, query, 10))) / 10)
        connection.rollback()
    assert np.mean(found) < 0.8


@pytest.fixture
def behind(corpus: Any, request: pytest.FixtureRequest) -> Any:
    """A session on the corpus behind one lock or both."""
    world: World = corpus[0]
    lock = request.param
    if lock == "wall":
        with world.database.engine("app").connect() as connection:
            connection.execute(text("SELECT * FROM app.open_scope(:t, NULL, '{train}', NULL)"), {"t": TENANT})
            yield connection
        return
    engine = world.database.scoped_engine("admin" if lock == "filter" else "app")
    with open_session(Scope(TENANT), engine=engine, allow_privileged=lock == "filter") as session:
        yield session
    engine.dispose()


@pytest.mark.parametrize("rows", [0, 1_000_000], ids=["index", "exact"])
@pytest.mark.parametrize("behind", LOCKS, indirect=True)
def test_nearer_vectors_of_another_tenant_neither_appear_nor_push_out(behind: Any, corpus: Any, rows: int) -> None:
    world, own, source = corpus
    query = source.near(FOREIGN, 1)[0]
    tenth = float(np.sort(own @ query)[-10])
    with world.database.admin() as admin:
        nearer = admin.scalar(
            text("SELECT count(*) FROM episodic_memories WHERE tenant_id <> :t"
                 " AND app.cosine_similarity(content_embedding, CAST(:q AS vector)) > :s"),
            {"t": TENANT, "q": str(query.tolist()), "s": tenth},
        )  # fmt: skip
    assert nearer > 20, "there is something that could leak or push out"
    assert set(places(behind, query, rows)) == set(nearest(own, query, 10))
    assert len(places(behind, query, rows, limit=ROWS + 1)) == ROWS, "and not one more than there is"


@pytest.mark.parametrize("behind", LOCKS, indirect=True)
def test_even_another_tenants_very_same_vector_does_not_appear(behind: Any, corpus: Any) -> None:
    world, own, _ = corpus
    for rows in (0, 1_000_000):
        assert places(behind, own[7], rows, limit=1) == [7]
    with world.database.engine("admin").begin() as connection:
        load(connection, OTHER, own[:3])
    for rows in (0, 1_000_000):
        assert places(behind, own[1], rows)[0] == 1


def test_no_function_gives_another_tenant_anything(database: Any) -> None:
    """Every function of the domain that returns rows, asked by a tenant that has none."""
    world = make_world(database)
    with world.session(tenant=OTHER) as session:
        memory = EpisodicMemory(
            agent_name="explainer", content="x", content_embedding=angle(0), context_json={"hcp_id": "H"}
        )
        session.add_all(
            [
                memory,
                SemanticMemory(key="k", value_json=1, embedding=angle(0)),
                ProceduralMemory(
                    agent_name="explainer", procedure_name="p", steps_json=[1], trigger_embedding=angle(0)
                ),
            ]
        )
        session.commit()
        memory_id = memory.memory_id

    def asked(tenant: str) -> list[Any]:
        with world.session(tenant=tenant) as session:
            episodic, semantic = EpisodicMemoryRepository(session), SemanticMemoryRepository(session)
            figures = CognitiveCycleRepository(session).calculate_cognitive_metrics()
            found = [
                episodic.search_episodic_memories(angle(0)),
                episodic.get_memory_e2i_ids(memory_id),
                [] if episodic.get_embedding(memory_id) is None else [1],
                episodic.hybrid_vector_search(angle(0)),
                [1] * episodic.count_access([memory_id]),
                semantic.search_semantic_memories(angle(0)),
                [] if semantic.get("k") is None else [1],
                ProceduralMemoryRepository(session).find_relevant_procedures(angle(0)),
                [1] * (figures.episodic_memories + figures.procedural_memories),
                [1] * episodic.consolidate_memories(threshold_days=0),
                [row for row in MemoryStatisticsRepository(session).update_memory_statistics() if row.episodic_count],
                [1] * episodic.prune_memories("explainer", 0),
            ]
            session.rollback()
            return [bool(rows) for rows in found]

    assert asked(OTHER) == [True] * 12
    assert asked(TENANT) == [False] * 12
