"""Exceptions of business processes: packs, playbooks, tools, and the event log.

New tables: domain_pack_version, exception, exception_event, playbook, playbook_step,
tenant_policy_pack_version, tool_definition, tool_execution.
New views: v_exception_status.
New functions: app.exception_event_status, app.forbid_exception_status, app.forbid_tool_owner,
app.keep_exception_status, app.require_own_tool.

Revision: 0018_exceptions
Follows: 0017_customers
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0018_exceptions"
down_revision: str | None = "0017_customers"
branch_labels: tuple[str, ...] | None = None
depends_on: tuple[str, ...] | None = None


def upgrade() -> None:
    op.create_table(
        "domain_pack_version",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("domain", sa.String(length=100), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("pack_json", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_domain_pack_version")),
        sa.UniqueConstraint("domain", "version", name=op.f("uq_domain_pack_version_domain_version")),
        comment="Versioned domain configuration shared by all tenants.",
    )
    op.create_table(
        "playbook",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("playbook_id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("conditions", postgresql.JSONB(), nullable=False, comment="When the recipe applies"),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_playbook_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "playbook_id", name=op.f("pk_playbook")),
        comment="Resolution recipe of a tenant.",
    )
    op.create_index(op.f("ix_playbook_tenant_id_created_at"), "playbook", ["tenant_id", "created_at"], unique=False)
    op.create_table(
        "tenant_policy_pack_version",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("pack_json", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenant.id"],
            name=op.f("fk_tenant_policy_pack_version_tenant_id_tenant"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_tenant_policy_pack_version")),
        sa.UniqueConstraint("tenant_id", "version", name=op.f("uq_tenant_policy_pack_version_tenant_id_version")),
        comment="Versioned policy overlay of one tenant. A version does not change: a change is another version.",
    )
    op.create_index(
        op.f("ix_tenant_policy_pack_version_tenant_id_created_at"),
        "tenant_policy_pack_version",
        ["tenant_id", "created_at"],
        unique=False,
    )
    op.create_table(
        "tool_definition",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            nullable=True,
            comment="Tenant that owns the row; NULL for a row of all tenants",
        ),
        sa.Column("tool_id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=50), nullable=False, comment="For example webhook, rest, email, workflow"),
        sa.Column("config", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_tool_definition_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tool_id", name=op.f("pk_tool_definition")),
        comment="Tool that playbooks can call, of one tenant or of all.",
    )
    op.create_index(
        op.f("ix_tool_definition_tenant_id_created_at"), "tool_definition", ["tenant_id", "created_at"], unique=False
    )
    op.create_table(
        "exception",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("exception_id", sa.String(length=255), nullable=False, comment="Chosen by the tenant"),
        sa.Column("domain", sa.String(length=100), nullable=False),
        sa.Column("type", sa.String(length=100), nullable=False),
        sa.Column("severity", sa.String(20), nullable=False),
        sa.Column(
            "status",
            sa.String(20),
            server_default=sa.text("'open'"),
            nullable=False,
            comment="Kept by the database from exception_event; nobody else sets it",
        ),
        sa.Column("source_system", sa.String(length=100), nullable=False),
        sa.Column("entity", sa.String(length=255), nullable=True),
        sa.Column("amount", sa.Numeric(precision=18, scale=2), nullable=True),
        sa.Column("sla_deadline", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("owner", sa.String(length=255), nullable=True),
        sa.Column("current_playbook_id", sa.Integer(), nullable=True),
        sa.Column("current_step", sa.Integer(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "updated_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="Last change of the row, or time of a later event",
        ),
        sa.CheckConstraint(
            "severity IN ('low', 'medium', 'high', 'critical')", name=op.f("ck_exception_exception_severity")
        ),
        sa.CheckConstraint(
            "status IN ('open', 'analyzing', 'resolved', 'escalated')", name=op.f("ck_exception_exception_status")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "current_playbook_id"],
            ["playbook.tenant_id", "playbook.playbook_id"],
            name=op.f("fk_exception_tenant_id_current_playbook_id_playbook"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_exception_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "exception_id", name=op.f("pk_exception")),
        comment="Current state of a business exception; its status follows from its events.",
    )
    op.create_index(op.f("ix_exception_tenant_id_created_at"), "exception", ["tenant_id", "created_at"], unique=False)
    op.create_index(
        op.f("ix_exception_tenant_id_current_playbook_id"),
        "exception",
        ["tenant_id", "current_playbook_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_exception_tenant_id_domain_created_at"),
        "exception",
        ["tenant_id", "domain", "created_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_exception_tenant_id_status_severity"), "exception", ["tenant_id", "status", "severity"], unique=False
    )
    op.create_table(
        "playbook_step",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("step_id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("playbook_id", sa.Integer(), nullable=False),
        sa.Column("step_order", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column(
            "action_type",
            sa.String(length=100),
            nullable=False,
            comment="For example notify, force_settle, call_tool, escalate",
        ),
        sa.Column("params", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "playbook_id"],
            ["playbook.tenant_id", "playbook.playbook_id"],
            name=op.f("fk_playbook_step_tenant_id_playbook_id_playbook"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_playbook_step_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "step_id", name=op.f("pk_playbook_step")),
        comment="Ordered step of a playbook; goes away with it.",
    )
    op.create_index(
        op.f("ix_playbook_step_tenant_id_created_at"), "playbook_step", ["tenant_id", "created_at"], unique=False
    )
    op.create_index(
        op.f("ix_playbook_step_tenant_id_playbook_id"), "playbook_step", ["tenant_id", "playbook_id"], unique=False
    )
    op.create_index(
        op.f("ix_playbook_step_tenant_id_step_order"), "playbook_step", ["tenant_id", "step_order"], unique=False
    )
    op.create_table(
        "exception_event",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column(
            "event_id",
            sa.UUID(),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="Given by the writer, it makes a replay harmless",
        ),
        sa.Column("exception_id", sa.String(length=255), nullable=False),
        sa.Column(
            "event_type",
            sa.String(length=100),
            nullable=False,
            comment="For example TriageCompleted; decides the status",
        ),
        sa.Column("actor_type", sa.String(20), nullable=False),
        sa.Column("actor_id", sa.String(length=255), nullable=True),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("actor_type IN ('agent', 'user', 'system')", name=op.f("ck_exception_event_actor_type")),
        sa.CheckConstraint("isfinite(created_at)", name=op.f("ck_exception_event_created_at")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "exception_id"],
            ["exception.tenant_id", "exception.exception_id"],
            name=op.f("fk_exception_event_tenant_id_exception_id_exception"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_exception_event_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "event_id", name=op.f("pk_exception_event")),
        comment="Append-only history of everything that happened to an exception.",
    )
    op.create_index(
        op.f("ix_exception_event_tenant_id_created_at"), "exception_event", ["tenant_id", "created_at"], unique=False
    )
    op.create_index(
        op.f("ix_exception_event_tenant_id_event_type"), "exception_event", ["tenant_id", "event_type"], unique=False
    )
    op.create_index(
        op.f("ix_exception_event_tenant_id_exception_id_created_at"),
        "exception_event",
        ["tenant_id", "exception_id", "created_at"],
        unique=False,
    )
    op.create_table(
        "tool_execution",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("tool_id", sa.Integer(), nullable=False, comment="A tool of the tenant or of all tenants"),
        sa.Column("exception_id", sa.String(length=255), nullable=True),
        sa.Column("status", sa.String(20), server_default=sa.text("'requested'"), nullable=False),
        sa.Column("requested_by_actor_type", sa.String(20), nullable=False),
        sa.Column("requested_by_actor_id", sa.String(length=255), nullable=False),
        sa.Column("input_payload", postgresql.JSONB(), nullable=False),
        sa.Column("output_payload", postgresql.JSONB(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "requested_by_actor_type IN ('agent', 'user', 'system')", name=op.f("ck_tool_execution_actor_type")
        ),
        sa.CheckConstraint(
            "status IN ('requested', 'running', 'succeeded', 'failed')",
            name=op.f("ck_tool_execution_tool_execution_status"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "exception_id"],
            ["exception.tenant_id", "exception.exception_id"],
            name=op.f("fk_tool_execution_tenant_id_exception_id_exception"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_tool_execution_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["tool_id"],
            ["tool_definition.tool_id"],
            name=op.f("fk_tool_execution_tool_id_tool_definition"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_tool_execution")),
        comment="Execution of a tool, optionally for an exception.",
    )
    op.create_index(
        op.f("ix_tool_execution_tenant_id_created_at"), "tool_execution", ["tenant_id", "created_at"], unique=False
    )
    op.create_index(
        op.f("ix_tool_execution_tenant_id_exception_id"), "tool_execution", ["tenant_id", "exception_id"], unique=False
    )
    op.create_index(op.f("ix_tool_execution_tenant_id_status"), "tool_execution", ["tenant_id", "status"], unique=False)
    op.create_index(
        op.f("ix_tool_execution_tenant_id_tool_id"), "tool_execution", ["tenant_id", "tool_id"], unique=False
    )
    op.apply_snapshot(revision)


def downgrade() -> None:
    op.revert_snapshot(revision)
    op.drop_table("tool_execution")
    op.drop_table("exception_event")
    op.drop_table("playbook_step")
    op.drop_table("exception")
    op.drop_table("tool_definition")
    op.drop_table("tenant_policy_pack_version")
    op.drop_table("playbook")
    op.drop_table("domain_pack_version")
