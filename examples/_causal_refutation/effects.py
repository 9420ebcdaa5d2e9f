"""The effects, and the attempts to refute them. Comes in: a cohort. Goes out: numbers. Knows no database.

Each question compares patients with a treatment, or a finding, with patients without, and adjusts for everything else
that was measured when they entered the trial. How a test counts is the same for all effects:

* *placebo_treatment*: the treatment is shuffled among the patients. What is left of the effect is its share.
* *random_common_cause*, *data_subset*, *bootstrap*: a meaningless confounder is added, a fifth of the patients left
  out, the patients drawn again. By how much the effect moves is the share.
* Up to :data:`STABLE` of the effect passes, up to :data:`SHAKEN` is a warning, more has failed.
* *sensitivity_e_value*: how strongly something unseen would have to be associated with treatment and outcome to
  explain the effect away (VanderWeele and Ding 2017). It passes if even the limit of the 95 % interval stands; if only
  the estimate does, from :data:`WEAK_CONFOUNDER` on, it is a warning.

Estimates and refutations are DoWhy's. What is to be adjusted for is written down here and not searched for in a
graph: the search of DoWhy 0.12 calls ``networkx.algorithms.d_separated``, which recent versions of networkx lack.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import dowhy
import numpy as np
import pandas as pd
from _breast_cancer.model import HORIZON_DAYS, NAMES, Cohort
from dowhy.causal_estimator import CausalEstimate
from dowhy.causal_estimators.linear_regression_estimator import LinearRegressionEstimator
from dowhy.causal_identifier import EstimandType, IdentifiedEstimand
from dowhy.causal_refuters import (
    refute_bootstrap,
    refute_data_subset,
    refute_placebo_treatment,
    refute_random_common_cause,
)
from dowhy.causal_refuters.evalue_sensitivity_analyzer import EValueSensitivityAnalyzer
from dowhy.causal_refuters.placebo_treatment_refuter import PlaceboType

from hedgerow.causal import RefutationTest, ValidationStatus

# One for every fit: DoWhy 0.12 asks pandas for parameters by position.
warnings.filterwarnings("ignore", category=FutureWarning, module="dowhy")

OUTCOME: Final = "recurrence_or_death"
METHOD: Final = "backdoor.linear_regression"
SIMULATIONS: Final = 100
SUBSET: Final = 0.8
SEED: Final = 20240229
STABLE: Final = 0.10
SHAKEN: Final = 0.50
WEAK_CONFOUNDER: Final = 1.25


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    :ivar key: short name.
    :ivar treatment: the variable whose effect is asked for.
    :ivar label: what a clinician calls it.
    :ivar source: the measurement that it is made from, and that is not adjusted for therefore.
    :ivar at_least: value of the measurement from which on a patient has the finding.
    """

    key: str
    treatment: str
    label: str
    source: str
    at_least: float

    @property
    def confounders(self) -> list[str]:
        """What is adjusted for."""
        return [name for name in NAMES if name != self.source]

    @property
    def graph_hash(self) -> str:
        """Version of the causal graph: who points at whom."""
        edges = [[self.treatment, OUTCOME]]
        edges += [[name, effect] for name in self.confounders for effect in (self.treatment, OUTCOME)]
        return hashlib.sha256(json.dumps(sorted(edges)).encode()).hexdigest()

    def frame(self, cohort: Cohort) -> pd.DataFrame:
        """Treatment, confounders and outcome of the patients whose outcome is known."""
        values = pd.DataFrame(cohort.values[cohort.known], columns=list(NAMES))
        treated = (values[self.source] >= self.at_least).astype(int)
        frame = values[self.confounders].assign(**{self.treatment: treated})
        return frame.assign(**{OUTCOME: cohort.outcomes[cohort.known]})


QUESTIONS: Final = (
    Question("HORTH", "hormonal_therapy", "hormonal therapy", "hormonal_therapy", 1),
    Question("NODES", "four_or_more_nodes", "four or more positive nodes", "log_pnodes", float(np.log1p(4))),
    Question("ERPOS", "receptor_positive", "oestrogen receptor positive", "log_estrec", float(np.log1p(20))),
)
"""A treatment, and two findings at entry, of which one is known to matter and the other says little beyond the rest."""


@dataclass(frozen=True)
class Effect:
    """An estimated effect: the change of the risk of recurrence or death within three years.

    :ivar path_id: fingerprint of question, patients and parameters: the same inputs give the same id.
    :ivar crude: difference of the risks without any adjustment.
    :ivar size: the adjusted difference.
    :ivar low: lower limit of its 95 % interval; ``high`` the upper one.
    """

    question: Question
    path_id: str
    frame: pd.DataFrame
    crude: float
    size: float
    low: float
    high: float
    estimand: IdentifiedEstimand
    estimate: CausalEstimate

    @property
    def treated(self) -> int:
        """How many patients have the treatment, or the finding."""
        return int(self.frame[self.question.treatment].sum())


@dataclass(frozen=True)
class Refutation:
    """How an effect came out of a test.

    :ivar refuted: the effect under the test; None for the E-value.
    :ivar p_value: DoWhy's: whether the effect fits the simulated ones (for the placebo, whether none at all does).
    :ivar measure: the share, or the E-value.
    :ivar confidence: 0 to 1.
    """

    test: RefutationTest
    status: ValidationStatus
    refuted: float | None
    p_value: float | None
    measure: float
    confidence: float
    details: dict[str, Any]


def estimate(question: Question, cohort: Cohort) -> Effect:
    """Estimate the effect that a question asks for, by linear regression on treatment and confounders."""
    frame = question.frame(cohort)
    estimand = IdentifiedEstimand(
        None,
        treatment_variable=[question.treatment],
        outcome_variable=[OUTCOME],
        estimand_type=EstimandType.NONPARAMETRIC_ATE,
        estimands={"backdoor": None},
        backdoor_variables={"backdoor": question.confounders},
        instrumental_variables=[],
        default_backdoor_id="backdoor",
        identifier_method="backdoor",
    )
    estimator = LinearRegressionEstimator(estimand, confidence_intervals=True)
    estimator.fit(frame)
    found = estimator.estimate_effect(frame, treatment_value=1, control_value=0, target_units="ate")
    low, high = (float(limit) for limit in np.ravel(found.get_confidence_intervals()))
    risks = frame.groupby(question.treatment)[OUTCOME].mean()
    return Effect(
        question=question,
        path_id=f"{question.key}-{_fingerprint(question, cohort)}",
        frame=frame,
        crude=float(risks[1] - risks[0]),
        size=float(found.value),
        low=low,
        high=high,
        estimand=estimand,
        estimate=found,
    )


def _fingerprint(question: Question, cohort: Cohort) -> str:
    told = [question.graph_hash, question.at_least, HORIZON_DAYS, SIMULATIONS, SUBSET, SEED, STABLE, SHAKEN]
    told += [WEAK_CONFOUNDER, METHOD, dowhy.__version__, np.__version__, cohort.patient_ids, cohort.values.tolist()]
    told.append([None if np.isnan(outcome) else outcome for outcome in cohort.outcomes])
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:8]


def refute(effect: Effect) -> Iterator[Refutation]:
    """Try to refute an effect, in five ways."""
    placebo = partial(
        refute_placebo_treatment, treatment_names=[effect.question.treatment], placebo_type=PlaceboType.PERMUTE
    )
    yield _simulated(effect, RefutationTest.PLACEBO_TREATMENT, placebo, lambda new: abs(new))
    stays = lambda new: abs(new - effect.size)  # noqa: E731
    yield _simulated(effect, RefutationTest.RANDOM_COMMON_CAUSE, refute_random_common_cause, stays)
    subset = partial(refute_data_subset, subset_fraction=SUBSET)
    yield _simulated(effect, RefutationTest.DATA_SUBSET, subset, stays)
    # False: no noise is added to the drawn patients.
    bootstrap = partial(refute_bootstrap, required_variables=False)
    yield _simulated(effect, RefutationTest.BOOTSTRAP, bootstrap, stays)
    yield _e_value(effect)


def _simulated(
    effect: Effect, test: RefutationTest, refuter: Callable[..., Any], moved: Callable[[float], float]
) -> Refutation:
    found = refuter(
        effect.frame,
        effect.estimand,
        effect.estimate,
        num_simulations=SIMULATIONS,
        # A generator and not a number, from which every simulation would start anew.
        random_state=np.random.RandomState(SEED),
        show_progress_bar=False,
        n_jobs=1,
    )
    new = float(found.new_effect)
    share = moved(new) / abs(effect.size)
    passed, warned = share <= STABLE, share <= SHAKEN
    status = ValidationStatus.PASSED if passed else ValidationStatus.WARNING if warned else ValidationStatus.FAILED
    p_value = float(found.refutation_result["p_value"])
    return Refutation(test, status, new, p_value, share, max(0.0, 1 - share), {"share": share})


def _e_value(effect: Effect) -> Refutation:
    analyzer = EValueSensitivityAnalyzer(
        effect.estimate, effect.estimand, effect.frame, effect.question.treatment, OUTCOME
    )
    # What DoWhy's check_sensitivity computes before it compares with every confounder, which is not needed here.
    stats = analyzer.get_evalue(effect.size, float(np.ravel(effect.estimate.get_standard_error())[0]))
    point = float(stats["evalue_estimate"])
    # The limit that is nearer to no effect; 1 where the interval holds none.
    limit = float(next(stats[f"evalue_{side}_ci"] for side in ("lower", "upper") if stats[f"evalue_{side}_ci"]))
    if limit > 1:
        status = ValidationStatus.PASSED
    else:
        status = ValidationStatus.WARNING if point >= WEAK_CONFOUNDER else ValidationStatus.FAILED
    details = {"e_value": point, "e_value_of_limit": limit}
    return Refutation(RefutationTest.SENSITIVITY_E_VALUE, status, None, None, point, 1 - 1 / limit, details)
