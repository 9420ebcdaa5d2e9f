"""The feature store: groups, definitions, values with their validity, freshness.

New enum types: feature_data_type, feature_status, feature_value_status.
New tables: feature_definitions, feature_groups, feature_values.
New views: feature_freshness_monitor, feature_values_latest.
New functions: app.feature_column, app.feature_value_end, app.feature_value_status, app.hold_feature_history,
app.lock_feature_history, app.patients_outside, app.place_feature_value, app.reopen_feature_history,
app.resolve_features, app.restate_feature_value, bulk_insert_feature_values, calculate_feature_freshness,
cascade_status_change, create_feature_definition, get_entity_features, get_feature_values,
notify_feature_update, update_feature_freshness, update_feature_status.

Revision: 0014_features
Follows: 0013_dspy
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0014_features"
down_revision: str | None = "0013_dspy"
branch_labels: tuple[str, ...] | None = None
depends_on: tuple[str, ...] | None = None


def upgrade() -> None:
    op.create_enum("feature_data_type", ["numeric", "categorical", "boolean", "array", "json", "embedding"])
    op.create_enum("feature_status", ["draft", "active", "deprecated", "archived"])
    op.create_enum("feature_value_status", ["current", "stale", "expired", "invalid"])
    op.create_table(
        "feature_groups",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("group_id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("group_name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column(
            "entity_type",
            sa.String(length=50),
            nullable=False,
            comment="What the features are about, for example patient or hcp",
        ),
        sa.Column("owner", sa.String(length=100), nullable=True),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "entity_type = 'patient' OR lower(btrim(entity_type)) NOT IN ('patient', 'patients')",
            name=op.f("ck_feature_groups_one_spelling_of_patient"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_feature_groups_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "group_id", name=op.f("pk_feature_groups")),
        sa.UniqueConstraint("tenant_id", "group_name", name=op.f("uq_feature_groups_tenant_id_group_name")),
        comment="Named set of related features of one kind of entity.",
    )
    op.create_index(op.f("ix_feature_groups_tags"), "feature_groups", ["tags"], unique=False, postgresql_using="gin")
    op.create_index(
        op.f("ix_feature_groups_tenant_id_created_at"), "feature_groups", ["tenant_id", "created_at"], unique=False
    )
    op.create_table(
        "feature_definitions",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("feature_id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("feature_name", sa.String(length=255), nullable=False),
        sa.Column("group_id", sa.UUID(), nullable=False),
        sa.Column(
            "data_type",
            postgresql.ENUM(name="feature_data_type", create_type=False),
            nullable=False,
            comment="Type of its values; another type is another version",
        ),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("computation_logic", sa.Text(), nullable=True),
        sa.Column("source_tables", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column(
            "freshness_sla_hours",
            sa.Integer(),
            server_default=sa.text("24"),
            nullable=False,
            comment="Hours after which a value is stale; after twice as many it is expired",
        ),
        sa.Column(
            "status",
            postgresql.ENUM(name="feature_status", create_type=False),
            server_default=sa.text("'draft'"),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("freshness_sla_hours > 0", name=op.f("ck_feature_definitions_freshness_sla_positive")),
        sa.CheckConstraint("version > 0", name=op.f("ck_feature_definitions_version_positive")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "group_id"],
            ["feature_groups.tenant_id", "feature_groups.group_id"],
            name=op.f("fk_feature_definitions_tenant_id_group_id_feature_groups"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_feature_definitions_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "feature_id", name=op.f("pk_feature_definitions")),
        sa.UniqueConstraint(
            "tenant_id",
            "group_id",
            "feature_name",
            "version",
            name=op.f("uq_feature_definitions_tenant_id_group_id_feature_name_version"),
        ),
        comment="One version of a feature: its type, how it is computed, how fresh it has to be, and its status.",
    )
    op.create_index(
        op.f("ix_feature_definitions_tenant_id_created_at"),
        "feature_definitions",
        ["tenant_id", "created_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_feature_definitions_tenant_id_group_id"),
        "feature_definitions",
        ["tenant_id", "group_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_feature_definitions_tenant_id_status"), "feature_definitions", ["tenant_id", "status"], unique=False
    )
    op.create_table(
        "feature_values",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("value_id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("feature_id", sa.UUID(), nullable=False),
        sa.Column("entity_id", sa.String(length=255), nullable=False),
        sa.Column(
            "entity_type", sa.String(length=50), nullable=False, comment="patient, hcp, ...; ids may clash across types"
        ),
        sa.Column(
            "value", postgresql.JSONB(), nullable=False, comment="JSON of the feature's type; JSON null is a value"
        ),
        sa.Column(
            "computed_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When it became known: nobody saw it before",
        ),
        sa.Column(
            "valid_from",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="Since when it holds, itself included",
        ),
        sa.Column(
            "valid_until",
            postgresql.TIMESTAMP(timezone=True),
            nullable=True,
            comment="Until when it holds, itself excluded: the stated end or what superseded it, whichever comes first",
        ),
        sa.Column(
            "status",
            postgresql.ENUM(name="feature_value_status", create_type=False),
            server_default=sa.text("'current'"),
            nullable=False,
        ),
        sa.Column("source_version", sa.String(length=50), nullable=True),
        sa.Column(
            "event_timestamp",
            postgresql.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When the fact became true, by the source's clock",
        ),
        sa.Column(
            "stated_until",
            postgresql.TIMESTAMP(timezone=True),
            nullable=True,
            comment="End that the writer gave as valid_until; kept, since what supersedes a value may go away again",
        ),
        sa.Column(
            "split_assignment",
            sa.String(20),
            nullable=True,
            comment="Split of the patient; NULL for every other entity",
        ),
        sa.CheckConstraint(
            "(entity_type = 'patient') = (split_assignment IS NOT NULL)",
            name=op.f("ck_feature_values_split_of_patients"),
        ),
        sa.CheckConstraint(
            "computed_at BETWEEN '0001-01-02 00:00:00+00'::timestamptz AND '9999-12-30 00:00:00+00'::timestamptz",
            name=op.f("ck_feature_values_computed_at_readable"),
        ),
        sa.CheckConstraint(
            "entity_type = 'patient' OR lower(btrim(entity_type)) NOT IN ('patient', 'patients')",
            name=op.f("ck_feature_values_one_spelling_of_patient"),
        ),
        sa.CheckConstraint(
            "event_timestamp BETWEEN '0001-01-02 00:00:00+00'::timestamptz AND '9999-12-30 00:00:00+00'::timestamptz",
            name=op.f("ck_feature_values_event_timestamp_readable"),
        ),
        sa.CheckConstraint(
            "split_assignment IN ('train', 'validation', 'test', 'holdout', 'unassigned')",
            name=op.f("ck_feature_values_data_split_type"),
        ),
        sa.CheckConstraint(
            "stated_until BETWEEN '0001-01-02 00:00:00+00'::timestamptz AND '9999-12-30 00:00:00+00'::timestamptz",
            name=op.f("ck_feature_values_stated_until_readable"),
        ),
        sa.CheckConstraint(
            "valid_from BETWEEN '0001-01-02 00:00:00+00'::timestamptz AND '9999-12-30 00:00:00+00'::timestamptz",
            name=op.f("ck_feature_values_valid_from_readable"),
        ),
        sa.CheckConstraint(
            "valid_until BETWEEN '0001-01-02 00:00:00+00'::timestamptz AND '9999-12-30 00:00:00+00'::timestamptz",
            name=op.f("ck_feature_values_valid_until_readable"),
        ),
        sa.CheckConstraint(
            "stated_until IS NULL OR stated_until > valid_from", name=op.f("ck_feature_values_stated_until_after_from")
        ),
        sa.CheckConstraint(
            "valid_until IS NULL OR valid_until > valid_from", name=op.f("ck_feature_values_valid_until_after_from")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "entity_id", "split_assignment"],
            [
                "ml_patient_split_assignments.tenant_id",
                "ml_patient_split_assignments.patient_id",
                "ml_patient_split_assignments.assigned_split",
            ],
            name=op.f("fk_feature_values_tenant_id_entity_id_split_assignment_ml_patient_split_assignments"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "feature_id"],
            ["feature_definitions.tenant_id", "feature_definitions.feature_id"],
            name=op.f("fk_feature_values_tenant_id_feature_id_feature_definitions"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_feature_values_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "value_id", name=op.f("pk_feature_values")),
        sa.UniqueConstraint(
            "tenant_id",
            "feature_id",
            "entity_type",
            "entity_id",
            "computed_at",
            name=op.f("uq_feature_values_tenant_id_feature_id_entity_type_entity_id_computed_at"),
        ),
        comment="Value of a feature for an entity: what it was, over which time, and since when that was known.",
    )
    op.create_index(
        "ix_feature_values_history",
        "feature_values",
        ["tenant_id", "entity_type", "entity_id", "feature_id", "valid_from", "computed_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_feature_values_tenant_id_computed_at"), "feature_values", ["tenant_id", "computed_at"], unique=False
    )
    op.create_index(
        "uq_feature_values_current",
        "feature_values",
        ["tenant_id", "feature_id", "entity_type", "entity_id"],
        unique=True,
        postgresql_where=sa.text("status = 'current'"),
    )
    op.apply_snapshot(revision)


def downgrade() -> None:
    op.revert_snapshot(revision)
    op.drop_table("feature_values")
    op.drop_table("feature_definitions")
    op.drop_table("feature_groups")
    op.drop_enum("feature_value_status")
    op.drop_enum("feature_status")
    op.drop_enum("feature_data_type")
