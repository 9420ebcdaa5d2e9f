"""Documented shapes of the JSONB columns of the predictions domain."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, RootModel

from hedgerow.core.types import Document

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
"""A JSON number: neither text that looks like one, nor a boolean, nor NaN, which JSON does not have."""

Share = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
"""A number from 0 to 1."""


class RankMetrics(Document):
    """How well a model ranks: recall among the k highest scores, and any further metrics by name."""

    __pydantic_extra__: dict[str, Number]

    recall_at_5: Share | None = None
    recall_at_10: Share | None = None


class FeatureAttribution(RootModel[dict[str, Number]]):
    """One number per feature: its SHAP value for an entity, or its importance over many."""

    model_config = {"frozen": True}

    def __getitem__(self, feature: str) -> float:
        return self.root[feature]

    def ranked(self) -> list[tuple[str, float]]:
        """Features and their numbers, the largest magnitude first, names breaking ties."""
        return sorted(self.root.items(), key=lambda item: (-abs(item[1]), item[0]))
