"""Laws of time: windows are half-open to the microsecond, in whatever dress the session reads and writes time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Date, Table, text

from isolation.oracle import TENANT_A, name, split_tables
from planting import become_session, planting, refused

RECORDS = [table for table in split_tables() if table.info["hedgerow.model"].__event_time__]
COLUMNS = [
    pytest.param(table, column, id=f"{table.name}.{column}")
    for table in RECORDS
    for column in table.info["hedgerow.model"].__event_time__
]
# The windows of the seed's chronological tenant, whose gap is a week.
BOUNDS = {
    ("train", "until"): datetime(2024, 7, 1, tzinfo=UTC),
    ("validation", "from"): datetime(2024, 7, 8, tzinfo=UTC),
    ("validation", "until"): datetime(2025, 1, 1, tzinfo=UTC),
    ("test", "from"): datetime(2025, 1, 8, tzinfo=UTC),
    ("test", "until"): datetime(2025, 7, 1, tzinfo=UTC),
    ("holdout", "from"): datetime(2025, 7, 8, tzinfo=UTC),
}
PLAIN, FOREIGN = ("UTC", "ISO, MDY"), ("Asia/Tokyo", "SQL, DMY")
# How time is dressed while the scope is opened, and while rows are read.
DRESSES = [(PLAIN, PLAIN), (FOREIGN, FOREIGN), (FOREIGN, PLAIN), (PLAIN, FOREIGN)]


def dress(connection: Connection, clothes: tuple[str, str]) -> None:
    zone, style = clothes
    connection.execute(text(f"SET LOCAL TimeZone = '{zone}'"))
    connection.execute(text(f"SET LOCAL DateStyle = '{style}'"))


def alone(connection: Connection, table: Table, split: str) -> None:
    """Leave the tenant one row of the table, of that split."""
    one = f"ctid = (SELECT min(ctid) FROM {table.name} WHERE tenant_id = :t AND split_assignment = :s)"
    connection.execute(
        text(f"DELETE FROM {table.name} WHERE tenant_id = :t AND NOT {one}"), {"t": TENANT_A, "s": split}
    )


def place(connection: Connection, table: Table, column: str, moment: datetime) -> None:
    """Let the tenant's only row have happened at the moment."""
    columns = table.info["hedgerow.model"].__event_time__
    at = columns.index(column)
    instant = "CAST(CAST(:m AS timestamptz) AT TIME ZONE 'UTC' AS date)" if _is_date(table, column) else ":m"
    # The first that is not NULL decides; what comes after it says something else: an instant within a gap.
    values = {
        **dict.fromkeys(columns[:at], "NULL"),
        column: instant,
        **dict.fromkeys(columns[at + 1 :], "'2024-07-04'"),
    }
    assignments = ", ".join(f"{name} = {value}" for name, value in values.items())
    moved = connection.execute(
        text(f"UPDATE {table.name} SET {assignments} WHERE tenant_id = :t"), {"m": moment, "t": TENANT_A}
    )
    assert moved.rowcount == 1


def _is_date(table: Table, column: str) -> bool:
    return isinstance(table.columns[column].type, Date)


@pytest.mark.parametrize(("split", "end"), [pytest.param(*bound, id="-".join(bound)) for bound in BOUNDS])
@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_a_row_is_seen_inside_its_window_only(table: Table, column: str, split: str, end: str, seeded: Any) -> None:
    bound = BOUNDS[split, end]
    step = timedelta(days=1) if _is_date(table, column) else timedelta(microseconds=1)
    seen: dict[tuple[int, Any], int] = {}
    with planting(seeded) as connection:
        alone(connection, table, split)
        for steps in (-1, 0, 1):
            place(connection, table, column, bound + steps * step)
            for opening, reading in DRESSES:
                with connection.begin_nested() as savepoint:
                    become_session(connection)
                    dress(connection, opening)
                    _open(connection, split)
                    dress(connection, reading)
                    found = connection.scalar(text(f"SELECT count(*) FROM {table.name}"))
                    seen[steps, (opening, reading)] = found or 0
                    savepoint.rollback()
    inside = (-1,) if end == "until" else (0, 1)
    assert seen == {(steps, clothes): int(steps in inside) for steps in (-1, 0, 1) for clothes in DRESSES}


@pytest.mark.parametrize("table", RECORDS, ids=name)
def test_a_split_that_is_not_open_shows_nothing_whenever_it_was(table: Table, seeded: Any) -> None:
    """The time of another split's window opens nothing."""
    with planting(seeded) as connection:
        alone(connection, table, "test")
        place(connection, table, table.info["hedgerow.model"].__event_time__[0], datetime(2023, 6, 1, tzinfo=UTC))
        become_session(connection)
        _open(connection, "train")
        assert connection.scalar(text(f"SELECT count(*) FROM {table.name}")) == 0


@pytest.mark.parametrize("table", RECORDS, ids=name)
def test_a_row_without_an_instant_is_refused(table: Table, seeded: Any) -> None:
    """It would lie in no window: stored, and never seen again."""
    columns = table.info["hedgerow.model"].__event_time__
    unknown = ", ".join(f"{column} = NULL" for column in columns)
    some = f"ctid = (SELECT min(ctid) FROM {table.name} WHERE tenant_id = '{TENANT_A}')"
    with planting(seeded) as connection:
        not_null = [column for column in columns if not table.columns[column].nullable]
        with refused(connection, "23502" if not_null else "23514"):
            connection.execute(text(f"UPDATE {table.name} SET {unknown} WHERE {some}"))
        for infinite in ("infinity", "-infinity"):
            with refused(connection, "23514"):
                connection.execute(text(f"UPDATE {table.name} SET {columns[0]} = '{infinite}' WHERE {some}"))
            if len(columns) > 1:
                nulls = ", ".join(f"{column} = NULL" for column in columns[:-1])
                with refused(connection, "23514"):
                    connection.execute(
                        text(f"UPDATE {table.name} SET {nulls}, {columns[-1]} = '{infinite}' WHERE {some}")
                    )
        assert connection.scalar(
            text("""SELECT count(*) FROM pg_constraint
                     WHERE conrelid = CAST(:t AS regclass) AND contype = 'c' AND convalidated
                       AND conname LIKE '%\\_dated'"""),
            {"t": table.name},
        )


def _open(connection: Connection, split: str) -> None:
    # The bounds stay on the server: the driver reads no time in other styles than ISO.
    connection.execute(
        text("SELECT count(*) FROM app.open_scope(:t, NULL, ARRAY[:s], 'a law of time')"), {"t": TENANT_A, "s": split}
    )
