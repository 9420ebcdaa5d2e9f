"""Views of the predictions domain, all over the real-time explanations."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.orm import Mapped, mapped_column

from hedgerow.core.base import ViewBase
from hedgerow.core.splitviews import map_split_views
from hedgerow.core.types import bigint, str50, str100, str255
from hedgerow.predictions.models import EngagementTrigger, Prediction


class PatientExplanationHistory(ViewBase):
    """Real-time explanations given about one patient."""

    __tablename__ = "v_patient_explanation_history"

    patient_id: Mapped[str255] = mapped_column(primary_key=True)
    total_explanations: Mapped[bigint]
    models_used: Mapped[bigint]
    avg_response_time_ms: Mapped[float | None]
    first_explanation: Mapped[datetime | None]
    last_explanation: Mapped[datetime | None]
    most_common_prediction: Mapped[str100 | None]
    avg_prediction_probability: Mapped[float | None]


class ShapApiPerformance(ViewBase):
    """Response times of one hour (UTC) and model type, over the last 24 hours."""

    __tablename__ = "v_shap_api_performance"

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    model_type: Mapped[str50 | None] = mapped_column(primary_key=True)
    request_count: Mapped[bigint]
    avg_latency_ms: Mapped[float | None]
    p50_latency_ms: Mapped[float | None]
    p95_latency_ms: Mapped[float | None]
    p99_latency_ms: Mapped[float | None]
    slow_requests: Mapped[bigint]
    unique_patients: Mapped[bigint]


class FeatureImportanceTrend(ViewBase):
    """How often a feature came first on one day (UTC) for one model version, over the last 30 days."""

    __tablename__ = "v_feature_importance_trends"

    model_version_id: Mapped[str100 | None] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    top_feature: Mapped[str | None] = mapped_column(primary_key=True)
    appearance_count: Mapped[bigint]
    avg_shap_value: Mapped[float | None]


for _model in (EngagementTrigger, Prediction):
    map_split_views(_model)
