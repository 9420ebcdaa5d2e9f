"""The log of exceptions: append-only for everyone, and a replayed event is written once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from exceptions.conftest import raised
from hedgerow import AppendOnlyError, CrossTenantError
from hedgerow.core.repository import FilterError, RowNotFoundError
from hedgerow.exceptions import BusinessException, ExceptionEvent, ReplayConflictError
from hedgerow.exceptions.repository import ExceptionRepository, event_id_of
from planting import planting, refused
from world import OTHER, TENANT, World

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)


def append(repository: Any, kind: str = "TriageCompleted", exception_id: str = "EX-1", **values: Any) -> ExceptionEvent:
    payload = values.pop("payload", {"found": 1})
    event: ExceptionEvent = repository.append_event(exception_id, kind, payload, **({"actor_type": "agent"} | values))
    return event


def test_an_event_is_stored_as_given(exceptions: Any) -> None:
    event = append(exceptions, payload={"a": [1, None, {"b": 1.5}]}, actor_id="agent-7", created_at=NOON)
    assert (event.tenant_id, event.exception_id, event.event_type) == (TENANT, "EX-1", "TriageCompleted")
    assert (event.actor_type, event.actor_id, event.created_at) == ("agent", "agent-7", NOON)
    assert event.payload == {"a": [1, None, {"b": 1.5}]}
    assert [found.event_id for found in exceptions.get_history("EX-1")] == [event.event_id]
    assert exceptions.get_history("EX-2") == []


def test_without_an_id_each_event_is_another(exceptions: Any) -> None:
    first, second = append(exceptions), append(exceptions)
    assert first.event_id != second.event_id
    assert len(exceptions.get_history("EX-1")) == 2


@pytest.mark.parametrize("how", ["event_id", "idempotency_key"])
def test_a_replay_gives_the_stored_event(exceptions: Any, how: str) -> None:
    name = {how: uuid4() if how == "event_id" else "order-17/triage"}
    stored = append(exceptions, created_at=NOON, **name)
    assert append(exceptions, created_at=NOON, **name) is stored
    assert append(exceptions, **name) is stored, "a replay need not know the time"
    assert append(exceptions, payload={"found": 1.0}, **name) is stored, "1.0 is 1 in JSON"
    assert len(exceptions.get_history("EX-1")) == 1
    if how == "idempotency_key":
        assert stored.event_id == event_id_of("order-17/triage")


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"payload": {"found": 2}}, ("payload",)),
        ({"payload": {"found": 1, "more": None}}, ("payload",)),
        ({"kind": "ResolutionApproved"}, ("event_type",)),
        ({"actor_type": "user"}, ("actor_type",)),
        ({"actor_id": "somebody"}, ("actor_id",)),
        ({"created_at": NOON + timedelta(microseconds=1)}, ("created_at",)),
        ({"exception_id": "EX-2", "payload": {}}, ("exception_id", "payload")),
    ],
    ids=str,
)
def test_a_replay_with_another_content_is_an_error(
    exceptions: Any, change: dict[str, Any], differs: tuple[str, ...]
) -> None:
    exceptions.create(raised("EX-2"))
    stored = append(exceptions, idempotency_key="k", created_at=NOON)
    with pytest.raises(ReplayConflictError, match=f"another {', '.join(differs)}") as refused:
        append(exceptions, idempotency_key="k", **change)
    assert refused.value.differences == differs
    assert refused.value.event_id == stored.event_id
    assert append(exceptions, idempotency_key="k") is stored, "the session goes on"
    assert exceptions.get_by_id("EX-1").status == "analyzing"


def test_an_id_or_a_key(exceptions: Any) -> None:
    with pytest.raises(FilterError, match="not both"):
        append(exceptions, event_id=uuid4(), idempotency_key="k")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"actor_type": "robot"}, "'robot' is not a valid ActorType"),
        ({"event_id": "seven"}, "'seven' is not a value of event_id"),
        ({"created_at": datetime(2025, 1, 1)}, "no time zone"),
    ],
    ids=str,
)
def test_values_that_do_not_fit(exceptions: Any, values: dict[str, Any], says: str) -> None:
    with pytest.raises(FilterError, match=says):
        append(exceptions, **values)


@pytest.mark.parametrize("tenant", [TENANT, OTHER])
def test_an_unknown_exception_is_said(world: World, tenant: str) -> None:
    """One of another tenant is as unknown as none."""
    with world.session(tenant=OTHER) as theirs:
        theirs.add(raised("EX-theirs"))
        theirs.commit()
    missing = "EX-none" if tenant == TENANT else "EX-theirs"
    with world.session() as session:
        repository = ExceptionRepository(session)
        with pytest.raises(RowNotFoundError, match=f"no exception '{missing}'"):
            append(repository, exception_id=missing)
        with pytest.raises(RowNotFoundError, match=f"no exception '{missing}'"):
            repository.rebuild_status(missing)
        assert append(repository), "the session goes on"


def test_the_same_id_in_two_tenants_is_two_events(world: World) -> None:
    for tenant, found in ((TENANT, 1), (OTHER, 2)):
        with world.session(tenant=tenant) as session:
            append(ExceptionRepository(session), idempotency_key="k", payload={"found": found})
            session.commit()
    with world.session() as session:
        assert [event.payload for event in ExceptionRepository(session).get_history("EX-1")] == [{"found": 1}]
    assert world.admin("SELECT count(*), count(DISTINCT event_id) FROM exception_event")[0] == (2, 1)


def test_a_log_of_another_tenant_is_not_read(world: World) -> None:
    with world.session(tenant=OTHER) as session:
        append(ExceptionRepository(session), "ResolutionApproved")
        session.commit()
    assert world.admin("SELECT count(*) FROM exception_event")[0][0] == 1, "there is something to leak"
    with world.session() as session:
        repository = ExceptionRepository(session)
        assert repository.get_history("EX-1") == []
        assert repository.rebuild_status("EX-1") == "open"
        assert repository.get_by_id("EX-1").status == "open"
        session.add(ExceptionEvent(tenant_id=OTHER, exception_id="EX-1", event_type="t", actor_type="user", payload={}))
        with pytest.raises(CrossTenantError):
            session.flush()


def test_writers_of_one_event_at_once_write_it_once(world: World) -> None:
    """Real connections that all hold the same event, and commit together."""
    count = 6
    barrier = Barrier(count)

    def write(number: int) -> str:
        with world.session() as session:
            session.scalar(select(BusinessException.status))
            barrier.wait(timeout=30)
            event = append(ExceptionRepository(session), idempotency_key="once")
            session.commit()
            return str(event.event_id)

    with ThreadPoolExecutor(count) as pool:
        written = set(pool.map(write, range(count)))
    assert written == {str(event_id_of("once"))}
    assert world.admin("SELECT count(*) FROM exception_event")[0][0] == 1


def test_of_two_contents_at_once_one_is_refused(world: World) -> None:
    barrier = Barrier(2)

    def write(found: int) -> str:
        with world.session() as session:
            session.scalar(select(BusinessException.status))
            barrier.wait(timeout=30)
            try:
                append(ExceptionRepository(session), idempotency_key="once", payload={"found": found})
            except ReplayConflictError:
                return "refused"
            session.commit()
            return "written"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(write, range(2))) == ["refused", "written"]


# --- Append-only --------------------------------------------------------------------------------------------------

MUTATIONS = (
    "UPDATE exception_event SET payload = '{}'",
    "UPDATE exception_event SET created_at = created_at",
    "DELETE FROM exception_event",
    "TRUNCATE exception_event",
    "TRUNCATE exception CASCADE",
    "TRUNCATE tenant CASCADE",
    "MERGE INTO exception_event AS e USING (SELECT) AS s ON true WHEN MATCHED THEN DELETE",
    "INSERT INTO exception_event SELECT * FROM exception_event"
    " ON CONFLICT (tenant_id, event_id) DO UPDATE SET payload = '{}'",
)


@pytest.fixture(scope="module")
def history(fresh_database: Any, template: str) -> World:
    """A world with one event, for tests that try to change it."""
    from exceptions.conftest import _made

    world = _made(fresh_database(template))
    with world.session() as session:
        append(ExceptionRepository(session))
        session.add(raised("EX-without"))
        session.commit()
    return world


@pytest.mark.parametrize("role", ["admin", "owner"])
@pytest.mark.parametrize("statement", MUTATIONS, ids=lambda sql: sql[:40])
def test_history_is_not_changed_by_its_owner_either(history: World, role: Any, statement: str) -> None:
    with history.database.engine(role).connect() as connection:
        connection.execute(text(f"SELECT count(*) FROM app.open_scope('{TENANT}', NULL, ARRAY['train'], NULL)"))
        assert connection.scalar(text("SELECT count(*) FROM exception_event")) == 1
        with pytest.raises(DBAPIError) as error:
            connection.execute(text(statement))
        assert getattr(error.value.orig, "sqlstate", None) == "23001"
        assert "append-only" in str(error.value)


@pytest.mark.parametrize("role", ["admin", "owner", "app"])
def test_an_exception_with_a_history_is_not_deleted(history: World, role: Any) -> None:
    with history.database.engine(role).connect() as connection:
        connection.execute(text(f"SELECT count(*) FROM app.open_scope('{TENANT}', NULL, ARRAY['train'], NULL)"))
        with pytest.raises(DBAPIError) as error, connection.begin_nested():
            connection.execute(text(f"DELETE FROM exception WHERE tenant_id = '{TENANT}' AND exception_id = 'EX-1'"))
        assert getattr(error.value.orig, "sqlstate", None) == "23001"
        assert "fk_exception_event_tenant_id_exception_id_exception" in str(error.value)
        gone = connection.execute(text("DELETE FROM exception WHERE exception_id = 'EX-without'"))
        assert gone.rowcount == 1


def test_a_tenant_with_a_history_is_not_deleted(history: World) -> None:
    with planting(history.database, triggers=True) as connection, refused(connection, "23001"):
        connection.execute(text(f"DELETE FROM tenant WHERE id = '{TENANT}'"))


def test_a_session_is_refused_before_the_database(still_world: World) -> None:
    with still_world.session() as session:
        event = append(ExceptionRepository(session))
        with pytest.raises(AppendOnlyError):
            session.execute(update(ExceptionEvent).values(actor_id="x"))
        with pytest.raises(AppendOnlyError):
            session.execute(delete(ExceptionEvent))
        event.actor_id = "x"
        with pytest.raises(AppendOnlyError):
            session.flush()


def test_an_event_at_the_end_of_time_is_refused(still_world: World) -> None:
    with planting(still_world.database, triggers=True) as connection, refused(connection, "23514"):
        connection.execute(
            text(
                "INSERT INTO exception_event (tenant_id, exception_id, event_type, actor_type, payload, created_at)"
                f" VALUES ('{TENANT}', 'EX-1', 't', 'user', '{{}}', 'infinity')"
            )
        )


def test_an_event_names_an_exception_of_its_own_tenant(world: World) -> None:
    with world.session(tenant=OTHER) as session:
        session.add(raised("EX-theirs"))
        session.commit()
    with world.session() as session:
        session.add(ExceptionEvent(exception_id="EX-theirs", event_type="t", actor_type="user", payload={}))
        with pytest.raises(IntegrityError, match="fk_exception_event_tenant_id_exception_id_exception"):
            session.flush()
