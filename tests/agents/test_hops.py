"""Investigations: hops are numbered from 1, without gap or duplicate, whoever stores them and whenever."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import DBAPIError

from hedgerow import Scope, open_session
from hedgerow.agents.repository import AsyncInvestigationHopRepository, HopOrderError, InvestigationHopRepository
from hedgerow.core.repository import FilterError
from isolation.oracle import open_scope, refusal
from world import OTHER, TENANT, World, make_world


@pytest.fixture(scope="module")
def world(module_database: Any) -> World:
    return make_world(module_database)


@pytest.fixture(params=["psycopg", "asyncpg"])
def hops(world: World, request: pytest.FixtureRequest) -> Iterator[Any]:
    with world.repository(request.param, AsyncInvestigationHopRepository, world.scope()) as repository:
        yield repository


@pytest.fixture(params=["admin", "app"])
def db(world: World, request: pytest.FixtureRequest) -> Iterator[Connection]:
    """A connection without the filter, past the wall and before it, with a scope."""
    with world.database.engine(request.param).connect() as connection:
        open_scope(connection, TENANT)
        yield connection


def store(db: Connection, investigation: UUID | None, **values: Any) -> UUID:
    arguments = {"investigation_id": investigation, "source_entity": "a", "target_entity": None, "relationship": None}
    arguments |= values
    call = ", ".join(f"p_{name} => :{name}" for name in arguments)
    return db.execute(text(f"SELECT store_investigation_hop({call})"), arguments).scalar_one()


def numbers(db: Connection, investigation: UUID) -> list[int]:
    sql = "SELECT hop_number FROM investigation_hops WHERE investigation_id = :i AND tenant_id = :t ORDER BY 1"
    return list(db.scalars(text(sql), {"i": investigation, "t": TENANT}))


def test_hops_take_the_next_number_of_their_investigation(db: Connection) -> None:
    one, other = uuid4(), uuid4()
    for investigation in (one, other, one, one):
        store(db, investigation)
    assert (numbers(db, one), numbers(db, other)) == ([1, 2, 3], [1])


def test_a_hop_is_stored_as_told(db: Connection) -> None:
    investigation = uuid4()
    hop = store(
        db,
        investigation,
        source_entity="brand:Kisqali",
        target_entity="region:west",
        relationship="explains",
        confidence=0.75,
        hop_number=1,
    )
    row = db.execute(text("SELECT * FROM investigation_hops WHERE hop_id = :hop"), {"hop": hop}).one()
    told = (row.tenant_id, row.investigation_id, row.hop_number, row.source_entity, row.target_entity)
    assert told == (TENANT, investigation, 1, "brand:Kisqali", "region:west")
    assert (row.relationship, row.evidence, row.confidence) == ("explains", {}, 0.75)
    store(db, investigation, evidence=None)
    assert db.scalar(text("SELECT count(*) FROM investigation_hops WHERE evidence = '{}' AND hop_number = 2")) == 1


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({"confidence": 1.001}, "23514"),
        ({"confidence": -0.001}, "23514"),
        ({"confidence": float("nan")}, "23514"),
        ({"hop_number": 1}, "23505"),
        ({"hop_number": 2}, "23505"),
        ({"hop_number": 4}, "23514"),
        ({"hop_number": 0}, "23514"),
        ({"hop_number": -1}, "23514"),
        ({"source_entity": None}, "23502"),
        ({"investigation": None}, "23502"),
        ({"source_entity": "x" * 256}, "22001"),
    ],
    ids=str,
)
def test_what_is_no_next_hop_is_refused(db: Connection, values: dict[str, Any], state: str) -> None:
    investigation = uuid4()
    store(db, investigation, confidence=0)
    store(db, investigation, confidence=1)
    with pytest.raises(DBAPIError) as refused, db.begin_nested():
        store(db, **({"investigation": investigation} | values))
    assert refusal(refused.value) == state
    store(db, investigation, hop_number=3)
    assert numbers(db, investigation) == [1, 2, 3]


def test_the_next_number_says_what_would_leave_a_gap(db: Connection) -> None:
    with pytest.raises(DBAPIError, match=r"next hop of investigation .* is 1") as refused:
        store(db, uuid4(), hop_number=2)
    assert "Leave p_hop_number out" in str(refused.value)


def test_a_hop_that_went_away_leaves_a_number_that_can_be_named(db: Connection) -> None:
    investigation = uuid4()
    for _ in range(3):
        store(db, investigation)
    db.execute(
        text("DELETE FROM investigation_hops WHERE investigation_id = :i AND hop_number = 2"), {"i": investigation}
    )
    store(db, investigation)
    assert numbers(db, investigation) == [1, 3, 4], "the next number is behind the last one"
    store(db, investigation, hop_number=2)
    assert numbers(db, investigation) == [1, 2, 3, 4]


def test_without_a_scope_nothing_is_stored(world: World) -> None:
    for role in ("admin", "app"):
        with world.database.engine(role).connect() as connection, pytest.raises(DBAPIError) as refused:
            store(connection, uuid4())
        assert refusal(refused.value) in ("23502", "42501")


def test_tenants_number_alike_and_do_not_see_each_other(world: World) -> None:
    """One investigation id in two tenants: what one stores is neither counted nor returned for the other."""
    shared = uuid4()
    for tenant, hop_count in ((OTHER, 3), (TENANT, 2)):
        with world.session(tenant=tenant) as session:
            repository = InvestigationHopRepository(session)
            for _ in range(hop_count):
                repository.store_investigation_hop(shared, f"{tenant} entity")
            session.commit()
    assert len(world.admin("SELECT FROM investigation_hops WHERE investigation_id = :i", i=shared)) == 5
    with world.session() as session:
        found = InvestigationHopRepository(session).get_investigation(shared)
    assert [(hop.tenant_id, hop.hop_number, hop.source_entity) for hop in found] == [
        (TENANT, 1, f"{TENANT} entity"),
        (TENANT, 2, f"{TENANT} entity"),
    ]


def test_the_repository_stores_and_reads_in_order(hops: Any) -> None:
    investigation = uuid4()
    first = hops.store_investigation_hop(investigation, "a", "b", "causes", evidence={"n": 1}, confidence=0.5)
    second = hops.store_investigation_hop(investigation, "b", hop_number=2)
    found = hops.get_investigation(investigation)
    assert [hop.hop_id for hop in found] == [first, second]
    assert (found[0].target_entity, found[0].relationship, found[0].evidence) == ("b", "causes", {"n": 1})
    assert (found[1].target_entity, found[1].evidence, found[1].confidence) == (None, {}, None)
    assert hops.get_investigation(str(investigation)) == found


def test_the_repository_refuses_in_words_and_goes_on(hops: Any) -> None:
    investigation = uuid4()
    hops.store_investigation_hop(investigation, "a")
    for number in (1, 3, 0):
        with pytest.raises(HopOrderError, match="leave hop_number out"):
            hops.store_investigation_hop(investigation, "b", hop_number=number)
    for confidence in (-0.1, 1.1, float("nan")):
        with pytest.raises(FilterError):
            hops.store_investigation_hop(investigation, "b", confidence=confidence)
    hops.store_investigation_hop(investigation, "b")
    assert [hop.hop_number for hop in hops.get_investigation(investigation)] == [1, 2]
    for values in ({"source_entity": "x" * 256}, {"source_entity": None}, {"source_entity": "a\0b"},
                   {"evidence": {"a": float("nan")}}, {"investigation_id": "none"}, {"hop_number": 2**40}):  # fmt: skip
        with pytest.raises(FilterError):
            hops.store_investigation_hop(**{"investigation_id": investigation, "source_entity": "b"} | values)
    hops.store_investigation_hop(investigation, "c")
    assert [hop.hop_number for hop in hops.get_investigation(investigation)] == [1, 2, 3]


def test_nobody_else_can_observe_or_hold_what_writers_wait_for(world: World) -> None:
    """An advisory lock is one number for all tenants: whoever computes it could wait for it, or keep it."""
    with world.session() as session:

        def advisory() -> int:
            pid = session.scalar(select(func.pg_backend_pid()))
            return int(
                world.admin("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = :p", p=pid)[0][0]
            )

        InvestigationHopRepository(session).store_investigation_hop(uuid4(), "a")
        assert advisory() == 0
        session.execute(select(func.pg_advisory_xact_lock(1)))
        assert advisory() == 1, "it would be seen"


WRITERS, EACH = 8, 12


def test_eight_writers_leave_no_gap_and_no_duplicate(world: World) -> None:
    """In parallel connections; every third transaction is rolled back, and gives its number back."""
    investigation, start = uuid4(), threading.Barrier(WRITERS)

    def write(writer: int) -> int:
        start.wait(timeout=30)
        kept = 0
        for turn in range(EACH):
            with open_session(Scope(TENANT), engine=world.engine) as session:
                InvestigationHopRepository(session).store_investigation_hop(investigation, f"writer {writer}")
                if (writer + turn) % 3:
                    session.commit()
                    kept += 1
                else:
                    session.rollback()
        return kept

    with ThreadPoolExecutor(WRITERS) as pool:
        kept = sum(pool.map(write, range(WRITERS)))
    with world.session() as session:
        found = InvestigationHopRepository(session).get_investigation(investigation)
    assert 0 < kept < WRITERS * EACH
    assert [hop.hop_number for hop in found] == list(range(1, kept + 1))
    assert len({hop.source_entity for hop in found}) == WRITERS, "everybody took part"


def test_investigations_do_not_wait_for_each_other(world: World) -> None:
    """A hop that is not committed yet holds up its own investigation only."""
    one, other = uuid4(), uuid4()
    with world.database.engine("app").connect() as slow, world.database.engine("app").connect() as quick:
        for connection in (slow, quick):
            open_scope(connection, TENANT)
            connection.execute(text("SET LOCAL lock_timeout = '200ms'"))
        store(slow, one)
        store(quick, other)
        with pytest.raises(DBAPIError) as waited, quick.begin_nested():
            store(quick, one)
        assert refusal(waited.value) == "55P03"
        slow.rollback()
        store(quick, one)
        assert numbers(quick, one) == [1]
