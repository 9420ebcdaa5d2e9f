"""v_kpi_active_users and v_kpi_active_users_current, at the moments at which calendars go wrong, and now."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

Sessions = list[tuple[str, str, datetime]]
INSTANT = timedelta(microseconds=1)

MOMENTS = [
    datetime(2025, 10, 1, 12, tzinfo=UTC),  # a Wednesday: the week began in September
    datetime(2025, 12, 1, tzinfo=UTC),  # month, week and day begin at once
    datetime(2025, 8, 31, 23, 59, 59, 999999, tzinfo=UTC),  # a Sunday: all three are about to end
    datetime(2026, 1, 1, 0, 30, tzinfo=UTC),  # a Thursday: the week began in the year before
    datetime(2024, 2, 29, 8, tzinfo=UTC),
    datetime(2025, 3, 30, 1, 30, tzinfo=UTC),  # clocks change in Europe
    datetime(2025, 11, 2, 9, tzinfo=UTC),  # clocks change in America
]


def month_of(moment: datetime) -> datetime:
    return datetime(moment.year, moment.month, 1, tzinfo=UTC)


def day_of(moment: datetime) -> datetime:
    return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)


def week_of(moment: datetime) -> datetime:
    return day_of(moment) - timedelta(days=moment.weekday())


def users(sessions: Sessions, tenant: str, since: datetime, until: datetime) -> int:
    return len({user for owner, user, start in sessions if owner == tenant and since <= start < until})


def by_month(sessions: Sessions, tenant: str, now: datetime) -> list[dict[str, Any]]:
    rows = []
    for month in sorted({month_of(start) for owner, _, start in sessions if owner == tenant}):
        end = month_of(month + timedelta(days=31))
        today, tomorrow = day_of(now), day_of(now) + timedelta(days=1)
        rows.append(
            {
                "period": month,
                "mau": users(sessions, tenant, month, end),
                "wau": users(sessions, tenant, max(month, week_of(now)), end),
                "dau": users(sessions, tenant, max(month, today), min(end, tomorrow)),
            }
        )
    return rows


def current(sessions: Sessions, tenant: str, now: datetime) -> list[dict[str, Any]]:
    periods = {"mau": month_of(now), "wau": week_of(now), "dau": day_of(now)}
    return [{"as_of": now} | {name: users(sessions, tenant, since, now + INSTANT) for name, since in periods.items()}]


def around(now: datetime) -> Sessions:
    """Sessions on both sides of every boundary near ``now``, and many at random within three months."""
    rng = random.Random(now.isoformat())
    next_month = month_of(month_of(now) + timedelta(days=31))
    edges = [day_of(now), day_of(now) + timedelta(days=1), week_of(now), month_of(now), next_month, now]
    edges += [week_of(now) + timedelta(days=7), month_of(month_of(now) - INSTANT)]
    starts = [edge + step for edge in edges for step in (-INSTANT, timedelta(0), INSTANT)]
    starts += [now + timedelta(seconds=rng.uniform(-60 * 86400, 30 * 86400)) for _ in range(60)]
    starts += [now - timedelta(seconds=rng.uniform(0, 7 * 86400)) for _ in range(60)]
    # Few users, so that the same one comes back; half of them exist in both tenants under the same name.
    return [(rng.choice("AB"), f"user{rng.randrange(12)}", start) for start in starts]


def store(desk: Any, sessions: Sessions) -> None:
    desk.add(
        "user_sessions",
        *({"tenant_id": tenant, "user_id": user, "session_start": start} for tenant, user, start in sessions),
    )


@pytest.mark.parametrize("now", MOMENTS, ids=str)
def test_at_calendar_boundaries(desk: Any, now: datetime) -> None:
    sessions = around(now)
    store(desk, sessions)
    desk.fix_clock("v_kpi_active_users", now)
    desk.fix_clock("v_kpi_active_users_current", now)

    def months(tenant: str, splits: Sequence[str]) -> list[dict[str, Any]]:
        return by_month(sessions, tenant, now)

    def figures(tenant: str, splits: Sequence[str]) -> list[dict[str, Any]]:
        return current(sessions, tenant, now)

    desk.check("v_kpi_active_users", months, ["period"])
    desk.check("v_kpi_active_users_current", figures, ["as_of"])


def test_now(desk: Any) -> None:
    sessions = around(desk.now)
    store(desk, sessions)
    desk.check("v_kpi_active_users", lambda tenant, splits: by_month(sessions, tenant, desk.now), ["period"])
    desk.check("v_kpi_active_users_current", lambda tenant, splits: current(sessions, tenant, desk.now), ["as_of"])


def test_a_week_across_a_months_end_is_divided_by_month_and_whole_in_the_current_figures(desk: Any) -> None:
    now = datetime(2025, 10, 1, 12, tzinfo=UTC)
    september, october = datetime(2025, 9, 29, 9, tzinfo=UTC), datetime(2025, 10, 1, 9, tzinfo=UTC)
    store(desk, [("A", "u1", september), ("A", "u2", september), ("A", "u3", october), ("A", "u4", october)])
    desk.fix_clock("v_kpi_active_users", now)
    desk.fix_clock("v_kpi_active_users_current", now)

    divided = {row["period"].month: row["wau"] for row in desk.read("v_kpi_active_users", "A")}
    assert divided == {9: 2, 10: 2}
    assert desk.read("v_kpi_active_users_current", "A") == [{"as_of": now, "mau": 2, "wau": 4, "dau": 2}]


def test_an_instant_near_midnight_is_in_one_month_in_every_time_zone(desk: Any) -> None:
    store(desk, [("A", "u1", datetime(2025, 12, 31, 23, 30, tzinfo=UTC))])
    for zone in ("UTC", "America/Los_Angeles", "Pacific/Kiritimati"):
        (row,) = desk.read("v_kpi_active_users", "A", zone=zone)
        assert row["period"] == datetime(2025, 12, 1, tzinfo=UTC)


def test_without_sessions_there_is_no_month_but_there_are_current_figures(desk: Any) -> None:
    store(desk, [("B", "u1", desk.now)])
    for role in ("superuser", "session"):
        assert desk.read("v_kpi_active_users", "A", role=role) == []
        (row,) = desk.read("v_kpi_active_users_current", "A", role=role)
        assert row == {"as_of": desk.now, "mau": 0, "wau": 0, "dau": 0}


def test_the_current_figures_of_no_scope_are_zeros(desk: Any) -> None:
    store(desk, [("A", "u1", desk.now)])
    for role in ("superuser", "session"):
        (row,) = desk.read("v_kpi_active_users_current", None, role=role)
        assert (row["mau"], row["wau"], row["dau"]) == (0, 0, 0)


def test_a_session_in_the_future_is_in_no_current_figure(desk: Any) -> None:
    store(desk, [("A", "now", desk.now), ("A", "later", desk.now + INSTANT)])
    (row,) = desk.read("v_kpi_active_users_current", "A")
    assert (row["mau"], row["wau"], row["dau"]) == (1, 1, 1)
