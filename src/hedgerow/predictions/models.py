"""Tables of the predictions domain."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Computed, Index, Numeric, Table, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from hedgerow.core.base import Base
from hedgerow.core.keys import tenant_fk, tenant_relationship
from hedgerow.core.mixins import SplitAware, TenantOwned, Timestamped
from hedgerow.core.objects import Trigger, declare_trigger
from hedgerow.core.scope import Split
from hedgerow.core.types import EMPTY_OBJECT, ValidatedJSON, str20, str30, str50, str100, str255, uuid_pk
from hedgerow.mlops.models import RegisteredModel
from hedgerow.patients.models import HcpProfile
from hedgerow.predictions.enums import PredictionType, Priority, ShapAnalysisType
from hedgerow.predictions.shapes import FeatureAttribution, RankMetrics
from hedgerow.splits.keys import PatientKeyed, patient_split_key

REALTIME = text("analysis_type = 'local_realtime'")


class Prediction(PatientKeyed, TenantOwned, Base):
    """Model score for a patient, with the quality of the model at prediction time."""

    __tablename__ = "ml_predictions"
    __event_time__ = ("prediction_timestamp", "created_at")
    __table_args__ = (
        *patient_split_key(),
        *tenant_fk("split_config_id", "ml_split_registry.split_config_id"),
        Index(None, "tenant_id", "split_assignment"),
        Index(None, "tenant_id", "patient_id"),
        Index(None, "tenant_id", "model_id"),
        Index(None, "tenant_id", "created_at"),
    )

    id: Mapped[uuid_pk]
    patient_id: Mapped[str255]
    model_id: Mapped[str100]
    prediction_score: Mapped[float | None]
    model_pr_auc: Mapped[float | None] = mapped_column(comment="Area under the precision-recall curve, 0 to 1")
    rank_metrics: Mapped[RankMetrics | None] = mapped_column(
        ValidatedJSON(RankMetrics), comment="Metrics by name, such as recall_at_5 and recall_at_10 (0 to 1)"
    )
    brier_score: Mapped[float | None] = mapped_column(comment="Mean squared error of the model's probabilities")
    split_assignment: Mapped[Split | None]
    created_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    prediction_timestamp: Mapped[datetime | None] = mapped_column(
        comment="When the score was made; event time of the split window, created_at where it is NULL"
    )
    split_config_id: Mapped[UUID | None]
    model_version: Mapped[str20 | None]
    prediction_type: Mapped[PredictionType | None]
    confidence_score: Mapped[Decimal | None] = mapped_column(Numeric(5, 4))
    model_auc: Mapped[Decimal | None] = mapped_column(Numeric(4, 3))


class EngagementTrigger(PatientKeyed, Timestamped, TenantOwned, Base):
    """Engagement trigger sent to a prescriber, with delivery, acceptance and change history."""

    __tablename__ = "triggers"
    __event_time__ = ("trigger_timestamp",)
    __table_args__ = (
        *patient_split_key(),
        *tenant_fk("hcp_id", "hcp_profiles.hcp_id"),
        *tenant_fk("split_config_id", "ml_split_registry.split_config_id"),
        # The patient takes part in the key: a change refers to a trigger of the same patient, hence of its split.
        *tenant_fk("previous_trigger_id", "triggers.trigger_id", shared=("patient_id",)),
        UniqueConstraint("tenant_id", "patient_id", "trigger_id"),
        Index(None, "tenant_id", "change_type", postgresql_where=text("change_type IS NOT NULL")),
        Index(None, "search_vector", postgresql_using="gin"),
        Index(None, "tenant_id", "split_assignment", "split_config_id"),
        Index(None, "tenant_id", "delivery_status", "acceptance_status"),
        Index(None, "tenant_id", "trigger_timestamp"),
        Index(None, "tenant_id", "created_at"),
    )

    trigger_id: Mapped[str30] = mapped_column(primary_key=True)
    patient_id: Mapped[str255]
    hcp_id: Mapped[str20 | None]
    trigger_timestamp: Mapped[datetime]
    trigger_type: Mapped[str50 | None]
    priority: Mapped[Priority | None]
    confidence_score: Mapped[Decimal | None] = mapped_column(Numeric(4, 3))
    lead_time_days: Mapped[int | None]
    expiration_date: Mapped[date | None]
    delivery_channel: Mapped[str20 | None]
    delivery_status: Mapped[str20 | None]
    delivery_timestamp: Mapped[datetime | None]
    view_timestamp: Mapped[datetime | None]
    acceptance_status: Mapped[str20 | None]
    acceptance_timestamp: Mapped[datetime | None]
    action_taken: Mapped[str | None]
    action_timestamp: Mapped[datetime | None]
    false_positive_flag: Mapped[bool | None] = mapped_column(server_default=text("false"))
    trigger_reason: Mapped[str | None]
    causal_chain: Mapped[dict[str, Any] | None] = mapped_column(server_default=EMPTY_OBJECT)
    supporting_evidence: Mapped[dict[str, Any] | None] = mapped_column(server_default=EMPTY_OBJECT)
    recommended_action: Mapped[str | None]
    outcome_tracked: Mapped[bool | None] = mapped_column(server_default=text("false"))
    outcome_value: Mapped[Decimal | None] = mapped_column(Numeric(4, 3))
    previous_trigger_id: Mapped[str30 | None] = mapped_column(comment="The trigger that this one changes")
    change_type: Mapped[str30 | None] = mapped_column(comment="For example new, update, escalation, downgrade")
    change_reason: Mapped[str | None]
    change_timestamp: Mapped[datetime | None]
    change_failed: Mapped[bool | None] = mapped_column(server_default=text("false"))
    change_outcome_delta: Mapped[Decimal | None] = mapped_column(Numeric(4, 3))
    split_assignment: Mapped[Split] = mapped_column(server_default=text("'unassigned'"))
    split_config_id: Mapped[UUID | None]
    search_vector: Mapped[str | None] = mapped_column(
        TSVECTOR,
        Computed(
            "setweight(to_tsvector('english', coalesce(trigger_reason, '')), 'A')"
            " || setweight(to_tsvector('english', coalesce(trigger_type, '')), 'B')"
            " || setweight(to_tsvector('english', coalesce(recommended_action, '')), 'C')",
            persisted=True,
        ),
        sort_order=2,
        # Asked for in searches, not in reads.
        deferred=True,
        comment="Reason (A), type (B) and recommended action (C) as English search terms",
    )

    prescriber: Mapped[HcpProfile | None] = tenant_relationship("EngagementTrigger.hcp_id", "HcpProfile.hcp_id")
    previous: Mapped[EngagementTrigger | None] = tenant_relationship(
        "EngagementTrigger.previous_trigger_id", "EngagementTrigger.trigger_id"
    )


class ShapAnalysis(SplitAware, TenantOwned, Base):
    """SHAP explanation of a model: global, local or real-time, the latter with the audit fields of the request."""

    __tablename__ = "ml_shap_analyses"
    __table_args__ = (
        *tenant_fk("model_registry_id", "ml_model_registry.id"),
        UniqueConstraint("tenant_id", "explanation_id"),
        Index(None, "tenant_id", "entity_type", "entity_id"),
        Index("ix_ml_shap_analyses_model_version", "tenant_id", "model_version_id", text("request_timestamp DESC")),
        Index(
            "ix_ml_shap_analyses_realtime_patient",
            "tenant_id",
            "patient_id",
            text("request_timestamp DESC"),
            postgresql_where=REALTIME,
        ),
        Index(
            "ix_ml_shap_analyses_realtime_hcp",
            "tenant_id",
            "hcp_id",
            text("request_timestamp DESC"),
            postgresql_where=text("analysis_type = 'local_realtime' AND hcp_id IS NOT NULL"),
        ),
        Index("ix_ml_shap_analyses_realtime_response_time", "tenant_id", "response_time_ms", postgresql_where=REALTIME),
        Index(None, "tenant_id", "segment_name"),
        Index(None, "tenant_id", "analysis_type"),
        Index(None, "tenant_id", "computed_at"),
    )

    id: Mapped[uuid_pk]
    model_registry_id: Mapped[UUID]
    analysis_type: Mapped[ShapAnalysisType]
    segment_name: Mapped[str100 | None] = mapped_column(comment="Segment that a summary is about")
    segment_filter: Mapped[dict[str, Any] | None]
    global_importance: Mapped[FeatureAttribution | None] = mapped_column(
        ValidatedJSON(FeatureAttribution), server_default=EMPTY_OBJECT, comment="Feature to mean absolute SHAP value"
    )
    top_interactions: Mapped[list[Any] | None] = mapped_column(server_default=text("'[]'"))
    entity_type: Mapped[str50 | None] = mapped_column(comment="For example patient, hcp")
    entity_id: Mapped[str100 | None]
    local_shap_values: Mapped[FeatureAttribution | None] = mapped_column(
        ValidatedJSON(FeatureAttribution),
        server_default=EMPTY_OBJECT,
        comment="Feature to its SHAP value for the entity",
    )
    prediction_value: Mapped[Decimal | None] = mapped_column(Numeric(6, 5))
    base_value: Mapped[Decimal | None] = mapped_column(Numeric(6, 5), comment="Prediction before any feature is known")
    natural_language_explanation: Mapped[str | None]
    key_drivers: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    actionable_features: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    sample_size: Mapped[int | None]
    computation_method: Mapped[str50 | None]
    computed_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    computation_duration_seconds: Mapped[int | None]
    split_assignment: Mapped[Split | None] = mapped_column(
        server_default=text("'test'"), comment="Split that the explanation was computed on"
    )
    model_version_id: Mapped[str100 | None]
    model_type: Mapped[str50 | None]
    shap_values: Mapped[dict[str, Any] | None] = mapped_column(
        comment="Real-time answer: top_feature_1 and the following name features, top_feature_1_value their SHAP values"
    )
    explanation_id: Mapped[str50 | None] = mapped_column(comment="EXPL-YYYYMMDD-8 hexadecimal digits, by trigger")
    patient_id: Mapped[str255 | None]
    hcp_id: Mapped[str50 | None] = mapped_column(comment="Prescriber who asked")
    request_timestamp: Mapped[datetime | None]
    response_time_ms: Mapped[float | None]
    prediction_class: Mapped[str100 | None]
    prediction_probability: Mapped[float | None] = mapped_column(comment="0 to 1")
    top_k_requested: Mapped[int | None] = mapped_column(server_default=text("5"))
    format_requested: Mapped[str50 | None] = mapped_column(server_default=text("'top_k'"))
    narrative_generated: Mapped[bool | None] = mapped_column(server_default=text("false"))
    api_version: Mapped[str20 | None] = mapped_column(server_default=text("'4.1.0'"))
    input_features: Mapped[dict[str, Any] | None] = mapped_column(comment="What the model was given")

    model: Mapped[RegisteredModel] = tenant_relationship("ShapAnalysis.model_registry_id", "RegisteredModel.id")

    @classmethod
    def __describe_table__(cls, table: Table) -> None:
        declare_trigger(
            table,
            Trigger(
                "set_shap_audit_metadata",
                "BEFORE INSERT",
                "set_shap_audit_metadata()",
                condition="NEW.analysis_type = 'local_realtime'",
            ),
        )
