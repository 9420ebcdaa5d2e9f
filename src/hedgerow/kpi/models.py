"""Tables of the kpi domain."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Numeric, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hedgerow.core.base import Base
from hedgerow.core.keys import reference_fk, tenant_fk, tenant_relationship
from hedgerow.core.mixins import Created, KeepsUpdatedAt, Reference, SplitAware, TenantOwned, WrittenUnsealed
from hedgerow.core.scope import Split
from hedgerow.core.types import EMPTY_OBJECT, bigint, str20, str30, str50, str100, str255, utc_now, uuid_pk
from hedgerow.kpi.enums import SourceType
from hedgerow.patients.enums import Brand, Region
from hedgerow.patients.models import HcpProfile

ACTIVE = text("is_active = true")


class UserSession(TenantOwned, Base):
    """Application session used to count daily, weekly and monthly active users."""

    __tablename__ = "user_sessions"
    __table_args__ = (
        # A day has to be pinned to UTC: a cast that follows the session's time zone is not immutable.
        Index("ix_user_sessions_day", "tenant_id", text("((session_start AT TIME ZONE 'UTC')::date)")),
        Index(None, "tenant_id", "user_id"),
        Index(None, "tenant_id", "session_start"),
        Index(None, "tenant_id", "created_at"),
    )

    id: Mapped[uuid_pk]
    user_id: Mapped[str255] = mapped_column(comment="Any identifier of a person; not tied to users")
    session_start: Mapped[datetime]
    session_end: Mapped[datetime | None]
    session_duration_seconds: Mapped[int | None]
    pages_viewed: Mapped[int | None]
    actions_taken: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime | None] = mapped_column(server_default=func.now())


class BusinessMetric(SplitAware, Created, TenantOwned, Base):
    """Periodic KPI value with target, change and confidence bounds."""

    __tablename__ = "business_metrics"
    __event_time__ = ("metric_date",)
    __table_args__ = (
        *tenant_fk("split_config_id", "ml_split_registry.split_config_id"),
        Index(None, "tenant_id", "brand", "region"),
        Index(None, "tenant_id", "metric_date"),
        Index(None, "tenant_id", "split_assignment", "split_config_id"),
        Index(None, "tenant_id", "created_at"),
    )

    metric_id: Mapped[str50] = mapped_column(primary_key=True)
    metric_date: Mapped[date] = mapped_column(comment="Event time of the split window")
    metric_type: Mapped[str30 | None]
    metric_name: Mapped[str100 | None]
    brand: Mapped[Brand | None]
    region: Mapped[Region | None]
    value: Mapped[Decimal | None] = mapped_column(Numeric(15, 2))
    target: Mapped[Decimal | None] = mapped_column(Numeric(15, 2))
    achievement_rate: Mapped[Decimal | None] = mapped_column(Numeric(5, 3), comment="value / target")
    year_over_year_change: Mapped[Decimal | None] = mapped_column(Numeric(5, 3))
    month_over_month_change: Mapped[Decimal | None] = mapped_column(Numeric(5, 3))
    roi: Mapped[Decimal | None] = mapped_column(Numeric(5, 2), comment="Return on investment")
    statistical_significance: Mapped[Decimal | None] = mapped_column(Numeric(4, 3))
    confidence_interval_lower: Mapped[Decimal | None] = mapped_column(Numeric(15, 2))
    confidence_interval_upper: Mapped[Decimal | None] = mapped_column(Numeric(15, 2))
    sample_size: Mapped[int | None]
    split_assignment: Mapped[Split] = mapped_column(
        server_default=text("'unassigned'"), comment="Said by the writer: a metric belongs to no patient"
    )
    split_config_id: Mapped[UUID | None]


# Not Timestamped, whose columns are NOT NULL: here both are nullable.
class DataSource(KeepsUpdatedAt, Reference, Base):
    """Catalogue of external data sources with quality figures and refresh plan, the same for every tenant.

    Application sessions read it. The owner of the schema writes it, with ``update_data_source_refresh`` after each
    delivery.
    """

    __tablename__ = "data_sources"
    __table_args__ = (
        UniqueConstraint("source_name"),
        CheckConstraint("completeness_score >= 0 AND completeness_score <= 1", name="completeness_score"),
        CheckConstraint("coverage_percent >= 0 AND coverage_percent <= 100", name="coverage_percent"),
        CheckConstraint("freshness_days >= 0", name="freshness_days"),
        CheckConstraint("match_rate >= 0 AND match_rate <= 1", name="match_rate"),
        Index(None, "is_active"),
        Index(None, "completeness_score", postgresql_where=ACTIVE),
        Index(None, "coverage_percent", postgresql_where=ACTIVE),
        Index(None, "freshness_days", postgresql_where=ACTIVE),
        Index(None, "is_primary"),
        Index(None, "priority"),
        Index(None, "source_type"),
        Index(None, "vendor"),
    )

    source_id: Mapped[str] = mapped_column(primary_key=True)
    source_name: Mapped[str]
    source_type: Mapped[SourceType]
    vendor: Mapped[str | None]
    coverage_percent: Mapped[Decimal | None] = mapped_column(Numeric(5, 2), comment="0 to 100")
    completeness_score: Mapped[Decimal | None] = mapped_column(Numeric(5, 4), comment="0 to 1")
    freshness_days: Mapped[int | None] = mapped_column(comment="Age up to which a delivery counts as fresh")
    match_rate: Mapped[Decimal | None] = mapped_column(Numeric(5, 4), comment="0 to 1")
    patient_count: Mapped[int | None]
    hcp_count: Mapped[int | None]
    record_count: Mapped[bigint | None]
    date_range_start: Mapped[date | None]
    date_range_end: Mapped[date | None]
    integration_method: Mapped[str | None] = mapped_column(comment="For example api, batch, stream, manual")
    refresh_frequency: Mapped[str | None] = mapped_column(
        comment="realtime, daily, weekly, biweekly, monthly or quarterly; anything else counts as weekly"
    )
    last_refresh_date: Mapped[datetime | None]
    next_scheduled_refresh: Mapped[datetime | None]
    is_active: Mapped[bool | None] = mapped_column(server_default=text("true"))
    is_primary: Mapped[bool | None] = mapped_column(
        server_default=text("false"), comment="A main source of its type; a type may have several"
    )
    priority: Mapped[int | None] = mapped_column(server_default=text("10"), comment="The lowest is believed first")
    data_owner: Mapped[str | None]
    compliance_status: Mapped[str | None] = mapped_column(comment="For example approved, pending, deprecated")
    phi_flag: Mapped[bool | None] = mapped_column(
        server_default=text("false"), comment="Holds protected health information"
    )
    pii_flag: Mapped[bool | None] = mapped_column(
        server_default=text("false"), comment="Holds personally identifiable information"
    )
    created_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    created_by: Mapped[str | None]
    updated_by: Mapped[str | None]
    description: Mapped[str | None]
    documentation_url: Mapped[str | None]
    contact_email: Mapped[str | None]


class DataSourceTracking(Created, TenantOwned, Base):
    """Daily volumes, match rates and stacking figures per data source."""

    __tablename__ = "data_source_tracking"
    __table_args__ = (
        *reference_fk("source_id", "data_sources.source_id"),
        Index(None, "tenant_id", "tracking_date"),
        Index(None, "tenant_id", "source_name"),
        Index(None, "tenant_id", "created_at"),
    )

    tracking_id: Mapped[uuid_pk]
    tracking_date: Mapped[date]
    source_name: Mapped[str50] = mapped_column(comment="As the pipeline calls it; source_id is the catalogued source")
    source_type: Mapped[str30 | None] = mapped_column(comment="For example claims, lab, emr, crm")
    records_received: Mapped[int | None]
    records_matched: Mapped[int | None]
    records_unique: Mapped[int | None]
    match_rate_vs_iqvia: Mapped[Decimal | None] = mapped_column(Numeric(4, 3), comment="0 to 1")
    match_rate_vs_healthverity: Mapped[Decimal | None] = mapped_column(Numeric(4, 3), comment="0 to 1")
    match_rate_vs_komodo: Mapped[Decimal | None] = mapped_column(Numeric(4, 3), comment="0 to 1")
    match_rate_vs_veeva: Mapped[Decimal | None] = mapped_column(Numeric(4, 3), comment="0 to 1")
    stacking_eligible_records: Mapped[int | None] = mapped_column(comment="Records that several sources could enrich")
    stacking_applied_records: Mapped[int | None] = mapped_column(comment="Records that several sources did enrich")
    stacking_lift_percentage: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    source_combination_flags: Mapped[dict[str, Any] | None] = mapped_column(server_default=EMPTY_OBJECT)
    data_quality_score: Mapped[Decimal | None] = mapped_column(Numeric(3, 2))
    source_id: Mapped[str | None]

    source: Mapped[DataSource | None] = relationship()


class Annotation(WrittenUnsealed, Created, TenantOwned, Base):
    """Human label on an entity, groupable for inter-annotator agreement."""

    __tablename__ = "ml_annotations"
    __table_args__ = (
        Index(None, "tenant_id", "entity_type", "entity_id"),
        Index(None, "tenant_id", "iaa_group_id", postgresql_where=text("iaa_group_id IS NOT NULL")),
        Index(None, "tenant_id", "annotation_type"),
        Index(None, "tenant_id", "created_at"),
    )

    annotation_id: Mapped[uuid_pk]
    entity_type: Mapped[str30] = mapped_column(comment="For example patient_journey, treatment_event, trigger")
    entity_id: Mapped[str30]
    annotation_type: Mapped[str50]
    annotator_id: Mapped[str50]
    annotator_role: Mapped[str30 | None] = mapped_column(comment="For example physician, data_scientist, domain_expert")
    annotation_value: Mapped[dict[str, Any]]
    annotation_confidence: Mapped[Decimal | None] = mapped_column(Numeric(3, 2), comment="0 to 1")
    annotation_timestamp: Mapped[utc_now]
    annotation_duration_seconds: Mapped[int | None]
    is_adjudicated: Mapped[bool | None] = mapped_column(server_default=text("false"))
    adjudication_result: Mapped[dict[str, Any] | None]
    adjudicated_by: Mapped[str50 | None]
    adjudicated_at: Mapped[datetime | None]
    iaa_group_id: Mapped[UUID | None] = mapped_column(comment="Annotations of one group label the same thing")


class PipelineRun(Created, TenantOwned, Base):
    """One pipeline run: timings, volumes, quality gates and release delay."""

    __tablename__ = "etl_pipeline_metrics"
    __table_args__ = (
        Index(None, "tenant_id", "pipeline_name"),
        Index("ix_etl_pipeline_metrics_day", "tenant_id", text("((run_start AT TIME ZONE 'UTC')::date)")),
        Index(None, "tenant_id", "created_at"),
    )

    pipeline_run_id: Mapped[uuid_pk]
    pipeline_name: Mapped[str100]
    pipeline_version: Mapped[str20 | None]
    run_start: Mapped[datetime]
    run_end: Mapped[datetime | None]
    duration_seconds: Mapped[int | None]
    source_data_date: Mapped[date | None]
    source_data_timestamp: Mapped[datetime | None]
    time_to_release_hours: Mapped[Decimal | None] = mapped_column(
        Numeric(6, 2), comment="From the source's data to its release"
    )
    stage_timings: Mapped[dict[str, Any] | None] = mapped_column(server_default=EMPTY_OBJECT)
    records_processed: Mapped[int | None]
    records_failed: Mapped[int | None]
    status: Mapped[str20 | None] = mapped_column(comment="For example success, partial, failed")
    error_details: Mapped[str | None]
    quality_checks_passed: Mapped[int | None]
    quality_checks_failed: Mapped[int | None]
    quality_check_details: Mapped[dict[str, Any] | None] = mapped_column(server_default=EMPTY_OBJECT)


class HcpIntentSurvey(Created, TenantOwned, Base):
    """Survey of a prescriber: intent, awareness and favourability on a 1-7 scale."""

    __tablename__ = "hcp_intent_surveys"
    __table_args__ = (
        *tenant_fk("hcp_id", "hcp_profiles.hcp_id"),
        # A survey that is not in the table has no id here: days and change since then are stored beside it.
        *tenant_fk("previous_survey_id", "hcp_intent_surveys.survey_id"),
        CheckConstraint("awareness_score >= 1 AND awareness_score <= 7", name="awareness_score"),
        CheckConstraint("favorability_score >= 1 AND favorability_score <= 7", name="favorability_score"),
        CheckConstraint(
            "intent_to_prescribe_score >= 1 AND intent_to_prescribe_score <= 7", name="intent_to_prescribe_score"
        ),
        Index(None, "tenant_id", "brand"),
        Index(None, "tenant_id", "survey_date"),
        Index(None, "tenant_id", "created_at"),
    )

    survey_id: Mapped[uuid_pk]
    hcp_id: Mapped[str20 | None]
    survey_date: Mapped[date]
    survey_type: Mapped[str50 | None] = mapped_column(
        comment="For example market_research, detail_followup, conference"
    )
    brand: Mapped[Brand]
    intent_to_prescribe_score: Mapped[int | None] = mapped_column(comment="1 to 7")
    intent_to_prescribe_change: Mapped[int | None] = mapped_column(comment="Against the previous survey")
    awareness_score: Mapped[int | None] = mapped_column(comment="1 to 7")
    favorability_score: Mapped[int | None] = mapped_column(comment="1 to 7")
    previous_survey_id: Mapped[UUID | None]
    days_since_last_survey: Mapped[int | None]
    interventions_since_last: Mapped[list[Any] | None] = mapped_column(server_default=text("'[]'"))
    survey_source: Mapped[str50 | None]
    response_quality_flag: Mapped[bool | None] = mapped_column(
        server_default=text("true"), comment="Answers of good quality; others count in no figure"
    )

    prescriber: Mapped[HcpProfile | None] = tenant_relationship("HcpIntentSurvey.hcp_id", "HcpProfile.hcp_id")
    previous: Mapped[HcpIntentSurvey | None] = tenant_relationship(
        "HcpIntentSurvey.previous_survey_id", "HcpIntentSurvey.survey_id"
    )
