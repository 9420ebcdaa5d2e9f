"""Questions about metrics and about the use of the product."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from hedgerow.core.repository import FilterError
from hedgerow.kpi.models import BusinessMetric, UserSession
from hedgerow.kpi.repository import AsyncBusinessMetricRepository, AsyncUserSessionRepository, SessionMetrics
from world import OTHER, TENANT, World, make_world

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)
METRICS = [
    ("M1", "nrx", "2024-01-01", "Kisqali", "south", "train", 1),
    ("M2", "nrx", "2024-02-01", "Kisqali", "south", "train", 2),
    ("M3", "nrx", "2024-02-01", "Kisqali", "west", "validation", 3),
    ("M4", "nrx", "2024-03-01", "Kisqali", "south", "test", 4),
    ("M5", "trx", "2024-01-01", None, None, "unassigned", 5),
    ("M6", "trx", "2024-01-01", None, None, "unassigned", 6),
]


@pytest.fixture(scope="module")
def world(module_database: Any) -> World:
    world = make_world(module_database)
    for tenant in (TENANT, OTHER):
        with world.session("train", "validation", "test", "unassigned", tenant=tenant) as session:
            for key, name, day, brand, region, split, value in METRICS:
                session.add(
                    BusinessMetric(
                        metric_id=key,
                        metric_name=name,
                        metric_date=date.fromisoformat(day),
                        brand=brand,
                        region=region,
                        split_assignment=split,
                        value=value,
                    )
                )
            for hours, user, seconds, pages in [(0, "u1", 60, 3), (1, "u1", None, None), (2, "u2", 120, 6)]:
                session.add(
                    UserSession(
                        user_id=user,
                        session_start=NOON + timedelta(hours=hours),
                        session_duration_seconds=seconds,
                        pages_viewed=pages,
                    )
                )
            session.commit()
    return world


@pytest.fixture(params=["psycopg", "asyncpg"])
def metrics(world: World, request: pytest.FixtureRequest) -> Iterator[Any]:
    with world.repository(request.param, AsyncBusinessMetricRepository, world.scope()) as repository:
        yield repository


@pytest.fixture(params=["psycopg", "asyncpg"])
def sessions(world: World, request: pytest.FixtureRequest) -> Iterator[Any]:
    with world.repository(request.param, AsyncUserSessionRepository, world.scope()) as repository:
        yield repository


def ids(found: list[Any]) -> list[str]:
    return [metric.metric_id for metric in found]


def test_by_kpi(metrics: Any) -> None:
    assert ids(metrics.get_by_kpi("nrx")) == ["M2", "M3", "M1"]
    assert ids(metrics.get_by_kpi("nrx", "train")) == ["M2", "M1"]
    assert metrics.get_by_kpi("NRX") == []


def test_time_series(metrics: Any) -> None:
    assert ids(metrics.get_time_series("nrx")) == ["M1", "M2", "M3"]
    assert ids(metrics.get_time_series("nrx", date(2024, 1, 2), date(2024, 2, 1))) == ["M2", "M3"]
    assert ids(metrics.get_time_series("nrx", end=date(2024, 1, 31))) == ["M1"]
    assert ids(metrics.get_time_series("nrx", brand="Kisqali", region="west")) == ["M3"]
    with pytest.raises(FilterError, match="'moon' is not a valid Region"):
        metrics.get_time_series("nrx", region="moon")


def test_latest_snapshot_has_one_value_for_each_metric_brand_and_region(metrics: Any) -> None:
    assert sorted(ids(metrics.get_latest_snapshot())) == ["M2", "M3", "M6"]
    assert ids(metrics.get_latest_snapshot("validation")) == ["M3"]


def test_sessions(sessions: Any) -> None:
    assert [row.session_start.hour for row in sessions.get_by_user("u1")] == [13, 12]
    assert sessions.get_by_user("nobody") == []
    in_range = sessions.get_sessions_in_range(NOON, NOON + timedelta(hours=2))
    assert [row.session_start.hour for row in in_range] == [12, 13], "the end does not belong to it"
    assert sessions.get_sessions_in_range(NOON, NOON) == []


def test_session_metrics(sessions: Any) -> None:
    day = sessions.get_session_metrics(NOON, NOON + timedelta(days=1))
    assert day == SessionMetrics(3, 2, Decimal(90), Decimal("4.5"))
    assert sessions.get_session_metrics(NOON + timedelta(days=1), NOON + timedelta(days=2)) == SessionMetrics(
        0, 0, None, None
    )


@pytest.mark.parametrize(
    ("start", "end", "what"),
    [
        (NOON, NOON - timedelta(seconds=1), "before it starts"),
        (NOON.replace(tzinfo=None), NOON, "without a time zone"),
        (NOON, NOON.replace(tzinfo=None), "without a time zone"),
    ],
)
def test_ranges_that_cannot_be(sessions: Any, start: datetime, end: datetime, what: str) -> None:
    with pytest.raises(FilterError, match=what):
        sessions.get_sessions_in_range(start, end)


def test_active_users_are_counted_even_when_there_are_none(sessions: Any) -> None:
    counts = sessions.get_active_user_counts()
    assert (counts.mau, counts.wau, counts.dau) == (0, 0, 0)
    now = datetime.now(UTC)
    sessions.create(UserSession(user_id="today", session_start=now))
    assert sessions.get_active_user_counts().dau in (0, 1), "read again"
