"""What the owner of the table can do to a chain, with triggers and keys out of the way, and what verification says.

Each case is verified in the database, in Python, and in a file that was exported afterwards; all must name the same
entry. Where the chain alone cannot know, an earlier verification or an earlier export does.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from audit.forging import ENTRIES, OTHER, Desk, Expected, Row
from hedgerow.audit.offline import Fault

SIZE = 10

CHANGES: dict[str, Callable[[Row], Any]] = {
    "tenant_id": lambda row: OTHER,
    "entry_id": lambda row: uuid4(),
    "chain_id": lambda row: uuid4(),
    "sequence_number": lambda row: row["sequence_number"] + 100,
    "entity_type": lambda row: "prescriber",
    "entity_id": lambda row: row["entity_id"] + " ",
    "action": lambda row: row["action"].upper(),
    "actor_id": lambda row: None,
    "actor_type": lambda row: "",
    "payload_hash": lambda row: "0" * 64,
    "previous_hash": lambda row: "0" * 64,
    "entry_hash": lambda row: "0" * 64,
    "payload": lambda row: {**row["payload"], "n": -1},
    "created_at": lambda row: row["created_at"] + timedelta(microseconds=1),
}


def agree(desk: Desk, expected: Expected, **kwargs: Any) -> None:
    found = desk.findings(**kwargs)
    if "checkpoint" in kwargs:
        del found["database"]
    assert found == dict.fromkeys(found, expected)


def test_an_untouched_chain_is_proven(desk: Desk) -> None:
    desk.write(SIZE, seen=(4, SIZE))
    agree(desk, Expected(None))


@pytest.mark.parametrize("seen", [(), (SIZE,)], ids=["never verified", "verified before"])
@pytest.mark.parametrize("number", [1, 5, SIZE])
@pytest.mark.parametrize("column", ENTRIES.columns.keys())
def test_a_changed_field(desk: Desk, column: str, number: int, seen: tuple[int, ...]) -> None:
    rows = desk.write(SIZE, seen=seen)
    row = rows[number - 1]
    before = row["entry_id"]
    with desk.forging():
        key = (ENTRIES.c.tenant_id == row["tenant_id"]) & (ENTRIES.c.entry_id == before)
        desk.db.execute(ENTRIES.update().where(key).values({column: CHANGES[column](row)}))
    if column in ("tenant_id", "chain_id") and number < SIZE:
        agree(desk, Expected(Fault.MISSING, number, rows[number]["entry_id"]))
    elif column in ("tenant_id", "chain_id"):
        agree(desk, Expected(Fault.TRUNCATED, SIZE) if seen else Expected(None))
    elif column == "sequence_number":
        agree(desk, Expected(Fault.RENUMBERED, number, before))
    else:
        changed = next(r for r in desk.rows() if r["sequence_number"] == number)["entry_id"]
        assert (changed == before) == (column != "entry_id")
        agree(desk, Expected(Fault.CHANGED, number, changed))


@pytest.mark.parametrize("column", ["tenant_id", "chain_id"])
def test_an_entry_that_was_moved_is_none_of_its_new_chain(desk: Desk, column: str) -> None:
    rows = desk.write(3)
    with desk.forging():
        desk.change(rows[0], **{column: CHANGES[column](rows[0])})
    there = Desk(desk.db, rows[0]["tenant_id"])
    there.chain = rows[0]["chain_id"]
    agree(there, Expected(Fault.CHANGED, 1, rows[0]["entry_id"]))


def test_a_number_that_only_looks_the_same(desk: Desk) -> None:
    rows = desk.write(3)
    with desk.forging():
        desk.db.execute(text("""UPDATE audit_chain_entries SET payload = '{"n": 2.0, "text": "Größe 2"}'
                                 WHERE sequence_number = 2"""))  # fmt: skip
    assert desk.rows()[1]["payload"] == rows[1]["payload"], "Python takes 2 and 2.0 for equal"
    agree(desk, Expected(Fault.CHANGED, 2, rows[1]["entry_id"]))


@pytest.mark.parametrize(("gone", "behind"), [((1,), 2), ((1, 2, 3), 4), ((5,), 6), ((5, 6, 7), 8)])
def test_deleted_entries_leave_a_gap(desk: Desk, gone: tuple[int, ...], behind: int) -> None:
    rows = desk.write(SIZE)
    with desk.forging():
        desk.remove(*(rows[number - 1] for number in gone))
    agree(desk, Expected(Fault.MISSING, gone[0], rows[behind - 1]["entry_id"]))


@pytest.mark.parametrize("left", [9, 7, 4, 1, 0])
def test_a_truncated_tail_is_found_through_an_earlier_verification(desk: Desk, left: int) -> None:
    rows = desk.write(SIZE, seen=(4, SIZE))
    with desk.forging():
        desk.remove(*rows[left:])
    agree(desk, Expected(Fault.TRUNCATED, left + 1))
    agree(desk, Expected(Fault.TRUNCATED, left + 1))  # a verification that failed makes no later one pass


def test_a_truncated_tail_is_found_through_an_export(desk: Desk) -> None:
    rows = desk.write(SIZE)
    checkpoint = desk.checkpoint()
    with desk.forging():
        desk.remove(*rows[7:])
    agree(desk, Expected(None)), "the chain alone cannot know"
    agree(desk, Expected(Fault.TRUNCATED, 8), checkpoint=checkpoint)


@pytest.mark.parametrize("first", [1, 4, 9])
def test_swapped_numbers(desk: Desk, first: int) -> None:
    rows = desk.write(SIZE)
    one, two = rows[first - 1 : first + 1]
    with desk.forging():
        desk.change(one, sequence_number=first + 1)
        desk.change(two, sequence_number=first)
    agree(desk, Expected(Fault.CHANGED, first, two["entry_id"]))


def test_swapped_contents(desk: Desk) -> None:
    rows = desk.write(SIZE)
    one, two = dict(rows[3]), dict(rows[6])
    with desk.forging():
        keys = ("tenant_id", "entry_id", "sequence_number")
        desk.change(rows[3], **{name: value for name, value in two.items() if name not in keys})
        desk.change(rows[6], **{name: value for name, value in one.items() if name not in keys})
    agree(desk, Expected(Fault.CHANGED, 4, one["entry_id"]))


@pytest.mark.parametrize("number", [1, 5, 9])
def test_an_entry_that_was_sealed_anew(desk: Desk, number: int) -> None:
    rows = desk.write(SIZE)
    with desk.forging():
        desk.change(rows[number - 1], entity_id="somebody else")
        desk.rehash(rows[number - 1 : number], rows[number - 1]["previous_hash"])
    agree(desk, Expected(Fault.REWRITTEN, number, rows[number - 1]["entry_id"]))


@pytest.mark.parametrize(
    ("seen", "number"), [((), None), ((SIZE,), 1), ((3, SIZE), 4), ((4, SIZE), 5), ((2, 4, 7, SIZE), 5), ((4,), None)]
)
def test_a_suffix_that_was_sealed_anew(desk: Desk, seen: tuple[int, ...], number: int | None) -> None:
    """The chain agrees with itself; what earlier verifications saw narrows it down to what they did not see apart."""
    rows = desk.write(SIZE, seen=seen)
    checkpoint = desk.checkpoint()
    with desk.forging():
        desk.change(rows[4], action="viewed")
        desk.rehash(rows[4:], rows[3]["entry_hash"])
    agree(desk, Expected(Fault.REPLACED, number, rows[number - 1]["entry_id"]) if number else Expected(None))
    agree(desk, Expected(Fault.REPLACED, 5, rows[4]["entry_id"]), checkpoint=checkpoint)


def test_a_whole_chain_that_was_written_anew(desk: Desk) -> None:
    rows = desk.write(SIZE, seen=(SIZE,))
    with desk.forging():
        desk.change(rows[0], entity_id="somebody else")
        desk.rehash(rows, None)
    agree(desk, Expected(Fault.REPLACED, 1, rows[0]["entry_id"]))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("number", [2, 5, SIZE])
def test_an_inserted_forgery(desk: Desk, number: int, count: int) -> None:
    rows = desk.write(SIZE)
    checkpoint = desk.checkpoint()
    with desk.forging():
        for row in reversed(rows[number - 1 :]):
            desk.change(row, sequence_number=row["sequence_number"] + count)
        previous, moment = rows[number - 2]["entry_hash"], rows[number - 2]["created_at"]
        forged = []
        for place in range(number, number + count):
            forged.append(desk.put(desk.forged(place, previous, created_at=moment)))
            previous = forged[-1]["entry_hash"]
    agree(desk, Expected(Fault.INSERTED, number, forged[0]["entry_id"]))
    agree(desk, Expected(Fault.REPLACED, number, forged[0]["entry_id"]), checkpoint=checkpoint)


def test_a_forgery_with_everything_behind_it_sealed_anew(desk: Desk) -> None:
    rows = desk.write(SIZE, seen=(4, SIZE))
    with desk.forging():
        for row in reversed(rows[4:]):
            desk.change(row, sequence_number=row["sequence_number"] + 1)
        forged = desk.put(desk.forged(5, rows[3]["entry_hash"], created_at=rows[3]["created_at"]))
        desk.rehash(rows[4:], forged["entry_hash"])
    agree(desk, Expected(Fault.REPLACED, 5, forged["entry_id"]))


@pytest.mark.parametrize(
    "lie", [{"entry_hash": "0" * 64}, {"previous_hash": "0" * 64}, {"payload": {"other": 1}}, {"actor_id": "somebody"}]
)
def test_a_forged_entry_at_the_end(desk: Desk, lie: dict[str, Any]) -> None:
    rows = desk.write(SIZE, seen=(SIZE,))
    with desk.forging():
        forged = desk.put({**desk.forged(SIZE + 1, rows[-1]["entry_hash"]), **lie})
    agree(desk, Expected(Fault.CHANGED, SIZE + 1, forged["entry_id"]))


def test_an_entry_in_place_of_a_deleted_one(desk: Desk) -> None:
    rows = desk.write(SIZE)
    with desk.forging():
        desk.remove(rows[4])
        forged = desk.put(desk.forged(5, rows[3]["entry_hash"], created_at=rows[4]["created_at"]))
    agree(desk, Expected(Fault.REWRITTEN, 5, forged["entry_id"]))


def test_a_deleted_entry_whose_gap_was_closed(desk: Desk) -> None:
    rows = desk.write(SIZE)
    checkpoint = desk.checkpoint()
    with desk.forging():
        desk.remove(rows[4])
        for row in rows[5:]:
            desk.change(row, sequence_number=row["sequence_number"] - 1)
    agree(desk, Expected(Fault.CHANGED, 5, rows[5]["entry_id"]))
    with desk.forging():
        desk.rehash(rows[5:], rows[3]["entry_hash"])
    agree(desk, Expected(None)), "the chain alone cannot know"
    agree(desk, Expected(Fault.REPLACED, 5, rows[5]["entry_id"]), checkpoint=checkpoint)


def test_a_number_that_is_there_twice(desk: Desk) -> None:
    rows = desk.write(SIZE)
    with desk.forging():
        twin = desk.forged(5, rows[3]["entry_hash"], created_at=rows[4]["created_at"])
        # Of two entries with one number the one with the larger id is named: nothing tells which is genuine.
        twin["entry_id"] = "ffffffff-ffff-4fff-bfff-ffffffffffff"
        desk.put(twin)
    found = desk.findings()
    assert {(f.fault, f.number, str(f.entry_id)) for f in found.values()} == {
        (Fault.DUPLICATE, 5, twin["entry_id"]),
    }


def test_a_backdated_entry(desk: Desk) -> None:
    rows = desk.write(SIZE)
    with desk.forging():
        earlier = rows[-1]["created_at"] - timedelta(seconds=1)
        forged = desk.put(desk.forged(SIZE + 1, rows[-1]["entry_hash"], created_at=earlier))
    agree(desk, Expected(Fault.BACKDATED, SIZE + 1, forged["entry_id"]))


def test_the_first_of_several_faults_is_named(desk: Desk) -> None:
    rows = desk.write(SIZE)
    with desk.forging():
        desk.change(rows[2], action="viewed")
        desk.remove(rows[5])
        desk.change(rows[8], payload={})
    agree(desk, Expected(Fault.CHANGED, 3, rows[2]["entry_id"]))


def test_a_forger_who_also_rewrites_the_log_is_caught_by_an_export_only(desk: Desk) -> None:
    rows = desk.write(SIZE, seen=(SIZE,))
    checkpoint = desk.checkpoint()
    with desk.forging():
        desk.change(rows[4], action="viewed")
        desk.rehash(rows[4:], rows[3]["entry_hash"])
        desk.db.execute(text("UPDATE audit_chain_verification_log SET head_hash = :h"), {"h": rows[-1]["entry_hash"]})
    agree(desk, Expected(None))
    agree(desk, Expected(Fault.REPLACED, 5, rows[4]["entry_id"]), checkpoint=checkpoint)
