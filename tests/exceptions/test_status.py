"""The status of an exception is what its log says: whoever writes, in whatever order, and however many at once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import permutations
from time import sleep
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from exceptions.conftest import raised
from hedgerow import Scope, open_session
from hedgerow.exceptions import (
    BusinessException,
    ExceptionEvent,
    ExceptionEventType,
    ExceptionStatus,
    derived_status,
    status,
)
from hedgerow.exceptions.repository import ExceptionRepository
from planting import become_session, planting
from world import OTHER, TENANT, World

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Happened:
    event_type: str
    created_at: datetime


def happened(*story: tuple[int, str]) -> list[Happened]:
    return [Happened(kind, NOON + timedelta(minutes=minute)) for minute, kind in story]


def write(session: Any, exception_id: str, events: list[Happened]) -> None:
    """All events in one statement; those of a set are no sequence."""
    rows = [
        {
            "exception_id": exception_id,
            "event_type": event.event_type,
            "created_at": event.created_at,
            "actor_type": "system",
            "payload": {},
        }
        for event in events
    ]
    if rows:
        session.execute(insert(ExceptionEvent).values(rows))


def stored(session: Any, exception_id: str = "EX-1") -> ExceptionStatus:
    found: ExceptionStatus = session.scalar(
        select(BusinessException.status).where(BusinessException.exception_id == exception_id)
    )
    return found


def test_the_rule_is_the_same_in_sql_and_in_python(still_world: World) -> None:
    kinds = [*map(str, ExceptionEventType), "SomethingElse", "", "exceptioncreated"]
    found = still_world.admin(
        "SELECT k, app.exception_event_status(k) FROM unnest(CAST(:kinds AS text[])) AS k", kinds=kinds
    )
    assert dict(map(tuple, found)) == {kind: status.STATUS_OF_EVENT.get(kind) for kind in kinds}  # type: ignore[call-overload]
    assert set(status.STATUS_OF_EVENT.values()) == set(ExceptionStatus), "every status is reached"


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        ([], "open"),
        ([(0, "ExceptionCreated")], "open"),
        ([(0, "Unheard")], "open"),
        ([(0, "CopilotQuestionAsked")], "open"),
        ([(0, "ExceptionCreated"), (1, "TriageCompleted")], "analyzing"),
        ([(0, "TriageCompleted"), (1, "FeedbackCaptured")], "analyzing"),
        ([(1, "ResolutionApproved"), (2, "FeedbackCaptured"), (3, "Unheard")], "resolved"),
        ([(1, "ExceptionEscalated"), (2, "ResolutionApproved")], "resolved"),
        # What happened later counts, wherever it stands in the list.
        ([(2, "ExceptionEscalated"), (1, "ResolutionApproved")], "escalated"),
        ([(1, "ResolutionApproved"), (2, "TriageCompleted")], "analyzing"),
        # At one moment, the one furthest along.
        ([(1, "ResolutionApproved"), (1, "ExceptionCreated"), (1, "ExceptionEscalated")], "resolved"),
        ([(1, "PolicyEvaluated"), (1, "ExceptionEscalated")], "escalated"),
        ([(1, "ExceptionCreated"), (1, "ResolutionSuggested")], "analyzing"),
    ],
    ids=str,
)
def test_stories(still_world: World, story: list[tuple[int, str]], expected: str) -> None:
    events = happened(*story)
    assert derived_status(events) == expected
    for number, order in enumerate(list(permutations(events))[:6]):
        with still_world.session() as session:
            session.add(raised(f"EX-{number + 10}"))
            session.flush()
            for event in order:
                write(session, f"EX-{number + 10}", [event])
            repository = ExceptionRepository(session)
            assert stored(session, f"EX-{number + 10}") == repository.rebuild_status(f"EX-{number + 10}") == expected


def test_the_events_of_one_transaction_have_one_time(still_world: World) -> None:
    """The server's clock stands still in a transaction, so that the ids of events would decide by chance."""
    with still_world.session() as session:
        repository = ExceptionRepository(session)
        for kind in ("ExceptionCreated", "TriageCompleted", "ResolutionApproved", "FeedbackCaptured"):
            repository.append_event("EX-1", kind, {}, actor_type="agent")
        assert len({event.created_at for event in repository.get_history("EX-1")}) == 1
        assert repository.get_by_id("EX-1").status == "resolved"  # type: ignore[union-attr]


# --- The property -------------------------------------------------------------------------------------------------

KINDS = st.sampled_from([*map(str, ExceptionEventType), "Unheard"])
# A few moments only, so that many events share one.
STORIES = st.lists(st.tuples(st.integers(0, 4), KINDS), max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    stories=st.lists(STORIES, min_size=1, max_size=3),
    seed=st.integers(0, 2**16),
    batch=st.integers(1, 5),
    savepoints=st.booleans(),
)
@example(stories=[[(1, "ResolutionApproved"), (0, "ExceptionCreated")]], seed=0, batch=1, savepoints=True)
def test_the_stored_status_is_the_one_of_the_log(
    still_world: World, stories: list[list[tuple[int, str]]], seed: int, batch: int, savepoints: bool
) -> None:
    """Events of several exceptions in any order, in batches of any size, some of them rolled back and sent again."""
    names = [f"EX-{number}" for number in range(2, 2 + len(stories))]
    told = [(name, event) for name, story in zip(names, stories, strict=True) for event in happened(*story)]
    chance = random.Random(seed)
    chance.shuffle(told)
    with still_world.session() as session:
        session.add_all(raised(name) for name in names)
        session.flush()
        for start in range(0, len(told), batch):
            part = told[start : start + batch]
            rows = [
                {
                    "exception_id": name,
                    "event_type": event.event_type,
                    "created_at": event.created_at,
                    "actor_type": "system",
                    "payload": {},
                }
                for name, event in part
            ]
            if savepoints:
                savepoint = session.begin_nested()
                session.execute(insert(ExceptionEvent).values(rows))
                savepoint.rollback()
            session.execute(insert(ExceptionEvent).values(rows))
        repository = ExceptionRepository(session)
        for name, story in zip(names, stories, strict=True):
            rebuilt = derived_status(repository.get_history(name))
            assert rebuilt == derived_status(happened(*story)), "the log holds what was written"
            assert stored(session, name) == rebuilt == repository.rebuild_status(name)
        assert repository.get_status_drift() == []
        session.rollback()


# --- At once ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ"])
def test_writers_at_once_lose_no_event(world: World, level: str) -> None:
    """Each sees the events of those before it, or fails to serialise and tries again."""
    engine = world.engine.execution_options(isolation_level=level)
    kinds = ["TriageCompleted", "ResolutionApproved", "ExceptionEscalated", "PolicyEvaluated"] * 6
    moments = list(range(len(kinds)))
    random.Random(7).shuffle(moments)

    def append(number: int) -> int:
        for attempt in range(200):
            with open_session(world.scope(), engine=engine) as session:
                try:
                    ExceptionRepository(session).append_event(
                        "EX-1",
                        kinds[number],
                        {},
                        actor_type="agent",
                        idempotency_key=str(number),
                        created_at=NOON + timedelta(minutes=moments[number]),
                    )
                    session.commit()
                except OperationalError as error:
                    if getattr(error.orig, "sqlstate", None) != "40001":
                        raise
                    continue
                return attempt
        raise AssertionError("no attempt succeeded")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(append, range(len(kinds))))
    newest = max(range(len(kinds)), key=lambda number: moments[number])
    with world.session() as session:
        repository = ExceptionRepository(session)
        assert len(repository.get_history("EX-1")) == len(kinds)
        assert stored(session) == status.STATUS_OF_EVENT[kinds[newest]]  # type: ignore[index]
        assert repository.get_status_drift() == []


def test_a_writer_that_had_to_wait_sees_what_it_waited_for(world: World) -> None:
    """The earlier event arrives while the later one is not committed yet: it must not have the last word."""

    def write_earlier() -> None:
        with world.session() as session:
            write(session, "EX-1", happened((10, "ExceptionEscalated")))
            session.commit()

    with world.session() as session, ThreadPoolExecutor(1) as pool:
        write(session, "EX-1", happened((20, "ResolutionApproved")))
        waiting = pool.submit(write_earlier)
        blocked = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while not world.admin(blocked)[0][0]:
            assert not waiting.done(), "it did not wait"
            sleep(0.01)
        session.commit()
        waiting.result(timeout=30)
    with world.session() as session:
        assert stored(session) == ExceptionRepository(session).rebuild_status("EX-1") == "resolved"


def test_a_snapshot_that_is_too_old_overlooks_nothing(world: World) -> None:
    """An event that leaves the status as it is must still stop a transaction that has not seen it."""
    engine = world.engine.execution_options(isolation_level="REPEATABLE READ")
    with world.session() as session:
        write(session, "EX-1", happened((5, "TriageCompleted")))
        session.commit()
    with open_session(world.scope(), engine=engine) as old, world.session() as session:
        assert stored(old) == "analyzing"
        write(session, "EX-1", happened((20, "PolicyEvaluated")))
        session.commit()
        with pytest.raises(OperationalError, match="could not serialize"):
            write(old, "EX-1", happened((10, "ResolutionApproved")))


def test_writers_of_several_exceptions_do_not_lock_each_other_out(world: World) -> None:
    with world.session() as session:
        session.add_all(raised(f"EX-{number}") for number in range(2, 6))
        session.commit()

    def append(number: int) -> None:
        names = [f"EX-{n}" for n in range(1, 6)]
        random.Random(number).shuffle(names)
        rows = [
            {"exception_id": name, "event_type": "TriageCompleted", "actor_type": "agent", "payload": {}}
            for name in names
        ]
        for _ in range(5):
            with world.session() as session:
                session.execute(insert(ExceptionEvent).values(rows))
                session.commit()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(append, range(6)))
    assert world.admin("SELECT count(*) FROM exception_event")[0][0] == 150


# --- By hand ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["admin", "owner", "app"])
def test_nobody_sets_the_status_by_hand(still_world: World, role: Any) -> None:
    with still_world.database.engine(role).connect() as connection:
        connection.execute(text(f"SELECT count(*) FROM app.open_scope('{TENANT}', NULL, ARRAY['train'], NULL)"))
        for statement in (
            "UPDATE exception SET status = 'resolved'",
            "INSERT INTO exception (tenant_id, exception_id, domain, type, severity, source_system, status)"
            f" VALUES ('{TENANT}', 'EX-9', 'd', 't', 'low', 's', 'resolved')",
        ):
            with pytest.raises(DBAPIError, match="follows from its events") as error, connection.begin_nested():
                connection.execute(text(statement))
            assert getattr(error.value.orig, "sqlstate", None) == "23000"
        changed = connection.execute(text(f"UPDATE exception SET status = status WHERE tenant_id = '{TENANT}'"))
        assert changed.rowcount == 1, "what changes nothing is no harm"


def test_an_object_with_a_status_is_refused(still_world: World) -> None:
    with still_world.session() as session:
        session.add(raised("EX-9", status="resolved"))
        with pytest.raises(IntegrityError, match="follows from its events"):
            session.flush()
        session.rollback()
        found = session.get_one(BusinessException, (TENANT, "EX-1"))
        found.status = ExceptionStatus.RESOLVED
        with pytest.raises(IntegrityError, match="follows from its events"):
            session.flush()


def test_what_the_session_holds_is_read_again(still_world: World) -> None:
    with still_world.session() as session:
        held = session.get_one(BusinessException, (TENANT, "EX-1"))
        before = held.updated_at
        ExceptionRepository(session).append_event(
            "EX-1", "ResolutionApproved", {}, actor_type="user", created_at=before + timedelta(hours=1)
        )
        assert held.status == "resolved"
        assert held.updated_at == before + timedelta(hours=1)


def test_updated_at_is_the_last_change_or_the_later_event(world: World) -> None:
    with world.session() as session:
        write(session, "EX-1", happened((0, "TriageCompleted")))
        session.commit()
        held = session.get_one(BusinessException, (TENANT, "EX-1"))
        first = held.updated_at
        assert first > NOON, "an event of long ago is no news"
        held.owner = "desk"
        session.commit()
        assert held.updated_at > first


def test_drift_is_found_where_somebody_went_past_the_triggers(world: World) -> None:
    with planting(world.database) as connection:
        connection.execute(text("UPDATE exception SET status = 'resolved'"))
        become_session(connection)
        connection.execute(text(f"SELECT count(*) FROM app.open_scope('{TENANT}', NULL, ARRAY['train'], NULL)"))
        found = connection.execute(text("SELECT exception_id, stored_status, derived_status FROM v_exception_status"))
        assert [tuple(row) for row in found] == [("EX-1", "resolved", "open")]
    world.admin("SET session_replication_role = replica; UPDATE exception SET status = 'escalated'")
    with world.session() as session:
        (drifted,) = ExceptionRepository(session).get_status_drift()
        assert (drifted.exception_id, drifted.stored_status, drifted.derived_status, drifted.decided_at) == (
            "EX-1",
            "escalated",
            "open",
            None,
        )


@pytest.mark.parametrize("role", ["superuser", "session"])
def test_the_view_shows_the_own_tenant(still_world: World, role: str) -> None:
    with planting(still_world.database) as connection:
        assert connection.scalar(text("SELECT count(*) FROM exception")) == 2, "there is something to leak"
        if role == "session":
            become_session(connection)
        for tenant in (TENANT, OTHER):
            connection.execute(text(f"SELECT count(*) FROM app.open_scope('{tenant}', NULL, ARRAY['train'], NULL)"))
            assert connection.scalar(text("SELECT count(*) FROM v_exception_status")) == 1
        connection.execute(text("SELECT set_config('app.scope', '', true)"))
        assert connection.scalar(text("SELECT count(*) FROM v_exception_status")) == 0


def test_the_seeded_logs_lead_everywhere(seeded: Any) -> None:
    with open_session(Scope("TEST_TENANT_001"), engine=seeded.scoped_engine()) as session:
        repository = ExceptionRepository(session)
        for wanted in ExceptionStatus:
            found = repository.get_by_status(wanted)
            assert found
            assert [row.created_at for row in found] == sorted(row.created_at for row in found)
            assert all(derived_status(repository.get_history(row.exception_id)) == wanted for row in found[:3])
            critical = repository.get_by_status(wanted, "critical")
            assert {row.exception_id for row in critical} == {r.exception_id for r in found if r.severity == "critical"}
        assert repository.get_status_drift() == []


@pytest.fixture
def planned(still_world: World) -> Iterator[Any]:
    with planting(still_world.database) as connection:
        connection.execute(
            text(
                "INSERT INTO exception_event (tenant_id, exception_id, event_type, actor_type, payload, created_at)"
                f" SELECT '{TENANT}', 'EX-' || n % 100, 'TriageCompleted', 'agent', '{{}}', now() - n * interval '1 s'"
                " FROM generate_series(1, 20000) AS n"
            )
        )
        connection.execute(text("ANALYZE exception_event"))
        yield connection


def test_the_status_is_found_without_reading_the_whole_log(planned: Any) -> None:
    """The trigger's query walks the index from the newest event back."""
    function = planned.scalar(text("SELECT prosrc FROM pg_proc WHERE proname = 'keep_exception_status'"))
    query = function[function.index("SELECT app.exception_event_status") : function.index("LIMIT 1") + len("LIMIT 1")]
    query = query.replace("x.tenant_id", f"'{TENANT}'").replace("x.exception_id", "'EX-1'")
    plan = "\n".join(planned.scalars(text("EXPLAIN (COSTS OFF) " + query)))
    assert "Index Scan Backward using ix_exception_event_tenant_id_exception_id_created_at" in plan
