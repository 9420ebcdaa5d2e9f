"""Customer success: customers and what hangs on them, agent sessions and approvals.

New tables: agent_messages, agent_runs, agent_sessions, agent_steps, approvals, contracts, customers,
entitlements, health_scores, qbrs, renewal_pipeline, risk_signals, stakeholders, usage_metrics.
New views: v_at_risk_customers, v_customer_health, v_upcoming_renewals.
New functions: app.keep_customer_score.

Revision: 0017_customers
Follows: 0016_assistant
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0017_customers"
down_revision: str | None = "0016_assistant"
branch_labels: tuple[str, ...] | None = None
depends_on: tuple[str, ...] | None = None


def upgrade() -> None:
    op.create_table(
        "customers",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "arr", sa.Numeric(), nullable=False, comment="Annual recurring revenue, in the currency of the tenant"
        ),
        sa.Column("tier", sa.Text(), nullable=True),
        sa.Column(
            "health_score",
            sa.Integer(),
            server_default=sa.text("50"),
            nullable=True,
            comment="overall of the newest row of health_scores, by trigger; as created, or 50, while there is none",
        ),
        sa.Column(
            "renewal_date",
            sa.Date(),
            nullable=True,
            comment="As the contract says; forecasts are in renewal_pipeline, and neither follows the other",
        ),
        sa.Column(
            "csm_id", sa.UUID(), nullable=True, comment="Success manager, who sees the customer and what hangs on it"
        ),
        sa.Column(
            "status",
            sa.Text(),
            server_default=sa.text("'active'"),
            nullable=True,
            comment="For example active, paused, churned; not a closed list",
        ),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.Column(
            "deleted_at",
            postgresql.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When the row was deleted; NULL while it lives",
        ),
        sa.CheckConstraint("tier IN ('enterprise', 'mid-market', 'smb')", name=op.f("ck_customers_customer_tier")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "csm_id"], ["users.tenant_id", "users.id"], name=op.f("fk_customers_tenant_id_csm_id_users")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_customers_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_customers")),
        comment="Account that a success manager looks after.",
    )
    op.create_index(op.f("ix_customers_tenant_id_created_at"), "customers", ["tenant_id", "created_at"], unique=False)
    op.create_index(op.f("ix_customers_tenant_id_csm_id"), "customers", ["tenant_id", "csm_id"], unique=False)
    op.create_index(
        op.f("ix_customers_tenant_id_health_score"), "customers", ["tenant_id", "health_score"], unique=False
    )
    op.create_index(
        op.f("ix_customers_tenant_id_renewal_date"), "customers", ["tenant_id", "renewal_date"], unique=False
    )
    op.create_table(
        "agent_sessions",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("customer_id", sa.UUID(), nullable=True),
        sa.Column(
            "user_id", sa.UUID(), nullable=True, comment="Whose session it is; NULL is seen by administrators only"
        ),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_agent_sessions_tenant_id_customer_id_customers"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["users.tenant_id", "users.id"],
            name=op.f("fk_agent_sessions_tenant_id_user_id_users"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_agent_sessions_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_agent_sessions")),
        comment="Conversation between a user and the assistant about a customer.",
    )
    op.create_index(
        op.f("ix_agent_sessions_tenant_id_created_at"), "agent_sessions", ["tenant_id", "created_at"], unique=False
    )
    op.create_index(
        op.f("ix_agent_sessions_tenant_id_customer_id"), "agent_sessions", ["tenant_id", "customer_id"], unique=False
    )
    op.create_index(
        op.f("ix_agent_sessions_tenant_id_user_id"), "agent_sessions", ["tenant_id", "user_id"], unique=False
    )
    op.create_table(
        "contracts",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("customer_id", sa.UUID(), nullable=True),
        sa.Column("file_url", sa.Text(), nullable=True),
        sa.Column("parsed_data", postgresql.JSONB(), nullable=True, comment="What was read from the document"),
        sa.Column("start_date", sa.Date(), nullable=True),
        sa.Column("end_date", sa.Date(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.CheckConstraint("end_date >= start_date", name=op.f("ck_contracts_ends_after_start")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_contracts_tenant_id_customer_id_customers"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_contracts_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_contracts")),
        sa.UniqueConstraint("tenant_id", "customer_id", "id", name=op.f("uq_contracts_tenant_id_customer_id_id")),
        comment="Contract of a customer with data read from the document.",
    )
    op.create_index(op.f("ix_contracts_tenant_id_created_at"), "contracts", ["tenant_id", "created_at"], unique=False)
    op.create_table(
        "health_scores",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("customer_id", sa.UUID(), nullable=True),
        sa.Column(
            "overall",
            sa.Integer(),
            nullable=False,
            comment="Given by the writer: no weights of the parts are laid down",
        ),
        sa.Column("product", sa.Integer(), nullable=True),
        sa.Column("risk", sa.Integer(), nullable=True),
        sa.Column("outcomes", sa.Integer(), nullable=True),
        sa.Column("voice", sa.Integer(), nullable=True),
        sa.Column("engagement", sa.Integer(), nullable=True),
        sa.Column(
            "calculated_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=True,
            comment="The newest counts; a row without a time is older than any",
        ),
        sa.CheckConstraint("engagement BETWEEN 0 AND 100", name=op.f("ck_health_scores_engagement_range")),
        sa.CheckConstraint("outcomes BETWEEN 0 AND 100", name=op.f("ck_health_scores_outcomes_range")),
        sa.CheckConstraint("overall BETWEEN 0 AND 100", name=op.f("ck_health_scores_overall_range")),
        sa.CheckConstraint("product BETWEEN 0 AND 100", name=op.f("ck_health_scores_product_range")),
        sa.CheckConstraint("risk BETWEEN 0 AND 100", name=op.f("ck_health_scores_risk_range")),
        sa.CheckConstraint("voice BETWEEN 0 AND 100", name=op.f("ck_health_scores_voice_range")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_health_scores_tenant_id_customer_id_customers"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_health_scores_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_health_scores")),
        comment="Dated health score of a customer and its five parts (PROVE), each 0 to 100.",
    )
    op.create_index(
        "ix_health_scores_newest",
        "health_scores",
        ["tenant_id", "customer_id", sa.literal_column("calculated_at DESC NULLS LAST"), "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_health_scores_tenant_id_calculated_at"), "health_scores", ["tenant_id", "calculated_at"], unique=False
    )
    op.create_table(
        "qbrs",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("customer_id", sa.UUID(), nullable=True),
        sa.Column("scheduled_date", sa.Date(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("attendees", postgresql.JSONB(), nullable=True),
        sa.Column("presentation_url", sa.Text(), nullable=True),
        sa.Column("action_items", postgresql.JSONB(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.CheckConstraint("status IN ('scheduled', 'completed', 'cancelled')", name=op.f("ck_qbrs_qbr_status")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_qbrs_tenant_id_customer_id_customers"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_qbrs_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_qbrs")),
        comment="Quarterly business review meeting.",
    )
    op.create_index(op.f("ix_qbrs_tenant_id_customer_id"), "qbrs", ["tenant_id", "customer_id"], unique=False)
    op.create_table(
        "renewal_pipeline",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("customer_id", sa.UUID(), nullable=True),
        sa.Column("renewal_date", sa.Date(), nullable=False),
        sa.Column("current_arr", sa.Numeric(), nullable=True),
        sa.Column("forecasted_arr", sa.Numeric(), nullable=True),
        sa.Column("stage", sa.Text(), nullable=True),
        sa.Column("probability", sa.Integer(), nullable=True, comment="Percent"),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "stage IN ('healthy', 'at_risk', 'churned', 'expanded')", name=op.f("ck_renewal_pipeline_renewal_stage")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_renewal_pipeline_tenant_id_customer_id_customers"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_renewal_pipeline_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_renewal_pipeline")),
        comment="Forecast of a coming renewal.",
    )
    op.create_index(
        op.f("ix_renewal_pipeline_tenant_id_customer_id"),
        "renewal_pipeline",
        ["tenant_id", "customer_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_renewal_pipeline_tenant_id_renewal_date"),
        "renewal_pipeline",
        ["tenant_id", "renewal_date"],
        unique=False,
    )
    op.create_table(
        "risk_signals",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("customer_id", sa.UUID(), nullable=True),
        sa.Column("signal_type", sa.Text(), nullable=True),
        sa.Column("severity", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("detected_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.Column("resolved_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "severity IN ('low', 'medium', 'high', 'critical')", name=op.f("ck_risk_signals_risk_severity")
        ),
        sa.CheckConstraint(
            "signal_type IN ('usage_drop', 'champion_left', 'support_escalation', 'nps_detractor', 'competitor_threat', 'payment_issue')",
            name=op.f("ck_risk_signals_risk_signal_type"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_risk_signals_tenant_id_customer_id_customers"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_risk_signals_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_risk_signals")),
        comment="Warning sign on a customer, open until resolved_at is set.",
    )
    op.create_index(
        op.f("ix_risk_signals_tenant_id_customer_id"), "risk_signals", ["tenant_id", "customer_id"], unique=False
    )
    op.create_index(
        op.f("ix_risk_signals_tenant_id_detected_at"), "risk_signals", ["tenant_id", "detected_at"], unique=False
    )
    op.create_index(
        "ix_risk_signals_unresolved",
        "risk_signals",
        ["tenant_id", "customer_id"],
        unique=False,
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_table(
        "stakeholders",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("customer_id", sa.UUID(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column(
            "is_primary",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=True,
            comment="At most one per customer",
        ),
        sa.Column("sentiment", sa.Text(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.CheckConstraint(
            "role IN ('champion', 'sponsor', 'user', 'detractor')", name=op.f("ck_stakeholders_stakeholder_role")
        ),
        sa.CheckConstraint(
            "sentiment IN ('positive', 'neutral', 'negative')", name=op.f("ck_stakeholders_stakeholder_sentiment")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_stakeholders_tenant_id_customer_id_customers"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_stakeholders_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_stakeholders")),
        comment="Contact person at a customer.",
    )
    op.create_index(
        op.f("ix_stakeholders_tenant_id_created_at"), "stakeholders", ["tenant_id", "created_at"], unique=False
    )
    op.create_index(
        op.f("ix_stakeholders_tenant_id_customer_id"), "stakeholders", ["tenant_id", "customer_id"], unique=False
    )
    op.create_index(
        "uq_stakeholders_primary",
        "stakeholders",
        ["tenant_id", "customer_id"],
        unique=True,
        postgresql_where=sa.text("is_primary"),
    )
    op.create_table(
        "usage_metrics",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("customer_id", sa.UUID(), nullable=True),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("dau", sa.Integer(), nullable=True, comment="Daily active users"),
        sa.Column("wau", sa.Integer(), nullable=True, comment="Weekly active users"),
        sa.Column("mau", sa.Integer(), nullable=True, comment="Monthly active users"),
        sa.Column("session_duration_avg", sa.Integer(), nullable=True, comment="Seconds"),
        sa.Column("feature_adoption", postgresql.JSONB(), nullable=True, comment="Feature to share of users, 0 to 1"),
        sa.Column("adoption_score", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_usage_metrics_tenant_id_customer_id_customers"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_usage_metrics_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_usage_metrics")),
        sa.UniqueConstraint(
            "tenant_id", "customer_id", "date", name=op.f("uq_usage_metrics_tenant_id_customer_id_date")
        ),
        comment="Daily product usage of a customer.",
    )
    op.create_table(
        "agent_messages",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("session_id", sa.UUID(), nullable=True),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("thinking", sa.Text(), nullable=True),
        sa.Column("tool_calls", postgresql.JSONB(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.CheckConstraint(
            "role IN ('user', 'assistant', 'system', 'tool')", name=op.f("ck_agent_messages_message_role")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "session_id"],
            ["agent_sessions.tenant_id", "agent_sessions.id"],
            name=op.f("fk_agent_messages_tenant_id_session_id_agent_sessions"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_agent_messages_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_agent_messages")),
        comment="Message inside an agent session.",
    )
    op.create_index(
        op.f("ix_agent_messages_tenant_id_created_at"), "agent_messages", ["tenant_id", "created_at"], unique=False
    )
    op.create_index(
        op.f("ix_agent_messages_tenant_id_session_id_created_at"),
        "agent_messages",
        ["tenant_id", "session_id", "created_at"],
        unique=False,
    )
    op.create_table(
        "agent_runs",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("session_id", sa.UUID(), nullable=True),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("agent_type", sa.Text(), nullable=False, comment="Free text; not the enum of the analytics agents"),
        sa.Column("customer_id", sa.UUID(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("input", sa.Text(), nullable=True),
        sa.Column("output", sa.Text(), nullable=True),
        sa.Column("total_tokens_input", sa.Integer(), nullable=True),
        sa.Column("total_tokens_output", sa.Integer(), nullable=True),
        sa.Column("started_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.Column("ended_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("metadata", postgresql.JSONB(), nullable=True),
        sa.CheckConstraint("status IN ('running', 'completed', 'failed')", name=op.f("ck_agent_runs_agent_run_status")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_agent_runs_tenant_id_customer_id_customers"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "session_id"],
            ["agent_sessions.tenant_id", "agent_sessions.id"],
            name=op.f("fk_agent_runs_tenant_id_session_id_agent_sessions"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_agent_runs_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_agent_runs")),
        comment="Execution trace of an agent run.",
    )
    op.create_index(
        op.f("ix_agent_runs_tenant_id_customer_id"), "agent_runs", ["tenant_id", "customer_id"], unique=False
    )
    op.create_index(op.f("ix_agent_runs_tenant_id_session_id"), "agent_runs", ["tenant_id", "session_id"], unique=False)
    op.create_index(op.f("ix_agent_runs_tenant_id_started_at"), "agent_runs", ["tenant_id", "started_at"], unique=False)
    op.create_table(
        "approvals",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("session_id", sa.UUID(), nullable=True, comment="Who asks is the session's user"),
        sa.Column("action_type", sa.Text(), nullable=False),
        sa.Column("action_description", sa.Text(), nullable=True),
        sa.Column("action_data", postgresql.JSONB(), nullable=True),
        sa.Column(
            "status",
            sa.Text(),
            server_default=sa.text("'pending'"),
            nullable=True,
            comment="Decided once; pending counts as expired from expires_at on",
        ),
        sa.Column("decided_by", sa.UUID(), nullable=True, comment="Never the person who asked"),
        sa.Column("decided_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'approved', 'rejected', 'expired')", name=op.f("ck_approvals_approval_status")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "decided_by"],
            ["users.tenant_id", "users.id"],
            name=op.f("fk_approvals_tenant_id_decided_by_users"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "session_id"],
            ["agent_sessions.tenant_id", "agent_sessions.id"],
            name=op.f("fk_approvals_tenant_id_session_id_agent_sessions"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_approvals_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_approvals")),
        comment="Human decision on an action an agent wants to take.",
    )
    op.create_index(
        "ix_approvals_pending",
        "approvals",
        ["tenant_id", "session_id"],
        unique=False,
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index(op.f("ix_approvals_tenant_id_created_at"), "approvals", ["tenant_id", "created_at"], unique=False)
    op.create_index(op.f("ix_approvals_tenant_id_decided_by"), "approvals", ["tenant_id", "decided_by"], unique=False)
    op.create_index(op.f("ix_approvals_tenant_id_session_id"), "approvals", ["tenant_id", "session_id"], unique=False)
    op.create_table(
        "entitlements",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("customer_id", sa.UUID(), nullable=True),
        sa.Column("contract_id", sa.UUID(), nullable=True, comment="A contract of the same customer"),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=True),
        sa.Column("status", sa.Text(), server_default=sa.text("'active'"), nullable=True, comment="Not a closed list"),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.CheckConstraint(
            "contract_id IS NULL OR customer_id IS NOT NULL", name=op.f("ck_entitlements_contract_has_customer")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id", "contract_id"],
            ["contracts.tenant_id", "contracts.customer_id", "contracts.id"],
            name=op.f("fk_entitlements_tenant_id_customer_id_contract_id_contracts"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_entitlements_tenant_id_customer_id_customers"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_entitlements_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_entitlements")),
        comment="Product and quantity a customer bought.",
    )
    op.create_index(
        op.f("ix_entitlements_tenant_id_contract_id"), "entitlements", ["tenant_id", "contract_id"], unique=False
    )
    op.create_index(
        op.f("ix_entitlements_tenant_id_created_at"), "entitlements", ["tenant_id", "created_at"], unique=False
    )
    op.create_index(
        op.f("ix_entitlements_tenant_id_customer_id"), "entitlements", ["tenant_id", "customer_id"], unique=False
    )
    op.create_table(
        "agent_steps",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("run_id", sa.UUID(), nullable=True),
        sa.Column("step_type", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("input", postgresql.JSONB(), nullable=True),
        sa.Column("output", postgresql.JSONB(), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=True, comment="Milliseconds"),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.CheckConstraint(
            "step_type IN ('thinking', 'tool_call', 'tool_result', 'llm_call', 'handoff')",
            name=op.f("ck_agent_steps_agent_step_type"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "run_id"],
            ["agent_runs.tenant_id", "agent_runs.id"],
            name=op.f("fk_agent_steps_tenant_id_run_id_agent_runs"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_agent_steps_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_agent_steps")),
        comment="Single action inside an agent run.",
    )
    op.create_index(
        op.f("ix_agent_steps_tenant_id_created_at"), "agent_steps", ["tenant_id", "created_at"], unique=False
    )
    op.create_index(
        op.f("ix_agent_steps_tenant_id_run_id_created_at"),
        "agent_steps",
        ["tenant_id", "run_id", "created_at"],
        unique=False,
    )
    op.apply_snapshot(revision)


def downgrade() -> None:
    op.revert_snapshot(revision)
    op.drop_table("agent_steps")
    op.drop_table("entitlements")
    op.drop_table("approvals")
    op.drop_table("agent_runs")
    op.drop_table("agent_messages")
    op.drop_table("usage_metrics")
    op.drop_table("stakeholders")
    op.drop_table("risk_signals")
    op.drop_table("renewal_pipeline")
    op.drop_table("qbrs")
    op.drop_table("health_scores")
    op.drop_table("contracts")
    op.drop_table("agent_sessions")
    op.drop_table("customers")
