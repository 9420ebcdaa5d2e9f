"""The agents, the routing of intents to them, the work they did, and what they learn from.

New enum types: agent_name_type, agent_type, learning_signal_type, workstream_type.
New tables: agent_activities, agent_registry, conversations, investigation_hops, learning_signals.
New views: v_agent_routing, v_holdout_agent_activities, v_test_agent_activities, v_train_agent_activities,
v_validation_agent_activities.
New functions: app.set_activity_search_vector, get_agent_activity_context, get_learning_signals,
route_intent_to_agent, store_investigation_hop.

Revision: 0007_agents
Follows: 0006_predictions
"""

from __future__ import annotations

import pgvector.sqlalchemy
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
    op.create_enum(
        "learning_signal_type",
        [
            "positive_feedback",
            "negative_feedback",
            "implicit_accept",
            "implicit_reject",
            "outcome_success",
            "outcome_failure",
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
        "conversations",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("session_id", sa.String(length=255), nullable=False, comment="Groups the turns of one conversation"),
        sa.Column(
            "user_id", sa.String(length=255), nullable=True, comment="Who asked, as the application names its users"
        ),
        sa.Column(
            "agent_type",
            postgresql.ENUM(name="agent_type", create_type=False),
            nullable=True,
            comment="The agent that answered",
        ),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column(
            "content_embedding",
            pgvector.sqlalchemy.VECTOR(1536),
            nullable=True,
            comment="Embedding of content; turns without one match no search",
        ),
        sa.Column("feedback_type", sa.String(20), nullable=True, comment="What the user thought of the turn"),
        sa.Column("feedback_text", sa.Text(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("feedback_type IN ('positive', 'negative')", name=op.f("ck_conversations_feedback_type")),
        sa.CheckConstraint(
            "role IN ('user', 'assistant', 'system', 'tool')", name=op.f("ck_conversations_message_role")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_conversations_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_conversations")),
        comment="One turn of a chat with the agents, kept for retrieval and for learning from feedback.",
    )
    op.create_index(
        op.f("ix_conversations_tenant_id_created_at"), "conversations", ["tenant_id", "created_at"], unique=False
    )
    op.create_index(
        op.f("ix_conversations_tenant_id_session_id_created_at"),
        "conversations",
        ["tenant_id", "session_id", "created_at"],
        unique=False,
    )
    op.create_index(op.f("ix_conversations_tenant_id_user_id"), "conversations", ["tenant_id", "user_id"], unique=False)
    op.create_table(
        "investigation_hops",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("hop_id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column(
            "investigation_id",
            sa.UUID(),
            nullable=False,
            comment="Groups the hops; by convention the cognitive cycle that investigates",
        ),
        sa.Column("hop_number", sa.Integer(), nullable=False, comment="Place in the investigation, from 1"),
        sa.Column("source_entity", sa.String(length=255), nullable=False),
        sa.Column("target_entity", sa.String(length=255), nullable=True, comment="NULL where the hop led nowhere"),
        sa.Column("relationship", sa.String(length=100), nullable=True),
        sa.Column("evidence", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=True, comment="0 to 1"),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "confidence IS NULL OR confidence BETWEEN 0 AND 1", name=op.f("ck_investigation_hops_confidence")
        ),
        sa.CheckConstraint("hop_number > 0", name=op.f("ck_investigation_hops_hop_number")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_investigation_hops_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "hop_id", name=op.f("pk_investigation_hops")),
        sa.UniqueConstraint(
            "tenant_id",
            "investigation_id",
            "hop_number",
            name=op.f("uq_investigation_hops_tenant_id_investigation_id_hop_number"),
        ),
        comment="One step of a multi-hop investigation: from an entity, along a relationship, to another one.",
    )
    op.create_index(
        op.f("ix_investigation_hops_tenant_id_created_at"),
        "investigation_hops",
        ["tenant_id", "created_at"],
        unique=False,
    )
    op.create_table(
        "learning_signals",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("signal_id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column(
            "source_type",
            sa.String(length=50),
            nullable=False,
            comment="What the signal is about, for example conversation, activity",
        ),
        sa.Column("source_id", sa.UUID(), nullable=True, comment="Row that the signal is about, where there is one"),
        sa.Column("signal_type", postgresql.ENUM(name="learning_signal_type", create_type=False), nullable=False),
        sa.Column(
            "signal_value",
            sa.Double(),
            nullable=True,
            comment="How strong, in the unit of the source; higher is better",
        ),
        sa.Column("context_json", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column(
            "agent_name",
            postgresql.ENUM(name="agent_name_type", create_type=False),
            nullable=True,
            comment="Who can learn from it; NULL for whoever asks",
        ),
        sa.Column(
            "processed",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Whether somebody has learnt from it; get_learning_signals hands out the others",
        ),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_learning_signals_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "signal_id", name=op.f("pk_learning_signals")),
        comment="Feedback or outcome that an agent can learn from.",
    )
    op.create_index(
        op.f("ix_learning_signals_tenant_id_source_type_source_id"),
        "learning_signals",
        ["tenant_id", "source_type", "source_id"],
        unique=False,
    )
    op.create_index(
        "ix_learning_signals_unprocessed",
        "learning_signals",
        ["tenant_id", "created_at"],
        unique=False,
        postgresql_where=sa.text("NOT processed"),
    )
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
    op.drop_table("learning_signals")
    op.drop_table("investigation_hops")
    op.drop_table("conversations")
    op.delete_rows(revision, "agent_registry")
    op.drop_table("agent_registry")
    op.drop_enum("workstream_type")
    op.drop_enum("learning_signal_type")
    op.drop_enum("agent_type")
    op.drop_enum("agent_name_type")
