"""The evaluations of a run: which prompt is the best one, and what it gained over the first."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import dspy
from hedgerow.dspy.models import EvaluationResult
from hedgerow.integrations.dspy.plain import described


@dataclass(slots=True)
class Evaluation:
    """One evaluation of a run.

    :ivar iteration: its number in the run, from 0.
    :ivar score: percent, as DSPy gives it; None when it failed.
    :ivar metrics: what else is known of it.
    :ivar template_id: the stored prompt that was evaluated, None for a program that was not kept.
    :ivar program: the program, as long as it may still be kept.
    """

    iteration: int
    score: float | None
    metrics: dict[str, Any]
    template_id: UUID | None = None
    program: Any = None

    @property
    def measure(self) -> tuple[str, str]:
        """Metric and examples; only scores of the same measure can be compared."""
        return str(self.metrics.get("metric")), str(self.metrics.get("examples_sha256"))


class Scores(list[Evaluation]):
    """The evaluations of a run, in the order of their iterations."""

    @classmethod
    def of(cls, rows: Iterable[EvaluationResult]) -> Scores:
        """Those that were recorded before."""
        return cls(Evaluation(row.iteration, row.score, row.evaluation_metrics, row.prompt_template_id) for row in rows)

    @property
    def next(self) -> int:
        """Number of the next iteration."""
        return max((each.iteration for each in self), default=-1) + 1

    @property
    def best(self) -> Evaluation | None:
        """The one of a stored prompt with the highest score; of equal ones the last, which had more to go by.

        Among those of the measure that was asked for last.
        """
        scored = [each for each in self if each.template_id is not None and each.score is not None]
        same = [each for each in scored if each.measure == scored[-1].measure]
        return max(same, key=lambda each: (each.score, each.iteration), default=None)

    @property
    def baseline(self) -> Evaluation | None:
        """The first one by the measure of the best, of something else than the best."""
        best = self.best
        if best is None:
            return None
        same = (each for each in self if each.measure == best.measure and each.score is not None)
        return next((each for each in same if each.template_id != best.template_id), None)

    @property
    def improvement_pct(self) -> float | None:
        """Gain of the best over the baseline, in percent of it; None without a baseline, or where it is 0."""
        best, baseline = self.best, self.baseline
        if best is None or best.score is None or baseline is None or not baseline.score:
            return None
        return 100 * (best.score - baseline.score) / baseline.score

    @property
    def figures(self) -> dict[str, Any]:
        """What is known at the end of a run."""
        figures = {
            "evaluations": len(self),
            "score": self.best and self.best.score,
            "baseline": self.baseline and self.baseline.score,
            "improvement_pct": self.improvement_pct,
        }
        return {name: value for name, value in figures.items() if value is not None}


def asked(evaluate: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """What a call of :class:`dspy.Evaluate` asks, without the examples themselves."""
    metric = inputs.get("metric") or evaluate.metric
    devset = inputs.get("devset") or evaluate.devset or ()
    digest = hashlib.sha256()
    for example in devset:
        digest.update(json.dumps(described(example), sort_keys=True).encode())
    return {
        "metric": getattr(metric, "__name__", type(metric).__name__),
        "examples": len(devset),
        "examples_sha256": digest.hexdigest(),
        "program": type(inputs.get("program")).__qualname__,
    }


def score_of(result: Any) -> float | None:
    """The score of a result of :class:`dspy.Evaluate`, None when it is no number that can be compared."""
    return float(result.score) if math.isfinite(result.score) else None


def failures(result: Any) -> int:
    """How many examples the program failed on: DSPy puts an empty prediction in their place."""
    return sum(1 for _, answer, _ in result.results if isinstance(answer, dspy.Prediction) and not answer.keys())


def samples(result: Any, number: int) -> list[Any]:
    """The first answers of a result."""
    return [
        described({"inputs": example.inputs(), "output": answer, "score": score})
        for example, answer, score in result.results[:number]
    ]
