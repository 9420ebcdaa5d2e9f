"""The banking assistant: interactions, escalations, knowledge documents.

New tables: escalations, interactions, knowledge_documents.
New views: v_assistant_metrics_daily.
New functions: app.assistant_metrics.

Revision: 0016_assistant
Follows: 0015_audit
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0016_assistant"
down_revision: str | None = "0015_audit"
branch_labels: tuple[str, ...] | None = None
depends_on: tuple[str, ...] | None = None


def upgrade() -> None:
    op.create_table(
        "interactions",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column(
            "timestamp",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=True,
            comment="When the question was asked; what ranges and days of figures go by",
        ),
        sa.Column("assistant_mode", sa.String(10), nullable=False),
        sa.Column("session_id", sa.String(length=255), nullable=True, comment="Conversation id of the model provider"),
        sa.Column("user_query", sa.Text(), nullable=False),
        sa.Column("intent_name", sa.String(length=100), nullable=True),
        sa.Column("intent_category", sa.String(20), nullable=True),
        sa.Column("classification_reason", sa.Text(), nullable=True),
        sa.Column("step_1_intent_completed", sa.Boolean(), server_default=sa.text("false"), nullable=True),
        sa.Column("step_2_routing_decision", sa.String(length=50), nullable=True),
        sa.Column("step_3_retrieval_performed", sa.Boolean(), server_default=sa.text("false"), nullable=True),
        sa.Column("step_4_response_generated", sa.Boolean(), server_default=sa.text("false"), nullable=True),
        sa.Column(
            "step_5_confidence_score",
            sa.Double(),
            nullable=True,
            comment="0 to 1, as the step found it; figures use it where confidence_score is NULL",
        ),
        sa.Column(
            "step_6_escalation_triggered",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=True,
            comment="What the step decided; outcome says how it ended, and figures use that",
        ),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("confidence_score", sa.Double(), nullable=True, comment="0 to 1, of the answer as a whole"),
        sa.Column("escalation_reason", sa.Text(), nullable=True),
        sa.Column("response_text", sa.Text(), nullable=True),
        sa.Column(
            "citations",
            postgresql.JSONB(),
            nullable=True,
            comment="Array of {number, source, url}; the url may be missing or null",
        ),
        sa.Column("retrieved_chunks_count", sa.Integer(), nullable=True),
        sa.Column("processing_time_ms", sa.Integer(), nullable=True, comment="Milliseconds from question to answer"),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=True,
            comment="When the row was written",
        ),
        sa.CheckConstraint("assistant_mode IN ('customer', 'banker')", name=op.f("ck_interactions_assistant_mode")),
        sa.CheckConstraint(
            "intent_category IN ('automatable', 'sensitive', 'human_only')",
            name=op.f("ck_interactions_intent_category"),
        ),
        sa.CheckConstraint("outcome IN ('resolved', 'escalated')", name=op.f("ck_interactions_interaction_outcome")),
        sa.CheckConstraint("confidence_score BETWEEN 0 AND 1", name=op.f("ck_interactions_confidence_score")),
        sa.CheckConstraint('isfinite("timestamp")', name=op.f("ck_interactions_timestamp")),
        sa.CheckConstraint(
            'jsonb_typeof(citations) = \'array\' AND NOT jsonb_path_exists(citations, \'strict $[*] ? (@.type() != "object")\') AND NOT jsonb_path_exists(citations, \'lax $[*] ? (!( @.number.type() == "number" && @.number >= 1 && @.number.floor() == @.number && @.source.type() == "string" && @.source != "" && (!exists(@.url) || @.url.type() == "string" || @.url.type() == "null")))\')',
            name=op.f("ck_interactions_citations"),
        ),
        sa.CheckConstraint("processing_time_ms >= 0", name=op.f("ck_interactions_processing_time_ms")),
        sa.CheckConstraint("retrieved_chunks_count >= 0", name=op.f("ck_interactions_retrieved_chunks_count")),
        sa.CheckConstraint(
            "step_5_confidence_score BETWEEN 0 AND 1", name=op.f("ck_interactions_step_5_confidence_score")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_interactions_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_interactions")),
        comment="One question to the banking assistant and how the pipeline handled it.",
    )
    op.create_index(
        op.f("ix_interactions_tenant_id_assistant_mode"), "interactions", ["tenant_id", "assistant_mode"], unique=False
    )
    op.create_index(
        op.f("ix_interactions_tenant_id_created_at"), "interactions", ["tenant_id", "created_at"], unique=False
    )
    op.create_index(
        op.f("ix_interactions_tenant_id_intent_name"), "interactions", ["tenant_id", "intent_name"], unique=False
    )
    op.create_index(op.f("ix_interactions_tenant_id_outcome"), "interactions", ["tenant_id", "outcome"], unique=False)
    op.create_index(
        op.f("ix_interactions_tenant_id_session_id"), "interactions", ["tenant_id", "session_id"], unique=False
    )
    op.create_index(
        op.f("ix_interactions_tenant_id_timestamp"), "interactions", ["tenant_id", "timestamp"], unique=False
    )
    op.create_table(
        "knowledge_documents",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column(
            "openai_file_id", sa.String(length=255), nullable=False, comment="Id of the file at the model provider"
        ),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("source_url", sa.Text(), nullable=True),
        sa.Column("content_type", sa.String(20), nullable=True),
        sa.Column("topic_collection", sa.String(length=100), nullable=True),
        sa.Column("ingested_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.Column("metadata", postgresql.JSONB(), nullable=True),
        sa.CheckConstraint(
            "content_type IN ('public', 'synthetic')", name=op.f("ck_knowledge_documents_knowledge_content_type")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_knowledge_documents_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_knowledge_documents")),
        sa.UniqueConstraint(
            "tenant_id", "openai_file_id", name=op.f("uq_knowledge_documents_tenant_id_openai_file_id")
        ),
        comment="Registry of documents loaded into the assistant knowledge base.",
    )
    op.create_index(
        op.f("ix_knowledge_documents_tenant_id_content_type"),
        "knowledge_documents",
        ["tenant_id", "content_type"],
        unique=False,
    )
    op.create_table(
        "escalations",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("interaction_id", sa.UUID(), nullable=True, comment="NULL for one that no interaction raised"),
        sa.Column(
            "trigger_type",
            sa.String(length=50),
            nullable=False,
            comment="For example human_only, low_confidence, insufficient_evidence",
        ),
        sa.Column("escalation_reason", sa.Text(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "interaction_id"],
            ["interactions.tenant_id", "interactions.id"],
            name=op.f("fk_escalations_tenant_id_interaction_id_interactions"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_escalations_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_escalations")),
        comment="Escalation raised by an interaction, for analytics; goes away with its interaction.",
    )
    op.create_index(
        op.f("ix_escalations_tenant_id_created_at"), "escalations", ["tenant_id", "created_at"], unique=False
    )
    op.create_index(
        op.f("ix_escalations_tenant_id_interaction_id"), "escalations", ["tenant_id", "interaction_id"], unique=False
    )
    op.create_index(
        op.f("ix_escalations_tenant_id_trigger_type"), "escalations", ["tenant_id", "trigger_type"], unique=False
    )
    op.apply_snapshot(revision)


def downgrade() -> None:
    op.revert_snapshot(revision)
    op.drop_table("escalations")
    op.drop_table("knowledge_documents")
    op.drop_table("interactions")
