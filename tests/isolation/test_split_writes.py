"""Laws of writing behind the wall: a scope writes to its own splits, and nothing flows back to an earlier one.

A copy of a row that exists breaks the primary key wherever the wall lets it through: 23505 says that the wall has
nothing against it, 42501 that it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from hedgerow import Scope, SplitAccessError
from hedgerow.core.scope import FLOW
from hedgerow.core.wall import updatable_columns
from isolation.oracle import (
    TENANT_A,
    is_partly_split,
    key,
    name,
    open_scope,
    refusal,
    split_tables,
    tenant_tables,
    truth,
)
from isolation.writing import write_one
from planting import planting, refused

SPLITS = tuple(split.value for split in FLOW)
SCOPES = [("train",), ("validation",), ("train", "validation", "unassigned"), ("test",), ("holdout",)]
RECORDS = [table for table in split_tables() if table.info["hedgerow.model"].__event_time__]
PARTLY = [table for table in split_tables() if is_partly_split(table)]
ARTEFACTS = [t for t in split_tables() if t not in PARTLY and not t.info["hedgerow.model"].__event_time__]
STATISTICS = "ml_preprocessing_metadata"


@pytest.fixture(scope="module")
def admin(seeded: Any) -> Iterator[Connection]:
    with seeded.admin() as connection:
        yield connection


@pytest.fixture
def app(seeded: Any) -> Iterator[Connection]:
    with seeded.engine("evaluator").connect() as connection:
        yield connection


def enter(app: Connection, splits: tuple[str, ...]) -> None:
    open_scope(app, TENANT_A, splits, "a law of writing")


def sample(admin: Connection, table: str, where: str = "true") -> str:
    """A row of tenant A, as JSON."""
    row = admin.scalar(
        text(f"SELECT to_json(t)::text FROM {table} AS t WHERE tenant_id = :t AND {where} LIMIT 1"), {"t": TENANT_A}
    )
    assert row is not None, f"no row of {table} where {where}"
    return str(row)


def insert(app: Connection, table: Table, row: str) -> str:
    """SQLSTATE that the copy of a row meets."""
    columns = ", ".join(column.name for column in table.columns if column.computed is None)
    statement = text(
        f"INSERT INTO {table.name} ({columns}) SELECT {columns} "
        f"FROM json_populate_record(CAST(NULL AS {table.name}), CAST(:row AS json))"
    )
    with pytest.raises(DBAPIError) as error, app.begin_nested():
        app.execute(statement, {"row": row})
    return refusal(error.value)


def deleted(app: Connection, statement: str) -> int:
    """How many rows a DELETE takes, undone; -1 when a row that refers to one of them stops it."""
    try:
        with app.begin_nested() as savepoint:
            count = app.execute(text(statement)).rowcount
            savepoint.rollback()
    except DBAPIError as error:
        if refusal(error) != "23503":
            raise
        return -1
    return count


def touch(table: Table) -> str:
    column = updatable_columns(table)[0]
    return f"{column} = {column}"


@pytest.mark.parametrize("splits", SCOPES, ids="+".join)
@pytest.mark.parametrize("table", split_tables(), ids=name)
def test_rows_are_inserted_into_own_splits_only(
    table: Table, splits: tuple[str, ...], admin: Connection, app: Connection
) -> None:
    labels = admin.scalars(text(f"SELECT DISTINCT split_assignment FROM {table.name} WHERE tenant_id = '{TENANT_A}'"))
    there = {label for label in labels if label is not None}
    assert {"train", "validation", "test", "holdout"} <= there, "there is nothing to write to"
    enter(app, splits)
    for label in there:
        met = insert(app, table, sample(admin, table.name, f"split_assignment = '{label}'"))
        assert met == ("23505" if label in splits else "42501"), label
    if table in PARTLY:
        met = insert(app, table, sample(admin, table.name, "split_assignment IS NULL"))
        sealed = bool({"test", "holdout"} & set(splits))
        assert met == ("42501" if sealed else "23505"), "rows without a split are read by everybody"


@pytest.mark.parametrize("splits", SCOPES, ids="+".join)
@pytest.mark.parametrize("table", RECORDS + PARTLY, ids=name)
def test_an_update_reaches_what_is_seen(
    table: Table, splits: tuple[str, ...], admin: Connection, app: Connection
) -> None:
    enter(app, splits)
    found = app.execute(text(f"UPDATE {table.name} SET {touch(table)} RETURNING *")).mappings().all()
    assert {key(table, row) for row in found} == truth(admin, table, TENANT_A, splits)


@pytest.mark.parametrize("splits", SCOPES, ids="+".join)
@pytest.mark.parametrize("table", ARTEFACTS, ids=name)
def test_artefacts_are_read_forwards_and_written_in_place(
    table: Table, splits: tuple[str, ...], admin: Connection, app: Connection
) -> None:
    enter(app, splits)
    read = {key(table, row) for row in app.execute(text(f"SELECT * FROM {table.name}")).mappings()}
    assert read == truth(admin, table, TENANT_A, splits)
    everything = admin.execute(text(f"SELECT * FROM {table.name} WHERE tenant_id = '{TENANT_A}'")).mappings().all()
    own = {key(table, row) for row in everything if row["split_assignment"] in splits}
    # Whatever else the scope sees can be no reason to hide: the difference is what may not be written.
    assert own <= read
    changed = app.execute(text(f"UPDATE {table.name} SET {touch(table)} RETURNING *")).mappings()
    assert {key(table, row) for row in changed} == own
    for label in SPLITS:
        wanted = sum(row["split_assignment"] == label for row in everything) if label in splits else 0
        met = deleted(app, f"DELETE FROM {table.name} WHERE split_assignment = '{label}'")
        assert met == wanted or (met == -1 and wanted > 0), label


@pytest.mark.parametrize("known", ["loaded", "expired"])
@pytest.mark.parametrize("act", ["change", "delete"])
@pytest.mark.parametrize("table", ARTEFACTS, ids=name)
def test_a_flush_leaves_artefacts_of_earlier_splits_alone(
    table: Table, act: str, known: str, sessions: Callable[..., Session]
) -> None:
    """And says so: an UPDATE would find no row, and a DELETE would find none without a word."""
    with sessions(Scope(TENANT_A, splits={"validation"}), "both") as session:
        write_one(session, table, table.c.split_assignment == "train", act, known)
        with pytest.raises(SplitAccessError, match="computed on 'train'") as error:
            session.flush()
        assert (error.value.table, error.value.split) == (table.name, "train")


@pytest.mark.parametrize(
    "splits",
    [("train",), ("validation",), ("train", "validation"), ("train", "unassigned"), ("holdout",)],
    ids="+".join,
)
def test_statistics_are_written_from_train_alone(splits: tuple[str, ...], admin: Connection, app: Connection) -> None:
    table = next(t for t in tenant_tables() if t.name == STATISTICS)
    alone = splits == ("train",)
    enter(app, splits)
    read = {key(table, row) for row in app.execute(text(f"SELECT * FROM {STATISTICS}")).mappings()}
    assert read == truth(admin, table, TENANT_A, splits)
    assert read
    assert insert(app, table, sample(admin, STATISTICS)) == ("23505" if alone else "42501")
    wanted = len(read) if alone else 0
    assert app.execute(text(f"UPDATE {STATISTICS} SET {touch(table)}")).rowcount == wanted
    assert app.execute(text(f"DELETE FROM {STATISTICS}")).rowcount == wanted
    app.rollback()


def test_a_session_does_not_choose_the_split_of_a_patient(admin: Connection, app: Connection) -> None:
    table = next(t for t in tenant_tables() if t.name == "ml_patient_split_assignments")
    enter(app, SPLITS)
    assert insert(app, table, sample(admin, table.name)) == "42501"


def test_an_event_hangs_on_a_journey_of_its_own_patient(seeded: Any) -> None:
    """Even a superuser cannot hang it elsewhere, within one tenant and one split."""
    with planting(seeded, triggers=True) as connection:
        theirs = connection.execute(
            text("""SELECT e.treatment_event_id AS event, j.id AS journey, own.id AS own
                      FROM treatment_events AS e
                      JOIN patient_journeys AS j USING (tenant_id, split_assignment)
                      JOIN patient_journeys AS own
                        ON own.tenant_id = e.tenant_id AND own.patient_id = e.patient_id
                     WHERE e.tenant_id = :t AND j.patient_id <> e.patient_id LIMIT 1"""),
            {"t": TENANT_A},
        ).one()
        move = text(
            "UPDATE treatment_events SET patient_journey_id = :j WHERE tenant_id = :t AND treatment_event_id = :e"
        )
        with refused(connection, "23503"):
            connection.execute(move, {"j": theirs.journey, "t": TENANT_A, "e": theirs.event})
        for allowed in (theirs.own, None):
            assert connection.execute(move, {"j": allowed, "t": TENANT_A, "e": theirs.event}).rowcount == 1


def test_a_trigger_follows_one_of_its_own_patient(seeded: Any) -> None:
    with planting(seeded, triggers=True) as connection:
        pair = connection.execute(
            text("""SELECT t.trigger_id AS one, o.trigger_id AS other
                      FROM triggers AS t JOIN triggers AS o USING (tenant_id, split_assignment)
                     WHERE t.tenant_id = :t AND o.patient_id <> t.patient_id LIMIT 1"""),
            {"t": TENANT_A},
        ).one()
        follow = text("UPDATE triggers SET previous_trigger_id = :o WHERE tenant_id = :t AND trigger_id = :i")
        with refused(connection, "23503"):
            connection.execute(follow, {"o": pair.other, "t": TENANT_A, "i": pair.one})
        for allowed in (pair.one, None):
            assert connection.execute(follow, {"o": allowed, "t": TENANT_A, "i": pair.one}).rowcount == 1
