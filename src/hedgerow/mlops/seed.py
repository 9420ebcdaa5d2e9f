"""Seeded experiments and models. The model is linear, so that its SHAP values are exact and its figures computed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final
from uuid import UUID

from hedgerow.core.scope import Split
from hedgerow.mlops.enums import ModelStage
from hedgerow.mlops.models import Experiment, RegisteredModel
from hedgerow.patients.enums import Brand
from hedgerow.patients.seed_cohort import SeedJourney, cohort, features, happenings, in_window, learnt
from hedgerow.seeding import Row, World, at, per_tenant
from hedgerow.seeding.quality import Scored, auc, brier, calibration_slope, pr_auc, recall_at

MODEL: Final = "discontinuation"
"""Name of the model that the seeded predictions are made with."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the linear model: bias plus the weighted features, always between 0 and 1."""

    version: str
    algorithm: str
    bias: float
    weights: dict[str, float]
    split: Split
    stage: ModelStage
    champion: bool


VERSIONS: Final = (
    Version("1.0.0", "linear", 0.15, {"risk_score": 0.60}, Split.TRAIN, ModelStage.ARCHIVED, False),
    Version(
        "2.0.0",
        "linear",
        0.02,
        {"risk_score": 0.90, "data_lag_hours": 0.0005, "source_count": -0.005},
        Split.TRAIN,
        ModelStage.PRODUCTION,
        True,
    ),
    # Refits once the evaluation of a split was closed: each is labelled with the split that it learnt from.
    Version("2.1.0", "linear", 0.05, {"risk_score": 0.85}, Split.VALIDATION, ModelStage.SHADOW, False),
    Version("2.2.0", "linear", 0.05, {"risk_score": 0.86}, Split.TEST, ModelStage.STAGING, False),
    Version("2.3.0", "linear", 0.05, {"risk_score": 0.87}, Split.HOLDOUT, ModelStage.DEVELOPMENT, False),
)
CHAMPION: Final = VERSIONS[1]


def filled(world: World, journey: SeedJourney) -> dict[str, float]:
    """The features of a journey; the mean of the train rows stands in for what is missing."""
    found = learnt(world)
    return {name: found.mean(name) if value is None else value for name, value in features(journey).items()}


def score(world: World, journey: SeedJourney, version: Version = CHAMPION) -> float:
    """The model's probability that treatment is given up."""
    given = filled(world, journey)
    return version.bias + sum(weight * given[name] for name, weight in version.weights.items())


def shap_values(world: World, journey: SeedJourney) -> tuple[float, dict[str, float]]:
    """Base value and contribution of each feature; together exactly the champion's score.

    For a linear model with independent features the SHAP value is the weight times the distance from the mean.
    """
    found, given = learnt(world), filled(world, journey)
    base = CHAMPION.bias + sum(weight * found.mean(name) for name, weight in CHAMPION.weights.items())
    return base, {name: weight * (given[name] - found.mean(name)) for name, weight in CHAMPION.weights.items()}


@lru_cache(maxsize=8)
def outcomes(world: World) -> dict[int, bool]:
    """Whether treatment was given up, by number of the journey, in the first unit."""
    found: dict[int, bool] = {}
    for event in happenings(world, 0):
        found[event.journey.number] = found.get(event.journey.number, False) or event.gave_up
    return found


@lru_cache(maxsize=8)
def validated(world: World, version: str = CHAMPION.version) -> Scored:
    """Scores and outcomes of the validation rows of the first unit that lie inside the window."""
    model = next(item for item in VERSIONS if item.version == version)
    return [
        (score(world, journey, model), outcomes(world)[journey.number])
        for journey in cohort(world, 0)
        if journey.patient.split is Split.VALIDATION and in_window(world, Split.VALIDATION, journey.moment.date())
    ]


@dataclass(frozen=True, slots=True)
class Quality:
    """Figures of a version on the validation rows."""

    auc: float
    pr_auc: float
    brier: float
    slope: float
    recall: dict[str, float]


@lru_cache(maxsize=32)
def quality(world: World, version: str = CHAMPION.version) -> Quality:
    """Measure a version."""
    scored = validated(world, version)
    recall = {f"recall_at_{top}": round(recall_at(scored, top), 6) for top in (5, 10)}
    return Quality(auc(scored), pr_auc(scored), brier(scored), calibration_slope(scored), recall)


def model_id(world: World, version: str = CHAMPION.version) -> UUID:
    """Id of a version in the model registry."""
    return world.id("ml_model_registry", MODEL, version)


_EXPERIMENTS: Final = (
    ("discontinuation", None, Split.TRAIN, "Which patients give up treatment within 60 days"),
    ("discontinuation_kisqali", Brand.KISQALI, Split.VALIDATION, "Tuning for one brand"),
    ("discontinuation_audit", None, Split.TEST, "Quarterly evaluation of the champion"),
    ("discontinuation_release", None, Split.HOLDOUT, "Final evaluation before release"),
    ("survey_response", Brand.FABHALTA, Split.UNASSIGNED, "Which prescribers answer; about no patient"),
)


@per_tenant(Experiment)
def experiments(world: World) -> Iterator[Row]:
    """One about each split, and one about none."""
    for number, (name, brand, split, description) in enumerate(_EXPERIMENTS):
        created = at(date(2024, 7, 1) + timedelta(days=40 * number), 600)
        yield {
            "id": world.id("ml_experiments", name),
            "experiment_name": name,
            "mlflow_experiment_id": str(number + 1),
            "description": description,
            "prediction_target": "discontinuation" if number < 4 else "response",
            "target_population": "Patients on treatment" if number < 4 else None,
            "observation_window_days": 180 if number < 4 else None,
            "prediction_horizon_days": 60 if number < 4 else None,
            "minimum_auc": Decimal("0.600"),
            "minimum_precision_at_k": Decimal("0.300"),
            "maximum_fpr": None,
            "brand": brand,
            "region": None,
            "created_by": "anna.analyst",
            "created_at": created,
            "updated_at": created,
            "split_assignment": split,
        }


@per_tenant(RegisteredModel)
def models(world: World) -> Iterator[Row]:
    """The versions of the model with their figures on the validation rows; the second is champion."""
    for number, item in enumerate(VERSIONS):
        found = quality(world, item.version)
        trained = at(date(2025, 1, 10) + timedelta(days=60 * number), 480)
        yield {
            "id": model_id(world, item.version),
            "experiment_id": world.id("ml_experiments", "discontinuation"),
            "model_name": MODEL,
            "model_version": item.version,
            "mlflow_run_id": f"run-{item.version}",
            "mlflow_model_uri": f"models:/{MODEL}/{item.version}",
            "algorithm": item.algorithm,
            "hyperparameters": {"bias": item.bias, "weights": item.weights},
            "feature_count": len(item.weights),
            "training_samples": _training_samples(world, item.split),
            "auc": _figure(found.auc),
            "pr_auc": _figure(found.pr_auc),
            "brier_score": _figure(found.brier),
            "calibration_slope": _figure(found.slope),
            "fairness_metrics": {},
            "stage": item.stage,
            "is_champion": item.champion,
            "artifact_path": f"s3://models/{MODEL}/{item.version}",
            "preprocessing_pipeline_path": None,
            "trained_at": trained,
            "registered_at": trained + timedelta(hours=1),
            "promoted_at": trained + timedelta(days=7) if item.champion else None,
            "split_assignment": item.split,
        }


def _training_samples(world: World, split: Split) -> int:
    return sum(
        journey.patient.split is split and in_window(world, split, journey.moment.date())
        for journey in cohort(world, 0)
    )


def _figure(value: float) -> Decimal:
    return round(Decimal(value), 4)


SEEDS: Final = (experiments, models)
