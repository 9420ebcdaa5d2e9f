"""Real-time explanations: their audit fields, the functions that find them, the views that sum them up."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from random import Random
from statistics import fmean
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from hedgerow.predictions import FeatureImportanceTrend, PatientExplanationHistory, ShapAnalysisType, ShapApiPerformance

OTHER = "PREDICT_B"
WHEN = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
# Ahead of, behind, and half an hour off UTC: hours and days must not move with the session.
ZONES = ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata"]
VIEWS = ["v_patient_explanation_history", "v_shap_api_performance", "v_feature_importance_trends"]


def now(world: Any) -> datetime:
    moment: datetime = world.connection.scalar(text("SELECT now()"))
    return moment.astimezone(UTC)


def percentile(values: list[float], share: float) -> float:
    """Linear interpolation between the two nearest values."""
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def mean(values: Any) -> Any:
    present = [value for value in values if value is not None]
    return pytest.approx(fmean(present)) if present else None


def sample(world: Any, oldest: timedelta, count: int = 150) -> list[dict[str, Any]]:
    """Random explanations of TENANT in train, most of them real-time; returns the real-time ones."""
    random, moment, kept = Random(11), now(world), []
    for n in range(count):
        values: dict[str, Any] = {
            "analysis_type": random.choice([*(["local_realtime"] * 8), "local", "summary"]),
            "explanation_id": f"X{n}",
            "patient_id": random.choice(["p1", "p2", "p3", None]),
            "model_version_id": random.choice(["v1", "v2", None]),
            "model_type": random.choice(["gbm", "linear", None]),
            "request_timestamp": moment - oldest * random.random(),
            "response_time_ms": random.choice([None, 499.0, 500.0, 500.5, random.uniform(5, 900)]),
            "prediction_class": random.choice(["high", "low", None]),
            "prediction_probability": random.choice([None, random.random()]),
            "shap_values": random.choice(
                [
                    None,
                    "{}",
                    json.dumps({"top_feature_1": "age"}),
                    json.dumps({"top_feature_1": random.choice("ab"), "top_feature_1_value": random.uniform(-1, 1)}),
                ]
            ),
        }
        world.explain(**values)
        if values["analysis_type"] == "local_realtime":
            kept.append(values)
    return kept


# --- audit fields -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ZONES)
def test_audit_metadata_is_filled_where_it_is_missing(world: Any, zone: str) -> None:
    """set_shap_audit_metadata: the time of the transaction, the day of the request in UTC."""
    world.connection.execute(text(f"SET LOCAL TIME ZONE '{zone}'"))
    world.explain(patient_id="neither")
    world.explain(patient_id="time only", request_timestamp=WHEN)
    world.explain(patient_id="both", request_timestamp=WHEN, explanation_id="mine")
    found = {
        r.patient_id: r
        for r in world.rows("SELECT patient_id, explanation_id, request_timestamp FROM ml_shap_analyses")
    }
    today = now(world)
    assert found["neither"].request_timestamp == today
    assert re.fullmatch(rf"EXPL-{today:%Y%m%d}-[0-9a-f]{{8}}", found["neither"].explanation_id)
    assert found["time only"].request_timestamp == WHEN
    assert re.fullmatch(r"EXPL-20260301-[0-9a-f]{8}", found["time only"].explanation_id)
    assert (found["both"].request_timestamp, found["both"].explanation_id) == (WHEN, "mine")


@pytest.mark.parametrize("kind", [kind for kind in ShapAnalysisType if kind != "local_realtime"])
def test_other_analyses_carry_no_audit_metadata(world: Any, kind: ShapAnalysisType) -> None:
    world.explain(analysis_type=kind.value)
    ((explanation, moment),) = world.rows("SELECT explanation_id, request_timestamp FROM ml_shap_analyses")
    assert explanation is moment is None


def test_an_explanation_id_is_unique_inside_its_tenant(admin_world: Any) -> None:
    admin_world.explain(explanation_id="e")
    admin_world.explain(explanation_id="e", tenant_id=OTHER)
    with pytest.raises(IntegrityError, match="explanation_id"):
        admin_world.explain(explanation_id="e")


# --- functions ----------------------------------------------------------------------------------------------------


def explanations(world: Any, *arguments: Any) -> list[str]:
    names = [f"a{n}" for n in range(len(arguments))]
    call = f"SELECT explanation_id FROM get_patient_explanations({', '.join(f':{name}' for name in names)})"
    return [row.explanation_id for row in world.rows(call, **dict(zip(names, arguments, strict=True)))]


def test_patient_explanations_newest_first(world: Any) -> None:
    for n in range(12):
        kind = "gbm" if n % 3 else "linear"
        world.explain(
            explanation_id=f"{n:02}", patient_id="p", model_type=kind, request_timestamp=WHEN + timedelta(hours=n // 2)
        )
    world.explain(explanation_id="local", analysis_type="local", patient_id="p", request_timestamp=WHEN)
    world.explain(explanation_id="sealed", patient_id="p", split_assignment="holdout", request_timestamp=WHEN)
    world.explain(explanation_id="theirs", patient_id="p", tenant_id=OTHER, request_timestamp=WHEN)
    world.explain(explanation_id="another", patient_id="q", request_timestamp=WHEN)
    world.become_reader()
    expected = [f"{n:02}" for n in sorted(range(12), key=lambda n: (-(n // 2), n))]
    assert explanations(world, "p") == expected[:10]
    assert explanations(world, "p", 3) == expected[:3]
    assert explanations(world, "p", 0) == []
    assert explanations(world, "p", None) == expected
    assert explanations(world, "p", None, "linear") == [e for e in expected if int(e) % 3 == 0]
    assert explanations(world, "p", None, "unknown") == []
    assert explanations(world, "nobody") == []
    assert explanations(world, None) == []
    world.scope(tenant=OTHER)
    assert explanations(world, "p") == ["theirs"]


def test_patient_explanations_return_the_answer(world: Any) -> None:
    given = {
        "explanation_id": "e",
        "model_type": "gbm",
        "model_version_id": "v1",
        "prediction_class": "high",
        "prediction_probability": 0.75,
        "shap_values": {"top_feature_1": "age"},
        "request_timestamp": WHEN,
        "response_time_ms": 12.5,
    }
    world.explain(patient_id="p", **(given | {"shap_values": json.dumps(given["shap_values"])}))
    world.become_reader()
    (row,) = world.rows("SELECT * FROM get_patient_explanations('p')")
    answer = dict(row._mapping)
    assert answer.pop("top_features") == given.pop("shap_values")
    assert answer == given


def test_explanation_audit(world: Any) -> None:
    given = {
        "explanation_id": "e",
        "patient_id": "p",
        "hcp_id": "h",
        "model_type": "gbm",
        "model_version_id": "v1",
        "input_features": {"age": 51},
        "shap_values": {"age": 0.25},
        "prediction_class": "high",
        "prediction_probability": 0.75,
        "base_value": 0.125,
        "request_timestamp": WHEN,
        "response_time_ms": 12.5,
        "narrative_generated": True,
        "api_version": "9.9",
    }
    stored = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in given.items()}
    world.explain(**stored)
    world.explain(explanation_id="sealed", split_assignment="holdout")
    world.explain(explanation_id="theirs", tenant_id=OTHER)
    world.become_reader()
    (row,) = world.rows("SELECT * FROM get_explanation_audit('e')")
    assert dict(row._mapping) == given
    assert isinstance(row.base_value, float)
    for absent in ("unknown", "sealed", "theirs", None):
        assert world.rows("SELECT * FROM get_explanation_audit(:e)", e=absent) == []


# --- views --------------------------------------------------------------------------------------------------------


def test_history_of_each_patient(world: Any) -> None:
    given = sample(world, timedelta(days=400))
    world.become_reader()
    by_patient = defaultdict(list)
    for row in given:
        by_patient[row["patient_id"]].append(row)
    del by_patient[None]
    found = {row.patient_id: row for row in world.rows("SELECT * FROM v_patient_explanation_history")}
    assert found.keys() == by_patient.keys() == {"p1", "p2", "p3"}
    for patient, rows in by_patient.items():
        classes = Counter(r["prediction_class"] for r in rows if r["prediction_class"] is not None)
        assert tuple(found[patient])[1:] == (
            len(rows),
            len({r["model_version_id"] for r in rows} - {None}),
            mean(r["response_time_ms"] for r in rows),
            min(r["request_timestamp"] for r in rows),
            max(r["request_timestamp"] for r in rows),
            min(classes, key=lambda name: (-classes[name], name)),
            mean(r["prediction_probability"] for r in rows),
        )
    with Session(world.connection) as session:
        mapped = session.scalars(select(PatientExplanationHistory)).all()
        assert {(m.patient_id, m.total_explanations) for m in mapped} == {(p, len(r)) for p, r in by_patient.items()}


def test_history_with_nothing_known_and_with_a_tie(world: Any) -> None:
    world.explain(patient_id="bare")
    for n, name in enumerate(["zebra", "ant", None, None, None]):
        world.explain(patient_id="tie", prediction_class=name, explanation_id=str(n))
    world.become_reader()
    found = {row.patient_id: row for row in world.rows("SELECT * FROM v_patient_explanation_history")}
    bare = found["bare"]
    assert (bare.total_explanations, bare.models_used, bare.avg_response_time_ms) == (1, 0, None)
    assert (bare.most_common_prediction, bare.avg_prediction_probability) == (None, None)
    assert found["tie"].most_common_prediction == "ant", "NULL is no class, and of equals the first in order"


@pytest.mark.parametrize("zone", ZONES)
def test_performance_of_each_hour(world: Any, zone: str) -> None:
    given = sample(world, timedelta(hours=23, minutes=59))
    world.connection.execute(text(f"SET LOCAL TIME ZONE '{zone}'"))
    world.become_reader()
    groups = defaultdict(list)
    for row in given:
        hour = row["request_timestamp"].replace(minute=0, second=0, microsecond=0)
        groups[hour, row["model_type"]].append(row)
    found = {(row.hour, row.model_type): row for row in world.rows("SELECT * FROM v_shap_api_performance")}
    assert found.keys() == groups.keys()
    for key, rows in groups.items():
        times = [r["response_time_ms"] for r in rows if r["response_time_ms"] is not None]
        p50, p95, p99 = (pytest.approx(percentile(times, p)) if times else None for p in (0.5, 0.95, 0.99))
        slow, patients = sum(t > 500 for t in times), len({r["patient_id"] for r in rows} - {None})
        assert tuple(found[key])[2:] == (len(rows), mean(times), p50, p95, p99, slow, patients)
    with Session(world.connection) as session:
        mapped = session.scalars(select(ShapApiPerformance)).all()
        assert sum(m.request_count for m in mapped) == len(given)


def test_performance_reaches_back_24_hours(world: Any) -> None:
    edge = now(world) - timedelta(hours=24)
    for name, moment in (("at", edge), ("before", edge - timedelta(microseconds=1))):
        world.explain(model_type=name, request_timestamp=moment)
    world.become_reader()
    assert [row.model_type for row in world.rows("SELECT * FROM v_shap_api_performance")] == ["at"]


@pytest.mark.parametrize("zone", ZONES)
def test_leading_features_of_each_day(world: Any, zone: str) -> None:
    given = sample(world, timedelta(days=4))
    world.connection.execute(text(f"SET LOCAL TIME ZONE '{zone}'"))
    world.become_reader()
    groups: dict[tuple[Any, date, Any], list[Any]] = defaultdict(list)
    for row in given:
        shap = json.loads(row["shap_values"] or "{}")
        key = (row["model_version_id"], row["request_timestamp"].date(), shap.get("top_feature_1"))
        groups[key].append(shap.get("top_feature_1_value"))
    found = {tuple(row)[:3]: row for row in world.rows("SELECT * FROM v_feature_importance_trends")}
    assert found.keys() == groups.keys()
    for key, values in groups.items():
        assert tuple(found[key])[3:] == (len(values), mean(values))
    with Session(world.connection) as session:
        mapped = session.scalars(select(FeatureImportanceTrend)).all()
        assert sum(m.appearance_count for m in mapped) == len(given)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Australia/Lord_Howe"])
def test_trends_reach_back_30_days_of_24_hours(world: Any, zone: str) -> None:
    edge = now(world) - timedelta(days=30)
    for name, moment in (("at", edge), ("before", edge - timedelta(microseconds=1))):
        world.explain(model_version_id=name, request_timestamp=moment)
    world.connection.execute(text(f"SET LOCAL TIME ZONE '{zone}'"))
    world.become_reader()
    assert [row.model_version_id for row in world.rows("SELECT * FROM v_feature_importance_trends")] == ["at"]


def test_a_leading_value_that_is_not_a_number_is_an_error(world: Any) -> None:
    world.explain(shap_values='{"top_feature_1": "age", "top_feature_1_value": "much"}')
    world.become_reader()
    with pytest.raises(DBAPIError, match="invalid input syntax"):
        world.rows("SELECT * FROM v_feature_importance_trends")


@pytest.mark.parametrize("view", VIEWS)
def test_views_stay_inside_the_scope(world: Any, view: str) -> None:
    world.explain(patient_id="p")
    for other in ({"split_assignment": "holdout"}, {"split_assignment": None}, {"tenant_id": OTHER}):
        world.explain(patient_id="another", model_version_id="another", model_type="another", **other)
    world.become_reader()
    assert len(world.rows(f"SELECT * FROM {view}")) == 1
    world.scope("holdout")
    assert len(world.rows(f"SELECT * FROM {view}")) == 2, "its own split, and what train taught"
    world.connection.execute(text("SELECT set_config('app.scope', '', true)"))
    assert world.rows(f"SELECT * FROM {view}") == []
