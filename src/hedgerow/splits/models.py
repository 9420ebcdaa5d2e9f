"""Tables of the splits domain."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Index, Numeric, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from hedgerow.core.base import Base
from hedgerow.core.keys import tenant_fk
from hedgerow.core.mixins import AppendOnly, TenantOwned, Timestamped, WrittenFromTrain
from hedgerow.core.scope import Split
from hedgerow.core.types import (
    EMPTY_OBJECT,
    ValidatedJSON,
    bool_true,
    str20,
    str50,
    str63,
    str100,
    str255,
    utc_now,
    uuid_pk,
)
from hedgerow.splits.enums import DataSplit, LeakageSeverity, SplitStrategy
from hedgerow.splits.shapes import CategoricalEncodings, FeatureStatistics


class SplitConfig(Timestamped, TenantOwned, Base):
    """One named split configuration: ratios, date boundaries, gap and strategy.

    At most one per tenant is active; it decides the split of new patients and the time windows of every split.
    Application sessions read it, the owner of the schema writes it.
    """

    __tablename__ = "ml_split_registry"
    __app_privileges__ = ("SELECT",)
    __table_args__ = (
        UniqueConstraint("tenant_id", "config_name"),
        CheckConstraint(
            "data_start_date < train_end_date AND train_end_date < validation_end_date "
            "AND validation_end_date < test_end_date AND test_end_date <= data_end_date",
            name="valid_date_order",
        ),
        CheckConstraint(
            "abs(train_ratio + validation_ratio + test_ratio + holdout_ratio - 1.0) < 0.001", name="valid_ratios"
        ),
        CheckConstraint("temporal_gap_days >= 0", name="gap_not_negative"),
        CheckConstraint(
            "validation_end_date - train_end_date > temporal_gap_days "
            "AND test_end_date - validation_end_date > temporal_gap_days",
            name="windows_not_empty",
        ),
        CheckConstraint("isfinite(data_start_date) AND isfinite(data_end_date)", name="finite_dates"),
        Index(None, "tenant_id", "created_at"),
        Index("uq_ml_split_registry_active", "tenant_id", unique=True, postgresql_where=text("is_active")),
    )

    split_config_id: Mapped[uuid_pk]
    config_name: Mapped[str100]
    config_version: Mapped[str20] = mapped_column(server_default=text("'1.0.0'"))
    train_ratio: Mapped[Decimal] = mapped_column(Numeric(3, 2), server_default=text("0.60"))
    validation_ratio: Mapped[Decimal] = mapped_column(Numeric(3, 2), server_default=text("0.20"))
    test_ratio: Mapped[Decimal] = mapped_column(Numeric(3, 2), server_default=text("0.15"))
    holdout_ratio: Mapped[Decimal] = mapped_column(Numeric(3, 2), server_default=text("0.05"))
    data_start_date: Mapped[date]
    data_end_date: Mapped[date]
    train_end_date: Mapped[date] = mapped_column(comment="Last day of the train window")
    validation_end_date: Mapped[date] = mapped_column(comment="Last day of the validation window")
    test_end_date: Mapped[date] = mapped_column(comment="Last day of the test window")
    temporal_gap_days: Mapped[int] = mapped_column(
        server_default=text("7"), comment="Whole days between the end of one window and the start of the next"
    )
    patient_level_isolation: Mapped[bool_true]
    split_strategy: Mapped[SplitStrategy] = mapped_column(
        server_default=text("'chronological'"), comment="patient_stratified has no date boundaries, the others have"
    )
    random_seed: Mapped[int | None]
    is_active: Mapped[bool_true]
    created_by: Mapped[str100 | None]
    notes: Mapped[str | None]


class PatientSplitAssignment(TenantOwned, Base):
    """The split of each patient: the single truth that every patient-keyed row refers to."""

    __tablename__ = "ml_patient_split_assignments"
    # Written by app.register_patient alone: a session that could insert here would choose splits itself.
    __app_privileges__ = ("SELECT",)
    __table_args__ = (
        *tenant_fk("split_config_id", "ml_split_registry.split_config_id", ondelete="CASCADE"),
        # Stronger than one split per configuration: a patient has one split, for ever.
        UniqueConstraint("tenant_id", "patient_id"),
        # What the foreign keys of patient-keyed tables refer to.
        UniqueConstraint("tenant_id", "patient_id", "assigned_split"),
    )

    assignment_id: Mapped[uuid_pk]
    split_config_id: Mapped[UUID]
    patient_id: Mapped[str255]
    assigned_split: Mapped[Split]
    assignment_reason: Mapped[str100 | None] = mapped_column(comment="hash for the rule, else why somebody chose it")
    assigned_at: Mapped[utc_now]


class PreprocessingMetadata(WrittenFromTrain, TenantOwned, Base):
    """Feature statistics and encodings, learned on the training split only."""

    __tablename__ = "ml_preprocessing_metadata"
    __table_args__ = (
        *tenant_fk("split_config_id", "ml_split_registry.split_config_id", ondelete="CASCADE", index=False),
        UniqueConstraint("tenant_id", "split_config_id"),
        CheckConstraint("computed_on_split = 'train'", name="train_only"),
        Index(None, "tenant_id", "computed_at"),
    )

    metadata_id: Mapped[uuid_pk]
    split_config_id: Mapped[UUID]
    computed_on_split: Mapped[DataSplit] = mapped_column(server_default=text("'train'"))
    computed_at: Mapped[utc_now]
    feature_means: Mapped[FeatureStatistics] = mapped_column(
        ValidatedJSON(FeatureStatistics), server_default=EMPTY_OBJECT
    )
    feature_stds: Mapped[FeatureStatistics] = mapped_column(
        ValidatedJSON(FeatureStatistics), server_default=EMPTY_OBJECT
    )
    feature_mins: Mapped[FeatureStatistics] = mapped_column(
        ValidatedJSON(FeatureStatistics), server_default=EMPTY_OBJECT
    )
    feature_maxs: Mapped[FeatureStatistics] = mapped_column(
        ValidatedJSON(FeatureStatistics), server_default=EMPTY_OBJECT
    )
    categorical_encodings: Mapped[CategoricalEncodings] = mapped_column(
        ValidatedJSON(CategoricalEncodings), server_default=EMPTY_OBJECT
    )
    feature_distributions: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    num_training_samples: Mapped[int | None]
    feature_list: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    preprocessing_pipeline_version: Mapped[str20 | None]


class LeakageAudit(AppendOnly, TenantOwned, Base):
    """Outcome of each leakage check that was run."""

    __tablename__ = "ml_leakage_audit"
    __table_args__ = (
        *tenant_fk("split_config_id", "ml_split_registry.split_config_id", ondelete="RESTRICT", index=False),
        Index("ix_ml_leakage_audit_config_time", "tenant_id", "split_config_id", text("audit_timestamp DESC")),
    )

    audit_id: Mapped[uuid_pk]
    split_config_id: Mapped[UUID | None]
    audit_timestamp: Mapped[utc_now]
    check_type: Mapped[str50]
    passed: Mapped[bool]
    severity: Mapped[LeakageSeverity]
    details: Mapped[str | None]
    affected_records: Mapped[int | None]
    remediation_action: Mapped[str | None]
    audited_by: Mapped[str100 | None]


class SplitAccessLog(AppendOnly, TenantOwned, Base):
    """Every opening of test and holdout, and every refusal; written in a transaction of its own."""

    __tablename__ = "ml_split_access_log"
    __table_args__ = (Index(None, "tenant_id", "accessed_at"),)

    access_id: Mapped[uuid_pk]
    table_name: Mapped[str63]
    requested_split: Mapped[Split | None] = mapped_column(comment="NULL when no split was named")
    caller: Mapped[str255 | None]
    allowed: Mapped[bool]
    reason: Mapped[str | None]
    accessed_at: Mapped[utc_now]
