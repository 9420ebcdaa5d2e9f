"""The three common queries, with the edge cases at which the sources' own went wrong."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, text

from customers.battery import CARLA, PEOPLE, acting
from hedgerow.core.open_scope import ISSUE_SCOPE, issuing_parameters
from isolation.oracle import TENANT_A

VIEWS = ("v_customer_health", "v_at_risk_customers", "v_upcoming_renewals")


def customer(connection: Connection, score: int | None = 50, **columns: Any) -> UUID:
    """A new customer of Carla's, written by a superuser."""
    key = uuid4()
    values = {
        "tenant_id": TENANT_A,
        "id": key,
        "name": "N",
        "arr": 1,
        "csm_id": CARLA,
        "health_score": score,
        **columns,
    }
    names = ", ".join(values)
    connection.execute(text(f"INSERT INTO customers ({names}) VALUES (:{names.replace(', ', ', :')})"), values)
    return key


def hang(connection: Connection, table: str, on: UUID, **columns: Any) -> UUID:
    """A row that hangs on a customer."""
    key = uuid4()
    values = {"tenant_id": TENANT_A, "id": key, "customer_id": on, **columns}
    names = ", ".join(values)
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES (:{names.replace(', ', ', :')})"), values)
    return key


def seen(connection: Connection, view: str, key: UUID, name: str = "csm") -> list[Any]:
    column = "customer_id" if view == "v_upcoming_renewals" else "id"
    with acting(connection, PEOPLE[name]):
        return list(connection.execute(text(f"SELECT * FROM {view} WHERE {column} = :id"), {"id": key}))


# -- health ------------------------------------------------------------------------------------------------------


def test_the_newest_score_wins_and_one_without_a_time_never_does(planted: Connection) -> None:
    key = customer(planted)
    for overall, at in ((70, "2030-01-01"), (77, "2030-01-02"), (11, None)):
        hang(planted, "health_scores", key, overall=overall, calculated_at=at, product=overall + 1)
    (row,) = seen(planted, "v_customer_health", key)
    assert (row.health_score, row.product, row.customer_health_score) == (77, 78, 77)
    assert row.health_calculated_at.date() == date(2030, 1, 2)


def test_a_customer_without_scores_keeps_its_column_and_has_no_parts(planted: Connection) -> None:
    key = customer(planted)
    (row,) = seen(planted, "v_customer_health", key)
    assert row.customer_health_score == 50
    assert {row.health_score, row.product, row.voice, row.health_calculated_at} == {None}


def test_one_row_for_each_customer(planted: Connection) -> None:
    with acting(planted, PEOPLE["administrator"]):
        rows = planted.scalar(text("SELECT count(*) FROM v_customer_health"))
        assert rows == planted.scalar(text("SELECT count(*) FROM customers WHERE deleted_at IS NULL")) > 5


# -- risk --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("score", "severities", "active"),
    [
        (59, (), 0),
        (60, (), None),
        (60, ("medium",), None),
        (60, (None,), None),
        (60, ("high", "low"), 2),
        (100, ("critical",), 1),
        (0, ("low", "medium", None), 3),
        (None, (), None),
        (None, ("low",), None),
        (None, ("high",), 1),
    ],
)
def test_who_is_at_risk_and_by_how_many_signals(
    score: int | None, severities: tuple[str | None, ...], active: int | None, planted: Connection
) -> None:
    """Every open signal counts, whatever put the customer on the list; a resolved one never does."""
    key = customer(planted, score)
    for severity in severities:
        hang(planted, "risk_signals", key, severity=severity)
    hang(planted, "risk_signals", key, severity="critical", resolved_at="2020-01-01")
    assert [row.active_signals for row in seen(planted, "v_at_risk_customers", key)] == (
        [] if active is None else [active]
    )


def test_the_worst_come_first_and_no_score_last(planted: Connection) -> None:
    hang(planted, "risk_signals", customer(planted, None), severity="high")
    with acting(planted, PEOPLE["administrator"]):
        scores = list(planted.scalars(text("SELECT health_score FROM v_at_risk_customers")))
    assert len(scores) > 4
    assert scores == sorted(scores, key=lambda score: (score is None, score))
    assert scores[-1] is None


# -- renewals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
@pytest.mark.parametrize(("days", "listed"), [(-1, False), (0, True), (1, True), (90, True), (91, False)])
def test_renewals_from_today_to_ninety_days_ahead(days: int, listed: bool, zone: str, planted: Connection) -> None:
    """Today's are listed all day, and today is the same day for everybody."""
    today: date = planted.scalar(text("SELECT (now() AT TIME ZONE 'UTC')::date"))  # type: ignore[assignment]
    key = customer(planted)
    hang(planted, "renewal_pipeline", key, renewal_date=today + timedelta(days=days))
    planted.execute(text(f"SET LOCAL TIME ZONE '{zone}'"))
    assert bool(seen(planted, "v_upcoming_renewals", key)) is listed


def test_every_stage_is_listed_and_a_customer_may_have_several(planted: Connection) -> None:
    key = customer(planted)
    for stage in ("churned", "healthy", None):
        hang(
            planted, "renewal_pipeline", key, renewal_date=planted.scalar(text("SELECT current_date + 5")), stage=stage
        )
    rows = seen(planted, "v_upcoming_renewals", key)
    assert {row.stage for row in rows} == {"churned", "healthy", None}
    assert len({row.renewal_id for row in rows}) == 3
    assert {row.customer_id for row in rows} == {key}


def test_a_customer_without_a_forecast_is_not_listed(planted: Connection) -> None:
    assert not seen(planted, "v_upcoming_renewals", customer(planted, renewal_date=date(2030, 1, 1)))


# -- all three ---------------------------------------------------------------------------------------------------


@pytest.fixture
def listed(planted: Connection) -> UUID:
    """A customer that all three views list."""
    key = customer(planted, 10)
    hang(planted, "health_scores", key, overall=10)
    hang(planted, "renewal_pipeline", key, renewal_date=planted.scalar(text("SELECT (now() AT TIME ZONE 'UTC')::date")))
    return key


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_shows_what_its_caller_sees(view: str, listed: UUID, planted: Connection) -> None:
    for name in ("csm", "administrator"):
        assert len(seen(planted, view, listed, name)) == 1, name
    for name in PEOPLE.keys() - {"csm", "administrator"}:
        assert not seen(planted, view, listed, name), name


@pytest.mark.parametrize("view", VIEWS)
def test_a_deleted_customer_is_in_no_view(view: str, listed: UUID, planted: Connection) -> None:
    planted.execute(text("UPDATE customers SET deleted_at = now() WHERE id = :id"), {"id": listed})
    assert not seen(planted, view, listed)


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_names_the_tenant_itself(view: str, planted: Connection) -> None:
    """So that it is right for a superuser, too, where only the filter stands."""
    sql = text(f"SELECT DISTINCT tenant_id FROM {view}")
    planted.execute(text("UPDATE renewal_pipeline SET renewal_date = current_date + 1"))
    for tenant in ("TEST_TENANT_001", "TEST_TENANT_002", ""):
        planted.execute(ISSUE_SCOPE, issuing_parameters(tenant))
        assert list(planted.scalars(sql)) == [tenant] * bool(tenant)
