"""Patient journeys, clinical events, prescribers and population totals.

New enum types: brand_type, event_type, journey_status_type, region_type.
New tables: hcp_profiles, patient_journeys, reference_universe, treatment_events.
New views: v_holdout_patient_journeys, v_holdout_treatment_events, v_test_patient_journeys,
v_test_treatment_events, v_train_patient_journeys, v_train_treatment_events, v_validation_patient_journeys,
v_validation_treatment_events.

Revision: 0004_patients
Follows: 0003_splits
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0004_patients"
down_revision: str | None = "0003_splits"
branch_labels: tuple[str, ...] | None = None
depends_on: tuple[str, ...] | None = None


def upgrade() -> None:
    op.create_enum("brand_type", ["Remibrutinib", "Fabhalta", "Kisqali", "competitor", "other"])
    op.create_enum(
        "event_type", ["diagnosis", "prescription", "lab_test", "procedure", "consultation", "hospitalization"]
    )
    op.create_enum("journey_status_type", ["active", "stable", "transitioning", "completed"])
    op.create_enum("region_type", ["northeast", "south", "midwest", "west"])
    op.create_table(
        "hcp_profiles",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("hcp_id", sa.String(length=20), nullable=False),
        sa.Column("npi", sa.String(length=20), nullable=True),
        sa.Column("first_name", sa.String(length=50), nullable=True),
        sa.Column("last_name", sa.String(length=50), nullable=True),
        sa.Column("specialty", sa.String(length=100), nullable=True),
        sa.Column("sub_specialty", sa.String(length=100), nullable=True),
        sa.Column("practice_type", sa.String(length=50), nullable=True),
        sa.Column("practice_size", sa.String(length=20), nullable=True),
        sa.Column("geographic_region", postgresql.ENUM(name="region_type", create_type=False), nullable=True),
        sa.Column("state", sa.String(length=2), nullable=True),
        sa.Column("city", sa.String(length=100), nullable=True),
        sa.Column("zip_code", sa.String(length=10), nullable=True),
        sa.Column("priority_tier", sa.Integer(), nullable=True),
        sa.Column("decile", sa.Integer(), nullable=True),
        sa.Column("total_patient_volume", sa.Integer(), nullable=True),
        sa.Column("target_patient_volume", sa.Integer(), nullable=True),
        sa.Column("prescribing_volume", sa.Integer(), nullable=True),
        sa.Column("years_experience", sa.Integer(), nullable=True),
        sa.Column("affiliation_primary", sa.String(length=200), nullable=True),
        sa.Column("affiliation_secondary", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("digital_engagement_score", sa.Numeric(precision=3, scale=2), nullable=True),
        sa.Column("preferred_channel", sa.String(length=20), nullable=True),
        sa.Column("last_interaction_date", sa.Date(), nullable=True),
        sa.Column("interaction_frequency", sa.Numeric(precision=3, scale=1), nullable=True),
        sa.Column("influence_network_size", sa.Integer(), nullable=True),
        sa.Column("peer_influence_score", sa.Numeric(precision=3, scale=2), nullable=True),
        sa.Column("adoption_category", sa.String(length=20), nullable=True),
        sa.Column("coverage_status", sa.Boolean(), server_default=sa.text("true"), nullable=True),
        sa.Column("territory_id", sa.String(length=20), nullable=True),
        sa.Column("sales_rep_id", sa.String(length=20), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("decile BETWEEN 1 AND 10", name=op.f("ck_hcp_profiles_decile")),
        sa.CheckConstraint("priority_tier BETWEEN 1 AND 5", name=op.f("ck_hcp_profiles_priority_tier")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_hcp_profiles_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "hcp_id", name=op.f("pk_hcp_profiles")),
        sa.UniqueConstraint("tenant_id", "npi", name=op.f("uq_hcp_profiles_tenant_id_npi")),
        comment="Prescriber master record.",
    )
    op.create_index(
        op.f("ix_hcp_profiles_tenant_id_created_at"), "hcp_profiles", ["tenant_id", "created_at"], unique=False
    )
    op.create_table(
        "reference_universe",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("universe_id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("universe_type", sa.String(length=50), nullable=False, comment="For example patient, hcp, territory"),
        sa.Column("brand", postgresql.ENUM(name="brand_type", create_type=False), nullable=True),
        sa.Column("region", postgresql.ENUM(name="region_type", create_type=False), nullable=True),
        sa.Column("specialty", sa.String(length=100), nullable=True),
        sa.Column("total_count", sa.Integer(), nullable=False),
        sa.Column("target_count", sa.Integer(), nullable=True),
        sa.Column("effective_date", sa.Date(), nullable=False),
        sa.Column("expiration_date", sa.Date(), nullable=True),
        sa.Column("data_source", sa.String(length=50), nullable=True),
        sa.Column("methodology_notes", sa.Text(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_reference_universe_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "universe_id", name=op.f("pk_reference_universe")),
        comment="Population totals and targets used as denominators of coverage KPIs.",
    )
    op.create_index(
        op.f("ix_reference_universe_tenant_id_created_at"),
        "reference_universe",
        ["tenant_id", "created_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_reference_universe_tenant_id_universe_type_brand_region_specialty_effective_date"),
        "reference_universe",
        ["tenant_id", "universe_type", "brand", "region", "specialty", "effective_date"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "patient_journeys",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("patient_id", sa.String(length=255), nullable=False),
        sa.Column("brand", sa.String(length=100), nullable=False),
        sa.Column("journey_stage", sa.String(length=50), nullable=True),
        sa.Column("data_source", sa.String(length=100), nullable=True, comment="Primary source system"),
        sa.Column(
            "data_sources_matched",
            postgresql.ARRAY(sa.Text()),
            nullable=True,
            comment="Every source that matched the patient",
        ),
        sa.Column("source_stacking_flag", sa.Boolean(), nullable=True, comment="Several sources combined"),
        sa.Column(
            "source_timestamp",
            postgresql.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When the source produced it",
        ),
        sa.Column("ingestion_timestamp", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("data_lag_hours", sa.Integer(), nullable=True),
        sa.Column("split_assignment", sa.String(20), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.Column(
            "journey_start_date",
            sa.Date(),
            nullable=True,
            comment="Event time of the split window; source_timestamp, then created_at where it is NULL",
        ),
        sa.Column("split_config_id", sa.UUID(), nullable=True),
        sa.Column("primary_diagnosis_desc", sa.Text(), nullable=True),
        sa.Column("geographic_region", postgresql.ENUM(name="region_type", create_type=False), nullable=True),
        sa.Column("risk_score", sa.Numeric(precision=3, scale=2), nullable=True),
        sa.CheckConstraint(
            "split_assignment IN ('train', 'validation', 'test', 'holdout', 'unassigned')",
            name=op.f("ck_patient_journeys_data_split_type"),
        ),
        sa.CheckConstraint(
            "coalesce(isfinite(journey_start_date), isfinite(source_timestamp), isfinite(created_at), false)",
            name=op.f("ck_patient_journeys_dated"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "patient_id", "split_assignment"],
            [
                "ml_patient_split_assignments.tenant_id",
                "ml_patient_split_assignments.patient_id",
                "ml_patient_split_assignments.assigned_split",
            ],
            name=op.f("fk_patient_journeys_tenant_id_patient_id_split_assignment_ml_patient_split_assignments"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "split_config_id"],
            ["ml_split_registry.tenant_id", "ml_split_registry.split_config_id"],
            name=op.f("fk_patient_journeys_tenant_id_split_config_id_ml_split_registry"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_patient_journeys_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_patient_journeys")),
        sa.UniqueConstraint("tenant_id", "patient_id", "id", name=op.f("uq_patient_journeys_tenant_id_patient_id_id")),
        comment="Journey of one patient for one brand, with source tracking and split.",
    )
    op.create_index(
        op.f("ix_patient_journeys_tenant_id_brand"), "patient_journeys", ["tenant_id", "brand"], unique=False
    )
    op.create_index(
        op.f("ix_patient_journeys_tenant_id_created_at"), "patient_journeys", ["tenant_id", "created_at"], unique=False
    )
    op.create_index(
        op.f("ix_patient_journeys_tenant_id_data_source"),
        "patient_journeys",
        ["tenant_id", "data_source"],
        unique=False,
    )
    op.create_index(
        op.f("ix_patient_journeys_tenant_id_split_assignment"),
        "patient_journeys",
        ["tenant_id", "split_assignment"],
        unique=False,
    )
    op.create_index(
        op.f("ix_patient_journeys_tenant_id_split_config_id"),
        "patient_journeys",
        ["tenant_id", "split_config_id"],
        unique=False,
    )
    op.create_table(
        "treatment_events",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("treatment_event_id", sa.String(length=30), nullable=False),
        sa.Column("patient_journey_id", sa.UUID(), nullable=True),
        sa.Column("patient_id", sa.String(length=255), nullable=False),
        sa.Column("hcp_id", sa.String(length=20), nullable=True),
        sa.Column("event_date", sa.Date(), nullable=False),
        sa.Column("event_type", postgresql.ENUM(name="event_type", create_type=False), nullable=True),
        sa.Column("event_subtype", sa.String(length=50), nullable=True),
        sa.Column("brand", postgresql.ENUM(name="brand_type", create_type=False), nullable=True),
        sa.Column("drug_ndc", sa.String(length=20), nullable=True),
        sa.Column("drug_name", sa.String(length=100), nullable=True),
        sa.Column("drug_class", sa.String(length=50), nullable=True),
        sa.Column("dosage", sa.String(length=50), nullable=True),
        sa.Column("duration_days", sa.Integer(), nullable=True),
        sa.Column("icd_codes", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("cpt_codes", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("loinc_codes", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("lab_values", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=True),
        sa.Column("location_type", sa.String(length=50), nullable=True),
        sa.Column("facility_id", sa.String(length=20), nullable=True),
        sa.Column("cost", sa.Numeric(precision=10, scale=2), nullable=True),
        sa.Column("outcome_indicator", sa.String(length=20), nullable=True),
        sa.Column("adverse_event_flag", sa.Boolean(), server_default=sa.text("false"), nullable=True),
        sa.Column("discontinuation_flag", sa.Boolean(), server_default=sa.text("false"), nullable=True),
        sa.Column("discontinuation_reason", sa.String(length=100), nullable=True),
        sa.Column("sequence_number", sa.Integer(), nullable=True),
        sa.Column("days_from_diagnosis", sa.Integer(), nullable=True),
        sa.Column("previous_treatment", sa.String(length=100), nullable=True),
        sa.Column("next_treatment", sa.String(length=100), nullable=True),
        sa.Column("data_source", sa.String(length=50), nullable=True),
        sa.Column("source_timestamp", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("split_assignment", sa.String(20), server_default=sa.text("'unassigned'"), nullable=False),
        sa.Column("split_config_id", sa.UUID(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "split_assignment IN ('train', 'validation', 'test', 'holdout', 'unassigned')",
            name=op.f("ck_treatment_events_data_split_type"),
        ),
        sa.CheckConstraint("coalesce(isfinite(event_date), false)", name=op.f("ck_treatment_events_dated")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "hcp_id"],
            ["hcp_profiles.tenant_id", "hcp_profiles.hcp_id"],
            name=op.f("fk_treatment_events_tenant_id_hcp_id_hcp_profiles"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "patient_id", "patient_journey_id"],
            ["patient_journeys.tenant_id", "patient_journeys.patient_id", "patient_journeys.id"],
            name=op.f("fk_treatment_events_tenant_id_patient_id_patient_journey_id_patient_journeys"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "patient_id", "split_assignment"],
            [
                "ml_patient_split_assignments.tenant_id",
                "ml_patient_split_assignments.patient_id",
                "ml_patient_split_assignments.assigned_split",
            ],
            name=op.f("fk_treatment_events_tenant_id_patient_id_split_assignment_ml_patient_split_assignments"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "split_config_id"],
            ["ml_split_registry.tenant_id", "ml_split_registry.split_config_id"],
            name=op.f("fk_treatment_events_tenant_id_split_config_id_ml_split_registry"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_treatment_events_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "treatment_event_id", name=op.f("pk_treatment_events")),
        comment="Dated clinical event inside a patient journey.",
    )
    op.create_index(
        op.f("ix_treatment_events_tenant_id_created_at"), "treatment_events", ["tenant_id", "created_at"], unique=False
    )
    op.create_index(
        op.f("ix_treatment_events_tenant_id_event_date"), "treatment_events", ["tenant_id", "event_date"], unique=False
    )
    op.create_index(
        op.f("ix_treatment_events_tenant_id_event_type"), "treatment_events", ["tenant_id", "event_type"], unique=False
    )
    op.create_index(
        op.f("ix_treatment_events_tenant_id_hcp_id"), "treatment_events", ["tenant_id", "hcp_id"], unique=False
    )
    op.create_index(
        op.f("ix_treatment_events_tenant_id_patient_id"), "treatment_events", ["tenant_id", "patient_id"], unique=False
    )
    op.create_index(
        op.f("ix_treatment_events_tenant_id_patient_journey_id"),
        "treatment_events",
        ["tenant_id", "patient_journey_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_treatment_events_tenant_id_split_assignment_split_config_id"),
        "treatment_events",
        ["tenant_id", "split_assignment", "split_config_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_treatment_events_tenant_id_split_config_id"),
        "treatment_events",
        ["tenant_id", "split_config_id"],
        unique=False,
    )
    op.apply_snapshot(revision)


def downgrade() -> None:
    op.revert_snapshot(revision)
    op.drop_table("treatment_events")
    op.drop_table("patient_journeys")
    op.drop_table("reference_universe")
    op.drop_table("hcp_profiles")
    op.drop_enum("region_type")
    op.drop_enum("journey_status_type")
    op.drop_enum("event_type")
    op.drop_enum("brand_type")
