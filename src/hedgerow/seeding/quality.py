"""How good scores are, computed: the figures that seeded models report."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from math import fsum
from typing import TypeAlias

Scored: TypeAlias = Sequence[tuple[float, bool]]
"""Pairs of a score from 0 to 1 and the outcome that it foretold."""


def _ranked(scored: Scored) -> list[tuple[float, bool]]:
    return sorted(scored, key=lambda pair: -pair[0])


def auc(scored: Scored) -> float:
    """Area under the ROC curve: how often a positive outranks a negative, a tie counting half."""
    positives = [score for score, outcome in scored if outcome]
    negatives = [score for score, outcome in scored if not outcome]
    wins = fsum((mine > other) + (mine == other) / 2 for mine in positives for other in negatives)
    return wins / (len(positives) * len(negatives))


def pr_auc(scored: Scored) -> float:
    """Average precision: mean over the positives of the precision at their score, ties being taken together."""
    seen, hits, areas = 0, 0, []
    for _, tied in groupby(_ranked(scored), lambda pair: pair[0]):
        outcomes = [outcome for _, outcome in tied]
        seen, hits = seen + len(outcomes), hits + sum(outcomes)
        areas.append(sum(outcomes) * hits / seen)
    return fsum(areas) / hits


def brier(scored: Scored) -> float:
    """Mean squared error of the scores as probabilities."""
    return fsum((score - outcome) ** 2 for score, outcome in scored) / len(scored)


def recall_at(scored: Scored, top: int) -> float:
    """Share of the positives that are among the ``top`` highest scores."""
    return sum(outcome for _, outcome in _ranked(scored)[:top]) / sum(outcome for _, outcome in scored)


def calibration_slope(scored: Scored) -> float:
    """Slope of the outcomes over the scores by least squares: 1 when well calibrated."""
    count = len(scored)
    middle = fsum(score for score, _ in scored) / count
    share = sum(outcome for _, outcome in scored) / count
    covariance = fsum((score - middle) * (outcome - share) for score, outcome in scored)
    return covariance / fsum((score - middle) ** 2 for score, _ in scored)
