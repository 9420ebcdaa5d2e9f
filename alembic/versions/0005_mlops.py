"""Experiments, registered models, and the champion of each experiment.

New enum types: model_stage_enum.
New tables: ml_experiments, ml_model_registry.
New views: v_champion_models.
New functions: ensure_single_champion, get_latest_model.

Revision: 0005_mlops
Follows: 0004_patients
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0005_mlops"
down_revision: str | None = "0004_patients"
branch_labels: tuple[str, ...] | None = None
depends_on: tuple[str, ...] | None = None


def upgrade() -> None:
    op.create_enum("model_stage_enum", ["development", "staging", "shadow", "production", "archived", "deprecated"])
    op.create_table(
        "ml_experiments",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column(
            "experiment_name",
            sa.String(length=255),
            nullable=False,
            comment="Not unique: the same question may be asked again",
        ),
        sa.Column("mlflow_experiment_id", sa.String(length=100), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("prediction_target", sa.String(length=100), nullable=False, comment="What is predicted"),
        sa.Column("target_population", sa.Text(), nullable=True, comment="For whom it is predicted"),
        sa.Column(
            "observation_window_days",
            sa.Integer(),
            nullable=True,
            comment="Days before the prediction that features see",
        ),
        sa.Column(
            "prediction_horizon_days", sa.Integer(), nullable=True, comment="Days after it that the target covers"
        ),
        sa.Column(
            "minimum_auc", sa.Numeric(precision=4, scale=3), nullable=True, comment="Success criterion, 0.5 to 1"
        ),
        sa.Column(
            "minimum_precision_at_k",
            sa.Numeric(precision=4, scale=3),
            nullable=True,
            comment="Success criterion, 0 to 1",
        ),
        sa.Column(
            "maximum_fpr",
            sa.Numeric(precision=4, scale=3),
            nullable=True,
            comment="Success criterion: highest acceptable false positive rate",
        ),
        sa.Column("brand", postgresql.ENUM(name="brand_type", create_type=False), nullable=True),
        sa.Column("region", postgresql.ENUM(name="region_type", create_type=False), nullable=True),
        sa.Column("created_by", sa.String(length=100), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.Column(
            "split_assignment",
            sa.String(20),
            server_default=sa.text("'unassigned'"),
            nullable=True,
            comment="Split that the experiment is about",
        ),
        sa.CheckConstraint(
            "split_assignment IN ('train', 'validation', 'test', 'holdout', 'unassigned')",
            name=op.f("ck_ml_experiments_data_split_type"),
        ),
        sa.CheckConstraint("minimum_auc >= 0.5 AND minimum_auc <= 1.0", name=op.f("ck_ml_experiments_valid_auc")),
        sa.CheckConstraint(
            "minimum_precision_at_k >= 0 AND minimum_precision_at_k <= 1.0",
            name=op.f("ck_ml_experiments_valid_precision"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_ml_experiments_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_ml_experiments")),
        sa.UniqueConstraint(
            "tenant_id", "mlflow_experiment_id", name=op.f("uq_ml_experiments_tenant_id_mlflow_experiment_id")
        ),
        comment="Experiment scope, target and success criteria.",
    )
    op.create_index(op.f("ix_ml_experiments_tenant_id_brand"), "ml_experiments", ["tenant_id", "brand"], unique=False)
    op.create_index(
        op.f("ix_ml_experiments_tenant_id_created_at"), "ml_experiments", ["tenant_id", "created_at"], unique=False
    )
    op.create_index(
        op.f("ix_ml_experiments_tenant_id_experiment_name"),
        "ml_experiments",
        ["tenant_id", "experiment_name"],
        unique=False,
    )
    op.create_table(
        "ml_model_registry",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("experiment_id", sa.UUID(), nullable=True),
        sa.Column("model_name", sa.String(length=255), nullable=False),
        sa.Column("model_version", sa.String(length=50), nullable=False),
        sa.Column("mlflow_run_id", sa.String(length=100), nullable=True),
        sa.Column("mlflow_model_uri", sa.Text(), nullable=True),
        sa.Column("algorithm", sa.String(length=100), nullable=False),
        sa.Column("hyperparameters", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=True),
        sa.Column("feature_count", sa.Integer(), nullable=True),
        sa.Column("training_samples", sa.Integer(), nullable=True),
        sa.Column("auc", sa.Numeric(precision=5, scale=4), nullable=True, comment="Area under the ROC curve, 0 to 1"),
        sa.Column(
            "pr_auc", sa.Numeric(precision=5, scale=4), nullable=True, comment="Area under the precision-recall curve"
        ),
        sa.Column(
            "brier_score",
            sa.Numeric(precision=5, scale=4),
            nullable=True,
            comment="Mean squared error of probabilities",
        ),
        sa.Column(
            "calibration_slope", sa.Numeric(precision=5, scale=4), nullable=True, comment="1 when well calibrated"
        ),
        sa.Column("fairness_metrics", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=True),
        sa.Column(
            "stage",
            postgresql.ENUM(name="model_stage_enum", create_type=False),
            server_default=sa.text("'development'"),
            nullable=True,
        ),
        sa.Column(
            "is_champion",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=True,
            comment="The model of its experiment in use; at most one",
        ),
        sa.Column("artifact_path", sa.Text(), nullable=True),
        sa.Column("preprocessing_pipeline_path", sa.Text(), nullable=True),
        sa.Column("trained_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("registered_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.Column("promoted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column(
            "split_assignment",
            sa.String(20),
            server_default=sa.text("'train'"),
            nullable=True,
            comment="Split that the model was trained on",
        ),
        sa.CheckConstraint(
            "split_assignment IN ('train', 'validation', 'test', 'holdout', 'unassigned')",
            name=op.f("ck_ml_model_registry_data_split_type"),
        ),
        sa.CheckConstraint("auc >= 0 AND auc <= 1.0", name=op.f("ck_ml_model_registry_valid_model_auc")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "experiment_id"],
            ["ml_experiments.tenant_id", "ml_experiments.id"],
            name=op.f("fk_ml_model_registry_tenant_id_experiment_id_ml_experiments"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_ml_model_registry_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_ml_model_registry")),
        sa.UniqueConstraint(
            "tenant_id",
            "model_name",
            "model_version",
            name=op.f("uq_ml_model_registry_tenant_id_model_name_model_version"),
        ),
        comment="Model version with metrics, lifecycle stage and champion flag.",
    )
    op.create_index(
        op.f("ix_ml_model_registry_tenant_id_experiment_id"),
        "ml_model_registry",
        ["tenant_id", "experiment_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_ml_model_registry_tenant_id_stage"), "ml_model_registry", ["tenant_id", "stage"], unique=False
    )
    op.create_index(
        "uq_ml_model_registry_champion",
        "ml_model_registry",
        ["tenant_id", "experiment_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("is_champion"),
    )
    op.apply_snapshot(revision)


def downgrade() -> None:
    op.revert_snapshot(revision)
    op.drop_table("ml_model_registry")
    op.drop_table("ml_experiments")
    op.drop_enum("model_stage_enum")
