"""How an entry is sealed: the same in SQL and in Python, for every session, for every JSON value, and unambiguously."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from audit.forging import ENTRIES, Desk, sealed
from hedgerow.audit.offline import canonical, decoded, entry_hash, payload_hash
from hedgerow.audit.offline.sealing import ENVELOPE

HASH = text("SELECT calculate_chain_hash(CAST(:payload AS jsonb), :previous)")
PAYLOAD = text("SELECT app.audit_payload_hash(CAST(:payload AS jsonb)), CAST(:payload AS jsonb)::text")
SETTINGS = [
    "SET LOCAL TimeZone = 'Pacific/Kiritimati'",
    "SET LOCAL DateStyle = 'German, DMY'",
    "SET LOCAL IntervalStyle = 'iso_8601'",
    "SET LOCAL extra_float_digits = -15",
    "SET LOCAL bytea_output = 'escape'",
    "SET LOCAL lc_numeric = 'C'",
    "SET LOCAL standard_conforming_strings = off",
    "SET LOCAL client_encoding = 'LATIN1'",
    "SET LOCAL quote_all_identifiers = on",
]

# Characters that PostgreSQL can store: no NUL, no half of a pair.
words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
numbers = (
    st.integers()
    | st.integers(min_value=-(10**400), max_value=10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30, places=9)
)
values = st.recursive(
    st.none() | st.booleans() | numbers | words,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(words, inner, max_size=5),
    max_leaves=20,
)


@pytest.fixture(scope="module")
def db(world: Any) -> Iterator[Connection]:
    with world.database.admin() as connection:
        yield connection


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(value=values, previous=st.none() | st.text("0123456789abcdef", min_size=64, max_size=64))
def test_python_and_the_database_agree(db: Connection, value: Any, previous: str | None) -> None:
    ours = canonical(value)
    hashed, theirs = db.execute(PAYLOAD, {"payload": ours}).one()
    assert theirs == ours
    assert hashed == payload_hash(value) == hashlib.sha256(theirs.encode()).hexdigest()
    # What was read from a file is hashed like what was given.
    assert canonical(decoded(f'{{"payload": {theirs}}}')["payload"]) == theirs
    sealed_there = db.scalar(HASH, {"payload": theirs, "previous": previous})
    assert sealed_there == hashlib.sha256(f"{previous or 'GENESIS'}\n{theirs}".encode()).hexdigest()


@pytest.mark.parametrize(
    "written",
    ["1e2", "1E+2", "-0", "-0.0", "0e5", "1.50e1", "1e-7", "12.30", "1e300", "123456789012345678901234567890.5",
     '"\\u00e9\\ud83d\\ude00\\u2028\\u007f\\u001f\\/\\b"', '{"b": 1, "aa": 2, "a": 3, "é": 4}', '{"a": 1, "a": 2}',
     " [ 1 ,\n2 ] ", "[]", "{}", "null", "9" * 5000],
)  # fmt: skip
def test_what_others_write_has_the_same_canonical_text(db: Connection, written: str) -> None:
    theirs = db.scalar(text("SELECT CAST(:payload AS jsonb)::text"), {"payload": written})
    if written == '{"a": 1, "a": 2}':
        # PostgreSQL keeps the last one. In a file it would let two readers read two things.
        with pytest.raises(ValueError, match="twice"):
            decoded(written)
        assert theirs == '{"a": 2}'
    else:
        assert canonical(decoded(f'{{"payload": {written}}}')["payload"]) == theirs


def test_numbers_are_what_was_written() -> None:
    assert canonical([1, 1.0, Decimal("1.00"), 1e2, Decimal("1E+2")]) == "[1, 1.0, 1.00, 100.0, 100]"
    assert len({payload_hash(value) for value in (1, 1.0, Decimal("1.00"))}) == 3


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), Decimal("1e200000"), "\ud800"])
def test_what_cannot_be_stored_cannot_be_hashed(value: Any) -> None:
    with pytest.raises(ValueError):
        payload_hash(value)


@pytest.mark.parametrize("value", [object(), {1: 2}, b"x", {"a": {1, 2}}])
def test_what_is_not_json_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        canonical(value)


def test_the_envelope_is_in_canonical_order() -> None:
    assert json.loads(canonical(dict.fromkeys(reversed(ENVELOPE)))).keys() == dict.fromkeys(ENVELOPE).keys()
    assert list(json.loads(canonical(dict.fromkeys(reversed(ENVELOPE))))) == list(ENVELOPE)


@pytest.mark.parametrize("column", ENTRIES.columns.keys())
def test_the_envelope_covers_every_column(desk: Desk, column: str) -> None:
    """A column that is added and forgotten here is one that can be changed unseen."""
    covered = {name.removesuffix("_us") for name in ENVELOPE} | {"previous_hash", "entry_hash", "payload"}
    assert column in covered
    desk.write(1)
    (line,) = desk.lines()
    assert {column, f"{column}_us"} & decoded(line).keys()


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.split()[2])
def test_no_setting_of_a_session_takes_part(desk: Desk, setting: str) -> None:
    rows = desk.write(2)
    sql = text("""SELECT calculate_chain_hash(app.audit_envelope(e), e.previous_hash), app.audit_payload_hash(e.payload)
                    FROM audit_chain_entries AS e WHERE e.chain_id = :c ORDER BY sequence_number""")
    before = [tuple(row) for row in desk.db.execute(sql, {"c": desk.chain})]
    lines = desk.lines()
    desk.db.execute(text(setting))
    assert [tuple(row) for row in desk.db.execute(sql, {"c": desk.chain})] == before
    assert before == [(row["entry_hash"], row["payload_hash"]) for row in rows]
    assert desk.lines() == lines
    assert desk.verify()
    # And what is sealed under the setting is sealed alike.
    desk.db.execute(
        text("SELECT append_audit_entry(:c, 'patient', 'P3', 'viewed', '{\"x\": 1.5e3}')"), {"c": desk.chain}
    )
    desk.db.execute(text(f"SET LOCAL {setting.split()[2]} TO DEFAULT"))
    last = desk.rows()[-1]
    assert sealed(last)["entry_hash"] == last["entry_hash"]
    assert desk.verify()


@pytest.mark.parametrize("setting", SETTINGS[:2], ids=lambda s: s.split()[2])
def test_the_naive_text_of_a_time_would_change(desk: Desk, setting: str) -> None:
    desk.write(1)
    naive = text("SELECT created_at::text FROM audit_chain_entries WHERE chain_id = :c")
    before = desk.db.scalar(naive, {"c": desk.chain})
    desk.db.execute(text(setting))
    assert desk.db.scalar(naive, {"c": desk.chain}) != before


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"entity_type": "a", "entity_id": "bc"}, {"entity_type": "ab", "entity_id": "c"}),
        ({"entity_id": "a|b", "action": "c"}, {"entity_id": "a", "action": "b|c"}),
        ({"entity_id": 'a", "action": "b', "action": "c"}, {"entity_id": "a", "action": 'b", "action": "c'}),
        ({"actor_id": None}, {"actor_id": "null"}),
        ({"actor_id": None}, {"actor_id": ""}),
        ({"actor_id": "a", "actor_type": None}, {"actor_id": None, "actor_type": "a"}),
        ({"action": "x\ny"}, {"action": "x\\ny"}),
    ],
)
def test_parts_cannot_run_into_each_other(desk: Desk, one: dict[str, Any], two: dict[str, Any]) -> None:
    base = desk.forged(1, None)
    first, second = sealed({**base, **one}), sealed({**base, **two})
    assert first["entry_hash"] != second["entry_hash"]


def test_the_tenant_takes_part(desk: Desk) -> None:
    base = desk.forged(1, None)
    assert sealed(base)["entry_hash"] != sealed({**base, "tenant_id": "WORLD_B"})["entry_hash"]


def test_the_first_entry_follows_genesis(db: Connection) -> None:
    assert db.scalar(HASH, {"payload": "{}", "previous": None}) == hashlib.sha256(b"GENESIS\n{}").hexdigest()
    assert db.scalar(HASH, {"payload": None, "previous": None}) == hashlib.sha256(b"GENESIS\nnull").hexdigest()
    assert db.scalar(HASH, {"payload": "{}", "previous": "a" * 64}) == hashlib.sha256(b"a" * 64 + b"\n{}").hexdigest()


@pytest.mark.parametrize(
    ("moment", "counted"),
    [
        ("1969-12-31 23:59:59.999999+00", "-1"),
        ("2026-01-01 05:30:00.000001+05:30", "1767225600000001"),
        ("9999-12-31 00:00+00", "253402214400000000"),
        ("0044-03-15 12:00:00+00 BC", "-63517780800000000"),
        ("infinity", None),
    ],
)
def test_a_time_is_counted_in_whole_microseconds(desk: Desk, moment: str, counted: str | None) -> None:
    sql = text(
        "SELECT app.audit_envelope(jsonb_populate_record(NULL::audit_chain_entries,"
        " jsonb_build_object('created_at', CAST(:moment AS timestamptz)))) ->> 'created_at_us'"
    )
    assert desk.db.scalar(sql, {"moment": moment}) == counted


def test_entry_hash_needs_every_field(desk: Desk) -> None:
    with pytest.raises(KeyError):
        entry_hash({"action": "x"}, None)
