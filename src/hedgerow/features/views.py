"""Views of the features domain."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hedgerow.core.base import ViewBase
from hedgerow.core.types import bigint, str50, str255


class FeatureValueLatest(ViewBase):
    """Newest value of each feature and entity by ``computed_at``; never for training sets."""

    __tablename__ = "feature_values_latest"

    feature_id: Mapped[UUID] = mapped_column(primary_key=True)
    feature_name: Mapped[str255]
    entity_id: Mapped[str255] = mapped_column(primary_key=True)
    entity_type: Mapped[str50] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(JSONB)
    computed_at: Mapped[datetime]
    is_current: Mapped[bool]


class FeatureFreshness(ViewBase):
    """How fresh a feature is against its target; of the values that the scope holds."""

    __tablename__ = "feature_freshness_monitor"

    feature_id: Mapped[UUID] = mapped_column(primary_key=True)
    feature_name: Mapped[str255]
    group_name: Mapped[str255]
    freshness_sla_hours: Mapped[int]
    last_computed_at: Mapped[datetime | None]
    hours_since_update: Mapped[float | None]
    is_stale: Mapped[bool]
    entity_count: Mapped[bigint]
