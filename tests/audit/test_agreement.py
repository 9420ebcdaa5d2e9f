"""Random damage: the database and the Python that needs no database name the same entry, in the same words."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from audit.forging import Desk, Row

SIZE = 9


def damage(desk: Desk, chance: Random) -> None:
    """Do one thing to a chain that somebody with all rights could do."""
    rows = desk.rows()
    if not rows:
        return
    place = chance.randrange(len(rows))
    row, previous = rows[place], rows[place - 1]["entry_hash"] if place else None
    column = chance.choice(("action", "actor_id", "entity_type", "payload_hash", "previous_hash", "entry_hash"))
    text = chance.choice(["0" * 64, row["entry_hash"]])
    do: Any = {
        "change": lambda: desk.change(row, **{column: text[:64] if "hash" in column else text[:9]}),
        "payload": lambda: desk.change(row, payload={"n": chance.random()}),
        "time": lambda: desk.change(row, created_at=row["created_at"] + timedelta(seconds=chance.choice([-9, 9]))),
        "copy": lambda: desk.put({**row, "entry_id": uuid4()}),
        "remove": lambda: desk.remove(row),
        "truncate": lambda: desk.remove(*rows[place:]),
        "renumber": lambda: desk.change(row, sequence_number=chance.randint(1, SIZE + 3)),
        "shift": lambda: [desk.change(r, sequence_number=r["sequence_number"] + 1) for r in reversed(rows[place:])],
        "seal": lambda: desk.rehash([row], previous),
        "seal all": lambda: desk.rehash(rows[place:], previous),
        "forge": lambda: desk.put(desk.forged(row["sequence_number"] + chance.choice([-1, 0, 1]), previous)),
        "swap": lambda: swap(desk, row, chance.choice(rows)),
    }  # fmt: skip
    do[chance.choice(list(do))]()


def swap(desk: Desk, one: Row, two: Row) -> None:
    numbers = one["sequence_number"], two["sequence_number"]
    desk.change(one, sequence_number=numbers[1])
    desk.change(two, sequence_number=numbers[0])


@pytest.mark.parametrize("seed", range(150))
def test_all_name_the_same(desk: Desk, seed: int) -> None:
    chance = Random(seed)
    seen = tuple(sorted(chance.sample(range(1, SIZE + 1), chance.randrange(3))))
    desk.write(SIZE, seen=seen)
    with desk.forging():
        for _ in range(chance.choice([1, 1, 1, 2, 3])):
            damage(desk, chance)
    if not desk.rows() and not seen:
        return  # nothing is left, and nobody ever looked
    found = desk.findings()  # compares the words itself
    assert len(set(found.values())) == 1, found
