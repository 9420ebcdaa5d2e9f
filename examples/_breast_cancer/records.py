"""What the model leaves in the database: statistics, experiment, model version, predictions, explanations.

Every id is derived from what the row is about, and a model version from the data and parameters behind it. So a
second run finds its rows, and a changed model becomes a new version beside the old one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid5

import numpy as np
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from hedgerow import Scope, Split, open_session
from hedgerow.mlops import Experiment, RegisteredModel
from hedgerow.predictions import Prediction, PredictionType, ShapAnalysis, ShapAnalysisType
from hedgerow.splits import PreprocessingMetadata
from hedgerow.splits.shapes import CategoricalEncodings, FeatureStatistics

from .data import NAMESPACE, Trial
from .model import (
    ENCODINGS,
    FEATURES,
    HORIZON_DAYS,
    NAMES,
    PARAMETERS,
    THERAPY,
    Cohort,
    Explanation,
    Floats,
    Model,
    Quality,
    Statistics,
    in_words,
)

AUTHOR: Final = "examples/breast_cancer.py"
MODEL_NAME: Final = "recurrence_within_three_years"
ALGORITHM: Final = "logistic regression"
METHOD: Final = "shap.LinearExplainer, log-odds"
EXPLAINED: Final = 10


def keep_statistics(session: Session, config_id: UUID, cohort: Cohort, statistics: Statistics) -> None:
    """Store what preprocessing learned for the split configuration, in place of what was there."""
    row = session.scalar(select(PreprocessingMetadata).where(PreprocessingMetadata.split_config_id == config_id))
    if row is None:
        row = PreprocessingMetadata(split_config_id=config_id)
        session.add(row)
    row.feature_means = FeatureStatistics(statistics.means)
    row.feature_stds = FeatureStatistics(statistics.stds)
    row.feature_mins = FeatureStatistics(statistics.mins)
    row.feature_maxs = FeatureStatistics(statistics.maxs)
    row.categorical_encodings = CategoricalEncodings(ENCODINGS)
    row.feature_list = list(NAMES)
    row.num_training_samples = len(cohort.patient_ids)
    row.preprocessing_pipeline_version = "log1p, z-score"


def kept_statistics(session: Session, config_id: UUID) -> Statistics:
    """Read the statistics back, in any scope of the tenant."""
    row = session.scalars(select(PreprocessingMetadata).where(PreprocessingMetadata.split_config_id == config_id)).one()
    columns = (row.feature_means, row.feature_stds, row.feature_mins, row.feature_maxs)
    means, stds, mins, maxs = ({name: float(n or 0) for name, n in column.root.items()} for column in columns)
    return Statistics(means, stds, mins, maxs)


def register(session: Session, trial: Trial, model: Model) -> tuple[UUID, bool]:
    """Register experiment and model version; return the version's id and whether it is new."""
    experiment_id = uuid5(NAMESPACE, f"experiment {MODEL_NAME}")
    if session.get(Experiment, (trial.tenant_id, experiment_id)) is None:
        session.add(
            Experiment(
                id=experiment_id,
                experiment_name=MODEL_NAME,
                description="Who will have a recurrence, or die, within three years of entering the trial?",
                prediction_target=trial.endpoint,
                target_population="node-positive primary breast cancer",
                prediction_horizon_days=HORIZON_DAYS,
                created_by=AUTHOR,
                split_assignment=Split.TRAIN,
            )
        )
        session.flush()
    model_id = uuid5(NAMESPACE, f"model {MODEL_NAME} {model.version}")
    if session.get(RegisteredModel, (trial.tenant_id, model_id)) is not None:
        return model_id, False
    quality = model.cross_validated
    session.add(
        RegisteredModel(
            id=model_id,
            experiment_id=experiment_id,
            model_name=MODEL_NAME,
            model_version=model.version,
            algorithm=ALGORITHM,
            hyperparameters=PARAMETERS,
            feature_count=len(FEATURES),
            training_samples=model.training_samples,
            auc=_decimal(quality.auc, 4),
            pr_auc=_decimal(quality.pr_auc, 4),
            brier_score=_decimal(quality.brier, 4),
            trained_at=datetime.now(UTC),
            is_champion=True,
            split_assignment=Split.TRAIN,
        )
    )
    return model_id, True


def keep_predictions(
    session: Session, config_id: UUID, model_id: UUID, model: Model, cohort: Cohort, scores: Floats, quality: Quality
) -> bool:
    """Store a prediction a patient; return False if they are there. The database stamps the split."""
    mine = Prediction.model_version == model.version
    if session.scalar(select(func.count()).select_from(Prediction).where(mine)):
        return False
    metrics = {f"recall_at_{k}": recall for k, recall in quality.recalls.items()}
    now = datetime.now(UTC)
    session.execute(
        insert(Prediction),
        [
            {
                "id": uuid5(NAMESPACE, f"prediction {model.version} {patient_id}"),
                "patient_id": patient_id,
                "model_id": str(model_id),
                "model_version": model.version,
                "prediction_type": PredictionType.RISK,
                "prediction_score": float(score),
                "prediction_timestamp": now,
                "model_pr_auc": quality.pr_auc,
                "model_auc": _decimal(quality.auc, 3),
                "brier_score": quality.brier,
                "rank_metrics": metrics,
                "split_config_id": config_id,
            }
            for patient_id, score in zip(cohort.patient_ids, scores, strict=True)
        ],
    )
    return True


def difference_from_stored(session: Session, model: Model, cohort: Cohort, scores: Floats) -> float:
    """The largest difference between scores and the stored ones of the same model version."""
    statement = select(Prediction.patient_id, Prediction.prediction_score).where(
        Prediction.model_version == model.version
    )
    stored = {row.patient_id: row.prediction_score for row in session.execute(statement)}
    return float(np.abs(scores - np.array([stored[patient_id] for patient_id in cohort.patient_ids])).max())


def keep_explanations(
    session: Session, model_id: UUID, model: Model, cohort: Cohort, scaled: Floats, explanation: Explanation
) -> bool:
    """Store one global explanation, and those of the patients at highest risk; return False if they are there.

    A local one says what the log-odds of the average training patient, ``base_value``, become through the patient's
    features: ``prediction_value``.
    """
    mine = ShapAnalysis.model_registry_id == model_id
    if session.scalar(select(func.count()).select_from(ShapAnalysis).where(mine)):
        return False
    common: dict[str, Any] = {
        "model_registry_id": model_id,
        "model_version_id": model.version,
        "model_type": ALGORITHM,
        "computation_method": METHOD,
        "base_value": _decimal(explanation.base, 5),
        # What explains validation patients is computed on validation.
        "split_assignment": Split.VALIDATION,
    }
    importance = explanation.importance()
    drivers = sorted(importance, key=lambda name: -importance[name])
    session.add(
        ShapAnalysis(
            id=uuid5(NAMESPACE, f"shap {model.version}"),
            analysis_type=ShapAnalysisType.GLOBAL,
            global_importance=importance,
            key_drivers=[_label(name) for name in drivers[:3]],
            sample_size=len(cohort.patient_ids),
            **common,
        )
    )
    scores, log_odds = model.score(scaled), model.log_odds(scaled)
    for row in highest(scores):
        patient_id = cohort.patient_ids[row]
        numbers = cohort.values[row]
        labels, sentence = in_words(explanation, row, cohort)
        untreated = not numbers[FEATURES.index(THERAPY)]
        session.add(
            ShapAnalysis(
                id=uuid5(NAMESPACE, f"shap {model.version} {patient_id}"),
                analysis_type=ShapAnalysisType.LOCAL,
                entity_type="patient",
                entity_id=patient_id,
                patient_id=patient_id,
                local_shap_values=dict(zip(NAMES, map(float, explanation.shap_values[row]), strict=True)),
                prediction_value=_decimal(log_odds[row], 5),
                prediction_probability=float(scores[row]),
                input_features=dict(zip(NAMES, map(float, numbers), strict=True)),
                natural_language_explanation=sentence,
                key_drivers=labels,
                # The only one of the features that a physician decides about.
                actionable_features=[THERAPY.label] if untreated else [],
                **common,
            )
        )
    return True


def artefacts(scope: Scope) -> tuple[int, int]:
    """How many model versions and how many explanations a scope sees."""
    with open_session(scope) as session:
        models, explanations = (
            session.scalar(select(func.count()).select_from(kind)) or 0 for kind in (RegisteredModel, ShapAnalysis)
        )
    return models, explanations


def highest(scores: Floats, number: int = EXPLAINED) -> list[int]:
    """Rows of the highest scores, the highest first."""
    return [int(row) for row in np.argsort(-scores, kind="stable")[:number]]


def _label(name: str) -> str:
    return next(feature.label for feature in FEATURES if feature.name == name)


def _decimal(value: float, places: int) -> Decimal:
    return round(Decimal(float(value)), places)
