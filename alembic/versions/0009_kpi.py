"""Usage, metrics, data sources, annotations, pipelines and surveys, and the figures drawn from them.

New enum types: source_type_enum.
New tables: business_metrics, data_source_tracking, data_sources, etl_pipeline_metrics, hcp_intent_surveys,
ml_annotations, user_sessions.
New views: v_active_data_sources, v_data_source_quality, v_holdout_business_metrics, v_kpi_active_users,
v_kpi_active_users_current, v_kpi_change_fail_rate, v_kpi_cross_source_match, v_kpi_data_lag,
v_kpi_intent_to_prescribe, v_kpi_label_quality, v_kpi_source_tracking_match, v_kpi_stacking_lift,
v_kpi_time_to_release, v_primary_data_sources, v_test_business_metrics, v_train_business_metrics,
v_validation_business_metrics.
New functions: app.data_quality_score, calculate_data_quality_score, update_data_source_refresh.

Revision: 0009_kpi
Follows: 0008_causal
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0009_kpi"
down_revision: str | None = "0008_causal"
branch_labels: tuple[str, ...] | None = None
depends_on: tuple[str, ...] | None = None


def upgrade() -> None:
    op.create_enum("source_type_enum", ["claims", "lab", "emr", "crm", "specialty", "registry"])
    op.create_table(
        "data_sources",
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("source_name", sa.Text(), nullable=False),
        sa.Column("source_type", postgresql.ENUM(name="source_type_enum", create_type=False), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True),
        sa.Column("coverage_percent", sa.Numeric(precision=5, scale=2), nullable=True, comment="0 to 100"),
        sa.Column("completeness_score", sa.Numeric(precision=5, scale=4), nullable=True, comment="0 to 1"),
        sa.Column("freshness_days", sa.Integer(), nullable=True, comment="Age up to which a delivery counts as fresh"),
        sa.Column("match_rate", sa.Numeric(precision=5, scale=4), nullable=True, comment="0 to 1"),
        sa.Column("patient_count", sa.Integer(), nullable=True),
        sa.Column("hcp_count", sa.Integer(), nullable=True),
        sa.Column("record_count", sa.BigInteger(), nullable=True),
        sa.Column("date_range_start", sa.Date(), nullable=True),
        sa.Column("date_range_end", sa.Date(), nullable=True),
        sa.Column("integration_method", sa.Text(), nullable=True, comment="For example api, batch, stream, manual"),
        sa.Column(
            "refresh_frequency",
            sa.Text(),
            nullable=True,
            comment="realtime, daily, weekly, biweekly, monthly or quarterly; anything else counts as weekly",
        ),
        sa.Column("last_refresh_date", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("next_scheduled_refresh", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=True),
        sa.Column(
            "is_primary",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=True,
            comment="A main source of its type; a type may have several",
        ),
        sa.Column(
            "priority",
            sa.Integer(),
            server_default=sa.text("10"),
            nullable=True,
            comment="The lowest is believed first",
        ),
        sa.Column("data_owner", sa.Text(), nullable=True),
        sa.Column("compliance_status", sa.Text(), nullable=True, comment="For example approved, pending, deprecated"),
        sa.Column(
            "phi_flag",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=True,
            comment="Holds protected health information",
        ),
        sa.Column(
            "pii_flag",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=True,
            comment="Holds personally identifiable information",
        ),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=True),
        sa.Column("updated_by", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("documentation_url", sa.Text(), nullable=True),
        sa.Column("contact_email", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "completeness_score >= 0 AND completeness_score <= 1", name=op.f("ck_data_sources_completeness_score")
        ),
        sa.CheckConstraint(
            "coverage_percent >= 0 AND coverage_percent <= 100", name=op.f("ck_data_sources_coverage_percent")
        ),
        sa.CheckConstraint("freshness_days >= 0", name=op.f("ck_data_sources_freshness_days")),
        sa.CheckConstraint("match_rate >= 0 AND match_rate <= 1", name=op.f("ck_data_sources_match_rate")),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_data_sources")),
        sa.UniqueConstraint("source_name", name=op.f("uq_data_sources_source_name")),
        comment="Catalogue of external data sources with quality figures and refresh plan, the same for every tenant.",
    )
    op.create_index(
        op.f("ix_data_sources_completeness_score"),
        "data_sources",
        ["completeness_score"],
        unique=False,
        postgresql_where=sa.text("is_active = true"),
    )
    op.create_index(
        op.f("ix_data_sources_coverage_percent"),
        "data_sources",
        ["coverage_percent"],
        unique=False,
        postgresql_where=sa.text("is_active = true"),
    )
    op.create_index(
        op.f("ix_data_sources_freshness_days"),
        "data_sources",
        ["freshness_days"],
        unique=False,
        postgresql_where=sa.text("is_active = true"),
    )
    op.create_index(op.f("ix_data_sources_is_active"), "data_sources", ["is_active"], unique=False)
    op.create_index(op.f("ix_data_sources_is_primary"), "data_sources", ["is_primary"], unique=False)
    op.create_index(op.f("ix_data_sources_priority"), "data_sources", ["priority"], unique=False)
    op.create_index(op.f("ix_data_sources_source_type"), "data_sources", ["source_type"], unique=False)
    op.create_index(op.f("ix_data_sources_vendor"), "data_sources", ["vendor"], unique=False)
    op.create_table(
        "data_source_tracking",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("tracking_id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("tracking_date", sa.Date(), nullable=False),
        sa.Column(
            "source_name",
            sa.String(length=50),
            nullable=False,
            comment="As the pipeline calls it; source_id is the catalogued source",
        ),
        sa.Column("source_type", sa.String(length=30), nullable=True, comment="For example claims, lab, emr, crm"),
        sa.Column("records_received", sa.Integer(), nullable=True),
        sa.Column("records_matched", sa.Integer(), nullable=True),
        sa.Column("records_unique", sa.Integer(), nullable=True),
        sa.Column("match_rate_vs_iqvia", sa.Numeric(precision=4, scale=3), nullable=True, comment="0 to 1"),
        sa.Column("match_rate_vs_healthverity", sa.Numeric(precision=4, scale=3), nullable=True, comment="0 to 1"),
        sa.Column("match_rate_vs_komodo", sa.Numeric(precision=4, scale=3), nullable=True, comment="0 to 1"),
        sa.Column("match_rate_vs_veeva", sa.Numeric(precision=4, scale=3), nullable=True, comment="0 to 1"),
        sa.Column(
            "stacking_eligible_records",
            sa.Integer(),
            nullable=True,
            comment="Records that several sources could enrich",
        ),
        sa.Column(
            "stacking_applied_records", sa.Integer(), nullable=True, comment="Records that several sources did enrich"
        ),
        sa.Column("stacking_lift_percentage", sa.Numeric(precision=5, scale=2), nullable=True),
        sa.Column("source_combination_flags", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=True),
        sa.Column("data_quality_score", sa.Numeric(precision=3, scale=2), nullable=True),
        sa.Column("source_id", sa.Text(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"], ["data_sources.source_id"], name=op.f("fk_data_source_tracking_source_id_data_sources")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_data_source_tracking_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "tracking_id", name=op.f("pk_data_source_tracking")),
        comment="Daily volumes, match rates and stacking figures per data source.",
    )
    op.create_index(
        op.f("ix_data_source_tracking_tenant_id_created_at"),
        "data_source_tracking",
        ["tenant_id", "created_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_data_source_tracking_tenant_id_source_id"),
        "data_source_tracking",
        ["tenant_id", "source_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_data_source_tracking_tenant_id_source_name"),
        "data_source_tracking",
        ["tenant_id", "source_name"],
        unique=False,
    )
    op.create_index(
        op.f("ix_data_source_tracking_tenant_id_tracking_date"),
        "data_source_tracking",
        ["tenant_id", "tracking_date"],
        unique=False,
    )
    op.create_table(
        "etl_pipeline_metrics",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("pipeline_run_id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("pipeline_name", sa.String(length=100), nullable=False),
        sa.Column("pipeline_version", sa.String(length=20), nullable=True),
        sa.Column("run_start", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("run_end", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("duration_seconds", sa.Integer(), nullable=True),
        sa.Column("source_data_date", sa.Date(), nullable=True),
        sa.Column("source_data_timestamp", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column(
            "time_to_release_hours",
            sa.Numeric(precision=6, scale=2),
            nullable=True,
            comment="From the source's data to its release",
        ),
        sa.Column("stage_timings", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=True),
        sa.Column("records_processed", sa.Integer(), nullable=True),
        sa.Column("records_failed", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=True, comment="For example success, partial, failed"),
        sa.Column("error_details", sa.Text(), nullable=True),
        sa.Column("quality_checks_passed", sa.Integer(), nullable=True),
        sa.Column("quality_checks_failed", sa.Integer(), nullable=True),
        sa.Column("quality_check_details", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_etl_pipeline_metrics_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "pipeline_run_id", name=op.f("pk_etl_pipeline_metrics")),
        comment="One pipeline run: timings, volumes, quality gates and release delay.",
    )
    op.create_index(
        "ix_etl_pipeline_metrics_day",
        "etl_pipeline_metrics",
        ["tenant_id", sa.literal_column("((run_start AT TIME ZONE 'UTC')::date)")],
        unique=False,
    )
    op.create_index(
        op.f("ix_etl_pipeline_metrics_tenant_id_created_at"),
        "etl_pipeline_metrics",
        ["tenant_id", "created_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_etl_pipeline_metrics_tenant_id_pipeline_name"),
        "etl_pipeline_metrics",
        ["tenant_id", "pipeline_name"],
        unique=False,
    )
    op.create_table(
        "ml_annotations",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("annotation_id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column(
            "entity_type",
            sa.String(length=30),
            nullable=False,
            comment="For example patient_journey, treatment_event, trigger",
        ),
        sa.Column("entity_id", sa.String(length=30), nullable=False),
        sa.Column("annotation_type", sa.String(length=50), nullable=False),
        sa.Column("annotator_id", sa.String(length=50), nullable=False),
        sa.Column(
            "annotator_role",
            sa.String(length=30),
            nullable=True,
            comment="For example physician, data_scientist, domain_expert",
        ),
        sa.Column("annotation_value", postgresql.JSONB(), nullable=False),
        sa.Column("annotation_confidence", sa.Numeric(precision=3, scale=2), nullable=True, comment="0 to 1"),
        sa.Column(
            "annotation_timestamp", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("annotation_duration_seconds", sa.Integer(), nullable=True),
        sa.Column("is_adjudicated", sa.Boolean(), server_default=sa.text("false"), nullable=True),
        sa.Column("adjudication_result", postgresql.JSONB(), nullable=True),
        sa.Column("adjudicated_by", sa.String(length=50), nullable=True),
        sa.Column("adjudicated_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("iaa_group_id", sa.UUID(), nullable=True, comment="Annotations of one group label the same thing"),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_ml_annotations_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "annotation_id", name=op.f("pk_ml_annotations")),
        comment="Human label on an entity, groupable for inter-annotator agreement.",
    )
    op.create_index(
        op.f("ix_ml_annotations_tenant_id_annotation_type"),
        "ml_annotations",
        ["tenant_id", "annotation_type"],
        unique=False,
    )
    op.create_index(
        op.f("ix_ml_annotations_tenant_id_created_at"), "ml_annotations", ["tenant_id", "created_at"], unique=False
    )
    op.create_index(
        op.f("ix_ml_annotations_tenant_id_entity_type_entity_id"),
        "ml_annotations",
        ["tenant_id", "entity_type", "entity_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_ml_annotations_tenant_id_iaa_group_id"),
        "ml_annotations",
        ["tenant_id", "iaa_group_id"],
        unique=False,
        postgresql_where=sa.text("iaa_group_id IS NOT NULL"),
    )
    op.create_table(
        "user_sessions",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column(
            "user_id", sa.String(length=255), nullable=False, comment="Any identifier of a person; not tied to users"
        ),
        sa.Column("session_start", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("session_end", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("session_duration_seconds", sa.Integer(), nullable=True),
        sa.Column("pages_viewed", sa.Integer(), nullable=True),
        sa.Column("actions_taken", postgresql.JSONB(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_user_sessions_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_user_sessions")),
        comment="Application session used to count daily, weekly and monthly active users.",
    )
    op.create_index(
        "ix_user_sessions_day",
        "user_sessions",
        ["tenant_id", sa.literal_column("((session_start AT TIME ZONE 'UTC')::date)")],
        unique=False,
    )
    op.create_index(
        op.f("ix_user_sessions_tenant_id_created_at"), "user_sessions", ["tenant_id", "created_at"], unique=False
    )
    op.create_index(
        op.f("ix_user_sessions_tenant_id_session_start"), "user_sessions", ["tenant_id", "session_start"], unique=False
    )
    op.create_index(op.f("ix_user_sessions_tenant_id_user_id"), "user_sessions", ["tenant_id", "user_id"], unique=False)
    op.create_table(
        "business_metrics",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("metric_id", sa.String(length=50), nullable=False),
        sa.Column("metric_date", sa.Date(), nullable=False, comment="Event time of the split window"),
        sa.Column("metric_type", sa.String(length=30), nullable=True),
        sa.Column("metric_name", sa.String(length=100), nullable=True),
        sa.Column("brand", postgresql.ENUM(name="brand_type", create_type=False), nullable=True),
        sa.Column("region", postgresql.ENUM(name="region_type", create_type=False), nullable=True),
        sa.Column("value", sa.Numeric(precision=15, scale=2), nullable=True),
        sa.Column("target", sa.Numeric(precision=15, scale=2), nullable=True),
        sa.Column("achievement_rate", sa.Numeric(precision=5, scale=3), nullable=True, comment="value / target"),
        sa.Column("year_over_year_change", sa.Numeric(precision=5, scale=3), nullable=True),
        sa.Column("month_over_month_change", sa.Numeric(precision=5, scale=3), nullable=True),
        sa.Column("roi", sa.Numeric(precision=5, scale=2), nullable=True, comment="Return on investment"),
        sa.Column("statistical_significance", sa.Numeric(precision=4, scale=3), nullable=True),
        sa.Column("confidence_interval_lower", sa.Numeric(precision=15, scale=2), nullable=True),
        sa.Column("confidence_interval_upper", sa.Numeric(precision=15, scale=2), nullable=True),
        sa.Column("sample_size", sa.Integer(), nullable=True),
        sa.Column(
            "split_assignment",
            sa.String(20),
            server_default=sa.text("'unassigned'"),
            nullable=False,
            comment="Said by the writer: a metric belongs to no patient",
        ),
        sa.Column("split_config_id", sa.UUID(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "split_assignment IN ('train', 'validation', 'test', 'holdout', 'unassigned')",
            name=op.f("ck_business_metrics_data_split_type"),
        ),
        sa.CheckConstraint("coalesce(isfinite(metric_date), false)", name=op.f("ck_business_metrics_dated")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "split_config_id"],
            ["ml_split_registry.tenant_id", "ml_split_registry.split_config_id"],
            name=op.f("fk_business_metrics_tenant_id_split_config_id_ml_split_registry"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_business_metrics_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "metric_id", name=op.f("pk_business_metrics")),
        comment="Periodic KPI value with target, change and confidence bounds.",
    )
    op.create_index(
        op.f("ix_business_metrics_tenant_id_brand_region"),
        "business_metrics",
        ["tenant_id", "brand", "region"],
        unique=False,
    )
    op.create_index(
        op.f("ix_business_metrics_tenant_id_created_at"), "business_metrics", ["tenant_id", "created_at"], unique=False
    )
    op.create_index(
        op.f("ix_business_metrics_tenant_id_metric_date"),
        "business_metrics",
        ["tenant_id", "metric_date"],
        unique=False,
    )
    op.create_index(
        op.f("ix_business_metrics_tenant_id_split_assignment_split_config_id"),
        "business_metrics",
        ["tenant_id", "split_assignment", "split_config_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_business_metrics_tenant_id_split_config_id"),
        "business_metrics",
        ["tenant_id", "split_config_id"],
        unique=False,
    )
    op.create_table(
        "hcp_intent_surveys",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("survey_id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("hcp_id", sa.String(length=20), nullable=True),
        sa.Column("survey_date", sa.Date(), nullable=False),
        sa.Column(
            "survey_type",
            sa.String(length=50),
            nullable=True,
            comment="For example market_research, detail_followup, conference",
        ),
        sa.Column("brand", postgresql.ENUM(name="brand_type", create_type=False), nullable=False),
        sa.Column("intent_to_prescribe_score", sa.Integer(), nullable=True, comment="1 to 7"),
        sa.Column("intent_to_prescribe_change", sa.Integer(), nullable=True, comment="Against the previous survey"),
        sa.Column("awareness_score", sa.Integer(), nullable=True, comment="1 to 7"),
        sa.Column("favorability_score", sa.Integer(), nullable=True, comment="1 to 7"),
        sa.Column("previous_survey_id", sa.UUID(), nullable=True),
        sa.Column("days_since_last_survey", sa.Integer(), nullable=True),
        sa.Column("interventions_since_last", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=True),
        sa.Column("survey_source", sa.String(length=50), nullable=True),
        sa.Column(
            "response_quality_flag",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=True,
            comment="Answers of good quality; others count in no figure",
        ),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "awareness_score >= 1 AND awareness_score <= 7", name=op.f("ck_hcp_intent_surveys_awareness_score")
        ),
        sa.CheckConstraint(
            "favorability_score >= 1 AND favorability_score <= 7", name=op.f("ck_hcp_intent_surveys_favorability_score")
        ),
        sa.CheckConstraint(
            "intent_to_prescribe_score >= 1 AND intent_to_prescribe_score <= 7",
            name=op.f("ck_hcp_intent_surveys_intent_to_prescribe_score"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "hcp_id"],
            ["hcp_profiles.tenant_id", "hcp_profiles.hcp_id"],
            name=op.f("fk_hcp_intent_surveys_tenant_id_hcp_id_hcp_profiles"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "previous_survey_id"],
            ["hcp_intent_surveys.tenant_id", "hcp_intent_surveys.survey_id"],
            name=op.f("fk_hcp_intent_surveys_tenant_id_previous_survey_id_hcp_intent_surveys"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_hcp_intent_surveys_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "survey_id", name=op.f("pk_hcp_intent_surveys")),
        comment="Survey of a prescriber: intent, awareness and favourability on a 1-7 scale.",
    )
    op.create_index(
        op.f("ix_hcp_intent_surveys_tenant_id_brand"), "hcp_intent_surveys", ["tenant_id", "brand"], unique=False
    )
    op.create_index(
        op.f("ix_hcp_intent_surveys_tenant_id_created_at"),
        "hcp_intent_surveys",
        ["tenant_id", "created_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_hcp_intent_surveys_tenant_id_hcp_id"), "hcp_intent_surveys", ["tenant_id", "hcp_id"], unique=False
    )
    op.create_index(
        op.f("ix_hcp_intent_surveys_tenant_id_previous_survey_id"),
        "hcp_intent_surveys",
        ["tenant_id", "previous_survey_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_hcp_intent_surveys_tenant_id_survey_date"),
        "hcp_intent_surveys",
        ["tenant_id", "survey_date"],
        unique=False,
    )
    op.apply_snapshot(revision)
    op.insert_rows(revision, "data_sources")


def downgrade() -> None:
    op.revert_snapshot(revision)
    op.drop_table("hcp_intent_surveys")
    op.drop_table("business_metrics")
    op.drop_table("user_sessions")
    op.drop_table("ml_annotations")
    op.drop_table("etl_pipeline_metrics")
    op.drop_table("data_source_tracking")
    op.delete_rows(revision, "data_sources")
    op.drop_table("data_sources")
    op.drop_enum("source_type_enum")
