"""Tenants, and the people who sign in to them.

New tables: tenant, users.
New functions: app.administered_tenant, app.is_owner, app.overseen_tenant, is_admin.

Revision: 0002_tenancy
Follows: 0001_core
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0002_tenancy"
down_revision: str | None = "0001_core"
branch_labels: tuple[str, ...] | None = None
depends_on: tuple[str, ...] | None = None


def upgrade() -> None:
    op.create_table(
        "tenant",
        sa.Column("id", sa.String(length=50), nullable=False, comment="What tenant_id refers to everywhere else"),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(20), server_default=sa.text("'active'"), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("status IN ('active', 'suspended', 'archived')", name=op.f("ck_tenant_tenant_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant")),
        comment="Root record of a customer organisation that owns rows everywhere else.",
    )
    op.create_table(
        "users",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column(
            "id",
            sa.UUID(),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="Equals the user_id of the scope of the signed-in person",
        ),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("full_name", sa.String(length=255), nullable=True),
        sa.Column("role", sa.String(20), server_default=sa.text("'csm'"), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "deleted_at",
            postgresql.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When the row was deleted; NULL while it lives",
        ),
        sa.CheckConstraint("role IN ('admin', 'csm', 'analyst', 'viewer')", name=op.f("ck_users_user_role")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_users_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_users")),
        sa.UniqueConstraint("tenant_id", "email", name=op.f("uq_users_tenant_id_email")),
        comment="Person who can sign in; owns customers, sessions and approvals.",
    )
    op.create_index(op.f("ix_users_tenant_id_created_at"), "users", ["tenant_id", "created_at"], unique=False)
    op.apply_snapshot(revision)


def downgrade() -> None:
    op.revert_snapshot(revision)
    op.drop_table("users")
    op.drop_table("tenant")
