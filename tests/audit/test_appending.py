"""Appending: by function, in batches, and by plain INSERT, which the trigger seals or refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import insert, text

from audit.forging import ENTRIES, OTHER, Desk, Expected, sealed
from hedgerow.core.embedded.bootstrap import SESSION
from isolation.oracle import open_scope
from planting import refused

APPEND = text("SELECT append_audit_entry(:chain, :kind, :id, :action, CAST(:payload AS jsonb))")
MANY = text("SELECT * FROM append_audit_entries(CAST(:entries AS jsonb))")
GOOD = {"kind": "patient", "id": "P1", "action": "viewed", "payload": "{}"}


def become_session(desk: Desk) -> None:
    desk.db.execute(text(f"SET LOCAL ROLE {SESSION}"))
    open_scope(desk.db, desk.tenant)


def test_a_chain_begins_with_its_first_entry(desk: Desk) -> None:
    become_session(desk)
    entry = desk.db.scalar(APPEND, {"chain": desk.chain, **GOOD})
    (row,) = desk.rows()
    assert (row["entry_id"], row["sequence_number"], row["previous_hash"]) == (entry, 1, None)
    assert (row["payload"], row["actor_id"], row["actor_type"], row["tenant_id"]) == ({}, None, "system", desk.tenant)
    assert sealed(row) == row


def test_entries_follow_one_another(desk: Desk) -> None:
    rows = desk.write(4)
    assert [row["sequence_number"] for row in rows] == [1, 2, 3, 4]
    assert [row["previous_hash"] for row in rows] == [None, *(row["entry_hash"] for row in rows[:-1])]
    assert [row["created_at"] for row in rows] == sorted(row["created_at"] for row in rows)
    assert len({row["created_at"] for row in rows}) == 4, "the clock, and not the start of the transaction"


def test_time_never_runs_backwards(desk: Desk) -> None:
    ahead = datetime.now(UTC) + timedelta(days=1)
    with desk.forging():
        desk.put(desk.forged(1, None, created_at=ahead))
    desk.write(1)
    assert [row["created_at"] for row in desk.rows()] == [ahead, ahead]
    assert desk.verify()


@pytest.mark.parametrize("payload", [None, "null", "5", '"x"', "[]", '{"a": [1, {"b": null}]}'])
def test_any_json_is_a_payload(desk: Desk, payload: str | None) -> None:
    desk.db.scalar(APPEND, {"chain": desk.chain, **GOOD, "payload": payload})
    stored = desk.db.scalar(
        text("SELECT payload::text FROM audit_chain_entries WHERE chain_id = :c"), {"c": desk.chain}
    )
    assert stored == (payload or "{}")
    assert desk.verify()


@pytest.mark.parametrize("missing", ["chain", "kind", "id", "action"])
def test_an_entry_needs_chain_entity_and_action(desk: Desk, missing: str) -> None:
    with refused(desk.db, "23502"):
        desk.db.execute(APPEND, {"chain": desk.chain, **GOOD, missing: None})
    assert desk.rows() == []


def test_what_is_too_long_is_refused_and_not_cut(desk: Desk) -> None:
    with refused(desk.db, "22001"):
        desk.db.execute(APPEND, {"chain": desk.chain, **GOOD, "kind": "x" * 101})
    # PostgreSQL cuts spaces silently; what is hashed is what is stored.
    desk.db.execute(APPEND, {"chain": desk.chain, **GOOD, "kind": "x" * 100 + "   "})
    assert desk.rows()[0]["entity_type"] == "x" * 100
    assert desk.verify()


def test_nothing_is_appended_where_the_links_leave_no_place(desk: Desk) -> None:
    """An entry in the middle follows the last one: no next entry can ever be inserted, and nobody waits for ever."""
    rows = desk.write(3)
    desk.db.execute(text("SET LOCAL session_replication_role = replica"))
    desk.db.execute(
        ENTRIES.update().where(ENTRIES.c.entry_id == rows[1]["entry_id"]).values(previous_hash=rows[2]["entry_hash"])
    )
    desk.db.execute(text("SET LOCAL session_replication_role = origin"))
    with refused(desk.db, "XX001"):
        desk.db.execute(APPEND, {"chain": desk.chain, **GOOD})


# --- Many at once --------------------------------------------------------------------------------------------------


def entry(chain: Any, number: int, **more: Any) -> dict[str, Any]:
    return {"chain_id": str(chain), "entity_type": "patient", "entity_id": f"P{number}", "action": "viewed", **more}


def test_a_batch_of_one_chain(desk: Desk) -> None:
    become_session(desk)
    desk.write(2)
    payloads = [{"n": number, "x": 1.5} for number in range(50)]
    entries = [entry(desk.chain, number, payload=payload) for number, payload in enumerate(payloads)]
    ids = list(desk.db.scalars(MANY, {"entries": json.dumps(entries)}))
    rows = desk.rows()
    assert [row["entry_id"] for row in rows[2:]] == ids
    assert [row["sequence_number"] for row in rows] == list(range(1, 53))
    assert [row["payload"] for row in rows[2:]] == payloads
    assert desk.findings()["python"] == Expected(None)


def test_a_batch_of_several_chains_keeps_the_order_within_each(desk: Desk) -> None:
    chains = [uuid4() for _ in range(4)]
    entries = [entry(chains[number % 4], number) for number in range(21)]
    ids = list(desk.db.scalars(MANY, {"entries": json.dumps(entries)}))
    for place, chain in enumerate(chains):
        desk.chain = chain
        rows = desk.rows()
        assert [row["entity_id"] for row in rows] == [f"P{number}" for number in range(place, 21, 4)]
        assert [row["entry_id"] for row in rows] == ids[place::4]
        assert desk.verify()


def test_defaults_of_a_batch(desk: Desk) -> None:
    entries = [
        entry(desk.chain, 1),
        entry(desk.chain, 2, actor_type=None, payload=None),
        entry(desk.chain, 3, actor_type="agent", actor_id="a"),
        entry(desk.chain, 4, actor_type=None),
    ]
    desk.db.execute(MANY, {"entries": json.dumps([entries[3], *entries[:3]])})
    found = [(row["actor_type"], row["actor_id"]) for row in desk.rows()]
    assert found == [(None, None), ("system", None), (None, None), ("agent", "a")]
    stored = desk.db.scalars(text("SELECT payload::text FROM audit_chain_entries ORDER BY sequence_number"))
    assert stored.all() == ["{}", "{}", "null", "{}"], "left out is an empty object, null is null"


def test_an_empty_batch(desk: Desk) -> None:
    assert desk.db.scalars(MANY, {"entries": "[]"}).all() == []


@pytest.mark.parametrize(
    ("entries", "state"),
    [
        (None, "22023"),
        ('{"chain_id": "x"}', "22023"),
        ("[5]", "23502"),
        ('[{"chain_id": null}]', "23502"),
        (json.dumps([entry(uuid4(), 1), entry(uuid4(), 2, action=None)]), "23502"),
        (json.dumps([entry(uuid4(), 1, entry_hash="0" * 64)]), "23502"),
        (json.dumps([entry("no uuid", 1)]), "22P02"),
    ],
)
def test_a_bad_batch_is_refused_as_a_whole(desk: Desk, entries: str | None, state: str) -> None:
    with refused(desk.db, state):
        desk.db.execute(MANY, {"entries": entries})
    assert desk.db.scalar(text("SELECT count(*) FROM audit_chain_entries")) == 0


# --- Plain INSERT --------------------------------------------------------------------------------------------------


def bare(desk: Desk, **values: Any) -> dict[str, Any]:
    return {
        "tenant_id": desk.tenant,
        "chain_id": desk.chain,
        "entity_type": "patient",
        "entity_id": "P1",
        "action": "viewed",
        **values,
    }


@pytest.mark.parametrize("role", ["superuser", "session"])
def test_a_row_without_hash_is_sealed(desk: Desk, role: str) -> None:
    desk.write(2)
    if role == "session":
        become_session(desk)
    desk.db.execute(insert(ENTRIES), [bare(desk), bare(desk, created_at=datetime(2000, 1, 1, tzinfo=UTC))])
    desk.db.execute(insert(ENTRIES).values([bare(desk), bare(desk)]))
    rows = desk.rows()
    assert [row["sequence_number"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert desk.findings()["python"] == Expected(None)


def test_a_sealed_row_that_fits_is_taken_as_it_is(desk: Desk) -> None:
    """History that is moved from elsewhere keeps its times and ids."""
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    first = desk.put(desk.forged(1, None, created_at=long_ago))
    second = desk.put(desk.forged(2, first["entry_hash"], created_at=long_ago))
    assert desk.rows() == [first, second]
    assert desk.verify()


LIES: dict[str, Any] = {
    "a number that is taken": lambda desk, rows: desk.forged(3, rows[1]["entry_hash"]),
    "a number that skips one": lambda desk, rows: desk.forged(5, rows[2]["entry_hash"]),
    "a beginning": lambda desk, rows: desk.forged(1, None),
    "a link to another entry": lambda desk, rows: desk.forged(4, rows[0]["entry_hash"]),
    "a link to nothing": lambda desk, rows: desk.forged(4, "0" * 64),
    "another payload": lambda desk, rows: {**desk.forged(4, rows[2]["entry_hash"]), "payload": {"other": 1}},
    "another payload hash": lambda desk, rows: {**desk.forged(4, rows[2]["entry_hash"]), "payload_hash": "0" * 64},
    "another field": lambda desk, rows: {**desk.forged(4, rows[2]["entry_hash"]), "actor_id": "somebody"},
    "another hash": lambda desk, rows: {**desk.forged(4, rows[2]["entry_hash"]), "entry_hash": "0" * 64},
    "an earlier time": lambda desk, rows: desk.forged(
        4, rows[2]["entry_hash"], created_at=rows[2]["created_at"] - timedelta(microseconds=1)
    ),
    "a time to come": lambda desk, rows: desk.forged(
        4, rows[2]["entry_hash"], created_at=datetime.now(UTC) + timedelta(minutes=1)
    ),
    "only a wrong number": lambda desk, rows: bare(desk, sequence_number=7),
    "only a wrong link": lambda desk, rows: bare(desk, previous_hash="0" * 64),
    "only a wrong payload hash": lambda desk, rows: bare(desk, payload_hash="0" * 64),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_row_that_does_not_fit_is_refused(desk: Desk, lie: str) -> None:
    rows = desk.write(3)
    row = LIES[lie](desk, rows)
    with refused(desk.db, "23000"):
        desk.put(row)
    assert desk.rows() == rows


def test_a_chain_of_another_tenant_is_out_of_reach(desk: Desk) -> None:
    desk.write(2)
    become_session(desk)
    with refused(desk.db, "42501"):
        desk.db.execute(insert(ENTRIES).values(bare(desk, tenant_id=OTHER)))


def test_the_same_chain_id_is_another_chain_in_another_tenant(desk: Desk) -> None:
    rows = desk.write(3)
    there = Desk(desk.db, OTHER)
    there.chain = desk.chain
    become_session(there)
    assert there.verify() is None, "it does not exist there"
    assert there.lines() == []
    assert [row["sequence_number"] for row in there.write(2)] == [1, 2]
    assert there.rows()[0]["entry_hash"] != rows[0]["entry_hash"]
    assert there.verify()


def test_an_infinite_time_is_refused(desk: Desk) -> None:
    desk.db.execute(text("SET LOCAL session_replication_role = replica"))
    row = desk.forged(1, None)
    with refused(desk.db, "23514"):
        desk.db.execute(insert(ENTRIES).values({**row, "created_at": text("'infinity'")}))
