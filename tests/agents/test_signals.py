"""Learning signals: written by whoever observes, handed out to one learner at a time, lost by none."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from hedgerow import Scope, open_session
from hedgerow.agents import AgentName, LearningSignal, LearningSignalType
from hedgerow.agents.repository import AsyncLearningSignalRepository, LearningSignalRepository
from hedgerow.core.repository import FilterError, RowNotFoundError
from isolation.oracle import open_scope, refusal
from world import OTHER, TENANT, World, make_world

WHEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
AGENTS = ("explainer", "model_trainer", None)


@pytest.fixture
def world(database: Any) -> World:
    """Twelve free signals of each tenant, the oldest with the highest number, and a processed one."""
    world = make_world(database)
    for tenant in (TENANT, OTHER):
        for number in range(13):
            world.admin(
                "INSERT INTO learning_signals"
                " (tenant_id, source_type, signal_type, agent_name, signal_value, processed, created_at)"
                " VALUES (:t, :source, 'outcome_success', :agent, :value, :done, :at)",
                t=tenant,
                source=f"{tenant} source",
                agent=AGENTS[number % 3],
                value=number,
                done=number == 12,
                at=WHEN - timedelta(hours=number),
            )
    return world


@pytest.fixture(params=["psycopg", "asyncpg"])
def signals(world: World, request: pytest.FixtureRequest) -> Iterator[Any]:
    with world.repository(request.param, AsyncLearningSignalRepository, world.scope()) as repository:
        yield repository


def values(found: list[LearningSignal]) -> list[int]:
    """Numbers of the signals; fails for one of the other tenant."""
    assert {signal.tenant_id for signal in found} <= {TENANT}
    return [int(signal.signal_value) for signal in found if signal.signal_value is not None]


def taken(connection: Connection, limit: int | None = 100, agent: str | None = None) -> list[UUID]:
    call = text("SELECT signal_id FROM get_learning_signals(CAST(:agent AS agent_name_type), :limit)")
    return list(connection.scalars(call, {"agent": agent, "limit": limit}))


def test_the_oldest_come_first_of_one_agent_or_of_all(signals: Any) -> None:
    assert values(signals.get_learning_signals()) == list(range(11, -1, -1))
    assert values(signals.get_learning_signals("explainer")) == [9, 6, 3, 0]
    # An agent of tier 0, of which agent_type knows nothing.
    assert values(signals.get_learning_signals(AgentName.MODEL_TRAINER)) == [10, 7, 4, 1]
    assert values(signals.get_learning_signals("drift_monitor")) == []
    with pytest.raises(ValueError):
        signals.get_learning_signals("nobody")


@pytest.mark.parametrize(("limit", "count"), [(0, 0), (1, 1), (5, 5), (100, 12), (None, 12)])
def test_limits(signals: Any, limit: int | None, count: int) -> None:
    assert values(signals.get_learning_signals(limit=limit)) == list(range(11, -1, -1))[:count]


def test_a_negative_limit_is_refused(signals: Any, world: World) -> None:
    with pytest.raises(FilterError):
        signals.get_learning_signals(limit=-1)
    with world.database.engine("app").connect() as connection:
        open_scope(connection, TENANT)
        with pytest.raises(DBAPIError) as refused:
            taken(connection, -1)
    assert refusal(refused.value) == "2201W"


def test_signals_are_objects_of_the_session(signals: Any) -> None:
    (signal,) = signals.get_learning_signals(limit=1)
    assert isinstance(signal, LearningSignal)
    assert signal.signal_type is LearningSignalType.OUTCOME_SUCCESS
    assert signal is signals.get_by_id(signal.signal_id)


@pytest.mark.parametrize("role", ["admin", "app"])
def test_the_function_itself_keeps_to_the_tenant(world: World, role: str) -> None:
    with world.database.engine(role).connect() as connection:
        assert taken(connection) == [], "no scope, no signals"
        for tenant in (TENANT, OTHER):
            open_scope(connection, tenant)
            found = taken(connection)
            own = world.admin("SELECT signal_id FROM learning_signals WHERE tenant_id = :t AND NOT processed", t=tenant)
            assert sorted(found) == sorted(row.signal_id for row in own)
            assert len(found) == 12


def test_what_one_worker_holds_no_other_is_given(world: World) -> None:
    with world.session() as one, world.session() as other:
        first = LearningSignalRepository(one).get_learning_signals(limit=5)
        second = LearningSignalRepository(other).get_learning_signals(limit=100)
        assert (values(first), values(second)) == ([11, 10, 9, 8, 7], [6, 5, 4, 3, 2, 1, 0])
        assert LearningSignalRepository(one).get_learning_signals(limit=3) == first[:3], "its own are still its own"


def test_what_a_worker_gives_up_is_handed_out_again(world: World) -> None:
    with world.session() as one:
        repository = LearningSignalRepository(one)
        handed_out = repository.get_learning_signals(limit=4)
        repository.mark_processed(handed_out[:2])
        one.rollback()
    with world.session() as other:
        assert values(LearningSignalRepository(other).get_learning_signals(limit=4)) == [11, 10, 9, 8]


def test_what_a_dead_worker_held_is_handed_out_again(world: World) -> None:
    with world.database.engine("app").connect() as dying, world.database.engine("app").connect() as other:
        open_scope(dying, TENANT)
        open_scope(other, TENANT)
        held = taken(dying)
        assert len(held) == 12
        assert taken(other) == []
        process = dying.scalar(text("SELECT pg_backend_pid()"))
        world.admin("SELECT pg_terminate_backend(:p, 10000)", p=process)
        assert taken(other) == held
        dying.invalidate()


def test_what_was_learnt_from_is_not_handed_out_again(signals: Any, world: World) -> None:
    handed_out = signals.get_learning_signals(limit=4)
    assert signals.mark_processed(handed_out[:3]) == 3
    assert signals.mark_processed([handed_out[0].signal_id]) == 1, "marking twice changes nothing"
    assert signals.mark_processed([]) == 0
    signals.session.commit()
    with world.session() as other:
        assert values(LearningSignalRepository(other).get_learning_signals(limit=2)) == [8, 7]


def test_only_signals_of_the_tenant_can_be_marked(signals: Any, world: World) -> None:
    (theirs,) = world.admin("SELECT signal_id FROM learning_signals WHERE tenant_id = :t AND signal_value = 3", t=OTHER)
    (own,) = signals.get_learning_signals(limit=1)
    for unknown in (theirs.signal_id, uuid4()):
        with pytest.raises(RowNotFoundError):
            signals.mark_processed([own, unknown])
    signals.session.commit()
    assert len(world.admin("SELECT FROM learning_signals WHERE processed")) == 2, "all or nothing"


WORKERS = 6


def test_every_signal_is_learnt_from_once(world: World) -> None:
    """Workers in parallel, of whom some fail after they have learnt: what was committed was handed out once."""
    world.admin(
        "INSERT INTO learning_signals (tenant_id, source_type, signal_type)"
        " SELECT :t, 'many', 'implicit_accept' FROM generate_series(1, 200)",
        t=TENANT,
    )
    start, deadline = threading.Barrier(WORKERS), datetime.now(UTC) + timedelta(seconds=60)

    def work(worker: int) -> list[UUID]:
        learnt: list[UUID] = []
        start.wait(timeout=30)
        turn = 0
        while datetime.now(UTC) < deadline:
            turn += 1
            with open_session(Scope(TENANT), engine=world.engine) as session:
                repository = LearningSignalRepository(session)
                mine = [signal.signal_id for signal in repository.get_learning_signals(limit=7)]
                if not mine:
                    # Either all is done, or others hold the rest and may yet fail.
                    if not repository.count({"processed": False}):
                        return learnt
                    continue
                repository.mark_processed(mine)
                if (worker + turn) % 4 == 0:
                    session.rollback()
                else:
                    session.commit()
                    learnt += mine
        raise AssertionError("signals were left over")

    with ThreadPoolExecutor(WORKERS) as pool:
        learnt = Counter(signal for done in pool.map(work, range(WORKERS)) for signal in done)
    there = world.admin("SELECT signal_id FROM learning_signals WHERE tenant_id = :t AND processed", t=TENANT)
    assert set(learnt.values()) == {1}
    assert len(learnt) == 212
    assert set(learnt) <= {row.signal_id for row in there}
    assert len(world.admin("SELECT FROM learning_signals WHERE tenant_id = :t AND processed", t=OTHER)) == 1


def test_a_signal_that_was_settled_meanwhile_is_passed_over(world: World) -> None:
    """Another transaction commits between the snapshot of the reader and its lock: the row is looked at again."""
    with world.database.engine("app").connect() as one, world.database.engine("app").connect() as other:
        open_scope(one, TENANT)
        one.commit()
        for connection in (one, other):
            open_scope(connection, TENANT)
        held = taken(other, 12)
        other.execute(text("UPDATE learning_signals SET processed = true WHERE signal_id = ANY (:ids)"), {"ids": held})
        assert taken(one) == []
        other.commit()
        assert taken(one) == []


def test_signals_are_recorded(signals: Any) -> None:
    source = uuid4()
    stored = signals.record(
        "negative_feedback", "conversation", source, signal_value=-0.5, agent_name="scope_definer", context={"a": 1}
    )
    assert (stored.signal_type, stored.agent_name) == (LearningSignalType.NEGATIVE_FEEDBACK, AgentName.SCOPE_DEFINER)
    assert (stored.tenant_id, stored.source_id, stored.signal_value) == (TENANT, source, -0.5)
    assert (stored.context_json, stored.processed) == ({"a": 1}, False)
    least = signals.record(LearningSignalType.IMPLICIT_ACCEPT, "activity")
    assert (least.source_id, least.signal_value, least.agent_name, least.context_json) == (None, None, None, {})
    assert signals.get_learning_signals("scope_definer") == [stored]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_value_is_refused(signals: Any, value: float) -> None:
    good = LearningSignal(signal_type="outcome_failure", source_type="batch", signal_value=1.0)
    bad = LearningSignal(signal_type="outcome_failure", source_type="batch", signal_value=value)
    with pytest.raises(FilterError):
        signals.record_many([good, bad])
    assert signals.count({"source_type": "batch"}) == 0
    with pytest.raises(ValueError):
        signals.record("applause", "conversation")
    with pytest.raises(ValueError):
        signals.record("outcome_failure", "conversation", agent_name="nobody")


@pytest.mark.parametrize(
    "values",
    [
        {"signal_type": "applause"},
        {"source_type": None},
        {"source_type": "x" * 51},
        {"source_id": "none"},
        {"agent_name": "nobody"},
        {"context": {"a": "b\0c"}},
        {"context": {"a": float("nan")}},
    ],
    ids=str,
)
def test_what_is_no_signal_is_refused_in_words_and_the_transaction_goes_on(signals: Any, values: Any) -> None:
    before = signals.count()
    with pytest.raises(FilterError):
        signals.record(**{"signal_type": "outcome_failure", "source_type": "batch"} | values)
    assert signals.count() == before


@pytest.mark.parametrize("limit", [-1, 2**31, 1.5, True])
def test_limits_that_are_no_counts(signals: Any, limit: Any) -> None:
    with pytest.raises(FilterError, match="not a count"):
        signals.get_learning_signals(limit=limit)


def test_what_can_be_no_signal_is_not_marked(signals: Any) -> None:
    with pytest.raises(FilterError):
        signals.mark_processed(["none"])
    assert signals.mark_processed([]) == 0


def test_many_signals_are_recorded_in_order(signals: Any) -> None:
    made = [
        LearningSignal(signal_type="outcome_failure", source_type="batch", signal_value=float(n)) for n in range(300)
    ]
    stored = signals.record_many(made)
    assert [signal.signal_value for signal in stored] == [float(n) for n in range(300)]
    assert signals.record_many([]) == []
    assert signals.count({"source_type": "batch"}) == 300


def test_enum_labels(world: World) -> None:
    for name, enum in (("learning_signal_type", LearningSignalType), ("agent_name_type", AgentName)):
        assert world.admin(f"SELECT enum_range(NULL::{name})::text[]")[0][0] == [member.value for member in enum]
