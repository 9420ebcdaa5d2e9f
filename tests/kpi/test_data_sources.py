"""data_sources: its rows, its views and the two functions, which are the same for every tenant."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise, product
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from hedgerow.core.base import metadata
from hedgerow.core.objects import Function
from hedgerow.kpi import DATA_SOURCES, SourceType
from hedgerow.kpi.objects import DOMAIN

FREQUENCIES = ("realtime", "daily", "weekly", "biweekly", "monthly", "quarterly", "now and then", None)


@pytest.fixture
def bare(desk: Any) -> Any:
    """A desk whose data_sources is empty."""
    desk.db.execute(text("DELETE FROM data_sources"))
    return desk


def score(coverage: Any, completeness: Any, freshness: Any, match: Any) -> Decimal | None:
    if None in (coverage, completeness, freshness, match):
        return None
    exact = (
        Decimal(coverage) * Decimal("0.3")
        + Decimal(completeness) * 30
        + (100 - min(freshness, 30)) * Decimal("0.2")
        + Decimal(match) * 20
    )
    return exact.quantize(Decimal("0.01"), ROUND_HALF_UP)


def tier(coverage: Any, completeness: Any) -> str:
    if coverage is None or completeness is None:
        return "Poor"
    bounds = [("Excellent", 90, "0.95"), ("Good", 80, "0.90"), ("Fair", 70, "0.85")]
    return next((name for name, c, s in bounds if coverage >= c and completeness >= Decimal(s)), "Poor")


def measured() -> Iterator[dict[str, Any]]:
    """Every combination of figures at, just below and beyond the bounds, and NULL."""
    coverages = [Decimal(c) for c in ("0", "69.99", "70", "80", "89.99", "90", "100")]
    completenesses = [Decimal(c) for c in ("0", "0.8499", "0.85", "0.9", "0.9499", "0.95", "1")]
    days, matches = (0, 1, 30, 31, 2**31 - 1, None), (Decimal("0.3333"), Decimal(1), None)
    for number, (c, s, d, m) in enumerate(product([*coverages, None], [*completenesses, None], days, matches)):
        yield {
            "source_id": f"s{number:04}",
            "source_name": f"Source {number}",
            "source_type": list(SourceType)[number % 6],
            "coverage_percent": c,
            "completeness_score": s,
            "freshness_days": d,
            "match_rate": m,
            "is_active": (True, True, True, False, None)[number % 5],
        }


def insert_all(desk: Any, rows: list[dict[str, Any]]) -> None:
    desk.db.execute(metadata.tables["data_sources"].insert(), rows)


def test_the_schema_brings_seven_sources(desk: Any) -> None:
    desk.become("session", "A")
    found = {row.source_id: row._mapping for row in desk.db.execute(text("SELECT * FROM data_sources"))}
    assert len(found) == len(DATA_SOURCES) == 7
    for source in DATA_SOURCES:
        row = source.row()
        assert {name: found[source.source_id][name] for name in row} == row
        assert found[source.source_id]["is_active"] is True
        assert found[source.source_id]["last_refresh_date"] is None


def test_the_seven_sources_are_never_refreshed_and_without_score(desk: Any) -> None:
    active = desk.read("v_active_data_sources", "A", role="session")
    assert {row["source_id"] for row in active} == {source.source_id for source in DATA_SOURCES}
    assert {row["freshness_status"] for row in active} == {"Never refreshed"}
    quality = desk.read("v_data_source_quality", "A", role="session")
    assert {(row["quality_score"], row["quality_tier"]) for row in quality} == {(None, "Poor")}
    primary = [row["source_id"] for row in desk.read("v_primary_data_sources", "A", role="session")]
    assert primary == ["iqvia_apld", "iqvia_laad", "komodo", "veeva_oce", "specialty_pharmacy"]


@pytest.mark.parametrize("view", ["v_active_data_sources", "v_data_source_quality", "v_primary_data_sources"])
def test_an_empty_catalogue_gives_no_row(bare: Any, view: str) -> None:
    assert bare.read(view, "A", role="session") == []


def test_quality_by_formula_and_tier(bare: Any) -> None:
    rows = list(measured())
    insert_all(bare, rows)
    wanted = {
        row["source_id"]: (
            score(row["coverage_percent"], row["completeness_score"], row["freshness_days"], row["match_rate"]),
            tier(row["coverage_percent"], row["completeness_score"]),
        )
        for row in rows
        if row["is_active"]
    }
    for role in ("superuser", "session"):
        found = bare.read("v_data_source_quality", "A", role=role)
        assert {row["source_id"]: (row["quality_score"], row["quality_tier"]) for row in found} == wanted
        scores = [row["quality_score"] for row in found]
        unknown = scores.count(None)
        assert scores[:unknown] == [None] * unknown, "unknown scores come first"
        assert all(before >= after for before, after in pairwise(scores[unknown:]))


def test_calculate_data_quality_score(bare: Any) -> None:
    rows = list(measured())
    insert_all(bare, rows)
    bare.become("session", "A")
    found = bare.db.execute(text("SELECT source_id, calculate_data_quality_score(source_id) FROM data_sources"))
    # Also of sources that are not in use.
    assert dict(found.all()) == {
        row["source_id"]: score(
            row["coverage_percent"], row["completeness_score"], row["freshness_days"], row["match_rate"]
        )
        for row in rows
    }


@pytest.mark.parametrize("source", ["nobody", "", None])
def test_the_score_of_an_unknown_source_is_unknown(desk: Any, source: str | None) -> None:
    found = desk.db.scalar(text("SELECT calculate_data_quality_score(:source)"), {"source": source})
    assert found is None


def test_freshness_to_the_microsecond(bare: Any) -> None:
    instant = timedelta(microseconds=1)
    ages = [timedelta(days=d) + step for d in (0, 3, 6) for step in (-instant, timedelta(0), instant)]
    cases = {f"age{n}": (3, age, age) for n, age in enumerate(ages)}
    cases |= {f"zero{n}": (0, age, age) for n, age in enumerate(ages)}
    cases |= {"unknown": (None, timedelta(0), timedelta(0)), "never": (3, None, None)}
    insert_all(
        bare,
        [
            {
                "source_id": name,
                "source_name": name,
                "source_type": SourceType.LAB,
                "freshness_days": days,
                "last_refresh_date": None if age is None else bare.now - age,
            }
            for name, (days, age, _) in cases.items()
        ],
    )

    def status(days: int | None, age: timedelta | None) -> str:
        if age is None:
            return "Never refreshed"
        if days is None:
            return "Stale"
        limit = timedelta(days=days)
        return "Fresh" if age <= limit else "Aging" if age <= 2 * limit else "Stale"

    wanted = {name: status(days, age) for name, (days, age, _) in cases.items()}
    assert set(wanted.values()) == {"Fresh", "Aging", "Stale", "Never refreshed"}
    for zone in ("UTC", "America/Los_Angeles", "Pacific/Kiritimati"):
        found = bare.read("v_active_data_sources", "A", role="session", zone=zone)
        assert {row["source_id"]: row["freshness_status"] for row in found} == wanted


def test_primary_sources_by_type_and_priority(bare: Any) -> None:
    insert_all(
        bare,
        [
            {
                "source_id": f"{kind.value}{priority}{active}{primary}",
                "source_name": f"{kind.value} {priority} {active} {primary}",
                "source_type": kind,
                "priority": priority,
                "is_active": active,
                "is_primary": primary,
            }
            for kind in reversed(SourceType)
            for priority in (10, 2, None)
            for active in (True, False, None)
            for primary in (True, False, None)
        ],
    )
    # By the order of the enum, several of one type, and an unknown priority last.
    wanted = [f"{kind.value}{priority}TrueTrue" for kind in SourceType for priority in (2, 10, None)]
    assert [row["source_id"] for row in bare.read("v_primary_data_sources", "A", role="session")] == wanted


def due(now: datetime, frequency: str | None) -> datetime:
    months = {"monthly": 1, "quarterly": 3}.get(frequency or "")
    if months is None:
        days = {"realtime": 0, "daily": 1, "biweekly": 14}.get(frequency or "", 7)
        return now + timedelta(days=days)
    year, month = divmod(now.year * 12 + now.month - 1 + months, 12)
    return now.replace(year=year, month=month + 1, day=min(now.day, calendar.monthrange(year, month + 1)[1]))


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Pacific/Kiritimati"])
@pytest.mark.parametrize("frequency", FREQUENCIES, ids=str)
def test_update_data_source_refresh(bare: Any, frequency: str | None, zone: str) -> None:
    old = datetime(2020, 1, 1, tzinfo=UTC)
    insert_all(
        bare,
        [
            {
                "source_id": name,
                "source_name": name,
                "source_type": SourceType.LAB,
                "refresh_frequency": frequency,
                "last_refresh_date": old,
                "next_scheduled_refresh": old,
                "updated_at": old,
            }
            for name in ("mine", "other")
        ],
    )
    bare.db.execute(text("SELECT set_config('TimeZone', :zone, true)"), {"zone": zone})
    bare.db.execute(text("SELECT update_data_source_refresh('mine')"))
    bare.db.exec_driver_sql("SET LOCAL TIME ZONE 'UTC'")
    found = {
        row.source_id: (row.last_refresh_date, row.next_scheduled_refresh, row.updated_at)
        for row in bare.db.execute(text("SELECT * FROM data_sources"))
    }
    assert found == {"mine": (bare.now, due(bare.now, frequency), bare.now), "other": (old, old, old)}


@pytest.mark.parametrize(
    ("now", "zone", "wanted"),
    [
        # The 30th in UTC is the 31st in Kiritimati, and February has neither.
        (datetime(2025, 1, 30, 12, tzinfo=UTC), "Pacific/Kiritimati", datetime(2025, 2, 28, 12, tzinfo=UTC)),
        # Between the two, clocks change in Los Angeles.
        (datetime(2025, 2, 9, 11, tzinfo=UTC), "America/Los_Angeles", datetime(2025, 3, 9, 11, tzinfo=UTC)),
        (datetime(2025, 10, 28, 9, tzinfo=UTC), "America/Los_Angeles", datetime(2025, 11, 28, 9, tzinfo=UTC)),
    ],
)
def test_the_next_refresh_does_not_follow_the_session_time_zone(
    bare: Any, now: datetime, zone: str, wanted: datetime
) -> None:
    source = DOMAIN.sql(Function("update_data_source_refresh")).replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
    source = source.replace("now()", f"TIMESTAMPTZ '{now.isoformat()}'")
    bare.db.exec_driver_sql(source, execution_options={"no_parameters": True})
    insert_all(
        bare,
        [{"source_id": "s", "source_name": "s", "source_type": SourceType.LAB, "refresh_frequency": "monthly"}],
    )
    bare.db.execute(text("SELECT set_config('TimeZone', :zone, true)"), {"zone": zone})
    bare.db.execute(text("SELECT update_data_source_refresh('s')"))
    assert bare.db.scalar(text("SELECT next_scheduled_refresh FROM data_sources")) == wanted


@pytest.mark.parametrize("source", ["nobody", "", None])
def test_refreshing_an_unknown_source_is_an_error_that_says_what_to_do(desk: Any, source: str | None) -> None:
    with pytest.raises(DatabaseError) as refused:
        desk.db.execute(text("SELECT update_data_source_refresh(:source)"), {"source": source})
    diagnosis = refused.value.orig.diag
    assert diagnosis.sqlstate == "P0002"
    named = "NULL" if source is None else f"'{source}'"
    assert diagnosis.message_primary == f"The data source {named} does not exist"
    assert "data_sources" in diagnosis.message_hint


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT update_data_source_refresh('komodo')",
        "UPDATE data_sources SET is_active = false",
        "DELETE FROM data_sources",
        "INSERT INTO data_sources (source_id, source_name, source_type) VALUES ('x', 'x', 'lab')",
        "TRUNCATE data_sources CASCADE",
    ],
)
def test_sessions_only_read(desk: Any, statement: str) -> None:
    desk.become("session", "A")
    with pytest.raises(DatabaseError) as refused:
        desk.db.execute(text(statement))
    assert refused.value.orig.diag.sqlstate == "42501"


def test_the_owner_refreshes(module_database: Any) -> None:
    with module_database.engine("owner").connect() as owner:
        owner.execute(text("SELECT update_data_source_refresh('komodo')"))
        row = owner.execute(text("SELECT * FROM data_sources WHERE source_id = 'komodo'")).one()
        assert row.last_refresh_date == owner.scalar(text("SELECT now()"))
        owner.rollback()
