"""Which split each patient is in, when each split may look, and who opened a sealed one.

New enum types: data_split_type, split_strategy_type.
New tables: ml_leakage_audit, ml_patient_split_assignments, ml_preprocessing_metadata, ml_split_access_log,
ml_split_registry.
New functions: app.assign_split, app.holdout_budget_of, app.open_scope, app.register_patient,
app.request_opening, app.require_opening, app.stamp_patient_split, assign_patient_split,
get_preprocessing_stats, get_split_boundaries, run_leakage_audit.

Revision: 0003_splits
Follows: 0002_tenancy
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0003_splits"
down_revision: str | None = "0002_tenancy"
branch_labels: tuple[str, ...] | None = None
depends_on: tuple[str, ...] | None = None


def upgrade() -> None:
    op.create_enum("data_split_type", ["train", "validation", "test", "holdout", "unassigned"])
    op.create_enum("split_strategy_type", ["chronological", "patient_stratified", "rolling_window", "causal_holdout"])
    op.create_table(
        "ml_split_access_log",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("access_id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("table_name", sa.String(length=63), nullable=False),
        sa.Column("requested_split", sa.String(20), nullable=True, comment="NULL when no split was named"),
        sa.Column("caller", sa.String(length=255), nullable=True),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("accessed_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "requested_split IN ('train', 'validation', 'test', 'holdout', 'unassigned')",
            name=op.f("ck_ml_split_access_log_data_split_type"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_ml_split_access_log_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "access_id", name=op.f("pk_ml_split_access_log")),
        comment="Every opening of test and holdout, and every refusal; written in a transaction of its own.",
    )
    op.create_index(
        op.f("ix_ml_split_access_log_tenant_id_accessed_at"),
        "ml_split_access_log",
        ["tenant_id", "accessed_at"],
        unique=False,
    )
    op.create_table(
        "ml_split_registry",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("split_config_id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("config_name", sa.String(length=100), nullable=False),
        sa.Column("config_version", sa.String(length=20), server_default=sa.text("'1.0.0'"), nullable=False),
        sa.Column("train_ratio", sa.Numeric(precision=3, scale=2), server_default=sa.text("0.60"), nullable=False),
        sa.Column("validation_ratio", sa.Numeric(precision=3, scale=2), server_default=sa.text("0.20"), nullable=False),
        sa.Column("test_ratio", sa.Numeric(precision=3, scale=2), server_default=sa.text("0.15"), nullable=False),
        sa.Column("holdout_ratio", sa.Numeric(precision=3, scale=2), server_default=sa.text("0.05"), nullable=False),
        sa.Column("data_start_date", sa.Date(), nullable=False),
        sa.Column("data_end_date", sa.Date(), nullable=False),
        sa.Column("train_end_date", sa.Date(), nullable=False, comment="Last day of the train window"),
        sa.Column("validation_end_date", sa.Date(), nullable=False, comment="Last day of the validation window"),
        sa.Column("test_end_date", sa.Date(), nullable=False, comment="Last day of the test window"),
        sa.Column(
            "temporal_gap_days",
            sa.Integer(),
            server_default=sa.text("7"),
            nullable=False,
            comment="Whole days between the end of one window and the start of the next",
        ),
        sa.Column("patient_level_isolation", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "split_strategy",
            postgresql.ENUM(name="split_strategy_type", create_type=False),
            server_default=sa.text("'chronological'"),
            nullable=False,
            comment="patient_stratified has no date boundaries, the others have",
        ),
        sa.Column("random_seed", sa.Integer(), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "abs(train_ratio + validation_ratio + test_ratio + holdout_ratio - 1.0) < 0.001",
            name=op.f("ck_ml_split_registry_valid_ratios"),
        ),
        sa.CheckConstraint(
            "data_start_date < train_end_date AND train_end_date < validation_end_date AND validation_end_date < test_end_date AND test_end_date <= data_end_date",
            name=op.f("ck_ml_split_registry_valid_date_order"),
        ),
        sa.CheckConstraint(
            "isfinite(data_start_date) AND isfinite(data_end_date)", name=op.f("ck_ml_split_registry_finite_dates")
        ),
        sa.CheckConstraint("temporal_gap_days >= 0", name=op.f("ck_ml_split_registry_gap_not_negative")),
        sa.CheckConstraint(
            "validation_end_date - train_end_date > temporal_gap_days AND test_end_date - validation_end_date > temporal_gap_days",
            name=op.f("ck_ml_split_registry_windows_not_empty"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_ml_split_registry_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "split_config_id", name=op.f("pk_ml_split_registry")),
        sa.UniqueConstraint("tenant_id", "config_name", name=op.f("uq_ml_split_registry_tenant_id_config_name")),
        comment="One named split configuration: ratios, date boundaries, gap and strategy.",
    )
    op.create_index(
        op.f("ix_ml_split_registry_tenant_id_created_at"),
        "ml_split_registry",
        ["tenant_id", "created_at"],
        unique=False,
    )
    op.create_index(
        "uq_ml_split_registry_active",
        "ml_split_registry",
        ["tenant_id"],
        unique=True,
        postgresql_where=sa.text("is_active"),
    )
    op.create_table(
        "ml_leakage_audit",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("audit_id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("split_config_id", sa.UUID(), nullable=True),
        sa.Column(
            "audit_timestamp", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("check_type", sa.String(length=50), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("severity", sa.String(20), nullable=False),
        sa.Column("details", sa.Text(), nullable=True),
        sa.Column("affected_records", sa.Integer(), nullable=True),
        sa.Column("remediation_action", sa.Text(), nullable=True),
        sa.Column("audited_by", sa.String(length=100), nullable=True),
        sa.CheckConstraint(
            "severity IN ('critical', 'warning', 'info')", name=op.f("ck_ml_leakage_audit_leakage_severity")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "split_config_id"],
            ["ml_split_registry.tenant_id", "ml_split_registry.split_config_id"],
            name=op.f("fk_ml_leakage_audit_tenant_id_split_config_id_ml_split_registry"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_ml_leakage_audit_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "audit_id", name=op.f("pk_ml_leakage_audit")),
        comment="Outcome of each leakage check that was run.",
    )
    op.create_index(
        "ix_ml_leakage_audit_config_time",
        "ml_leakage_audit",
        ["tenant_id", "split_config_id", sa.literal_column("audit_timestamp DESC")],
        unique=False,
    )
    op.create_table(
        "ml_patient_split_assignments",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("assignment_id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("split_config_id", sa.UUID(), nullable=False),
        sa.Column("patient_id", sa.String(length=255), nullable=False),
        sa.Column("assigned_split", sa.String(20), nullable=False),
        sa.Column(
            "assignment_reason",
            sa.String(length=100),
            nullable=True,
            comment="hash for the rule, else why somebody chose it",
        ),
        sa.Column("assigned_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "assigned_split IN ('train', 'validation', 'test', 'holdout', 'unassigned')",
            name=op.f("ck_ml_patient_split_assignments_data_split_type"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "split_config_id"],
            ["ml_split_registry.tenant_id", "ml_split_registry.split_config_id"],
            name=op.f("fk_ml_patient_split_assignments_tenant_id_split_config_id_ml_split_registry"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenant.id"],
            name=op.f("fk_ml_patient_split_assignments_tenant_id_tenant"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "assignment_id", name=op.f("pk_ml_patient_split_assignments")),
        sa.UniqueConstraint(
            "tenant_id",
            "patient_id",
            "assigned_split",
            name=op.f("uq_ml_patient_split_assignments_tenant_id_patient_id_assigned_split"),
        ),
        sa.UniqueConstraint(
            "tenant_id", "patient_id", name=op.f("uq_ml_patient_split_assignments_tenant_id_patient_id")
        ),
        comment="The split of each patient: the single truth that every patient-keyed row refers to.",
    )
    op.create_index(
        op.f("ix_ml_patient_split_assignments_tenant_id_split_config_id"),
        "ml_patient_split_assignments",
        ["tenant_id", "split_config_id"],
        unique=False,
    )
    op.create_table(
        "ml_preprocessing_metadata",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("metadata_id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("split_config_id", sa.UUID(), nullable=False),
        sa.Column(
            "computed_on_split",
            postgresql.ENUM(name="data_split_type", create_type=False),
            server_default=sa.text("'train'"),
            nullable=False,
        ),
        sa.Column("computed_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("feature_means", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("feature_stds", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("feature_mins", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("feature_maxs", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("categorical_encodings", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("feature_distributions", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("num_training_samples", sa.Integer(), nullable=True),
        sa.Column("feature_list", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("preprocessing_pipeline_version", sa.String(length=20), nullable=True),
        sa.CheckConstraint("computed_on_split = 'train'", name=op.f("ck_ml_preprocessing_metadata_train_only")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "split_config_id"],
            ["ml_split_registry.tenant_id", "ml_split_registry.split_config_id"],
            name=op.f("fk_ml_preprocessing_metadata_tenant_id_split_config_id_ml_split_registry"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenant.id"],
            name=op.f("fk_ml_preprocessing_metadata_tenant_id_tenant"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "metadata_id", name=op.f("pk_ml_preprocessing_metadata")),
        sa.UniqueConstraint(
            "tenant_id", "split_config_id", name=op.f("uq_ml_preprocessing_metadata_tenant_id_split_config_id")
        ),
        comment="Feature statistics and encodings, learned on the training split only.",
    )
    op.create_index(
        op.f("ix_ml_preprocessing_metadata_tenant_id_computed_at"),
        "ml_preprocessing_metadata",
        ["tenant_id", "computed_at"],
        unique=False,
    )
    op.apply_snapshot(revision)


def downgrade() -> None:
    op.revert_snapshot(revision)
    op.drop_table("ml_preprocessing_metadata")
    op.drop_table("ml_patient_split_assignments")
    op.drop_table("ml_leakage_audit")
    op.drop_table("ml_split_registry")
    op.drop_table("ml_split_access_log")
    op.drop_enum("split_strategy_type")
    op.drop_enum("data_split_type")
