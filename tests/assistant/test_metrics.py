"""Figures over interactions: counted by the database, inclusive at both ends, the same in every time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from statistics import fmean
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, text

from hedgerow.assistant import Escalation, Interaction
from hedgerow.assistant.metrics import Figures
from hedgerow.assistant.repository import AssistantRepository, AsyncAssistantRepository
from hedgerow.core.repository import FilterError
from planting import become_session, planting
from world import OTHER, TENANT, World

NEW_YEAR = datetime(2025, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
# time, mode, intent, outcome, confidence_score, step_5_confidence_score, milliseconds, triggers
ROWS: list[tuple[datetime | None, str, str | None, str, float | None, float | None, int | None, list[str]]] = [
    (NEW_YEAR - MICROSECOND, "customer", "fee", "resolved", 0.9, 0.1, 100, []),
    (NEW_YEAR, "customer", "fee", "escalated", None, 0.5, 300, ["low", "low", "evidence"]),
    (NEW_YEAR + timedelta(hours=12), "banker", "rate", "resolved", None, None, None, []),
    (NEW_YEAR + timedelta(days=1) - MICROSECOND, "customer", None, "escalated", 0.4, None, 500, ["low"]),
    (NEW_YEAR + timedelta(days=1), "banker", "fee", "resolved", 1.0, None, 700, []),
    (None, "customer", "fee", "resolved", 0.6, None, 200, []),
]


@pytest.fixture(scope="module", autouse=True)
def rows(world: World) -> None:
    for tenant in (TENANT, OTHER):
        for asked, mode, intent, outcome, confidence, step_5, milliseconds, triggers in ROWS:
            # The other tenant has each row twice, so that its figures would show.
            for _ in range(1 if tenant == TENANT else 2):
                with world.session(tenant=tenant) as session:
                    interaction = Interaction(
                        assistant_mode=mode,
                        user_query="?",
                        intent_name=intent,
                        outcome=outcome,
                        confidence_score=confidence,
                        step_5_confidence_score=step_5,
                        processing_time_ms=milliseconds,
                        escalations=[Escalation(trigger_type=name, escalation_reason="r") for name in triggers],
                    )
                    session.add(interaction)
                    session.flush()
                    interaction.timestamp = asked
                    session.commit()
        with world.session(tenant=tenant) as session:
            session.add(Escalation(trigger_type="by nobody", escalation_reason="r"))
            session.commit()


def plain(figures: Figures) -> tuple[Any, ...]:
    return tuple(getattr(figures, name) for name in Figures.model_fields)


def test_all_figures(assistant: Any) -> None:
    metrics = assistant.get_metrics()
    assert plain(metrics) == (6, 4, 2, pytest.approx(4 / 6), pytest.approx(2 / 6), pytest.approx(0.68), 300, 660)
    assert metrics.escalations == 4, "those of interactions"
    assert [(f.mode, f.total_interactions, f.escalated) for f in metrics.by_mode] == [
        ("banker", 2, 0),
        ("customer", 4, 2),
    ]
    assert [(f.intent_name, f.total_interactions, f.resolution_rate) for f in metrics.by_intent] == [
        ("fee", 4, 0.75),
        ("rate", 1, 1),
        (None, 1, 0),
    ]
    assert [(f.trigger_type, f.escalations, f.total_interactions, f.escalation_rate) for f in metrics.by_trigger] == [
        ("evidence", 1, 1, 1),
        ("low", 3, 2, 1),
    ]
    assert [(f.day, f.total_interactions, f.p50_processing_time_ms) for f in metrics.by_day] == [
        (date(2024, 12, 31), 1, 100),
        (date(2025, 1, 1), 3, 400),
        (date(2025, 1, 2), 1, 700),
        (None, 1, 200),
    ]
    (rate,) = (f for f in metrics.by_intent if f.intent_name == "rate")
    assert (rate.average_confidence, rate.p50_processing_time_ms) == (None, None), "nothing is known, which is not 0"


def test_the_groups_add_up(assistant: Any) -> None:
    metrics = assistant.get_metrics()
    for groups in (metrics.by_mode, metrics.by_intent, metrics.by_day):
        for name in ("total_interactions", "resolved", "escalated"):
            assert sum(getattr(group, name) for group in groups) == getattr(metrics, name)
    assert sum(group.escalations for group in metrics.by_trigger) == metrics.escalations


def test_the_keys_of_the_sources(assistant: Any) -> None:
    listed = assistant.get_metrics(newest=2).model_dump()
    assert listed["total_interactions"] == 6, "counted, however few are listed"
    assert [row["timestamp"] for row in listed["interactions"]] == [
        NEW_YEAR + timedelta(days=1),
        NEW_YEAR + timedelta(days=1) - MICROSECOND,
    ]
    assert len(assistant.get_metrics().interactions) == 6
    assert assistant.get_metrics().interactions[-1].timestamp is None
    assert assistant.get_metrics(newest=0).interactions == ()
    with pytest.raises(FilterError, match="newest -1"):
        assistant.get_metrics(newest=-1)


@pytest.mark.parametrize(
    ("filters", "total"),
    [
        ({}, 6),
        ({"mode": None, "date_from": None, "date_to": None}, 6),
        ({"mode": "banker"}, 2),
        ({"date_from": date(2025, 1, 1)}, 4),
        ({"date_to": date(2024, 12, 31)}, 1),
        ({"date_to": date(2025, 1, 1)}, 4),
        ({"date_from": date(2025, 1, 1), "date_to": date(2025, 1, 1)}, 3),
        ({"date_from": "2025-01-01", "date_to": "2025-01-01"}, 3),
        ({"date_from": NEW_YEAR, "date_to": NEW_YEAR}, 1),
        ({"date_from": NEW_YEAR + MICROSECOND, "date_to": NEW_YEAR + timedelta(days=1)}, 3),
        ({"date_to": "2025-01-01T00:00:00Z"}, 2),
        # The same instants, seen from elsewhere.
        ({"date_from": "2025-01-01T05:00:00+05:00", "date_to": "2024-12-31T19:00:00-05:00"}, 1),
        ({"date_to": (NEW_YEAR - MICROSECOND).astimezone(timezone(timedelta(hours=9)))}, 1),
        ({"mode": "banker", "date_from": date(2025, 1, 2)}, 1),
        ({"date_from": date(2030, 1, 1)}, 0),
        ({"date_from": date.min, "date_to": date.max}, 5),
    ],
    ids=str,
)
def test_ranges_are_inclusive(assistant: Any, filters: dict[str, Any], total: int) -> None:
    metrics = assistant.get_metrics(filters)
    assert metrics.total_interactions == total
    assert len(metrics.interactions) == total
    assert sum(day.total_interactions for day in metrics.by_day) == total


def test_nothing_is_no_rate(assistant: Any) -> None:
    metrics = assistant.get_metrics({"date_from": date(2030, 1, 1)})
    assert plain(metrics) == (0, 0, 0, None, None, None, None, None)
    assert metrics.by_mode == metrics.by_intent == metrics.by_trigger == metrics.by_day == metrics.interactions == ()
    assert metrics.escalations == 0


@pytest.mark.parametrize(
    ("filters", "says"),
    [
        ({"Mode": "banker"}, "no filter 'Mode'.*mode, date_from, date_to"),
        ({"mode": "robot"}, "'robot' is not a mode.*customer, banker"),
        ({"date_from": datetime(2025, 1, 1)}, "no time zone"),
        ({"date_to": "2025-01-01T00:00:00"}, "no time zone"),
        ({"date_to": "yesterday"}, "neither a day nor a time"),
        ({"date_from": 20250101}, "date_from is int"),
        ({"date_from": date(2025, 1, 2), "date_to": date(2025, 1, 1)}, "before it starts.*swap"),
    ],
    ids=str,
)
def test_filters_that_cannot_be_meant(assistant: Any, filters: dict[str, Any], says: str) -> None:
    with pytest.raises(FilterError, match=says):
        assistant.get_metrics(filters)
    with pytest.raises(FilterError, match=says):
        assistant.get_daily_metrics(filters)


def test_a_failure_is_an_error_and_no_zero(database: Any) -> None:
    """The sources answered zero interactions when the database could not be read."""
    from sqlalchemy.exc import DBAPIError

    from hedgerow import Scope, open_session

    with database.admin() as admin:
        admin.execute(text("INSERT INTO tenant (id, name) VALUES ('T', 'T')"))
        admin.execute(text("ALTER TABLE interactions RENAME TO away"))
    with open_session(Scope("T"), engine=database.scoped_engine()) as session, pytest.raises(DBAPIError):
        AssistantRepository(session).get_metrics()


def test_daily_metrics(assistant: Any) -> None:
    days = assistant.get_daily_metrics()
    assert [(d.metric_date, d.assistant_mode, d.total_interactions, d.escalated) for d in days] == [
        (date(2024, 12, 31), "customer", 1, 0),
        (date(2025, 1, 1), "banker", 1, 0),
        (date(2025, 1, 1), "customer", 2, 2),
        (date(2025, 1, 2), "banker", 1, 0),
        (None, "customer", 1, 0),
    ]
    noon = days[2]
    assert (noon.resolution_rate, noon.escalation_rate, noon.average_confidence) == (0, 1, pytest.approx(0.45))
    assert (noon.p50_processing_time_ms, noon.p95_processing_time_ms) == (400, 490)
    assert (days[1].average_confidence, days[1].p95_processing_time_ms) == (None, None)
    one = assistant.get_daily_metrics({"date_from": "2025-01-01", "date_to": "2025-01-01", "mode": "customer"})
    assert [(d.metric_date, d.assistant_mode) for d in one] == [(date(2025, 1, 1), "customer")]
    # A time counts as its day of UTC, here the first of January.
    assert assistant.get_daily_metrics({"date_from": "2025-01-02T08:00:00+09:00"})[0].metric_date == date(2025, 1, 1)
    assert assistant.get_daily_metrics({"date_to": "2025-01-01T02:00:00+01:00"})[-1].metric_date == date(2025, 1, 1)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_days_are_those_of_utc_wherever_the_session_is(world: World, zone: str) -> None:
    with planting(world.database) as connection:
        become_session(connection)
        _open(connection, TENANT)
        connection.execute(text(f"SET LOCAL TimeZone = '{zone}'"))
        sql = "SELECT key FROM app.assistant_metrics(NULL, NULL, NULL) WHERE dimension = 'day'"
        assert list(connection.scalars(text(sql))) == ["2024-12-31", "2025-01-01", "2025-01-02", None]
        sql = "SELECT DISTINCT metric_date FROM v_assistant_metrics_daily ORDER BY 1"
        assert [str(day) for day in connection.scalars(text(sql))] == ["2024-12-31", "2025-01-01", "2025-01-02", "None"]


@pytest.mark.parametrize("role", ["superuser", "session"])
def test_figures_are_those_of_the_own_tenant(world: World, role: str) -> None:
    """A superuser passes the wall: the function and the view name the tenant themselves."""
    figures = "SELECT total_interactions, escalations FROM app.assistant_metrics(NULL, NULL, NULL)"
    with planting(world.database) as connection:
        ((both,),) = connection.execute(text("SELECT count(*) FROM interactions"))
        if role == "session":
            become_session(connection)
        for tenant, times in ((TENANT, 1), (OTHER, 2)):
            _open(connection, tenant)
            assert connection.execute(text(f"{figures} WHERE dimension = 'total'")).one() == (6 * times, 4 * times)
            assert both > 6 * times, "there is something to leak"
            daily = text("SELECT sum(total_interactions) FROM v_assistant_metrics_daily")
            assert connection.scalar(daily) == 6 * times
        connection.execute(text("SELECT set_config('app.scope', '', true)"))
        assert connection.execute(text(f"{figures} WHERE dimension = 'total'")).one() == (0, None)
        assert connection.scalar(text("SELECT count(*) FROM v_assistant_metrics_daily")) == 0


def test_the_newest_are_those_of_the_own_tenant(world: World) -> None:
    with world.session(tenant=OTHER) as session:
        theirs = {row.id for row in AssistantRepository(session).get_metrics().interactions}
    with world.session() as session:
        own = {row.id for row in AssistantRepository(session).get_metrics().interactions}
    assert len(theirs) == 12
    assert not own & theirs


def test_no_row_limit_caps_the_figures(world: World) -> None:
    """The sources counted the rows that a hosted API returned: 1,000 at most."""
    with world.session() as session:
        many = {"assistant_mode": "banker", "user_query": "?", "outcome": "resolved"}
        session.execute(insert(Interaction), [many] * 1_500)
        metrics = AssistantRepository(session).get_metrics()
        assert metrics.total_interactions == 1_506
        assert len(metrics.interactions) == 100


Sample = tuple[str, str | None, str, float | None, int | None, int | None]
SAMPLES: st.SearchStrategy[list[Sample]] = st.lists(
    st.tuples(
        st.sampled_from(["customer", "banker"]),
        st.sampled_from(["a", "b", None]),
        st.sampled_from(["resolved", "escalated"]),
        st.none() | st.floats(0, 1),
        st.none() | st.integers(0, 10_000),
        st.none() | st.integers(0, 5),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SAMPLES)
def test_figures_are_what_python_would_count(world: World, samples: list[Sample]) -> None:
    far = datetime(2031, 1, 1, tzinfo=UTC)
    with world.session() as session:
        for mode, intent, outcome, confidence, milliseconds, day in samples:
            session.execute(
                insert(Interaction).values(
                    assistant_mode=mode,
                    user_query="?",
                    intent_name=intent,
                    outcome=outcome,
                    confidence_score=confidence,
                    processing_time_ms=milliseconds,
                    timestamp=far + timedelta(days=day or 0, hours=day or 0),
                )
            )
        metrics = AssistantRepository(session).get_metrics({"date_from": far})
        session.rollback()
    groups = [
        (metrics, lambda sample: True),
        *((group, lambda sample, key=group.mode: sample[0] == key) for group in metrics.by_mode),
        *((group, lambda sample, key=group.intent_name: sample[1] == key) for group in metrics.by_intent),
        *(
            (group, lambda sample, key=group.day: far.date() + timedelta(days=sample[5] or 0) == key)
            for group in metrics.by_day
        ),
    ]
    assert len(metrics.by_mode) == len({sample[0] for sample in samples})
    assert len(metrics.by_intent) == len({sample[1] for sample in samples})
    assert len(metrics.by_day) == len({sample[5] or 0 for sample in samples})
    for figures, belongs in groups:
        members = [sample for sample in samples if belongs(sample)]
        resolved = sum(sample[2] == "resolved" for sample in members)
        confidences = [sample[3] for sample in members if sample[3] is not None]
        times = sorted(sample[4] for sample in members if sample[4] is not None)
        assert plain(figures) == (
            len(members),
            resolved,
            len(members) - resolved,
            pytest.approx(resolved / len(members)) if members else None,
            pytest.approx(1 - resolved / len(members)) if members else None,
            pytest.approx(fmean(confidences)) if confidences else None,
            pytest.approx(_percentile(times, 0.5)) if times else None,
            pytest.approx(_percentile(times, 0.95)) if times else None,
        )


def _percentile(ordered: list[int], share: float) -> float:
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def _open(connection: Connection, tenant: str) -> None:
    connection.execute(text("SELECT count(*) FROM app.open_scope(:t, NULL, ARRAY['train'], NULL)"), {"t": tenant})


def test_both_drivers_answer_alike(world: World) -> None:
    answers = []
    for driver in ("psycopg", "asyncpg"):
        with world.repository(driver, AsyncAssistantRepository, world.scope()) as repository:
            answers.append(repository.get_metrics({"mode": "customer"}))
    assert answers[0] == answers[1]
