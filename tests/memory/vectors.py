"""Vectors whose neighbours are known."""

from __future__ import annotations

from math import cos, radians, sin
from typing import Any

import numpy as np

from hedgerow.core.vector import DIMENSIONS


def angle(degrees: float, plane: int = 0) -> list[float]:
    """A unit vector at an angle to the first axis, in one of several planes."""
    value = [0.0] * DIMENSIONS
    value[0], value[plane + 1] = cos(radians(degrees)), sin(radians(degrees))
    return value


ZERO = [0.0] * DIMENSIONS


class Topics:
    """Vectors in clusters, as embeddings lie: near a topic, and within it along a few directions more than others."""

    def __init__(self, seed: int, topics: int) -> None:
        self._draw = np.random.default_rng(seed)
        self._centres = self._draw.standard_normal((topics, DIMENSIONS))
        self._spread = self._draw.standard_normal((48, DIMENSIONS)) / 7

    def near(self, topics: range, count: int) -> Any:
        """``count`` unit vectors, each near one of the topics."""
        which = self._draw.integers(topics.start, topics.stop, count)
        found = 0.7 * self._centres[which]
        found += 0.7 * self._draw.standard_normal((count, 48)) @ self._spread
        found += 0.3 * self._draw.standard_normal((count, DIMENSIONS))
        return found / np.linalg.norm(found, axis=1, keepdims=True)


def nearest(stored: Any, query: Any, count: int) -> list[int]:
    """Places of the rows of ``stored`` that are nearest to a query by the cosine: the truth."""
    similarity = (stored @ query) / np.linalg.norm(stored, axis=1) / np.linalg.norm(query)
    return [int(place) for place in np.argsort(-similarity, kind="stable")[:count]]
