"""Daily figures, metrics of thinking, the hybrid search, and the rows that memories are about."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from hedgerow.agents.enums import AgentName
from hedgerow.core.open_scope import ISSUE_SCOPE, issuing_parameters
from hedgerow.core.repository import FilterError
from hedgerow.memory import (
    CognitiveCycle,
    CognitivePhase,
    EpisodicMemory,
    MemoryStatistics,
    ProceduralMemory,
    SemanticMemory,
)
from hedgerow.memory.repository import (
    AsyncCognitiveCycleRepository,
    AsyncEpisodicMemoryRepository,
    AsyncMemoryStatisticsRepository,
    CognitiveCycleRepository,
    EpisodicMemoryRepository,
    MemoryStatisticsRepository,
)
from memory.vectors import ZERO, angle
from world import OTHER, TENANT, World, patients

DAY = date(2026, 3, 10)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 11, tzinfo=UTC)


@pytest.fixture
def statistics(world: World, driver: str) -> Iterator[Any]:
    with world.repository(driver, AsyncMemoryStatisticsRepository, world.scope()) as repository:
        yield repository


def remember(world: World, *rows: Any, tenant: str = TENANT) -> None:
    with world.session(tenant=tenant) as session:
        session.add_all(rows)
        session.commit()


def episode(agent: str, moment: datetime = NOON, **values: Any) -> EpisodicMemory:
    return EpisodicMemory(**{"agent_name": agent, "content": "x", "created_at": moment, **values})


def procedure(agent: str, name: str, moment: datetime = NOON, **values: Any) -> ProceduralMemory:
    return ProceduralMemory(agent_name=agent, procedure_name=name, steps_json=[1], created_at=moment, **values)


# --- memory_statistics --------------------------------------------------------------------------------------------


def figures(rows: list[MemoryStatistics]) -> list[tuple[Any, ...]]:
    return [(row.agent_name, row.episodic_count, row.procedural_count, row.semantic_cache_count) for row in rows]


def test_figures_of_a_day(world: World, statistics: Any) -> None:
    remember(
        world,
        episode("explainer"),
        episode("explainer", MIDNIGHT - timedelta(microseconds=1)),
        episode("explainer", MIDNIGHT),
        episode("model_trainer", NOON - timedelta(days=400)),
        procedure("explainer", "p"),
        procedure("orchestrator", "p", NOON - timedelta(days=1)),
        SemanticMemory(key="a", value_json=1, created_at=NOON),
        SemanticMemory(key="expired", value_json=1, created_at=NOON - timedelta(days=9), ttl_seconds=1),
        SemanticMemory(key="later", value_json=1, created_at=MIDNIGHT),
    )
    remember(world, episode("explainer"), episode("drift_monitor"), tenant=OTHER)
    wanted = [(None, 3, 2, 2), ("orchestrator", 0, 1, 2), ("explainer", 2, 1, 2), ("model_trainer", 1, 0, 2)]
    first = statistics.update_memory_statistics(DAY)
    assert figures(first) == wanted
    ids = [row.stat_id for row in first]
    statistics.session.commit()
    again = statistics.update_memory_statistics(DAY)
    assert figures(again) == wanted
    assert [row.stat_id for row in again] == ids, "the same rows, and no others"
    assert figures(statistics.get_by_day(DAY)) == wanted
    assert statistics.get_by_day(DAY - timedelta(days=1)) == []


def test_what_is_gone_is_gone_from_the_figures_and_what_was_done_stays(world: World, statistics: Any) -> None:
    remember(world, episode("explainer"), episode("model_trainer"))
    statistics.update_memory_statistics(DAY)
    world.admin("SELECT 1")
    statistics.session.commit()
    world.admin(
        "UPDATE memory_statistics SET consolidation_count = 5, pruned_count = 7, avg_retrieval_ms = 1.5,"
        " cache_hit_rate = 0.25 WHERE agent_name = 'explainer'"
    )
    world.admin("DELETE FROM episodic_memories WHERE agent_name = 'explainer'")
    rows = statistics.update_memory_statistics(DAY)
    assert figures(rows) == [(None, 1, 0, 0), ("explainer", 0, 0, 0), ("model_trainer", 1, 0, 0)]
    kept = rows[1]
    assert (kept.consolidation_count, kept.pruned_count, kept.avg_retrieval_ms, kept.cache_hit_rate) == (
        5,
        7,
        1.5,
        0.25,
    )


def test_a_tenant_that_remembers_nothing_has_one_row_of_zeros(statistics: Any) -> None:
    assert figures(statistics.update_memory_statistics(DAY)) == [(None, 0, 0, 0)]


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_today_is_the_day_in_utc(world: World, zone: str) -> None:
    with world.session() as session:
        session.execute(text(f"SET LOCAL TIME ZONE '{zone}'"))
        repository = MemoryStatisticsRepository(session)
        today = session.scalar(text("SELECT (now() AT TIME ZONE 'UTC')::date"))
        (row,) = repository.update_memory_statistics()
        assert row.stat_date == today
        session.execute(text("SELECT update_memory_statistics()"))
        session.execute(text(f"SELECT update_memory_statistics('{DAY}')"))
        assert sorted(session.scalars(select(MemoryStatistics.stat_date))) == [DAY, today]
    # The end of the day is that in UTC, too.
    remember(world, episode("explainer", MIDNIGHT - timedelta(seconds=1)), episode("explainer", MIDNIGHT))
    with world.session() as session:
        session.execute(text(f"SET LOCAL TIME ZONE '{zone}'"))
        assert MemoryStatisticsRepository(session).update_memory_statistics(DAY)[0].episodic_count == 1


def test_no_day_no_figures(world: World) -> None:
    with world.session() as session, pytest.raises(DBAPIError, match="belong to a day") as refused:
        session.execute(text("SELECT update_memory_statistics(NULL)"))
    assert refused.value.orig.sqlstate == "22023"


def test_at_once_they_agree(world: World) -> None:
    remember(world, *(episode(agent) for agent in AgentName))

    def update(number: int) -> None:
        with world.session() as session:
            repository = MemoryStatisticsRepository(session)
            if number % 2:
                EpisodicMemoryRepository(session).consolidate_memories(threshold_days=1)
            repository.update_memory_statistics()
            repository.update_memory_statistics(DAY)
            session.commit()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(update, range(6)))
    assert world.admin("SELECT count(*) FROM memory_statistics WHERE stat_date = :d", d=DAY) == [(len(AgentName) + 1,)]
    ((consolidated,),) = world.admin("SELECT max(consolidation_count) FROM memory_statistics WHERE agent_name IS NULL")
    assert consolidated == len(AgentName)


def test_the_seed_holds_what_the_function_counts(seeded: Any) -> None:
    """The figures of the last seeded day are those that the function computes, for every tenant."""
    columns = "tenant_id, agent_name, stat_date, episodic_count, procedural_count, semantic_cache_count"
    with seeded.engine("admin").connect() as connection:
        sql = text(f"SELECT {columns} FROM memory_statistics ORDER BY 1, 2 NULLS FIRST")
        stored = connection.execute(sql).all()
        assert stored
        for tenant in {row.tenant_id for row in stored}:
            connection.execute(ISSUE_SCOPE, issuing_parameters(tenant))
            connection.execute(text("SELECT update_memory_statistics(:d)"), {"d": stored[0].stat_date})
        assert connection.execute(sql).all() == stored
        connection.rollback()


# --- calculate_cognitive_metrics ----------------------------------------------------------------------------------


def test_metrics_of_thinking(world: World, driver: str) -> None:
    now = datetime.now(UTC)

    def cycle(agent: str, phase: str, days: float, duration: int | None, tokens: int | None) -> CognitiveCycle:
        moment = now - timedelta(days=days)
        return CognitiveCycle(
            agent_name=agent, phase=phase, created_at=moment, duration_ms=duration, token_count=tokens
        )

    remember(
        world,
        cycle("explainer", "perception", 1, 100, 10),
        cycle("explainer", "perception", 2, None, 30),
        cycle("explainer", "decision", 29.9, 200, None),
        cycle("explainer", "action", 31, 9_000, 9_000),
        cycle("orchestrator", "action", 3, 600, 60),
        episode("explainer", now - timedelta(days=5)),
        episode("explainer", now - timedelta(days=50)),
        procedure("explainer", "p", now - timedelta(days=5)),
        procedure("orchestrator", "p", now - timedelta(days=5)),
    )
    remember(world, cycle("explainer", "perception", 1, 1, 1), episode("explainer", now), tenant=OTHER)
    with world.repository(driver, AsyncCognitiveCycleRepository, world.scope()) as repository:
        found = repository.calculate_cognitive_metrics("explainer")
        assert (found.agent_name, found.days, found.cycles) == (AgentName.EXPLAINER, 30, 3)
        phases = dict.fromkeys(CognitivePhase, 0)
        assert found.cycles_per_phase == phases | {CognitivePhase.PERCEPTION: 2, CognitivePhase.DECISION: 1}
        assert (found.mean_duration_ms, found.mean_token_count, found.total_token_count) == (150, 20, 40)
        assert (found.episodic_memories, found.procedural_memories) == (1, 1)
        everyone = repository.calculate_cognitive_metrics(days=40)
        assert (everyone.agent_name, everyone.cycles, everyone.total_token_count) == (None, 5, 9_100)
        assert everyone.procedural_memories == 2
        nobody = repository.calculate_cognitive_metrics("drift_monitor", days=2**31 - 1)
        assert (nobody.cycles, nobody.total_token_count, nobody.cycles_per_phase) == (0, 0, phases)
        assert nobody.mean_duration_ms is nobody.mean_token_count is None
        assert repository.calculate_cognitive_metrics(days=0).cycles == 0
        for arguments in (("nobody", 1), (None, -1)):
            with pytest.raises(FilterError):
                repository.calculate_cognitive_metrics(*arguments)


@pytest.mark.parametrize("days", ["-1", "NULL"])
def test_days_that_do_not_exist(world: World, days: str) -> None:
    with world.session() as session, pytest.raises(DBAPIError, match="days do not exist") as refused:
        session.execute(text(f"SELECT calculate_cognitive_metrics(NULL, {days})"))
    assert refused.value.orig.sqlstate == "22023"


def test_a_cycle_costs_no_less_than_nothing(world: World) -> None:
    for column in ("duration_ms", "token_count"):
        with world.session() as session, pytest.raises(DBAPIError, match=column):
            CognitiveCycleRepository(session).create(
                CognitiveCycle(agent_name="explainer", phase="action", **{column: -1})
            )


# --- hybrid search ------------------------------------------------------------------------------------------------


@pytest.fixture
def searchable(world: World) -> World:
    remember(
        world,
        episode("explainer", content="near", content_embedding=angle(10), context_json={"brand": "Kisqali"}),
        episode("explainer", MIDNIGHT, content="south", content_embedding=angle(20), context_json={"region": "south"}),
        episode("orchestrator", content="edge", content_embedding=angle(59), context_json={"brand": "Kisqali"}),
        episode("orchestrator", content="at the threshold", content_embedding=angle(60.5)),
        episode("orchestrator", content="zero", content_embedding=ZERO),
        episode("orchestrator", content="bare"),
        procedure("explainer", "known", trigger_embedding=angle(15), trigger_pattern="when asked"),
        procedure("explainer", "plain", trigger_embedding=angle(30)),
        procedure("explainer", "inactive", trigger_embedding=angle(0), is_active=False),
        procedure("explainer", "zero", trigger_embedding=ZERO),
    )
    remember(world, episode("explainer", content="theirs", content_embedding=angle(0)), tenant=OTHER)
    return world


def test_memories_and_procedures_by_similarity(searchable: World, driver: str) -> None:
    with searchable.repository(driver, AsyncEpisodicMemoryRepository, searchable.scope()) as memories:

        def found(filters: Any = None, limit: int = 20) -> list[str]:
            return [hit.content for hit in memories.hybrid_vector_search(angle(0), limit, filters)]

        every = ["near", "known: when asked", "south", "plain", "edge"]
        procedures = ["known: when asked", "plain"]
        assert found() == every
        assert found(limit=2) == every[:2]
        assert found(limit=0) == []
        assert found({"brand": "Kisqali"}) == ["near", "known: when asked", "plain", "edge"], "of memories only"
        assert found({"region": "south"}) == ["known: when asked", "south", "plain"]
        assert found({"agent_name": "orchestrator"}) == [*procedures, "edge"]
        assert found({"agent_name": "explainer", "brand": "Kisqali"}) == ["near", *procedures]
        assert found({"brand": "none"}) == procedures
        assert found({"brand": None}) == every
        assert found({"status": "x", "priority": "y"}) == every, "those belong to the search by words"
        noon, midnight = NOON.isoformat(), MIDNIGHT.isoformat()
        assert found({"date_from": midnight}) == ["known: when asked", "south", "plain"]
        assert found({"date_to": noon}) == ["near", "known: when asked", "plain", "edge"], "both ends belong to it"
        assert found({"date_from": noon, "date_to": midnight}) == every
        for query in (None, ZERO):
            assert memories.hybrid_vector_search(query) == []
        hit = memories.hybrid_vector_search(angle(0), 1)[0]
        assert hit.similarity == pytest.approx(0.98481, abs=1e-4)
        assert hit.source_table == "episodic_memories"
        assert hit.metadata["context"] == {"brand": "Kisqali"}
        assert hit.metadata["created_at"] == "2026-03-10T12:00:00+00:00"
        with pytest.raises(FilterError):
            memories.hybrid_vector_search(angle(0), -1)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/New_York"])
def test_a_date_without_a_zone_is_utc(searchable: World, zone: str) -> None:
    with searchable.session() as session:
        session.execute(text(f"SET LOCAL TIME ZONE '{zone}'"))
        found = EpisodicMemoryRepository(session).hybrid_vector_search(angle(0), filters={"date_from": "2026-03-11"})
        assert "south" in [hit.content for hit in found]
        assert "near" not in [hit.content for hit in found]
        assert session.scalar(text("SHOW TimeZone")) == zone


@pytest.mark.parametrize(
    ("filters", "state"),
    [
        ('{"brnd": "Kisqali"}', "22023"),
        ("[]", "22023"),
        ('"brand"', "22023"),
        ('{"agent_name": "nobody"}', "22P02"),
        ('{"date_from": "soon"}', "22007"),
    ],
)
def test_filters_that_are_none(world: World, filters: str, state: str) -> None:
    search = text("SELECT * FROM hybrid_vector_search(:q, 5, CAST(:f AS jsonb))")
    with world.session() as session, pytest.raises(DBAPIError) as refused:
        session.execute(search, {"q": str(angle(0)), "f": filters})
    assert refused.value.orig.sqlstate == state


def test_no_filters_at_all(searchable: World) -> None:
    with searchable.session() as session:

        def found(call: str) -> int:
            search = text(f"SELECT * FROM hybrid_vector_search({call})")
            return len(session.execute(search, {"q": str(angle(0))}).all())

        assert [found(call) for call in (":q, 20, NULL", ":q, 20, '{}'", ":q")] == [5, 5, 5]
        assert [found(call) for call in (":q, NULL", ":q, -1", "NULL")] == [0, 0, 0]


def test_the_searched_tables(searchable: World, driver: str) -> None:
    with searchable.repository(driver, AsyncEpisodicMemoryRepository, searchable.scope()) as memories:
        found = {
            t.tbl_name: (t.total_rows, t.has_search_vector, t.has_embedding_index) for t in memories.get_search_stats()
        }
    assert found == {
        "episodic_memories": (6, False, True),
        "procedural_memories": (4, False, False),
        "causal_paths": (0, True, False),
        "agent_activities": (0, True, False),
        "triggers": (0, True, False),
    }


def test_the_searched_tables_count_what_the_scope_sees(seeded: Any) -> None:
    with seeded.engine("app").connect() as connection:
        for splits in ("{train}", "{train,validation}"):
            connection.execute(
                text("SELECT * FROM app.open_scope('TEST_TENANT_001', NULL, CAST(:s AS text[]), NULL)"), {"s": splits}
            )
            for name, rows, *_ in connection.execute(text("SELECT * FROM get_search_stats()")).all():
                assert rows == connection.scalar(text(f"SELECT count(*) FROM {name}")) > 0


# --- what a memory is about ---------------------------------------------------------------------------------------


def plant(world: World, table: str, **values: Any) -> None:
    """Store a row as superuser."""
    row = {"tenant_id": TENANT, **values}
    source = f"jsonb_populate_record(CAST(NULL AS {table}), CAST(:row AS jsonb))"
    insert = f"INSERT INTO {table} ({', '.join(row)}) SELECT {', '.join(row)} FROM {source}"
    world.admin(insert, row=json.dumps(row, default=str))


def test_the_rows_that_a_memory_is_about(world: World, driver: str) -> None:
    (one,), (sealed,) = patients("train", 1), patients("test", 1)
    journey, hidden, score = uuid4(), uuid4(), uuid4()
    plant(world, "hcp_profiles", hcp_id="H1", first_name="Ada", last_name="Berg", specialty="Oncology")
    for key, patient in ((journey, one), (hidden, sealed)):
        plant(world, "patient_journeys", id=key, patient_id=patient, brand="Kisqali", journey_stage="started")
    sent = {"trigger_timestamp": NOON, "trigger_type": "risk", "priority": "high"}
    plant(world, "triggers", trigger_id="T1", patient_id=one, hcp_id="H1", **sent)
    path = {"discovery_date": DAY, "causal_chain": [], "start_node": "visits", "end_node": "scripts"}
    plant(world, "causal_paths", path_id="C1", split_assignment="train", **path)
    plant(world, "ml_predictions", id=score, patient_id=one, model_id="m", prediction_type="churn")
    context = {
        "patient_journey_id": str(journey),
        "hcp_id": "H1",
        "trigger_id": "T1",
        "causal_path_id": "C1",
        "prediction_id": str(score),
        "treatment_event_id": "not resolved",
    }
    odd = {
        "patient_journey_id": "no uuid",
        "hcp_id": "H9",
        "trigger_id": "T9",
        "causal_path_id": "C9",
        "prediction_id": str(uuid4()),
    }
    with world.repository(driver, AsyncEpisodicMemoryRepository, world.scope()) as memories:
        stored = memories.store_episodic_memory("explainer", "x", context=context)
        found = memories.get_memory_entity_context(stored)
        assert [(entity.entity_type, entity.entity_id, entity.entity_name) for entity in found] == [
            ("patient_journey", str(journey), "Kisqali started"),
            ("hcp", "H1", "Ada Berg"),
            ("trigger", "T1", "risk"),
            ("causal_path", "C1", "visits to scripts"),
            ("prediction", str(score), "m churn"),
        ]
        assert found[1].entity_details["specialty"] == "Oncology"
        assert found[2].entity_details["priority"] == "high"
        lost = memories.store_episodic_memory("explainer", "x", context=odd)
        assert memories.get_memory_entity_context(lost) == [], "links to nothing are skipped"
        # A memory may name a row of a sealed split: it does not open it.
        secret = memories.store_episodic_memory("explainer", "x", context={"patient_journey_id": str(hidden)})
        assert memories.get_memory_entity_context(secret) == []
        assert memories.get_memory_entity_context(uuid4()) == []
        memories.session.commit()
    with world.session("test") as session:
        (entity,) = EpisodicMemoryRepository(session).get_memory_entity_context(secret)
        assert entity.entity_details["patient_id"] == sealed
        assert [e.entity_type for e in EpisodicMemoryRepository(session).get_memory_entity_context(stored)] == ["hcp"]
    with world.session(tenant=OTHER) as session:
        assert EpisodicMemoryRepository(session).get_memory_entity_context(stored) == []
