"""``app.open_scope``, whoever calls it and however: what it refuses, what it leaves behind, and its readers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, text

from hedgerow.core.predicate import BOUNDS
from isolation.oracle import TENANT_A, TENANT_B, open_scope, opening
from planting import become_session, planting, refused

OPENING = text("SELECT * FROM app.open_scope(:tenant, :user, CAST(:splits AS text[]), :purpose, NULL, :opening)")
USER = UUID(int=7)
DATES = {
    "train_until": "2024-07-01",
    "validation_from": "2024-07-08",
    "validation_until": "2025-01-01",
    "test_from": "2025-01-08",
    "test_until": "2025-07-01",
    "holdout_from": "2025-07-08",
}
READERS = ("current_tenant", "current_user_id", "current_splits", "current_artefact_splits")


@pytest.fixture
def app(seeded: Any) -> Iterator[Connection]:
    with seeded.engine("evaluator").connect() as connection:
        yield connection


def opened(connection: Connection, splits: Any = ("train",), purpose: Any = None, **other: Any) -> dict[str, Any]:
    values = {
        "tenant": TENANT_A,
        "user": None,
        "splits": splits if splits is None else list(splits),
        "purpose": purpose,
    } | other
    if "opening" not in values:
        values["opening"] = opening(connection, **values) if values["splits"] and values["purpose"] else None
    return dict(connection.execute(OPENING, values).mappings().one())


def readings(connection: Connection) -> dict[str, Any]:
    names = [*READERS, *(f"window_bound('{bound}')" for bound in BOUNDS)]
    return {name: connection.scalar(text(f"SELECT app.{name if '(' in name else name + '()'}")) for name in names}


@pytest.mark.parametrize(
    "splits",
    [("bogus",), ("train", "bogus"), ("train,holdout",), ("Train",), ("train", ""), ("train", None), (None,), None],
    ids=str,
)
def test_what_is_no_split_opens_nothing(splits: Any, app: Connection) -> None:
    with refused(app, "22023"):
        opened(app, splits, purpose="whatever it takes")
    assert set(readings(app).values()) == {None}


@pytest.mark.parametrize("role", ["evaluator", "owner", "admin"])
@pytest.mark.parametrize("splits", [("test",), ("holdout",), ("train", "holdout")], ids="+".join)
@pytest.mark.parametrize("purpose", [None, "", "   ", "\t\n"], ids=repr)
def test_a_sealed_split_needs_words(purpose: str | None, splits: tuple[str, ...], role: str, seeded: Any) -> None:
    """Of the owner too, who is asked for no opening: nothing but this refuses."""
    with seeded.engine(role).connect() as connection:
        with refused(connection, "42501"):
            opened(connection, splits, purpose)
        assert set(readings(connection).values()) == {None}


@pytest.mark.parametrize("tenant", ["NOBODY", "", None], ids=repr)
def test_an_unknown_tenant_is_refused(tenant: str | None, app: Connection) -> None:
    with refused(app, "28000"):
        opened(app, tenant=tenant)


@pytest.mark.parametrize("status", ["suspended", "archived"])
def test_a_tenant_that_is_not_active_is_refused(status: str, seeded: Any) -> None:
    with planting(seeded) as connection:
        connection.execute(text("UPDATE tenant SET status = :s WHERE id = :t"), {"s": status, "t": TENANT_A})
        become_session(connection)
        with refused(connection, "28000"):
            opened(connection)
        open_scope(connection, TENANT_B)


def test_without_a_scope_every_reader_is_null(app: Connection) -> None:
    assert set(readings(app).values()) == {None}


def test_the_readers_say_what_was_opened(app: Connection) -> None:
    returned = opened(app, ("train", "validation"), user=str(USER))
    read = readings(app)
    assert read["current_tenant"] == TENANT_A
    assert UUID(str(read["current_user_id"])) == USER
    assert read["current_splits"] == ["train", "validation"]
    assert {bound: read[f"window_bound('{bound}')"] for bound in BOUNDS} == returned
    assert {bound: moment.isoformat() for bound, moment in returned.items()} == {
        bound: f"{day}T00:00:00+00:00" for bound, day in DATES.items()
    }
    open_scope(app, TENANT_A, as_administrator=False)
    assert app.scalar(text("SELECT app.current_user_id()")) is None, "the second opening names nobody"


@pytest.mark.parametrize(
    ("splits", "artefacts"),
    [
        (("unassigned",), ["unassigned"]),
        (("train",), ["unassigned", "train"]),
        (("validation", "train"), ["unassigned", "train", "validation"]),
        (("test",), ["unassigned", "train", "validation", "test"]),
        (("holdout", "train"), ["unassigned", "train", "validation", "test", "holdout"]),
    ],
    ids=str,
)
def test_artefacts_of_earlier_splits_come_with_a_split(
    splits: tuple[str, ...], artefacts: list[str], app: Connection
) -> None:
    opened(app, splits, "a test of readers")
    assert app.scalar(text("SELECT app.current_artefact_splits()")) == artefacts


def test_no_split_at_all_sees_no_split(app: Connection) -> None:
    opened(app, ())
    read = readings(app)
    assert (read["current_splits"], read["current_artefact_splits"]) == (None, None)


def test_a_tenant_without_dates_has_no_bounds(app: Connection) -> None:
    values = {"tenant": TENANT_B, "user": None, "splits": ["train"], "purpose": None, "opening": None}
    columns = ", ".join(f"CAST({bound} AS text)" for bound in BOUNDS)
    row = app.execute(text(str(OPENING).replace("*", columns, 1)), values).one()
    wanted = ["infinity" if bound.endswith("until") else "-infinity" for bound in BOUNDS]
    assert list(row) == wanted
    assert [app.scalar(text(f"SELECT CAST(app.window_bound('{bound}') AS text)")) for bound in BOUNDS] == wanted


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
@pytest.mark.parametrize("style", ["ISO, MDY", "SQL, DMY", "German, DMY", "Postgres, MDY"])
def test_the_bounds_are_the_same_everywhere(zone: str, style: str, app: Connection) -> None:
    app.execute(text(f"SET LOCAL TimeZone = '{zone}'"))
    app.execute(text(f"SET LOCAL DateStyle = '{style}'"))
    values = {"t": TENANT_A}
    app.execute(text("SELECT count(*) FROM app.open_scope(:t, NULL, ARRAY['train'], NULL)"), values)
    for bound, day in DATES.items():
        same = text("SELECT app.window_bound(:b) = CAST(:day AS timestamptz)")
        assert app.scalar(same, {"b": bound, "day": f"{day}T00:00:00Z"}), bound


def test_a_scope_ends_with_its_transaction(app: Connection) -> None:
    for end in (app.commit, app.rollback):
        opened(app, user=str(USER))
        end()
        assert set(readings(app).values()) == {None}
        app.rollback()


def test_a_refusal_leaves_the_scope_that_was_open(app: Connection) -> None:
    opened(app, user=str(USER))
    before = readings(app)
    with refused(app, "28000"):
        opened(app, ("validation",), tenant="NOBODY")
    assert readings(app) == before
