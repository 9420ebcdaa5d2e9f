"""Views of the assistant domain, as classes to select from; they count inside the scope."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Mapped, mapped_column

from hedgerow.assistant.enums import AssistantMode
from hedgerow.core.base import ViewBase
from hedgerow.core.types import bigint


class AssistantMetricsDaily(ViewBase):
    """Interactions of one day (UTC) and mode: how they ended, how sure and how fast the answers were."""

    __tablename__ = "v_assistant_metrics_daily"

    metric_date: Mapped[date | None] = mapped_column(primary_key=True)
    assistant_mode: Mapped[AssistantMode] = mapped_column(primary_key=True)
    total_interactions: Mapped[bigint]
    resolved: Mapped[bigint]
    escalated: Mapped[bigint]
    resolution_rate: Mapped[float]
    escalation_rate: Mapped[float]
    average_confidence: Mapped[float | None]
    p50_processing_time_ms: Mapped[float | None]
    p95_processing_time_ms: Mapped[float | None]
