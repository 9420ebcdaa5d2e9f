"""Scores and triggers: the split of their patient, the search column, the chain of changes, the split views."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from hedgerow.predictions import EngagementTrigger, Prediction, PredictionType, Priority, RankMetrics, ShapAnalysisType

OTHER = "PREDICT_B"
WHEN = datetime(2026, 3, 1, tzinfo=UTC)


def test_a_prediction_written_and_read_as_objects(world: Any) -> None:
    world.become_reader()
    with Session(world.connection) as session:
        session.add(
            Prediction(
                patient_id="patient in train",
                model_id="m",
                prediction_score=0.75,
                prediction_type=PredictionType.RISK,
                rank_metrics={"recall_at_5": 0.5, "ndcg": 3},
            )
        )
        session.flush()
        session.expire_all()
        found = session.scalars(select(Prediction)).one()
        assert (found.split_assignment, found.prediction_type) == ("train", PredictionType.RISK)
        assert found.rank_metrics == RankMetrics(recall_at_5=0.5, ndcg=3)
        assert found.split_config_id is not None


@pytest.mark.parametrize("table", ["ml_predictions", "triggers"])
def test_a_row_cannot_be_in_another_split_than_its_patient(world: Any, table: str) -> None:
    given = {"model_id": "m"} if table == "ml_predictions" else {"trigger_id": "t", "trigger_timestamp": WHEN}
    with pytest.raises(IntegrityError, match="ml_patient_split_assignments"):
        world.insert(table, patient_id="patient in holdout", split_assignment="train", **given)


SPLIT_VIEWS = [
    ("v_train_ml_predictions", "train"),
    ("v_validation_ml_predictions", "validation"),
    ("v_test_ml_predictions", "test"),
    ("v_holdout_ml_predictions", "holdout"),
    ("v_train_triggers", "train"),
    ("v_validation_triggers", "validation"),
    ("v_test_triggers", "test"),
    ("v_holdout_triggers", "holdout"),
]


@pytest.mark.parametrize(("view", "split"), SPLIT_VIEWS)
def test_split_views(world: Any, view: str, split: str) -> None:
    for each in ("train", "validation", "test", "holdout"):
        world.insert("ml_predictions", patient_id=f"patient in {each}", model_id="m")
        world.insert("triggers", patient_id=f"patient in {each}", trigger_id=each, trigger_timestamp=WHEN)
    world.insert("triggers", tenant_id=OTHER, patient_id="patient in train", trigger_id="t", trigger_timestamp=WHEN)
    world.scope("train", "validation", "test", "holdout")
    world.become_reader()
    own = world.rows(f"SELECT patient_id FROM {view} WHERE tenant_id = (SELECT app.current_tenant())")
    assert [row.patient_id for row in own] == [f"patient in {split}"]
    if world.role == "app":
        assert len(world.rows(f"SELECT FROM {view}")) == 1
        world.scope(*({"train", "validation", "test", "holdout"} - {split}))
        assert world.rows(f"SELECT FROM {view}") == []


def test_triggers_are_found_by_reason_then_type_then_action(world: Any) -> None:
    texts = {
        "reason": {"trigger_reason": "Adherence dropped"},
        "type": {"trigger_type": "adherence"},
        "action": {"recommended_action": "Speak about adherence"},
        "none": {},
    }
    for name, words in reversed(texts.items()):
        world.insert("triggers", trigger_id=name, patient_id="patient in train", trigger_timestamp=WHEN, **words)
    world.become_reader()
    query = func.plainto_tsquery("english", "adherence")
    found = (
        select(EngagementTrigger.trigger_id)
        .where(EngagementTrigger.search_vector.bool_op("@@")(query))
        .order_by(func.ts_rank(EngagementTrigger.search_vector, query).desc())
    )
    assert list(world.connection.scalars(found)) == ["reason", "type", "action"]
    with pytest.raises(DBAPIError):
        world.connection.execute(text("UPDATE triggers SET search_vector = 'forged'"))


def test_a_change_refers_to_a_trigger_of_the_same_tenant(admin_world: Any) -> None:
    world = admin_world
    patient = {"patient_id": "patient in train", "trigger_timestamp": WHEN}
    world.insert("triggers", trigger_id="theirs", tenant_id=OTHER, **patient)
    world.insert("triggers", trigger_id="first", **patient)
    world.insert("triggers", trigger_id="second", previous_trigger_id="first", change_type="escalation", **patient)
    with Session(world.connection) as session:
        second = session.get_one(EngagementTrigger, ("PREDICT_A", "second"))
        assert second.previous is not None
        assert second.previous.trigger_id == "first"
    for absent in ("theirs", "unknown"):
        with pytest.raises(IntegrityError, match="foreign key"), world.connection.begin_nested():
            world.insert("triggers", trigger_id="third", previous_trigger_id=absent, **patient)
    with pytest.raises(IntegrityError, match="foreign key"):
        world.connection.execute(text("DELETE FROM triggers WHERE trigger_id = 'first'"))


def test_updated_at_is_kept(admin_world: Any) -> None:
    world = admin_world
    old = {"created_at": WHEN, "updated_at": WHEN}
    world.insert("triggers", trigger_id="t", patient_id="patient in train", trigger_timestamp=WHEN, **old)
    world.connection.execute(text("UPDATE triggers SET priority = 'high'"))
    ((unchanged, now),) = world.rows("SELECT created_at, updated_at = now() FROM triggers")
    assert (unchanged, now) == (WHEN, True)


@pytest.mark.parametrize(
    ("name", "enum"),
    [("priority_type", Priority), ("prediction_type", PredictionType), ("shap_analysis_type", ShapAnalysisType)],
)
def test_enum_labels(admin_world: Any, name: str, enum: Any) -> None:
    ((labels,),) = admin_world.rows(f"SELECT enum_range(NULL::{name})::text[]")
    assert labels == [member.value for member in enum]
