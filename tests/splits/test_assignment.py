"""The hash rule: Python and the database agree for every id and every configuration, exactly at the bounds too."""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from hedgerow.core.scope import Split
from hedgerow.splits.assignment import DEFAULT_RATIOS, PatientIdError, RatioError, SplitAssignment, SplitRatios, assign

STORABLE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@st.composite
def ratios(draw: st.DrawFn) -> SplitRatios:
    cuts = sorted(draw(st.lists(st.integers(0, 100), min_size=3, max_size=3)))
    shares = [cuts[0], cuts[1] - cuts[0], cuts[2] - cuts[1], 100 - cuts[2]]
    return SplitRatios(*(Decimal(share) / 100 for share in shares))


@pytest.fixture(scope="module")
def connection(module_database: Any) -> Iterator[Connection]:
    with module_database.admin() as connection:
        yield connection


def in_database(connection: Connection, ids: list[str], by: SplitRatios) -> list[str]:
    rule = text(
        "SELECT app.assign_split(id, :train, :validation, :test)"
        " FROM unnest(CAST(:ids AS text[])) WITH ORDINALITY AS given (id, place) ORDER BY place"
    )
    given_ = {"ids": ids, "train": by.train, "validation": by.validation, "test": by.test}
    return list(connection.scalars(rule, given_))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ids=st.lists(STORABLE, max_size=20), by=ratios())
def test_python_is_sql(connection: Connection, ids: list[str], by: SplitRatios) -> None:
    assert [assign(patient, by) for patient in ids] == in_database(connection, ids, by)


def test_python_is_sql_for_every_character(connection: Connection) -> None:
    every = [chr(point) for point in range(1, sys.maxunicode + 1) if not 0xD800 <= point <= 0xDFFF]
    ids = ["".join(every[start : start + 64]) for start in range(0, len(every), 64)]
    assert [assign(patient) for patient in ids] == in_database(connection, ids, DEFAULT_RATIOS)


@pytest.mark.parametrize("patient", ["", " ", "P1", "P1 ", "p1", "Ω", "e\u0301", "\u00e9", "😀" * 100])
def test_the_rule_as_the_sources_word_it(patient: str) -> None:
    share = int(hashlib.md5(patient.encode()).hexdigest(), 16) / 2**128
    expected = "train" if share < 0.60 else "validation" if share < 0.80 else "test" if share < 0.95 else "holdout"
    assert SplitAssignment.assign(patient) == expected


@pytest.mark.parametrize(
    ("share", "split"),
    [
        (0, Split.TRAIN),
        (60 * 2**128 // 100, Split.TRAIN),
        (60 * 2**128 // 100 + 1, Split.VALIDATION),
        (80 * 2**128 // 100, Split.VALIDATION),
        (80 * 2**128 // 100 + 1, Split.TEST),
        (95 * 2**128 // 100, Split.TEST),
        (95 * 2**128 // 100 + 1, Split.HOLDOUT),
        (2**128 - 1, Split.HOLDOUT),
    ],
)
def test_the_bounds_are_exact(share: int, split: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    """A float could tell none of these neighbours apart, and makes 0.60 + 0.20 + 0.15 more than 0.95."""

    class Hash:
        def digest(self) -> bytes:
            return share.to_bytes(16)

    monkeypatch.setattr(hashlib, "md5", lambda data, usedforsecurity: Hash())
    assert assign("anybody") is split


def test_a_bound_that_is_a_hash_belongs_to_the_next_split(monkeypatch: pytest.MonkeyPatch) -> None:
    """2**127 is exactly half of the hashes: bounds are half-open."""

    class Hash:
        def digest(self) -> bytes:
            return (2**127).to_bytes(16)

    monkeypatch.setattr(hashlib, "md5", lambda data, usedforsecurity: Hash())
    halves = SplitRatios(Decimal("0.5"), Decimal("0.5"), Decimal(0), Decimal(0))
    assert assign("anybody", halves) is Split.VALIDATION


def test_shares_are_those_of_the_ratios() -> None:
    found = Counter(assign(f"patient-{number}") for number in range(20_000))
    for split, ratio in ((Split.TRAIN, 0.60), (Split.VALIDATION, 0.20), (Split.TEST, 0.15), (Split.HOLDOUT, 0.05)):
        assert found[split] / 20_000 == pytest.approx(ratio, abs=0.012)


@pytest.mark.parametrize("patient", [None, 7, b"P1", ["P1"]])
def test_what_is_no_text_has_no_split(patient: Any) -> None:
    with pytest.raises(TypeError, match="A patient id is text, not"):
        assign(patient)


@pytest.mark.parametrize(("patient", "what"), [("a\0b", "NUL"), ("\ud800", "lone surrogate"), ("x\udfff", "surrogate")])
def test_what_cannot_be_stored_has_no_split(patient: str, what: str) -> None:
    with pytest.raises(PatientIdError, match=f"{what}.*Remedy: "):
        assign(patient)


@pytest.mark.parametrize(
    ("shares", "what"),
    [
        (("0.6", "0.2", "0.15", "0.06"), "sum to 1.01, not to 1.*take 0.01"),
        (("0.6", "0.2", "0.15", "0"), "sum to 0.95, not to 1.*add 0.05"),
        (("0.605", "0.195", "0.15", "0.05"), "train ratio 0.605 has more than two decimals"),
        (("-0.1", "0.9", "0.15", "0.05"), "is not between 0 and 1"),
        (("1.1", "0", "0", "-0.1"), "is not between 0 and 1"),
        (("NaN", "0", "0", "1"), "is not between 0 and 1"),
        (("Infinity", "0", "0", "1"), "is not between 0 and 1"),
    ],
)
def test_ratios_that_divide_nothing(shares: tuple[str, ...], what: str) -> None:
    with pytest.raises(RatioError, match=what):
        SplitRatios(*map(Decimal, shares))


def test_a_float_is_no_ratio() -> None:
    with pytest.raises(RatioError, match="is not a decimal number"):
        SplitRatios(train=0.6)  # type: ignore[arg-type]
