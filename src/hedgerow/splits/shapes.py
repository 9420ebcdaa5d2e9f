"""Documented shapes of the JSONB columns of the splits domain."""

from pydantic import RootModel


class FeatureStatistics(RootModel[dict[str, float | None]]):
    """One number per feature; None where the statistic is not defined for it."""


class CategoricalEncodings(RootModel[dict[str, dict[str, int]]]):
    """Per categorical feature, the code of each category."""
