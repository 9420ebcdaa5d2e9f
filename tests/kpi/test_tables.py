"""Tables of the kpi domain: keys between surveys, split views, indexes, and the classes of the views."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum as PythonEnum
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Enum, Table, func, insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hedgerow.core.base import metadata, view_metadata
from hedgerow.core.objects import View
from hedgerow.kpi import HcpIntentSurvey, KpiDataLag, KpiSourceTrackingMatch
from hedgerow.kpi.objects import DOMAIN
from hedgerow.patients.enums import Brand

MAPPED = sorted(view.name for view in DOMAIN.views if isinstance(view, View))


def survey(tenant: str, **values: Any) -> dict[str, Any]:
    return {"tenant_id": tenant, "survey_id": uuid4(), "survey_date": date(2026, 1, 1), "brand": Brand.KISQALI} | values


def test_a_survey_refers_to_the_one_before(desk: Any) -> None:
    first = survey("A", previous_survey_id=None)
    second = survey("A", previous_survey_id=first["survey_id"])
    # In one statement, in any order: the key is checked at its end.
    desk.db.execute(insert(metadata.tables["hcp_intent_surveys"]).values([second, first]))
    with Session(desk.db, join_transaction_mode="create_savepoint") as session:
        found = session.get_one(HcpIntentSurvey, ("A", second["survey_id"]))
        assert found.previous is not None
        assert found.previous.survey_id == first["survey_id"]
        assert found.prescriber is None


@pytest.mark.parametrize("what", ["another tenant's", "nobody's"])
def test_a_survey_cannot_refer_to_a_survey_outside_its_tenant(desk: Any, what: str) -> None:
    foreign = survey("B")
    desk.add("hcp_intent_surveys", foreign)
    target = foreign["survey_id"] if what == "another tenant's" else uuid4()
    with pytest.raises(IntegrityError, match="fk_hcp_intent_surveys_tenant_id_previous_survey_id"):
        desk.add("hcp_intent_surveys", survey("A", previous_survey_id=target))


def test_a_survey_that_another_refers_to_stays(desk: Any) -> None:
    first = survey("A")
    desk.add("hcp_intent_surveys", first, survey("A", previous_survey_id=first["survey_id"]))
    with pytest.raises(IntegrityError, match="previous_survey_id"):
        desk.db.execute(text("DELETE FROM hcp_intent_surveys WHERE survey_id = :id"), {"id": first["survey_id"]})


@pytest.mark.parametrize("column", ["intent_to_prescribe_score", "awareness_score", "favorability_score"])
@pytest.mark.parametrize(("score", "fits"), [(0, False), (1, True), (7, True), (8, False), (None, True)])
def test_survey_scores_go_from_one_to_seven(desk: Any, column: str, score: int | None, fits: bool) -> None:
    if fits:
        desk.add("hcp_intent_surveys", survey("A", **{column: score}))
    else:
        with pytest.raises(IntegrityError, match=f"ck_hcp_intent_surveys_{column}"):
            desk.add("hcp_intent_surveys", survey("A", **{column: score}))


def test_tracking_refers_to_a_catalogued_source(desk: Any) -> None:
    row = {"tenant_id": "A", "tracking_date": date(2026, 1, 1), "source_name": "Komodo feed"}
    desk.add("data_source_tracking", row | {"source_id": "komodo"}, row)
    with pytest.raises(IntegrityError, match="data_sources"):
        desk.add("data_source_tracking", row | {"source_id": "nobody"})


@pytest.mark.parametrize("role", ["superuser", "session"])
def test_split_views_of_business_metrics(desk: Any, role: str) -> None:
    for tenant in "AB":
        for split in desk.splits:
            for number in range(2):
                desk.add(
                    "business_metrics",
                    {
                        "tenant_id": tenant,
                        "metric_id": f"{split}{number}",
                        "metric_date": date(2024, 1, 1),
                        "split_assignment": split,
                    },
                )
    for split in ("train", "validation", "test", "holdout"):
        found = desk.read(f"v_{split}_business_metrics", "A", role=role, where="tenant_id = 'A'")
        assert sorted(row["metric_id"] for row in found) == [f"{split}0", f"{split}1"]
    if role == "session":
        assert desk.read("v_train_business_metrics", "A", role=role, where="tenant_id = 'B'") == []
        assert desk.read("v_train_business_metrics", "A", ("validation",), role=role) == []


def test_a_metric_outside_the_window_of_its_split_is_hidden(desk: Any) -> None:
    desk.tenant("C", strategy="chronological")
    days = {"inside": date(2024, 6, 30), "gap": date(2024, 7, 3), "later": date(2024, 8, 1)}
    for name, day in days.items():
        row = {"tenant_id": "C", "metric_id": name, "metric_date": day, "split_assignment": "train"}
        desk.add("business_metrics", row)
    found = desk.read("v_train_business_metrics", "C", ("train",), role="session")
    assert [row["metric_id"] for row in found] == ["inside"]


def plan(desk: Any, sql: str) -> str:
    return "\n".join(desk.db.scalars(text("EXPLAIN (COSTS OFF) " + sql)))


def spread_over_days(desk: Any, table: str, columns: str, values: str) -> None:
    desk.db.execute(
        text(f"INSERT INTO {table} (tenant_id, {columns}) SELECT 'A', {values} FROM generate_series(1, 5000) AS n")
    )
    desk.db.execute(text(f"ANALYZE {table}"))


def test_the_day_of_a_run_in_the_view_is_the_expression_of_the_index(desk: Any) -> None:
    spread_over_days(
        desk,
        "etl_pipeline_metrics",
        "pipeline_name, status, run_start",
        "'p', 'success', TIMESTAMPTZ '2026-01-01 00:00Z' + n * INTERVAL '1 hour'",
    )
    desk.become("superuser", "A")
    found = plan(desk, "SELECT * FROM v_kpi_time_to_release WHERE run_date = '2026-03-01'")
    assert "ix_etl_pipeline_metrics_day" in found


def test_the_day_of_a_session_is_indexed(desk: Any) -> None:
    spread_over_days(
        desk,
        "user_sessions",
        "user_id, session_start",
        "'u' || n % 50, TIMESTAMPTZ '2026-01-01 00:00Z' + n * INTERVAL '1 hour'",
    )
    desk.become("superuser", "A")
    found = plan(
        desk,
        "SELECT count(DISTINCT user_id) FROM user_sessions WHERE tenant_id = (SELECT app.current_tenant()) "
        "AND (session_start AT TIME ZONE 'UTC')::date = '2026-03-01'",
    )
    assert "ix_user_sessions_day" in found


@pytest.mark.parametrize("role", ["superuser", "session"])
def test_the_current_figures_read_only_sessions_of_the_period(desk: Any, role: str) -> None:
    spread_over_days(desk, "user_sessions", "user_id, session_start", "'u' || n % 50, now() - n * INTERVAL '1 day'")
    desk.become(role, "A")
    found = plan(desk, "SELECT * FROM v_kpi_active_users_current")
    assert "ix_user_sessions_tenant_id_session_start" in found
    assert "session_start >=" in found.partition("Index Cond:")[2].partition("\n")[0]


@pytest.mark.parametrize("name", MAPPED)
def test_every_view_has_a_class_with_its_columns_and_types(desk: Any, name: str) -> None:
    relation: Table = view_metadata.tables[name]
    found = desk.db.execute(
        text(
            "SELECT attname, format_type(atttypid, atttypmod), atttypid::regtype::text FROM pg_attribute "
            "WHERE attrelid = CAST(:name AS regclass) AND attnum > 0 ORDER BY attnum"
        ),
        {"name": name},
    ).all()
    assert [column.name for column in relation.columns] == [row[0] for row in found]
    for column, (_, full, base) in zip(relation.columns, found, strict=True):
        if isinstance(column.type, Enum):
            assert column.type.name == base
            continue
        declared = column.type.compile(desk.db.dialect)
        wanted = desk.db.scalar(text("SELECT CAST(CAST(:declared AS regtype) AS text)"), {"declared": declared})
        assert wanted == base, column
        if "(" in full:
            typmod = full.partition("(")[2].partition(")")[0].replace(",", ", ")
            assert typmod in declared.replace(", ", ",").replace(",", ", "), column


@pytest.mark.parametrize("name", MAPPED)
def test_every_class_reads_its_view(desk: Any, name: str) -> None:
    desk.add("user_sessions", {"tenant_id": "A", "user_id": "u", "session_start": desk.now})
    desk.add(
        "patient_journeys",
        {
            "tenant_id": "A",
            "patient_id": "P0",
            "brand": "b",
            "data_lag_hours": 3,
            "created_at": None,
            "journey_start_date": date(2024, 1, 1),
        },
    )
    desk.add("data_source_tracking", {"tenant_id": "A", "tracking_date": date(2026, 1, 1), "source_name": "x"})
    annotation = {"entity_type": "t", "entity_id": "1", "annotation_type": "a", "annotator_id": "x"}
    desk.add("ml_annotations", {"tenant_id": "A", "annotation_value": {}, **annotation})
    desk.add(
        "etl_pipeline_metrics",
        {"tenant_id": "A", "pipeline_name": "p", "run_start": desk.now, "status": "success"},
    )
    desk.add(
        "triggers",
        {
            "tenant_id": "A",
            "trigger_id": "t",
            "patient_id": "P0",
            "trigger_timestamp": desk.now,
            "change_type": "new",
            "change_timestamp": datetime(2026, 1, 1, tzinfo=UTC),
        },
    )
    desk.add("hcp_intent_surveys", survey("A"))
    relation = view_metadata.tables[name]
    model = relation.info["hedgerow.model"]
    raw = desk.read(name, "A")
    assert raw
    with Session(desk.db, join_transaction_mode="create_savepoint") as session:
        found = session.scalars(select(model)).all()
        assert None not in found
        as_rows = [
            {
                column.name: value.value if isinstance(value := getattr(row, column.name), PythonEnum) else value
                for column in relation.columns
            }
            for row in found
        ]
    assert as_rows == raw


def test_a_source_that_reports_twice_a_day_is_two_objects(desk: Any) -> None:
    row = {"tenant_id": "A", "tracking_date": date(2026, 1, 1), "source_name": "x", "records_received": 4}
    desk.add("data_source_tracking", row | {"records_matched": 1}, row | {"records_matched": 3})
    desk.become("superuser", "A")
    with Session(desk.db, join_transaction_mode="create_savepoint") as session:
        rates = session.scalars(select(KpiSourceTrackingMatch)).all()
    assert sorted(rate.match_rate or 0 for rate in rates) == [Decimal("0.25"), Decimal("0.75")]


def test_the_lag_of_journeys_without_day_and_source_is_an_object(desk: Any) -> None:
    journey = {"tenant_id": "A", "patient_id": "P0", "brand": "b", "journey_start_date": date(2024, 1, 1)}
    desk.add("patient_journeys", journey | {"created_at": None, "data_lag_hours": 5})
    desk.become("superuser", "A")
    with Session(desk.db, join_transaction_mode="create_savepoint") as session:
        (lag,) = session.scalars(select(KpiDataLag)).all()
        assert lag is not None
        assert (lag.report_date, lag.data_source, lag.median_lag_hours) == (None, None, 5)
        assert session.scalar(select(func.count()).select_from(KpiDataLag)) == 1
