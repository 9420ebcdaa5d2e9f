"""The audit chain: entries that name their predecessor by hash, and verifications.

New tables: audit_chain_entries, audit_chain_verification_log.
New views: v_audit_chain_daily_stats, v_audit_chain_integrity, v_audit_chain_summary.
New functions: app.audit_chain_anchors, app.audit_envelope, app.audit_payload_hash, app.export_audit_chain,
app.inspect_audit_chain, append_audit_entries, append_audit_entry, calculate_chain_hash,
get_audit_chain_for_entity, validate_audit_entry, verify_all_chains, verify_audit_chain.

Revision: 0015_audit
Follows: 0014_features
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0015_audit"
down_revision: str | None = "0014_features"
branch_labels: tuple[str, ...] | None = None
depends_on: tuple[str, ...] | None = None


def upgrade() -> None:
    op.create_table(
        "audit_chain_entries",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("entry_id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column(
            "chain_id",
            sa.UUID(),
            nullable=False,
            comment="Chosen by the writer; another tenant's chain of that id is another",
        ),
        sa.Column(
            "sequence_number",
            sa.BigInteger(),
            nullable=False,
            comment="1 for the first entry of a chain, then without gaps",
        ),
        sa.Column(
            "entity_type",
            sa.String(length=100),
            nullable=False,
            comment="Kind of thing that was acted on, for example patient",
        ),
        sa.Column("entity_id", sa.String(length=255), nullable=False),
        sa.Column("action", sa.String(length=100), nullable=False, comment="What was done, for example updated"),
        sa.Column("actor_id", sa.String(length=255), nullable=True),
        sa.Column(
            "actor_type",
            sa.String(length=50),
            nullable=True,
            comment="Usually agent, user or system; free, since a word must not cost an entry",
        ),
        sa.Column(
            "payload_hash",
            sa.CHAR(length=64),
            nullable=False,
            comment="SHA-256 of payload::text, lower-case hexadecimal",
        ),
        sa.Column(
            "previous_hash",
            sa.CHAR(length=64),
            nullable=True,
            comment="entry_hash of the entry before, NULL for the first one",
        ),
        sa.Column(
            "entry_hash",
            sa.CHAR(length=64),
            nullable=False,
            comment="calculate_chain_hash of all other fields and previous_hash",
        ),
        sa.Column(
            "payload",
            postgresql.JSONB(),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="Details; any JSON value",
        ),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When it was sealed; never earlier than the entry before",
        ),
        sa.CheckConstraint("entry_hash ~ '^[0-9a-f]{64}$'", name=op.f("ck_audit_chain_entries_entry_hash")),
        sa.CheckConstraint("payload_hash ~ '^[0-9a-f]{64}$'", name=op.f("ck_audit_chain_entries_payload_hash")),
        sa.CheckConstraint(
            "(sequence_number = 1) = (previous_hash IS NULL)", name=op.f("ck_audit_chain_entries_previous_hash")
        ),
        sa.CheckConstraint("isfinite(created_at)", name=op.f("ck_audit_chain_entries_created_at")),
        sa.CheckConstraint("sequence_number >= 1", name=op.f("ck_audit_chain_entries_sequence_number")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_audit_chain_entries_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "entry_id", name=op.f("pk_audit_chain_entries")),
        sa.UniqueConstraint(
            "tenant_id",
            "chain_id",
            "previous_hash",
            name=op.f("uq_audit_chain_entries_tenant_id_chain_id_previous_hash"),
            postgresql_nulls_not_distinct=True,
        ),
        sa.UniqueConstraint(
            "tenant_id",
            "chain_id",
            "sequence_number",
            name=op.f("uq_audit_chain_entries_tenant_id_chain_id_sequence_number"),
        ),
        comment="What was done to something, by whom, sealed by a hash over all fields and over the entry before.",
    )
    op.create_index(
        op.f("ix_audit_chain_entries_tenant_id_created_at"),
        "audit_chain_entries",
        ["tenant_id", "created_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_audit_chain_entries_tenant_id_entity_type_entity_id_created_at"),
        "audit_chain_entries",
        ["tenant_id", "entity_type", "entity_id", "created_at"],
        unique=False,
    )
    op.create_table(
        "audit_chain_verification_log",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("verification_id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("chain_id", sa.UUID(), nullable=True),
        sa.Column("verified_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "verified_by",
            sa.String(length=255),
            nullable=True,
            comment="User of the scope, else the role that was logged in",
        ),
        sa.Column("is_valid", sa.Boolean(), nullable=False),
        sa.Column(
            "entries_checked",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Entries that the chain had",
        ),
        sa.Column(
            "first_invalid_entry",
            sa.UUID(),
            nullable=True,
            comment="First entry that is not proven, or the one behind a gap; NULL where entries are missing at the end",
        ),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column(
            "head_hash",
            sa.CHAR(length=64),
            nullable=True,
            comment="entry_hash of the last entry of a valid chain; what was hashed anew later differs from it",
        ),
        sa.CheckConstraint("head_hash ~ '^[0-9a-f]{64}$'", name=op.f("ck_audit_chain_verification_log_head_hash")),
        sa.CheckConstraint("entries_checked >= 0", name=op.f("ck_audit_chain_verification_log_entries_checked")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "first_invalid_entry"],
            ["audit_chain_entries.tenant_id", "audit_chain_entries.entry_id"],
            name=op.f("fk_audit_chain_verification_log_tenant_id_first_invalid_entry_audit_chain_entries"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenant.id"],
            name=op.f("fk_audit_chain_verification_log_tenant_id_tenant"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "verification_id", name=op.f("pk_audit_chain_verification_log")),
        comment="What a verification of a chain found, and the head that it saw: later ones are measured against it.",
    )
    op.create_index(
        "ix_audit_chain_verification_log_chain",
        "audit_chain_verification_log",
        ["tenant_id", "chain_id", sa.literal_column("verified_at DESC")],
        unique=False,
    )
    op.create_index(
        op.f("ix_audit_chain_verification_log_tenant_id_first_invalid_entry"),
        "audit_chain_verification_log",
        ["tenant_id", "first_invalid_entry"],
        unique=False,
    )
    op.apply_snapshot(revision)


def downgrade() -> None:
    op.revert_snapshot(revision)
    op.drop_table("audit_chain_verification_log")
    op.drop_table("audit_chain_entries")
