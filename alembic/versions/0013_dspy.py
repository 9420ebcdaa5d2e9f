"""Prompt optimisation: runs, evaluations, templates, training examples.

New enum types: dspy_optimization_phase, optimization_status.
New tables: dspy_evaluation_results, dspy_optimization_runs, dspy_prompt_templates, dspy_training_examples.
New functions: archive_dspy_run, create_dspy_optimization_run, get_dspy_agent_metrics,
get_dspy_prompt_template, get_dspy_training_examples, guard_dspy_run, keep_dspy_prompt_versions,
store_dspy_evaluation_result, update_dspy_optimization_status.

Revision: 0013_dspy
Follows: 0012_memory
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0013_dspy"
down_revision: str | None = "0012_memory"
branch_labels: tuple[str, ...] | None = None
depends_on: tuple[str, ...] | None = None


def upgrade() -> None:
    op.create_enum(
        "dspy_optimization_phase",
        ["initialization", "sampling", "evaluation", "optimization", "validation", "deployment"],
    )
    op.create_enum("optimization_status", ["pending", "running", "completed", "failed", "cancelled"])
    op.create_table(
        "dspy_prompt_templates",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("template_id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("agent_name", postgresql.ENUM(name="agent_name_type", create_type=False), nullable=False),
        sa.Column(
            "module_name",
            sa.String(length=255),
            nullable=False,
            comment="Program, or part of one, that the prompt is for",
        ),
        sa.Column(
            "template_version",
            sa.Integer(),
            server_default=sa.FetchedValue(),
            nullable=False,
            comment="From 1 without gaps, given by trigger; one that is named must be next",
        ),
        sa.Column(
            "template_content",
            sa.Text(),
            nullable=False,
            comment="The prompt; a recorded DSPy program is JSON with its state",
        ),
        sa.Column(
            "variables",
            postgresql.JSONB(),
            server_default=sa.text("'[]'"),
            nullable=False,
            comment="Names of what is filled into the prompt",
        ),
        sa.Column(
            "is_active",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="The version in use; at most one per agent and module",
        ),
        sa.Column(
            "performance_score",
            sa.Double(),
            nullable=True,
            comment="Score of its last evaluation; DSPy's are percent, 0 to 100",
        ),
        sa.Column(
            "usage_count", sa.Integer(), server_default=sa.text("0"), nullable=False, comment="How often it was used"
        ),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "activated_at",
            postgresql.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When it last became active; kept when it no longer is",
        ),
        sa.CheckConstraint("jsonb_typeof(variables) = 'array'", name=op.f("ck_dspy_prompt_templates_variables_array")),
        sa.CheckConstraint(
            "performance_score > '-Infinity' AND performance_score < 'Infinity'",
            name=op.f("ck_dspy_prompt_templates_performance_score_finite"),
        ),
        sa.CheckConstraint(
            "NOT is_active OR activated_at IS NOT NULL", name=op.f("ck_dspy_prompt_templates_activated")
        ),
        sa.CheckConstraint("template_version > 0", name=op.f("ck_dspy_prompt_templates_version")),
        sa.CheckConstraint("usage_count >= 0", name=op.f("ck_dspy_prompt_templates_usage_count")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_dspy_prompt_templates_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "template_id", name=op.f("pk_dspy_prompt_templates")),
        sa.UniqueConstraint(
            "tenant_id",
            "module_name",
            "agent_name",
            "template_version",
            name=op.f("uq_dspy_prompt_templates_tenant_id_module_name_agent_name_template_version"),
        ),
        comment="Versioned prompt of an agent module.",
    )
    op.create_index(
        op.f("ix_dspy_prompt_templates_tenant_id_created_at"),
        "dspy_prompt_templates",
        ["tenant_id", "created_at"],
        unique=False,
    )
    op.create_index(
        "uq_dspy_prompt_templates_active",
        "dspy_prompt_templates",
        ["tenant_id", "agent_name", "module_name"],
        unique=True,
        postgresql_where=sa.text("is_active"),
    )
    op.create_table(
        "dspy_training_examples",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("example_id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("agent_name", postgresql.ENUM(name="agent_name_type", create_type=False), nullable=False),
        sa.Column("module_name", sa.String(length=255), nullable=False),
        sa.Column("input_json", postgresql.JSONB(), nullable=False, comment="Input fields by name"),
        sa.Column("output_json", postgresql.JSONB(), nullable=False, comment="Output fields by name"),
        sa.Column("quality_score", sa.Double(), nullable=True, comment="0 to 1; NULL when nobody judged it"),
        sa.Column(
            "source", sa.String(length=100), nullable=True, comment="Where it comes from, such as the run that found it"
        ),
        sa.Column(
            "is_validated",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Somebody looked at it and found it right",
        ),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "jsonb_typeof(input_json) = 'object'", name=op.f("ck_dspy_training_examples_input_json_object")
        ),
        sa.CheckConstraint(
            "jsonb_typeof(output_json) = 'object'", name=op.f("ck_dspy_training_examples_output_json_object")
        ),
        sa.CheckConstraint(
            "quality_score IS NULL OR quality_score BETWEEN 0 AND 1",
            name=op.f("ck_dspy_training_examples_quality_score"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_dspy_training_examples_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "example_id", name=op.f("pk_dspy_training_examples")),
        comment="Input and output pair used as a few-shot example.",
    )
    op.create_index(
        "ix_dspy_training_examples_best_first",
        "dspy_training_examples",
        [
            "tenant_id",
            "module_name",
            "agent_name",
            sa.literal_column("is_validated DESC"),
            sa.literal_column("quality_score DESC NULLS LAST"),
            sa.literal_column("created_at DESC"),
        ],
        unique=False,
    )
    op.create_index(
        op.f("ix_dspy_training_examples_tenant_id_created_at"),
        "dspy_training_examples",
        ["tenant_id", "created_at"],
        unique=False,
    )
    op.create_table(
        "dspy_optimization_runs",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("run_id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("agent_name", postgresql.ENUM(name="agent_name_type", create_type=False), nullable=False),
        sa.Column(
            "optimization_type",
            sa.String(length=100),
            nullable=False,
            comment="What is optimised, or by which optimizer",
        ),
        sa.Column(
            "phase",
            postgresql.ENUM(name="dspy_optimization_phase", create_type=False),
            server_default=sa.text("'initialization'"),
            nullable=False,
        ),
        sa.Column(
            "status",
            postgresql.ENUM(name="optimization_status", create_type=False),
            server_default=sa.text("'pending'"),
            nullable=False,
        ),
        sa.Column("config_json", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("metrics_json", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("best_prompt_id", sa.UUID(), nullable=True),
        sa.Column(
            "improvement_pct", sa.Double(), nullable=True, comment="Gain of the score over the baseline's, in percent"
        ),
        sa.Column(
            "started_at",
            postgresql.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When it began to run; given by trigger",
        ),
        sa.Column(
            "completed_at",
            postgresql.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When it came to an end, also a bad one; given by trigger",
        ),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column(
            "archived_at",
            postgresql.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When it was archived; only runs that are over are",
        ),
        sa.CheckConstraint(
            "CASE status WHEN 'pending' THEN started_at IS NULL AND completed_at IS NULL AND phase = 'initialization' WHEN 'running' THEN started_at IS NOT NULL AND completed_at IS NULL WHEN 'completed' THEN started_at IS NOT NULL AND completed_at IS NOT NULL ELSE completed_at IS NOT NULL END",
            name=op.f("ck_dspy_optimization_runs_life_cycle"),
        ),
        sa.CheckConstraint(
            "improvement_pct > '-Infinity' AND improvement_pct < 'Infinity'",
            name=op.f("ck_dspy_optimization_runs_improvement_pct_finite"),
        ),
        sa.CheckConstraint(
            "jsonb_typeof(config_json) = 'object'", name=op.f("ck_dspy_optimization_runs_config_json_object")
        ),
        sa.CheckConstraint(
            "jsonb_typeof(metrics_json) = 'object'", name=op.f("ck_dspy_optimization_runs_metrics_json_object")
        ),
        sa.CheckConstraint(
            "archived_at IS NULL OR completed_at IS NOT NULL", name=op.f("ck_dspy_optimization_runs_archived_when_over")
        ),
        sa.CheckConstraint(
            "completed_at IS NULL OR started_at IS NULL OR completed_at >= started_at",
            name=op.f("ck_dspy_optimization_runs_order"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "best_prompt_id"],
            ["dspy_prompt_templates.tenant_id", "dspy_prompt_templates.template_id"],
            name=op.f("fk_dspy_optimization_runs_tenant_id_best_prompt_id_dspy_prompt_templates"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_dspy_optimization_runs_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "run_id", name=op.f("pk_dspy_optimization_runs")),
        comment="One prompt optimisation run of an agent.",
    )
    op.create_index(
        op.f("ix_dspy_optimization_runs_tenant_id_agent_name_status"),
        "dspy_optimization_runs",
        ["tenant_id", "agent_name", "status"],
        unique=False,
    )
    op.create_index(
        op.f("ix_dspy_optimization_runs_tenant_id_best_prompt_id"),
        "dspy_optimization_runs",
        ["tenant_id", "best_prompt_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_dspy_optimization_runs_tenant_id_started_at"),
        "dspy_optimization_runs",
        ["tenant_id", "started_at"],
        unique=False,
    )
    op.create_table(
        "dspy_evaluation_results",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("result_id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("run_id", sa.UUID(), nullable=False),
        sa.Column("iteration", sa.Integer(), nullable=False, comment="From 0, in the order in which the run evaluated"),
        sa.Column("prompt_template_id", sa.UUID(), nullable=True, comment="What was evaluated, when it was stored"),
        sa.Column("evaluation_metrics", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column(
            "sample_outputs", postgresql.JSONB(), nullable=True, comment="A few answers, each with input and score"
        ),
        sa.Column(
            "score", sa.Double(), nullable=True, comment="The figure that is optimised; DSPy's is percent, 0 to 100"
        ),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "jsonb_typeof(evaluation_metrics) = 'object'",
            name=op.f("ck_dspy_evaluation_results_evaluation_metrics_object"),
        ),
        sa.CheckConstraint(
            "score > '-Infinity' AND score < 'Infinity'", name=op.f("ck_dspy_evaluation_results_score_finite")
        ),
        sa.CheckConstraint("iteration >= 0", name=op.f("ck_dspy_evaluation_results_iteration")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "prompt_template_id"],
            ["dspy_prompt_templates.tenant_id", "dspy_prompt_templates.template_id"],
            name=op.f("fk_dspy_evaluation_results_tenant_id_prompt_template_id_dspy_prompt_templates"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "run_id"],
            ["dspy_optimization_runs.tenant_id", "dspy_optimization_runs.run_id"],
            name=op.f("fk_dspy_evaluation_results_tenant_id_run_id_dspy_optimization_runs"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_dspy_evaluation_results_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "result_id", name=op.f("pk_dspy_evaluation_results")),
        sa.UniqueConstraint(
            "tenant_id", "run_id", "iteration", name=op.f("uq_dspy_evaluation_results_tenant_id_run_id_iteration")
        ),
        comment="Score of one iteration of an optimisation run.",
    )
    op.create_index(
        op.f("ix_dspy_evaluation_results_tenant_id_created_at"),
        "dspy_evaluation_results",
        ["tenant_id", "created_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_dspy_evaluation_results_tenant_id_prompt_template_id"),
        "dspy_evaluation_results",
        ["tenant_id", "prompt_template_id"],
        unique=False,
    )
    op.apply_snapshot(revision)


def downgrade() -> None:
    op.revert_snapshot(revision)
    op.drop_table("dspy_evaluation_results")
    op.drop_table("dspy_optimization_runs")
    op.drop_table("dspy_training_examples")
    op.drop_table("dspy_prompt_templates")
    op.drop_enum("optimization_status")
    op.drop_enum("dspy_optimization_phase")
