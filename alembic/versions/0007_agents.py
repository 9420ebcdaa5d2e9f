"""The agents, the routing of intents to them, and the work they did.

New enum types: agent_name_type, agent_type, workstream_type.
New tables: agent_activities, agent_registry.
New views: v_agent_routing, v_holdout_agent_activities, v_test_agent_activities, v_train_agent_activities,
v_validation_agent_activities.
New functions: app.set_activity_search_vector, get_agent_activity_context, route_intent_to_agent.

Revision: 0007_agents
Follows: 0006_predictions
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0007_agents"
down_revision: str | None = "0006_predictions"
branch_labels: tuple[str, ...] | None = None
depends_on: tuple[str, ...] | None = None


def upgrade() -> None:
    op.create_enum(
        "agent_name_type",
        [
            "orchestrator",
            "causal_impact",
            "gap_analyzer",
            "heterogeneous_optimizer",
            "experiment_designer",
            "drift_monitor",
            "health_score",
            "prediction_synthesizer",
            "resource_optimizer",
            "explainer",
            "feedback_learner",
            "scope_definer",
            "data_preparer",
            "model_selector",
            "model_trainer",
            "feature_analyzer",
            "model_deployer",
            "observability_connector",
        ],
    )
    op.create_enum(
        "agent_type",
        [
            "orchestrator",
            "causal_impact",
            "gap_analyzer",
            "heterogeneous_optimizer",
            "experiment_designer",
            "drift_monitor",
            "health_score",
            "prediction_synthesizer",
            "resource_optimizer",
            "explainer",
            "feedback_learner",
        ],
    )
    op.create_enum("workstream_type", ["WS1", "WS2", "WS3"])
    op.create_table(
        "agent_registry",
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("agent_name", sa.String(length=100), nullable=False, comment="A label of agent_type"),
        sa.Column(
            "tier",
            sa.Integer(),
            nullable=False,
            comment="1 coordinates, 5 explains and learns; the lowest is asked first",
        ),
        sa.Column(
            "intents",
            postgresql.ARRAY(sa.Text()),
            nullable=True,
            comment="In upper case; * takes what nobody else does",
        ),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("config", postgresql.JSONB(), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.Column("priority_order", sa.Integer(), nullable=True, comment="Breaks ties inside a tier, the lowest first"),
        sa.CheckConstraint("tier BETWEEN 1 AND 5", name=op.f("ck_agent_registry_tier")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_registry")),
        sa.UniqueConstraint("agent_name", name=op.f("uq_agent_registry_agent_name")),
        comment="The eleven agents, with their tier and the intents that they handle.",
    )
    op.create_index(
        op.f("ix_agent_registry_intents"), "agent_registry", ["intents"], unique=False, postgresql_using="gin"
    )
    op.create_index(
        op.f("ix_agent_registry_is_active"),
        "agent_registry",
        ["is_active"],
        unique=False,
        postgresql_where=sa.text("is_active"),
    )
    op.create_index(op.f("ix_agent_registry_tier"), "agent_registry", ["tier"], unique=False)
    op.create_table(
        "agent_activities",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("activity_id", sa.String(length=30), nullable=False),
        sa.Column("agent_type", postgresql.ENUM(name="agent_type", create_type=False), nullable=True),
        sa.Column("tier", sa.Integer(), nullable=True, comment="Tier of the agent at the time, 1 to 5"),
        sa.Column("activity_timestamp", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("activity_type", sa.String(length=30), nullable=True),
        sa.Column("workstream", postgresql.ENUM(name="workstream_type", create_type=False), nullable=True),
        sa.Column("processing_duration_ms", sa.Integer(), nullable=True),
        sa.Column("input_data", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=True),
        sa.Column("records_processed", sa.Integer(), nullable=True),
        sa.Column("time_window", sa.String(length=20), nullable=True),
        sa.Column("analysis_results", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=True),
        sa.Column("causal_paths_analyzed", sa.Integer(), nullable=True),
        sa.Column("confidence_level", sa.Numeric(precision=4, scale=3), nullable=True),
        sa.Column("recommendations", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=True),
        sa.Column("actions_initiated", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=True),
        sa.Column("impact_estimate", sa.Numeric(precision=15, scale=2), nullable=True),
        sa.Column("roi_estimate", sa.Numeric(precision=5, scale=2), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=True, comment="For example completed, failed, pending"),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("resource_usage", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=True),
        sa.Column("split_assignment", sa.String(20), server_default=sa.text("'unassigned'"), nullable=False),
        sa.Column("split_config_id", sa.UUID(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "search_vector",
            postgresql.TSVECTOR(),
            nullable=True,
            comment="Agent (A), kind of work and workstream (B), status and error (C) as English search terms; by trigger",
        ),
        sa.CheckConstraint(
            "split_assignment IN ('train', 'validation', 'test', 'holdout', 'unassigned')",
            name=op.f("ck_agent_activities_data_split_type"),
        ),
        sa.CheckConstraint("coalesce(isfinite(activity_timestamp), false)", name=op.f("ck_agent_activities_dated")),
        sa.CheckConstraint("tier BETWEEN 1 AND 5", name=op.f("ck_agent_activities_tier")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "split_config_id"],
            ["ml_split_registry.tenant_id", "ml_split_registry.split_config_id"],
            name=op.f("fk_agent_activities_tenant_id_split_config_id_ml_split_registry"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_agent_activities_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "activity_id", name=op.f("pk_agent_activities")),
        comment="One unit of work done by an agent, and what it produced.",
    )
    op.create_index(
        op.f("ix_agent_activities_search_vector"),
        "agent_activities",
        ["search_vector"],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index(
        op.f("ix_agent_activities_tenant_id_activity_timestamp"),
        "agent_activities",
        ["tenant_id", "activity_timestamp"],
        unique=False,
    )
    op.create_index(
        op.f("ix_agent_activities_tenant_id_agent_type"), "agent_activities", ["tenant_id", "agent_type"], unique=False
    )
    op.create_index(
        op.f("ix_agent_activities_tenant_id_created_at"), "agent_activities", ["tenant_id", "created_at"], unique=False
    )
    op.create_index(
        op.f("ix_agent_activities_tenant_id_split_assignment_split_config_id"),
        "agent_activities",
        ["tenant_id", "split_assignment", "split_config_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_agent_activities_tenant_id_split_config_id"),
        "agent_activities",
        ["tenant_id", "split_config_id"],
        unique=False,
    )
    op.create_index(op.f("ix_agent_activities_tenant_id_tier"), "agent_activities", ["tenant_id", "tier"], unique=False)
    op.create_index(
        op.f("ix_agent_activities_tenant_id_workstream"), "agent_activities", ["tenant_id", "workstream"], unique=False
    )
    op.apply_snapshot(revision)
    op.insert_rows(revision, "agent_registry")


def downgrade() -> None:
    op.revert_snapshot(revision)
    op.drop_table("agent_activities")
    op.delete_rows(revision, "agent_registry")
    op.drop_table("agent_registry")
    op.drop_enum("workstream_type")
    op.drop_enum("agent_type")
    op.drop_enum("agent_name_type")
