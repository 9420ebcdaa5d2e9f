"""The model: will the disease come back, or the patient die, within three years of entering the trial?

Comes in: treatment events as a session read them. Goes out: numbers, and explanations of them. Knows no database.

Patients who left the trial before the horizon without an event are neither cases nor controls: nobody knows what
became of them. They take no part in fitting and judging (which makes the rates those of patients with a known
outcome), but they are scored like everybody else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shap
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from hedgerow.patients import EventType, TreatmentEvent

from .data import EVENT_FREE, LAST_FOLLOW_UP, STUDY_ENTRY

Floats = npt.NDArray[np.float64]

HORIZON_DAYS: Final = 3 * 365
PARAMETERS: Final[dict[str, Any]] = {"C": 0.3, "max_iter": 1000}
RESAMPLES: Final = 400
SEED: Final = 20240229

ENCODINGS: Final = {"menostat": {"Pre": 0, "Post": 1}, "tgrade": {"I": 1, "II": 2, "III": 3}}
"""The order that the data set itself gives its categories."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One input of the model.

    :ivar name: its name in the database.
    :ivar source: key of ``lab_values`` that it comes from, or None for the therapy.
    :ivar label: what a clinician calls it.
    :ivar unit: what its values are counted in.
    :ivar log: whether the model sees log(1 + value), since a few patients have very large values.
    """

    name: str
    source: str | None
    label: str
    unit: str = ""
    log: bool = False

    def number(self, labs: dict[str, Any], treated: bool) -> float:
        """The value of one patient as a number, before any scaling."""
        if self.source is None:
            return float(treated)
        value = labs[self.source]
        number = float(ENCODINGS[self.source][value] if self.source in ENCODINGS else value)
        return float(np.log1p(number)) if self.log else number

    def words(self, number: float) -> str:
        """A number as a clinician writes it."""
        value = float(np.expm1(number)) if self.log else number
        if self.source is None:
            return "given" if value else "not given"
        if self.source in ENCODINGS:
            return next(word for word, code in ENCODINGS[self.source].items() if code == round(value))
        return f"{value:.0f} {self.unit}".strip()


FEATURES: Final = (
    Feature("age", "age", "age", "years"),
    Feature("menostat", "menostat", "menopausal status"),
    Feature("log_tsize", "tsize", "tumour size", "mm", log=True),
    Feature("tgrade", "tgrade", "tumour grade"),
    Feature("log_pnodes", "pnodes", "positive lymph nodes", log=True),
    Feature("log_progrec", "progrec", "progesterone receptor", "fmol/mg", log=True),
    Feature("log_estrec", "estrec", "oestrogen receptor", "fmol/mg", log=True),
    Feature("hormonal_therapy", None, "hormonal therapy"),
)
NAMES: Final = [feature.name for feature in FEATURES]
THERAPY: Final = next(feature for feature in FEATURES if feature.source is None)


@dataclass(frozen=True)
class Cohort:
    """Patients as the model sees them, ordered by id.

    :ivar patient_ids: who they are.
    :ivar values: a row a patient, a column a feature, not scaled.
    :ivar outcomes: 1 event within the horizon, 0 none, NaN unknown.
    """

    patient_ids: list[str]
    values: Floats
    outcomes: Floats

    @cached_property
    def known(self) -> npt.NDArray[np.bool_]:
        """Whose outcome at the horizon is known."""
        return ~np.isnan(self.outcomes)

    @property
    def cases(self) -> int:
        """How many had the event within the horizon."""
        return int(np.nansum(self.outcomes))

    @classmethod
    def of(cls, events: Iterable[TreatmentEvent]) -> Cohort:
        """Put together the events of each patient."""
        labs: dict[str, dict[str, Any]] = {}
        treated: set[str] = set()
        outcomes: dict[str, float] = {}
        for event in events:
            if event.event_subtype == STUDY_ENTRY:
                labs[event.patient_id] = event.lab_values or {}
            elif event.event_subtype == LAST_FOLLOW_UP:
                outcomes[event.patient_id] = _outcome(event)
            elif event.event_type is EventType.PRESCRIPTION:
                treated.add(event.patient_id)
        ids = sorted(labs)
        rows = [[feature.number(labs[one], one in treated) for feature in FEATURES] for one in ids]
        return cls(ids, np.array(rows), np.array([outcomes[one] for one in ids]))


def _outcome(event: TreatmentEvent) -> float:
    days = event.days_from_diagnosis or 0
    if event.outcome_indicator == EVENT_FREE:
        return 0.0 if days >= HORIZON_DAYS else float("nan")
    return float(days <= HORIZON_DAYS)


@dataclass(frozen=True)
class Statistics:
    """What preprocessing learned: on the training split, and nowhere else.

    :ivar means: per feature; the other three likewise.
    """

    means: dict[str, float]
    stds: dict[str, float]
    mins: dict[str, float]
    maxs: dict[str, float]

    @classmethod
    def learn(cls, cohort: Cohort) -> Statistics:
        """Learn them from every patient of a cohort; what became of a patient does not matter for scaling."""

        def each(numbers: Floats) -> dict[str, float]:
            return {name: float(number) for name, number in zip(NAMES, numbers, strict=True)}

        values = cohort.values
        return cls(each(values.mean(0)), each(values.std(0)), each(values.min(0)), each(values.max(0)))

    def scale(self, cohort: Cohort) -> Floats:
        """The values of a cohort in standard deviations from the training mean."""
        means, stds = ([numbers[name] for name in NAMES] for numbers in (self.means, self.stds))
        scaled: Floats = (cohort.values - np.array(means)) / np.array(stds)
        return scaled


@dataclass(frozen=True)
class Quality:
    """How good scores are on patients with a known outcome.

    :ivar patients: how many they are.
    :ivar base_rate: share of them who had the event.
    :ivar pr_auc: area under the precision-recall curve; ``base_rate`` is what chance gives.
    :ivar auc: area under the ROC curve.
    :ivar brier: mean squared error of the scores as probabilities.
    :ivar recalls: k to the share of all events that the k highest scores find.
    """

    patients: int
    base_rate: float
    pr_auc: float
    auc: float
    brier: float
    recalls: dict[int, float]

    @classmethod
    def of(cls, scores: Floats, outcomes: Floats) -> Quality:
        """Judge scores; ties keep the order in which they come."""
        order = np.argsort(-scores, kind="stable")
        return cls(
            patients=len(scores),
            base_rate=float(outcomes.mean()),
            pr_auc=float(average_precision_score(outcomes, scores)),
            auc=float(roc_auc_score(outcomes, scores)),
            brier=float(brier_score_loss(outcomes, scores)),
            recalls={k: float(outcomes[order[:k]].sum() / outcomes.sum()) for k in (5, 10)},
        )


def interval(scores: Floats, outcomes: Floats) -> tuple[float, float]:
    """Bootstrap interval of the area under the precision-recall curve, 95 %: how much so few patients can say."""
    random = np.random.default_rng(SEED)
    areas = []
    for _ in range(RESAMPLES):
        drawn = random.integers(0, len(scores), len(scores))
        areas.append(average_precision_score(outcomes[drawn], scores[drawn]))
    low, high = np.quantile(areas, (0.025, 0.975))
    return float(low), float(high)


@dataclass(frozen=True)
class Explanation:
    """SHAP values: what moved each score away from the average one, in log-odds. They add up exactly.

    :ivar base: log-odds of the average training patient.
    :ivar shap_values: a row a patient, a column a feature.
    """

    base: float
    shap_values: Floats

    def importance(self) -> dict[str, float]:
        """Mean absolute SHAP value of each feature."""
        means = np.abs(self.shap_values).mean(0)
        return {name: float(mean) for name, mean in zip(NAMES, means, strict=True)}


@dataclass(frozen=True)
class Model:
    """A fitted logistic regression, and what it was fitted on.

    :ivar version: fingerprint of training data, parameters and library: the same inputs give the same version.
    :ivar cross_validated: quality on the training split itself, each patient scored by a model that did not see her.
    """

    version: str
    classifier: LogisticRegression
    background: Floats
    training_samples: int
    cross_validated: Quality

    @classmethod
    def fit(cls, cohort: Cohort, statistics: Statistics) -> Model:
        """Fit on the patients of a cohort whose outcome is known."""
        scaled = statistics.scale(cohort)
        inputs, outcomes = scaled[cohort.known], cohort.outcomes[cohort.known]
        classifier = LogisticRegression(**PARAMETERS)
        folds = StratifiedKFold(5, shuffle=True, random_state=SEED)
        held_out = cross_val_predict(classifier, inputs, outcomes, cv=folds, method="predict_proba")[:, 1]
        return cls(
            version=_fingerprint(cohort),
            classifier=classifier.fit(inputs, outcomes),
            background=scaled,
            training_samples=len(outcomes),
            cross_validated=Quality.of(held_out, outcomes),
        )

    def score(self, scaled: Floats) -> Floats:
        """Probability of the event within the horizon."""
        scores: Floats = self.classifier.predict_proba(scaled)[:, 1]
        return scores

    def log_odds(self, scaled: Floats) -> Floats:
        """The score before it is squeezed into 0 to 1, which is where SHAP values add up."""
        values: Floats = self.classifier.decision_function(scaled)
        return values

    def explain(self, scaled: Floats) -> Explanation:
        """SHAP values, exact for a linear model, against every training patient."""
        everybody = shap.maskers.Independent(self.background, max_samples=len(self.background))
        explainer = shap.LinearExplainer(self.classifier, everybody)
        return Explanation(float(explainer.expected_value), np.asarray(explainer.shap_values(scaled)))

    def odds_factor(self, statistics: Statistics, feature: Feature, low: float, high: float) -> float:
        """By how much the odds are multiplied when a feature is ``high`` instead of ``low``."""
        coefficient = self.classifier.coef_[0][FEATURES.index(feature)]
        return float(np.exp(coefficient * (high - low) / statistics.stds[feature.name]))


def _fingerprint(cohort: Cohort) -> str:
    told = [NAMES, HORIZON_DAYS, PARAMETERS, sklearn.__version__, cohort.patient_ids, cohort.values.tolist()]
    told.append([None if np.isnan(outcome) else outcome for outcome in cohort.outcomes])
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]


def in_words(explanation: Explanation, row: int, cohort: Cohort, drivers: int = 3) -> tuple[list[str], str]:
    """The strongest drivers of one score: their labels, and a sentence."""
    values: Sequence[float] = explanation.shap_values[row]
    strongest = sorted(range(len(FEATURES)), key=lambda index: -abs(values[index]))[:drivers]
    parts = []
    for index in strongest:
        feature = FEATURES[index]
        parts.append(f"{feature.label} {feature.words(cohort.values[row][index])} (odds × {np.exp(values[index]):.2f})")
    return [FEATURES[index].label for index in strongest], "; ".join(parts)
