"""Views of the kpi domain, as classes to select from. All but those of data sources count inside the scope."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Numeric
from sqlalchemy.orm import Mapped, mapped_column

from hedgerow.core.base import ViewBase
from hedgerow.core.splitviews import map_split_views
from hedgerow.core.types import bigint, str30, str50, str100
from hedgerow.kpi.enums import SourceType
from hedgerow.kpi.models import BusinessMetric
from hedgerow.patients.enums import Brand


class KpiActiveUsers(ViewBase):
    """Active users per calendar month (UTC) that has a session.

    ``wau`` and ``dau`` count the current week and day inside the row of their month, so a week that crosses a
    month's end is divided over two rows: for the current figures read :class:`KpiActiveUsersCurrent`.
    """

    __tablename__ = "v_kpi_active_users"

    period: Mapped[datetime] = mapped_column(primary_key=True)
    mau: Mapped[bigint]
    wau: Mapped[bigint]
    dau: Mapped[bigint]


class KpiActiveUsersCurrent(ViewBase):
    """Distinct users since the start of the current month, week (Monday) and day, UTC: always one row."""

    __tablename__ = "v_kpi_active_users_current"

    as_of: Mapped[datetime] = mapped_column(primary_key=True)
    mau: Mapped[bigint]
    wau: Mapped[bigint]
    dau: Mapped[bigint]


class KpiCrossSourceMatch(ViewBase):
    """Share of journeys that at least two data sources know, per brand. A journey counts, not a patient."""

    __tablename__ = "v_kpi_cross_source_match"

    brand: Mapped[str100] = mapped_column(primary_key=True)
    total_patients: Mapped[bigint]
    matched_patients: Mapped[bigint]
    match_rate_pct: Mapped[Decimal]


class KpiSourceTrackingMatch(ViewBase):
    """Share of received records that matched, per day and source as tracked; 0 when nothing was received."""

    __tablename__ = "v_kpi_source_tracking_match"

    # A source may report twice a day, so only all columns together identify a row.
    tracking_date: Mapped[date] = mapped_column(primary_key=True)
    source_name: Mapped[str50] = mapped_column(primary_key=True)
    records_received: Mapped[int | None] = mapped_column(primary_key=True)
    records_matched: Mapped[int | None] = mapped_column(primary_key=True)
    match_rate: Mapped[Decimal | None] = mapped_column(primary_key=True)


class KpiStackingLift(ViewBase):
    """Records eligible for stacking, records stacked, and the unweighted mean lift, per day."""

    __tablename__ = "v_kpi_stacking_lift"

    tracking_date: Mapped[date] = mapped_column(primary_key=True)
    total_eligible: Mapped[bigint | None]
    total_stacked: Mapped[bigint | None]
    avg_lift_pct: Mapped[Decimal | None]


class KpiDataLag(ViewBase):
    """Mean, median and 95th percentile of the hours between source and ingestion, per day (UTC) and source."""

    __tablename__ = "v_kpi_data_lag"

    report_date: Mapped[date | None] = mapped_column(primary_key=True)
    data_source: Mapped[str100 | None] = mapped_column(primary_key=True)
    # The other two may both be NULL, and a row without any identity would be lost.
    avg_lag_hours: Mapped[Decimal] = mapped_column(primary_key=True)
    median_lag_hours: Mapped[float]
    p95_lag_hours: Mapped[float]


class KpiLabelQuality(ViewBase):
    """Volume, confidence and adjudication of annotations per type; agreement between annotators is not measured."""

    __tablename__ = "v_kpi_label_quality"

    annotation_type: Mapped[str50] = mapped_column(primary_key=True)
    annotation_groups: Mapped[bigint]
    total_annotations: Mapped[bigint]
    avg_confidence: Mapped[Decimal | None]
    adjudication_rate: Mapped[Decimal]


class KpiTimeToRelease(ViewBase):
    """Mean, least and most hours to release of successful runs, per day of their start (UTC) and pipeline."""

    __tablename__ = "v_kpi_time_to_release"

    run_date: Mapped[date] = mapped_column(primary_key=True)
    pipeline_name: Mapped[str100] = mapped_column(primary_key=True)
    avg_ttr_hours: Mapped[Decimal | None]
    min_ttr_hours: Mapped[Decimal | None] = mapped_column(Numeric(6, 2))
    max_ttr_hours: Mapped[Decimal | None] = mapped_column(Numeric(6, 2))


class KpiChangeFailRate(ViewBase):
    """Share of changes to triggers that failed, per day of the change (UTC) and kind of change."""

    __tablename__ = "v_kpi_change_fail_rate"

    change_date: Mapped[date | None] = mapped_column(primary_key=True)
    change_type: Mapped[str30] = mapped_column(primary_key=True)
    total_changes: Mapped[bigint]
    failed_changes: Mapped[bigint]
    fail_rate: Mapped[Decimal]


class KpiIntentToPrescribe(ViewBase):
    """Mean intent to prescribe and its mean change per brand and month, over surveys of good quality."""

    __tablename__ = "v_kpi_intent_to_prescribe"

    brand: Mapped[Brand] = mapped_column(primary_key=True)
    survey_month: Mapped[datetime] = mapped_column(primary_key=True)
    avg_intent_score: Mapped[Decimal | None]
    avg_intent_change: Mapped[Decimal | None]
    survey_count: Mapped[bigint]


class ActiveDataSource(ViewBase):
    """Data source in use, and how fresh its last delivery is: Fresh, Aging, Stale or Never refreshed."""

    __tablename__ = "v_active_data_sources"

    source_id: Mapped[str] = mapped_column(primary_key=True)
    source_name: Mapped[str]
    source_type: Mapped[SourceType]
    vendor: Mapped[str | None]
    coverage_percent: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    completeness_score: Mapped[Decimal | None] = mapped_column(Numeric(5, 4))
    freshness_days: Mapped[int | None]
    match_rate: Mapped[Decimal | None] = mapped_column(Numeric(5, 4))
    is_primary: Mapped[bool | None]
    priority: Mapped[int | None]
    refresh_frequency: Mapped[str | None]
    last_refresh_date: Mapped[datetime | None]
    freshness_status: Mapped[str]


class DataSourceQuality(ViewBase):
    """Quality score and tier of each data source in use; a score is NULL where a part of it is unknown."""

    __tablename__ = "v_data_source_quality"

    source_id: Mapped[str] = mapped_column(primary_key=True)
    source_name: Mapped[str]
    source_type: Mapped[SourceType]
    quality_score: Mapped[Decimal | None]
    coverage_percent: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    completeness_score: Mapped[Decimal | None] = mapped_column(Numeric(5, 4))
    freshness_days: Mapped[int | None]
    match_rate: Mapped[Decimal | None] = mapped_column(Numeric(5, 4))
    quality_tier: Mapped[str]


class PrimaryDataSource(ViewBase):
    """Main data source of a type, in use; a type may have several."""

    __tablename__ = "v_primary_data_sources"

    source_type: Mapped[SourceType]
    source_id: Mapped[str] = mapped_column(primary_key=True)
    source_name: Mapped[str]
    vendor: Mapped[str | None]
    coverage_percent: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    completeness_score: Mapped[Decimal | None] = mapped_column(Numeric(5, 4))
    freshness_days: Mapped[int | None]
    patient_count: Mapped[int | None]
    hcp_count: Mapped[int | None]


map_split_views(BusinessMetric)
