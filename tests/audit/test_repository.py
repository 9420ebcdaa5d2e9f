"""Repositories of audit chains, over both drivers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import pytest

from hedgerow.audit import (
    AuditChainEntry,
    InvalidEntryError,
    UnknownChainError,
    VerificationStatus,
)
from hedgerow.audit.exporting import Together, held_against, write_chain
from hedgerow.audit.offline import ExportWriter, Fault, decoded, verify_export
from hedgerow.audit.repository import (
    AsyncAuditChainRepository,
    AsyncAuditVerificationRepository,
    AuditChainRepository,
    NewAuditEntry,
    VerifiedChain,
)
from hedgerow.core.errors import AppendOnlyError
from hedgerow.core.repository import FilterError, ReadOnlyError
from world import OTHER, World


@pytest.fixture(params=["psycopg", "asyncpg"])
def chains(world: World, request: pytest.FixtureRequest) -> Iterator[Any]:
    with world.repository(request.param, AsyncAuditChainRepository, world.scope()) as repository:
        yield repository


def test_what_was_appended_is_found(chains: Any) -> None:
    chain, entity = uuid4(), str(uuid4())
    first = chains.append(chain, "patient", entity, "viewed", actor_id="u1", actor_type="user")
    more = chains.append_many(
        [
            NewAuditEntry(chain, "patient", entity, "updated", {"dose": Decimal("1.10")}),
            NewAuditEntry(chain, "x", "y", "z"),
        ]
    )
    found = chains.for_entity("patient", entity)
    assert all(isinstance(entry, AuditChainEntry) for entry in found)
    assert [entry.entry_id for entry in found] == [first, more[0]]
    assert [(entry.sequence_number, entry.actor_id) for entry in found] == [(1, "u1"), (2, None)]
    assert chains.get_by_id(more[1]).entity_type == "x"
    assert chains.for_entity("patient", "unheard of") == []
    assert chains.append_many([]) == []
    assert chains.inspect(chain).fault is None


def test_decimals_keep_their_digits(world: World) -> None:
    chain = uuid4()
    with world.session() as session:
        repository = AuditChainRepository(session)
        repository.append(chain, "a", "b", "c", {"dose": Decimal("1.10"), "big": 2**80, "float": 1e22})
        (line,) = repository.lines(chain)
    assert '"payload": {"big": 1208925819614629174706176, "dose": 1.10, "float": 10000000000000000000000}' in line


def test_lines_and_head(chains: Any) -> None:
    chain = uuid4()
    assert list(chains.lines(chain)) == []
    assert chains.head(chain) is None
    ids = chains.append_many(NewAuditEntry(chain, "a", str(number), "c") for number in range(3))
    assert [decoded(line)["entry_id"] for line in chains.lines(chain)] == [str(entry) for entry in ids]
    assert chains.head(chain).entry_id == ids[-1]


def test_an_earlier_export_and_the_log_are_believed_together(world: World) -> None:
    chain = uuid4()
    with world.session() as session:
        repository = AuditChainRepository(session)
        repository.append_many(NewAuditEntry(chain, "a", str(number), "c") for number in range(2))
        out = BytesIO()
        writer = ExportWriter(out, "2026-01-02T03:04:05Z", heads_only=True)
        assert write_chain(repository, writer, chain, lambda count: None) == 2
        writer.end()
        (checkpoint,) = verify_export(BytesIO(out.getvalue())).checkpoints.values()
        assert held_against(repository, checkpoint).fault is None
        repository.append_many(NewAuditEntry(chain, "a", str(number), "c") for number in range(2))
        repository.verify(chain)
        known = Together(checkpoint, repository.anchors(chain))
        assert (known.last, known.hash_of(1)) == (4, None)
        assert known.hash_of(2) == checkpoint.head_hash
        assert known.source(2) == "the export of 2026-01-02T03:04:05Z"
        assert known.source(4).startswith("the verification of ")
        assert held_against(repository, checkpoint).fault is None
        # The log knows of more than the export, and the other way round.
        known = Together(replace(checkpoint, last=9), repository.anchors(chain))
        assert (known.last, known.source(9)) == (9, "the export of 2026-01-02T03:04:05Z")


def test_an_entry_created_as_a_row_is_sealed(chains: Any) -> None:
    chain = uuid4()
    entry = chains.create(AuditChainEntry(chain_id=chain, entity_type="a", entity_id="b", action="c", payload=None))
    assert (entry.sequence_number, entry.previous_hash, entry.payload) == (1, None, {})
    assert chains.verify(chain) is True


@pytest.mark.parametrize(
    "wrong",
    [
        {"entity_type": None},
        {"entity_id": None},
        {"action": None},
        {"entity_type": "x" * 101},
        {"action": "nul \0"},
        {"payload": {"nul": "\0"}},
        {"payload": float("nan")},
        {"payload": {"when": datetime(2024, 1, 1)}},
        {"payload": {1: 2}},
    ],
    ids=str,
)
def test_what_is_no_entry(chains: Any, wrong: dict[str, Any]) -> None:
    parts = {"chain_id": uuid4(), "entity_type": "a", "entity_id": "b", "action": "c", "payload": {}, **wrong}
    with pytest.raises(InvalidEntryError, match="Remedy"):
        chains.append(**parts)
    chains.session.rollback()
    with pytest.raises(InvalidEntryError, match="Remedy"):
        chains.append_many([NewAuditEntry(**parts)])


def test_verifying(chains: Any) -> None:
    chain = uuid4()
    chains.append_many(NewAuditEntry(chain, "a", str(number), "c") for number in range(3))
    assert chains.verify(chain) is True
    state, report = chains.inspect(chain), chains.recompute(chain)
    assert (state.entries, state.head_hash) == (report.entries, report.head_hash) == (3, state.head_hash)
    assert (report.fault, report.tenant_id, report.chain_id) == (None, "WORLD_A", str(chain))
    mine = [found for found in chains.verify_all() if found.chain_id == chain]
    assert mine == [VerifiedChain(chain, True, 3, mine[0].chain_start, "a")]
    known = next(row for row in chains.integrity() if row.chain_id == chain)
    assert (known.verification_status, known.entry_count) == (VerificationStatus.VERIFIED, 3)
    assert chains.verify_all(datetime(2100, 1, 1, tzinfo=UTC)) == []
    assert [row.entity_type for row in chains.summary()] == ["a"]
    assert [row.total_entries for row in chains.daily_stats()] == [3]


def test_the_history_of_verifications(world: World) -> None:
    chain = uuid4()
    with world.session() as session:
        repository = AuditChainRepository(session)
        repository.append(chain, "a", "b", "c")
        repository.verify(chain)
        repository.append(chain, "a", "b", "c")
        repository.verify(chain)
        session.commit()
    for driver in ("psycopg", "asyncpg"):
        with world.repository(driver, AsyncAuditVerificationRepository, world.scope()) as log:
            assert [found.entries_checked for found in log.history(chain)] == [2, 1]
            with pytest.raises(ReadOnlyError):
                log.create(log.history(chain)[0])
            with pytest.raises(AppendOnlyError):
                log.delete(log.history(chain)[0].verification_id)


def test_an_unknown_chain(chains: Any, world: World) -> None:
    for ask in (chains.verify, chains.inspect, chains.recompute):
        with pytest.raises(UnknownChainError, match="begins with its first entry"):
            ask(uuid4())


def test_another_tenant_has_another_chain(world: World) -> None:
    chain = uuid4()
    with world.session() as session:
        AuditChainRepository(session).append(chain, "a", "b", "c")
        session.commit()
    for driver in ("psycopg", "asyncpg"):
        with world.repository(driver, AsyncAuditChainRepository, world.scope(tenant=OTHER)) as there:
            assert there.for_entity("a", "b") == []
            assert chain not in {row.chain_id for row in there.integrity()}
            with pytest.raises(UnknownChainError):
                there.verify(chain)


def test_a_tampered_chain_in_words(world: World) -> None:
    chain: UUID = uuid4()
    with world.session() as session:
        ids = AuditChainRepository(session).append_many(NewAuditEntry(chain, "a", str(n), "c") for n in range(3))
        session.commit()
    with world.database.engine("admin").begin() as admin:
        admin.exec_driver_sql("SET LOCAL session_replication_role = replica")
        admin.exec_driver_sql("UPDATE audit_chain_entries SET action = 'd' WHERE entry_id = %s", (ids[1],))
    with world.session() as session:
        repository = AuditChainRepository(session)
        state, report = repository.inspect(chain), repository.recompute(chain)
        assert repository.verify(chain) is False
    assert (state.fault, state.number, state.entry_id) == (Fault.CHANGED, 2, ids[1])
    assert state.message == report.message == "Entry 2 was changed: its fields and its entry_hash differ"


def test_a_bound_needs_a_time_zone(chains: Any) -> None:
    with pytest.raises(FilterError, match="time zone"):
        chains.verify_all(datetime(2024, 1, 1))


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_views_say_what_is_now_to_a_session_that_has_asked_before(world: World, driver: str) -> None:
    chain = uuid4()
    with world.repository(driver, AsyncAuditChainRepository, world.scope()) as audit:

        def said() -> tuple[Any, ...]:
            (one,) = (row for row in audit.integrity() if row.chain_id == chain)
            (kind,) = (row for row in audit.summary() if row.entity_type == f"kind {chain}")
            return one.verification_status, one.entry_count, kind.total_entries, kind.unverified_count

        def entries_of_today() -> int:
            return int(audit.daily_stats()[0].total_entries)

        audit.append(chain, f"kind {chain}", "1", "made")
        assert said() == (VerificationStatus.UNVERIFIED, 1, 1, 1)
        before = entries_of_today()
        # A session forgets what nobody holds, and would read it anew.
        held = [*audit.integrity(), *audit.summary(), *audit.daily_stats()]
        assert audit.verify(chain) is True
        assert said() == (VerificationStatus.VERIFIED, 1, 1, 0)
        audit.append(chain, f"kind {chain}", "1", "changed")
        assert said() == (VerificationStatus.STALE, 2, 2, 0)
        assert entries_of_today() == before + 1
        assert len(held) >= 3


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_what_can_be_no_chain(world: World, driver: str) -> None:
    with world.repository(driver, AsyncAuditChainRepository, world.scope()) as audit:
        with pytest.raises(InvalidEntryError, match="not the id of a chain"):
            audit.append("none", "a", "b", "c")
        for ask in (audit.verify, audit.inspect, audit.recompute):
            with pytest.raises(FilterError):
                ask("none")
        chain = uuid4()
        audit.append(str(chain), "a", "b", "c")
        assert audit.verify(str(chain)) is True
