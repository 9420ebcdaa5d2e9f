"""Causal paths, the refutation tests that they went through, expert reviews, and the gate.

New enum types: expert_review_type, gate_decision, refutation_test_type, validation_status.
New tables: causal_paths, causal_validations, expert_reviews.
New views: v_active_expert_approvals, v_blocked_estimates, v_causal_validation_chain, v_holdout_causal_paths,
v_pending_expert_reviews, v_test_causal_paths, v_train_causal_paths, v_validation_causal_paths,
v_validation_summary.
New functions: can_use_estimate, get_validation_confidence, get_validation_gate, hybrid_fulltext_search,
is_dag_approved.

Revision: 0008_causal
Follows: 0007_agents
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0008_causal"
down_revision: str | None = "0007_agents"
branch_labels: tuple[str, ...] | None = None
depends_on: tuple[str, ...] | None = None


def upgrade() -> None:
    op.create_enum("expert_review_type", ["dag_approval", "methodology_review", "quarterly_audit", "ad_hoc_validation"])
    op.create_enum("gate_decision", ["proceed", "review", "block"])
    op.create_enum(
        "refutation_test_type",
        ["placebo_treatment", "random_common_cause", "data_subset", "bootstrap", "sensitivity_e_value"],
    )
    op.create_enum("validation_status", ["passed", "failed", "warning", "skipped"])
    op.create_table(
        "expert_reviews",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("review_id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("review_type", postgresql.ENUM(name="expert_review_type", create_type=False), nullable=False),
        sa.Column(
            "dag_version_hash",
            sa.String(length=64),
            nullable=True,
            comment="Which version of which causal graph is reviewed",
        ),
        sa.Column("reviewer_id", sa.String(length=100), nullable=False),
        sa.Column("reviewer_name", sa.String(length=200), nullable=True),
        sa.Column("reviewer_role", sa.String(length=100), nullable=True),
        sa.Column("reviewer_email", sa.String(length=200), nullable=True),
        sa.Column("approval_status", sa.String(30), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("checklist_json", postgresql.JSONB(), nullable=True),
        sa.Column("comments_json", postgresql.JSONB(), nullable=True),
        sa.Column("concerns_raised", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("conditions", sa.Text(), nullable=True, comment="Under which the approval holds, in words"),
        sa.Column("brand", sa.String(length=50), nullable=True),
        sa.Column("analysis_context", sa.Text(), nullable=True),
        sa.Column("treatment_variable", sa.String(length=100), nullable=True),
        sa.Column("outcome_variable", sa.String(length=100), nullable=True),
        sa.Column(
            "valid_from",
            sa.Date(),
            server_default=sa.text("(now() AT TIME ZONE 'UTC')::date"),
            nullable=True,
            comment="A note: nothing that asks whether a review is valid reads it",
        ),
        sa.Column("valid_until", sa.Date(), nullable=True, comment="Last day of an approval, UTC; NULL for no end"),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.Column("approved_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column(
            "related_validation_ids",
            postgresql.ARRAY(sa.Uuid()),
            nullable=True,
            comment="Validations that the review is about",
        ),
        sa.Column("supersedes_review_id", sa.UUID(), nullable=True, comment="The review that this one replaces"),
        sa.CheckConstraint(
            "approval_status IN ('pending', 'approved', 'rejected', 'expired')",
            name=op.f("ck_expert_reviews_approval_status"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "supersedes_review_id"],
            ["expert_reviews.tenant_id", "expert_reviews.review_id"],
            name=op.f("fk_expert_reviews_tenant_id_supersedes_review_id_expert_reviews"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_expert_reviews_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "review_id", name=op.f("pk_expert_reviews")),
        comment="Expert sign-off of a causal graph or method, with the days on which it is valid.",
    )
    op.create_index(
        "ix_expert_reviews_approved",
        "expert_reviews",
        ["tenant_id", "dag_version_hash", "valid_until"],
        unique=False,
        postgresql_where=sa.text("approval_status = 'approved'"),
    )
    op.create_index(
        op.f("ix_expert_reviews_tenant_id_approval_status"),
        "expert_reviews",
        ["tenant_id", "approval_status"],
        unique=False,
    )
    op.create_index(op.f("ix_expert_reviews_tenant_id_brand"), "expert_reviews", ["tenant_id", "brand"], unique=False)
    op.create_index(
        op.f("ix_expert_reviews_tenant_id_created_at"), "expert_reviews", ["tenant_id", "created_at"], unique=False
    )
    op.create_index(
        op.f("ix_expert_reviews_tenant_id_dag_version_hash"),
        "expert_reviews",
        ["tenant_id", "dag_version_hash"],
        unique=False,
    )
    op.create_index(
        op.f("ix_expert_reviews_tenant_id_review_type"), "expert_reviews", ["tenant_id", "review_type"], unique=False
    )
    op.create_index(
        op.f("ix_expert_reviews_tenant_id_reviewer_id"), "expert_reviews", ["tenant_id", "reviewer_id"], unique=False
    )
    op.create_index(
        op.f("ix_expert_reviews_tenant_id_supersedes_review_id"),
        "expert_reviews",
        ["tenant_id", "supersedes_review_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_expert_reviews_tenant_id_treatment_variable"),
        "expert_reviews",
        ["tenant_id", "treatment_variable"],
        unique=False,
    )
    op.create_index(
        op.f("ix_expert_reviews_tenant_id_valid_until"), "expert_reviews", ["tenant_id", "valid_until"], unique=False
    )
    op.create_table(
        "causal_paths",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("path_id", sa.String(length=20), nullable=False),
        sa.Column("discovery_date", sa.Date(), nullable=False),
        sa.Column(
            "causal_chain", postgresql.JSONB(), nullable=False, comment="The nodes from cause to effect, in their order"
        ),
        sa.Column("start_node", sa.String(length=100), nullable=True, comment="The cause"),
        sa.Column("end_node", sa.String(length=100), nullable=True, comment="The effect"),
        sa.Column("intermediate_nodes", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("path_length", sa.Integer(), nullable=True, comment="Steps from cause to effect"),
        sa.Column(
            "causal_effect_size",
            sa.Numeric(precision=5, scale=3),
            nullable=True,
            comment="Change of the effect for one unit of the cause",
        ),
        sa.Column("confidence_level", sa.Numeric(precision=4, scale=3), nullable=True, comment="0 to 1"),
        sa.Column("method_used", sa.String(length=50), nullable=True),
        sa.Column("confounders_controlled", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("mediators_identified", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("interaction_effects", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=True),
        sa.Column("time_lag_days", sa.Integer(), nullable=True),
        sa.Column(
            "validation_status",
            sa.String(length=20),
            nullable=True,
            comment="A note; what was tested, and what follows from it, is in causal_validations",
        ),
        sa.Column("business_impact_estimate", sa.Numeric(precision=15, scale=2), nullable=True),
        sa.Column("split_assignment", sa.String(20), server_default=sa.text("'unassigned'"), nullable=False),
        sa.Column("split_config_id", sa.UUID(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "search_vector",
            postgresql.TSVECTOR(),
            sa.Computed(
                "setweight(to_tsvector('english', coalesce(start_node, '') || ' ' || coalesce(end_node, '')), 'A') || setweight(to_tsvector('english', coalesce(method_used, '')), 'B') || setweight(to_tsvector('english', causal_chain::text), 'C')",
                persisted=True,
            ),
            nullable=True,
            comment="Cause and effect (A), method (B) and chain (C) as English search terms",
        ),
        sa.CheckConstraint(
            "split_assignment IN ('train', 'validation', 'test', 'holdout', 'unassigned')",
            name=op.f("ck_causal_paths_data_split_type"),
        ),
        sa.CheckConstraint("coalesce(isfinite(discovery_date), false)", name=op.f("ck_causal_paths_dated")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "split_config_id"],
            ["ml_split_registry.tenant_id", "ml_split_registry.split_config_id"],
            name=op.f("fk_causal_paths_tenant_id_split_config_id_ml_split_registry"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_causal_paths_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "path_id", name=op.f("pk_causal_paths")),
        comment="A discovered causal chain, with the size of its effect and how sure that is.",
    )
    op.create_index(
        op.f("ix_causal_paths_search_vector"), "causal_paths", ["search_vector"], unique=False, postgresql_using="gin"
    )
    op.create_index(
        op.f("ix_causal_paths_tenant_id_created_at"), "causal_paths", ["tenant_id", "created_at"], unique=False
    )
    op.create_index(op.f("ix_causal_paths_tenant_id_end_node"), "causal_paths", ["tenant_id", "end_node"], unique=False)
    op.create_index(
        op.f("ix_causal_paths_tenant_id_split_assignment_split_config_id"),
        "causal_paths",
        ["tenant_id", "split_assignment", "split_config_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_causal_paths_tenant_id_split_config_id"),
        "causal_paths",
        ["tenant_id", "split_config_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_causal_paths_tenant_id_start_node_end_node"),
        "causal_paths",
        ["tenant_id", "start_node", "end_node"],
        unique=False,
    )
    op.create_table(
        "causal_validations",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("validation_id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("estimate_id", sa.UUID(), nullable=False),
        sa.Column(
            "estimate_source",
            sa.String(length=50),
            server_default=sa.text("'causal_paths'"),
            nullable=True,
            comment="causal_paths or ml_experiments",
        ),
        sa.Column("test_type", postgresql.ENUM(name="refutation_test_type", create_type=False), nullable=False),
        sa.Column("status", postgresql.ENUM(name="validation_status", create_type=False), nullable=False),
        sa.Column("original_effect", sa.Numeric(precision=12, scale=6), nullable=True),
        sa.Column(
            "refuted_effect", sa.Numeric(precision=12, scale=6), nullable=True, comment="The effect under the test"
        ),
        sa.Column("p_value", sa.Numeric(precision=6, scale=5), nullable=True),
        sa.Column(
            "delta_percent",
            sa.Numeric(precision=8, scale=4),
            nullable=True,
            comment="Change of the effect under the test, in percent of the original effect",
        ),
        sa.Column("confidence_score", sa.Numeric(precision=4, scale=3), nullable=True, comment="0 to 1"),
        sa.Column(
            "gate_decision",
            postgresql.ENUM(name="gate_decision", create_type=False),
            server_default=sa.text("'review'"),
            nullable=False,
        ),
        sa.Column("test_config", postgresql.JSONB(), nullable=True),
        sa.Column("details_json", postgresql.JSONB(), nullable=True),
        sa.Column(
            "agent_activity_id", sa.String(length=30), nullable=True, comment="The piece of work that ran the test"
        ),
        sa.Column("brand", sa.String(length=50), nullable=True),
        sa.Column("analysis_context", sa.Text(), nullable=True),
        sa.Column("treatment_variable", sa.String(length=100), nullable=True),
        sa.Column("outcome_variable", sa.String(length=100), nullable=True),
        sa.Column(
            "split_assignment",
            sa.String(20),
            nullable=True,
            comment="Split that the test was run on; NULL is in no scope, so sessions always name one",
        ),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.CheckConstraint(
            "split_assignment IN ('train', 'validation', 'test', 'holdout', 'unassigned')",
            name=op.f("ck_causal_validations_data_split_type"),
        ),
        sa.CheckConstraint(
            "confidence_score >= 0 AND confidence_score <= 1", name=op.f("ck_causal_validations_confidence_score")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "agent_activity_id"],
            ["agent_activities.tenant_id", "agent_activities.activity_id"],
            name=op.f("fk_causal_validations_tenant_id_agent_activity_id_agent_activities"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_causal_validations_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "validation_id", name=op.f("pk_causal_validations")),
        comment="Result of one refutation test on a causal estimate, and the gate that it leads to.",
    )
    op.create_index(
        op.f("ix_causal_validations_tenant_id_agent_activity_id"),
        "causal_validations",
        ["tenant_id", "agent_activity_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_causal_validations_tenant_id_brand"), "causal_validations", ["tenant_id", "brand"], unique=False
    )
    op.create_index(
        op.f("ix_causal_validations_tenant_id_created_at"),
        "causal_validations",
        ["tenant_id", "created_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_causal_validations_tenant_id_estimate_id_estimate_source"),
        "causal_validations",
        ["tenant_id", "estimate_id", "estimate_source"],
        unique=False,
    )
    op.create_index(
        op.f("ix_causal_validations_tenant_id_estimate_id_gate_decision"),
        "causal_validations",
        ["tenant_id", "estimate_id", "gate_decision"],
        unique=False,
    )
    op.create_index(
        op.f("ix_causal_validations_tenant_id_gate_decision"),
        "causal_validations",
        ["tenant_id", "gate_decision"],
        unique=False,
    )
    op.create_index(
        op.f("ix_causal_validations_tenant_id_status"), "causal_validations", ["tenant_id", "status"], unique=False
    )
    op.create_index(
        op.f("ix_causal_validations_tenant_id_test_type"),
        "causal_validations",
        ["tenant_id", "test_type"],
        unique=False,
    )
    op.create_index(
        op.f("ix_causal_validations_tenant_id_treatment_variable"),
        "causal_validations",
        ["tenant_id", "treatment_variable"],
        unique=False,
    )
    op.apply_snapshot(revision)


def downgrade() -> None:
    op.revert_snapshot(revision)
    op.drop_table("causal_validations")
    op.drop_table("causal_paths")
    op.drop_table("expert_reviews")
    op.drop_enum("validation_status")
    op.drop_enum("refutation_test_type")
    op.drop_enum("gate_decision")
    op.drop_enum("expert_review_type")
