"""Questions about scores and triggers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hedgerow.core.repository import FilterError
from hedgerow.patients.models import HcpProfile, PatientJourney
from hedgerow.predictions.models import EngagementTrigger, Prediction
from hedgerow.predictions.repository import AsyncPredictionRepository, AsyncTriggerRepository, ModelPerformance
from hedgerow.predictions.shapes import RankMetrics
from world import OTHER, TENANT, World, make_world, patients

DAY = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def world(module_database: Any) -> World:
    world = make_world(module_database)
    now = datetime.now(UTC)
    for tenant in (TENANT, OTHER):
        with world.session("train", "validation", "test", tenant=tenant) as session:
            (train,), (validation,), (test,) = (patients(split, 1) for split in ("train", "validation", "test"))
            for place, (patient, score) in enumerate(
                [(train, 0.2), (train, 0.9), (validation, 0.5), (train, None), (test, 0.99)]
            ):
                session.add(
                    Prediction(
                        patient_id=patient,
                        model_id="m1",
                        prediction_score=score,
                        model_pr_auc=0.1 * place,
                        brier_score=0.25,
                        rank_metrics={"recall_at_5": 0.5},
                        prediction_timestamp=DAY + timedelta(days=place),
                    )
                )
            session.add_all([HcpProfile(hcp_id="H1"), HcpProfile(hcp_id="H2")])
            session.add(PatientJourney(patient_id=train, brand="Kisqali"))
            session.add(PatientJourney(patient_id=test, brand="Kisqali"))
            session.flush()
            for number, (patient, hcp, hours) in enumerate(
                [(train, "H1", 1), (train, "H2", 30), (validation, "H1", 2), (test, "H1", 1)]
            ):
                session.add(
                    EngagementTrigger(
                        trigger_id=f"T{number}",
                        patient_id=patient,
                        hcp_id=hcp,
                        trigger_timestamp=now - timedelta(hours=hours),
                    )
                )
            session.commit()
    return world


@pytest.fixture(params=["psycopg", "asyncpg"])
def predictions(world: World, request: pytest.FixtureRequest) -> Iterator[Any]:
    with world.repository(request.param, AsyncPredictionRepository, world.scope()) as repository:
        yield repository


@pytest.fixture(params=["psycopg", "asyncpg"])
def triggers(world: World, request: pytest.FixtureRequest) -> Iterator[Any]:
    with world.repository(request.param, AsyncTriggerRepository, world.scope()) as repository:
        yield repository


def scores(found: list[Any]) -> list[float | None]:
    return [prediction.prediction_score for prediction in found]


def test_by_model_the_newest_first(predictions: Any) -> None:
    assert scores(predictions.get_by_model("m1")) == [None, 0.5, 0.9, 0.2]
    assert scores(predictions.get_by_model("m1", "validation")) == [0.5]
    assert predictions.get_by_model("M1") == []


def test_top_predictions(predictions: Any) -> None:
    assert scores(predictions.get_top_predictions("m1")) == [0.9, 0.5, 0.2], "the 0.99 is of the sealed test split"
    assert scores(predictions.get_top_predictions("m1", 2)) == [0.9, 0.5]
    assert scores(predictions.get_top_predictions("m1", 2, "train")) == [0.9, 0.2]
    assert predictions.get_top_predictions("m1", 0) == []
    with pytest.raises(FilterError, match="top -1"):
        predictions.get_top_predictions("m1", -1)


def test_model_performance(predictions: Any) -> None:
    performance = predictions.get_model_performance("m1")
    assert performance.predictions == 4
    assert performance.mean_score == pytest.approx((0.2 + 0.9 + 0.5) / 3)
    assert performance.measured_at == DAY + timedelta(days=3)
    assert performance.model_pr_auc == pytest.approx(0.3)
    assert performance.rank_metrics == RankMetrics(recall_at_5=0.5)
    assert predictions.get_model_performance("m1", "validation").mean_score == pytest.approx(0.5)
    assert predictions.get_model_performance("unheard of") == ModelPerformance("unheard of", 0, None)


def ids(found: list[Any]) -> list[str]:
    return [trigger.trigger_id for trigger in found]


def test_triggers(triggers: Any) -> None:
    assert ids(triggers.get_by_hcp("H1")) == ["T0", "T2"]
    assert ids(triggers.get_by_hcp("H1", "validation")) == ["T2"]
    assert triggers.get_by_hcp("H3") == []
    assert ids(triggers.get_by_brand("Kisqali")) == ["T0", "T1"], "those of patients with a journey of the brand"
    assert triggers.get_by_brand("kisqali") == []
    assert ids(triggers.get_recent_triggers()) == ["T0", "T2"]
    assert ids(triggers.get_recent_triggers(48, "train")) == ["T0", "T1"]
    with pytest.raises(FilterError):
        triggers.get_recent_triggers(-1)
