"""Scores, the triggers sent because of them, and their explanations.

New enum types: prediction_type, priority_type, shap_analysis_type.
New tables: ml_predictions, ml_shap_analyses, triggers.
New views: v_holdout_ml_predictions, v_holdout_triggers, v_test_ml_predictions, v_test_triggers,
v_train_ml_predictions, v_train_triggers, v_validation_ml_predictions, v_validation_triggers.
New functions: get_explanation_audit, set_shap_audit_metadata.

Revision: 0006_predictions
Follows: 0005_mlops
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0006_predictions"
down_revision: str | None = "0005_mlops"
branch_labels: tuple[str, ...] | None = None
depends_on: tuple[str, ...] | None = None


def upgrade() -> None:
    op.create_enum("prediction_type", ["trigger", "propensity", "risk", "churn", "next_best_action"])
    op.create_enum("priority_type", ["critical", "high", "medium", "low"])
    op.create_enum("shap_analysis_type", ["global", "local", "interaction", "summary"])
    op.create_table(
        "ml_predictions",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("patient_id", sa.String(length=255), nullable=False),
        sa.Column("model_id", sa.String(length=100), nullable=False),
        sa.Column("prediction_score", sa.Double(), nullable=True),
        sa.Column("model_pr_auc", sa.Double(), nullable=True, comment="Area under the precision-recall curve, 0 to 1"),
        sa.Column(
            "rank_metrics",
            postgresql.JSONB(),
            nullable=True,
            comment="Metrics by name, such as recall_at_5 and recall_at_10 (0 to 1)",
        ),
        sa.Column("brier_score", sa.Double(), nullable=True, comment="Mean squared error of the model's probabilities"),
        sa.Column("split_assignment", sa.String(20), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.Column(
            "prediction_timestamp",
            postgresql.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When the score was made; event time of the split window, created_at where it is NULL",
        ),
        sa.Column("split_config_id", sa.UUID(), nullable=True),
        sa.Column("model_version", sa.String(length=20), nullable=True),
        sa.Column("prediction_type", postgresql.ENUM(name="prediction_type", create_type=False), nullable=True),
        sa.Column("confidence_score", sa.Numeric(precision=5, scale=4), nullable=True),
        sa.Column("model_auc", sa.Numeric(precision=4, scale=3), nullable=True),
        sa.CheckConstraint(
            "split_assignment IN ('train', 'validation', 'test', 'holdout', 'unassigned')",
            name=op.f("ck_ml_predictions_data_split_type"),
        ),
        sa.CheckConstraint(
            "coalesce(isfinite(prediction_timestamp), isfinite(created_at), false)",
            name=op.f("ck_ml_predictions_dated"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "patient_id", "split_assignment"],
            [
                "ml_patient_split_assignments.tenant_id",
                "ml_patient_split_assignments.patient_id",
                "ml_patient_split_assignments.assigned_split",
            ],
            name=op.f("fk_ml_predictions_tenant_id_patient_id_split_assignment_ml_patient_split_assignments"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "split_config_id"],
            ["ml_split_registry.tenant_id", "ml_split_registry.split_config_id"],
            name=op.f("fk_ml_predictions_tenant_id_split_config_id_ml_split_registry"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_ml_predictions_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_ml_predictions")),
        comment="Model score for a patient, with the quality of the model at prediction time.",
    )
    op.create_index(
        op.f("ix_ml_predictions_tenant_id_created_at"), "ml_predictions", ["tenant_id", "created_at"], unique=False
    )
    op.create_index(
        op.f("ix_ml_predictions_tenant_id_model_id"), "ml_predictions", ["tenant_id", "model_id"], unique=False
    )
    op.create_index(
        op.f("ix_ml_predictions_tenant_id_patient_id"), "ml_predictions", ["tenant_id", "patient_id"], unique=False
    )
    op.create_index(
        op.f("ix_ml_predictions_tenant_id_split_assignment"),
        "ml_predictions",
        ["tenant_id", "split_assignment"],
        unique=False,
    )
    op.create_index(
        op.f("ix_ml_predictions_tenant_id_split_config_id"),
        "ml_predictions",
        ["tenant_id", "split_config_id"],
        unique=False,
    )
    op.create_table(
        "ml_shap_analyses",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("model_registry_id", sa.UUID(), nullable=False),
        sa.Column("analysis_type", postgresql.ENUM(name="shap_analysis_type", create_type=False), nullable=False),
        sa.Column("segment_name", sa.String(length=100), nullable=True, comment="Segment that a summary is about"),
        sa.Column("segment_filter", postgresql.JSONB(), nullable=True),
        sa.Column(
            "global_importance",
            postgresql.JSONB(),
            server_default=sa.text("'{}'"),
            nullable=True,
            comment="Feature to mean absolute SHAP value",
        ),
        sa.Column("top_interactions", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=True),
        sa.Column("entity_type", sa.String(length=50), nullable=True, comment="For example patient, hcp"),
        sa.Column("entity_id", sa.String(length=100), nullable=True),
        sa.Column(
            "local_shap_values",
            postgresql.JSONB(),
            server_default=sa.text("'{}'"),
            nullable=True,
            comment="Feature to its SHAP value for the entity",
        ),
        sa.Column("prediction_value", sa.Numeric(precision=6, scale=5), nullable=True),
        sa.Column(
            "base_value",
            sa.Numeric(precision=6, scale=5),
            nullable=True,
            comment="Prediction before any feature is known",
        ),
        sa.Column("natural_language_explanation", sa.Text(), nullable=True),
        sa.Column("key_drivers", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("actionable_features", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("sample_size", sa.Integer(), nullable=True),
        sa.Column("computation_method", sa.String(length=50), nullable=True),
        sa.Column("computed_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.Column("computation_duration_seconds", sa.Integer(), nullable=True),
        sa.Column(
            "split_assignment",
            sa.String(20),
            server_default=sa.text("'test'"),
            nullable=True,
            comment="Split that the explanation was computed on",
        ),
        sa.Column("model_version_id", sa.String(length=100), nullable=True),
        sa.Column("model_type", sa.String(length=50), nullable=True),
        sa.Column(
            "shap_values",
            postgresql.JSONB(),
            nullable=True,
            comment="Real-time answer: top_feature_1 and the following name features, top_feature_1_value their SHAP values",
        ),
        sa.Column(
            "explanation_id",
            sa.String(length=50),
            nullable=True,
            comment="EXPL-YYYYMMDD-8 hexadecimal digits, by trigger",
        ),
        sa.Column("patient_id", sa.String(length=255), nullable=True),
        sa.Column("hcp_id", sa.String(length=50), nullable=True, comment="Prescriber who asked"),
        sa.Column("request_timestamp", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("response_time_ms", sa.Double(), nullable=True),
        sa.Column("prediction_class", sa.String(length=100), nullable=True),
        sa.Column("prediction_probability", sa.Double(), nullable=True, comment="0 to 1"),
        sa.Column("top_k_requested", sa.Integer(), server_default=sa.text("5"), nullable=True),
        sa.Column("format_requested", sa.String(length=50), server_default=sa.text("'top_k'"), nullable=True),
        sa.Column("narrative_generated", sa.Boolean(), server_default=sa.text("false"), nullable=True),
        sa.Column("api_version", sa.String(length=20), server_default=sa.text("'4.1.0'"), nullable=True),
        sa.Column("input_features", postgresql.JSONB(), nullable=True, comment="What the model was given"),
        sa.CheckConstraint(
            "split_assignment IN ('train', 'validation', 'test', 'holdout', 'unassigned')",
            name=op.f("ck_ml_shap_analyses_data_split_type"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "model_registry_id"],
            ["ml_model_registry.tenant_id", "ml_model_registry.id"],
            name=op.f("fk_ml_shap_analyses_tenant_id_model_registry_id_ml_model_registry"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_ml_shap_analyses_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_ml_shap_analyses")),
        sa.UniqueConstraint("tenant_id", "explanation_id", name=op.f("uq_ml_shap_analyses_tenant_id_explanation_id")),
        comment="SHAP explanation of a model: global, local or real-time, the latter with the audit fields of the request.",
    )
    op.create_index(
        "ix_ml_shap_analyses_model_version",
        "ml_shap_analyses",
        ["tenant_id", "model_version_id", sa.literal_column("request_timestamp DESC")],
        unique=False,
    )
    op.create_index(
        op.f("ix_ml_shap_analyses_tenant_id_analysis_type"),
        "ml_shap_analyses",
        ["tenant_id", "analysis_type"],
        unique=False,
    )
    op.create_index(
        op.f("ix_ml_shap_analyses_tenant_id_computed_at"),
        "ml_shap_analyses",
        ["tenant_id", "computed_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_ml_shap_analyses_tenant_id_entity_type_entity_id"),
        "ml_shap_analyses",
        ["tenant_id", "entity_type", "entity_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_ml_shap_analyses_tenant_id_model_registry_id"),
        "ml_shap_analyses",
        ["tenant_id", "model_registry_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_ml_shap_analyses_tenant_id_segment_name"),
        "ml_shap_analyses",
        ["tenant_id", "segment_name"],
        unique=False,
    )
    op.create_table(
        "triggers",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("trigger_id", sa.String(length=30), nullable=False),
        sa.Column("patient_id", sa.String(length=255), nullable=False),
        sa.Column("hcp_id", sa.String(length=20), nullable=True),
        sa.Column("trigger_timestamp", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("trigger_type", sa.String(length=50), nullable=True),
        sa.Column("priority", postgresql.ENUM(name="priority_type", create_type=False), nullable=True),
        sa.Column("confidence_score", sa.Numeric(precision=4, scale=3), nullable=True),
        sa.Column("lead_time_days", sa.Integer(), nullable=True),
        sa.Column("expiration_date", sa.Date(), nullable=True),
        sa.Column("delivery_channel", sa.String(length=20), nullable=True),
        sa.Column("delivery_status", sa.String(length=20), nullable=True),
        sa.Column("delivery_timestamp", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("view_timestamp", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("acceptance_status", sa.String(length=20), nullable=True),
        sa.Column("acceptance_timestamp", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("action_taken", sa.Text(), nullable=True),
        sa.Column("action_timestamp", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("false_positive_flag", sa.Boolean(), server_default=sa.text("false"), nullable=True),
        sa.Column("trigger_reason", sa.Text(), nullable=True),
        sa.Column("causal_chain", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=True),
        sa.Column("supporting_evidence", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=True),
        sa.Column("recommended_action", sa.Text(), nullable=True),
        sa.Column("outcome_tracked", sa.Boolean(), server_default=sa.text("false"), nullable=True),
        sa.Column("outcome_value", sa.Numeric(precision=4, scale=3), nullable=True),
        sa.Column(
            "previous_trigger_id", sa.String(length=30), nullable=True, comment="The trigger that this one changes"
        ),
        sa.Column(
            "change_type", sa.String(length=30), nullable=True, comment="For example new, update, escalation, downgrade"
        ),
        sa.Column("change_reason", sa.Text(), nullable=True),
        sa.Column("change_timestamp", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("change_failed", sa.Boolean(), server_default=sa.text("false"), nullable=True),
        sa.Column("change_outcome_delta", sa.Numeric(precision=4, scale=3), nullable=True),
        sa.Column("split_assignment", sa.String(20), server_default=sa.text("'unassigned'"), nullable=False),
        sa.Column("split_config_id", sa.UUID(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "search_vector",
            postgresql.TSVECTOR(),
            sa.Computed(
                "setweight(to_tsvector('english', coalesce(trigger_reason, '')), 'A') || setweight(to_tsvector('english', coalesce(trigger_type, '')), 'B') || setweight(to_tsvector('english', coalesce(recommended_action, '')), 'C')",
                persisted=True,
            ),
            nullable=True,
            comment="Reason (A), type (B) and recommended action (C) as English search terms",
        ),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "split_assignment IN ('train', 'validation', 'test', 'holdout', 'unassigned')",
            name=op.f("ck_triggers_data_split_type"),
        ),
        sa.CheckConstraint("coalesce(isfinite(trigger_timestamp), false)", name=op.f("ck_triggers_dated")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "hcp_id"],
            ["hcp_profiles.tenant_id", "hcp_profiles.hcp_id"],
            name=op.f("fk_triggers_tenant_id_hcp_id_hcp_profiles"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "patient_id", "previous_trigger_id"],
            ["triggers.tenant_id", "triggers.patient_id", "triggers.trigger_id"],
            name=op.f("fk_triggers_tenant_id_patient_id_previous_trigger_id_triggers"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "patient_id", "split_assignment"],
            [
                "ml_patient_split_assignments.tenant_id",
                "ml_patient_split_assignments.patient_id",
                "ml_patient_split_assignments.assigned_split",
            ],
            name=op.f("fk_triggers_tenant_id_patient_id_split_assignment_ml_patient_split_assignments"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "split_config_id"],
            ["ml_split_registry.tenant_id", "ml_split_registry.split_config_id"],
            name=op.f("fk_triggers_tenant_id_split_config_id_ml_split_registry"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_triggers_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "trigger_id", name=op.f("pk_triggers")),
        sa.UniqueConstraint(
            "tenant_id", "patient_id", "trigger_id", name=op.f("uq_triggers_tenant_id_patient_id_trigger_id")
        ),
        comment="Engagement trigger sent to a prescriber, with delivery, acceptance and change history.",
    )
    op.create_index(
        op.f("ix_triggers_search_vector"), "triggers", ["search_vector"], unique=False, postgresql_using="gin"
    )
    op.create_index(
        op.f("ix_triggers_tenant_id_change_type"),
        "triggers",
        ["tenant_id", "change_type"],
        unique=False,
        postgresql_where=sa.text("change_type IS NOT NULL"),
    )
    op.create_index(op.f("ix_triggers_tenant_id_created_at"), "triggers", ["tenant_id", "created_at"], unique=False)
    op.create_index(
        op.f("ix_triggers_tenant_id_delivery_status_acceptance_status"),
        "triggers",
        ["tenant_id", "delivery_status", "acceptance_status"],
        unique=False,
    )
    op.create_index(op.f("ix_triggers_tenant_id_hcp_id"), "triggers", ["tenant_id", "hcp_id"], unique=False)
    op.create_index(
        op.f("ix_triggers_tenant_id_previous_trigger_id"),
        "triggers",
        ["tenant_id", "previous_trigger_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_triggers_tenant_id_split_assignment_split_config_id"),
        "triggers",
        ["tenant_id", "split_assignment", "split_config_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_triggers_tenant_id_split_config_id"), "triggers", ["tenant_id", "split_config_id"], unique=False
    )
    op.create_index(
        op.f("ix_triggers_tenant_id_trigger_timestamp"), "triggers", ["tenant_id", "trigger_timestamp"], unique=False
    )
    op.apply_snapshot(revision)


def downgrade() -> None:
    op.revert_snapshot(revision)
    op.drop_table("triggers")
    op.drop_table("ml_shap_analyses")
    op.drop_table("ml_predictions")
    op.drop_enum("shap_analysis_type")
    op.drop_enum("priority_type")
    op.drop_enum("prediction_type")
