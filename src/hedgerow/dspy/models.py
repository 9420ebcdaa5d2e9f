"""Tables of the dspy domain."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, FetchedValue, Index, Table, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from hedgerow.agents.enums import AgentName
from hedgerow.core.base import Base
from hedgerow.core.keys import tenant_fk, tenant_relationship
from hedgerow.core.mixins import Created, TenantOwned, WrittenFromTrain, WrittenUnsealed
from hedgerow.core.objects import Trigger, declare_trigger
from hedgerow.core.types import EMPTY_LIST, EMPTY_OBJECT, bool_false, str100, str255, uuid_pk
from hedgerow.dspy.enums import OptimizationPhase, OptimizationStatus


def finite(column: str) -> CheckConstraint:
    """A number that can be compared: PostgreSQL sorts NaN above every score, so that it would win."""
    return CheckConstraint(f"{column} > '-Infinity' AND {column} < 'Infinity'", name=f"{column}_finite")


def json_type(column: str, kind: str) -> CheckConstraint:
    """A JSON value of one type, not any JSON at all."""
    return CheckConstraint(f"jsonb_typeof({column}) = '{kind}'", name=f"{column}_{kind}")


class PromptTemplate(WrittenUnsealed, Created, TenantOwned, Base):
    """Versioned prompt of an agent module.

    Versions of a module count from 1 without gaps: a new row gets the next one by trigger, whoever else is writing.
    A version is never changed, only another one stored; at most one is active, and activating it deactivates the
    former one in the same statement.
    """

    __tablename__ = "dspy_prompt_templates"
    # Not DELETE: it would leave a gap, and make a number mean another prompt than it did.
    __app_privileges__: ClassVar[tuple[str, ...]] = ("SELECT", "INSERT", "UPDATE")
    __table_args__ = (
        # The module leads: comparing the enum is not leakproof, so the wall keeps it out of index conditions.
        UniqueConstraint("tenant_id", "module_name", "agent_name", "template_version"),
        CheckConstraint("template_version > 0", name="version"),
        CheckConstraint("usage_count >= 0", name="usage_count"),
        CheckConstraint("NOT is_active OR activated_at IS NOT NULL", name="activated"),
        json_type("variables", "array"),
        finite("performance_score"),
        Index(
            "uq_dspy_prompt_templates_active",
            "tenant_id",
            "agent_name",
            "module_name",
            unique=True,
            postgresql_where=text("is_active"),
        ),
        Index(None, "tenant_id", "created_at"),
    )

    template_id: Mapped[uuid_pk]
    agent_name: Mapped[AgentName]
    module_name: Mapped[str255] = mapped_column(comment="Program, or part of one, that the prompt is for")
    template_version: Mapped[int] = mapped_column(
        server_default=FetchedValue(), comment="From 1 without gaps, given by trigger; one that is named must be next"
    )
    template_content: Mapped[str] = mapped_column(comment="The prompt; a recorded DSPy program is JSON with its state")
    variables: Mapped[list[Any]] = mapped_column(
        server_default=EMPTY_LIST, comment="Names of what is filled into the prompt"
    )
    is_active: Mapped[bool_false] = mapped_column(comment="The version in use; at most one per agent and module")
    performance_score: Mapped[float | None] = mapped_column(
        comment="Score of its last evaluation; DSPy's are percent, 0 to 100"
    )
    usage_count: Mapped[int] = mapped_column(server_default=text("0"), comment="How often it was used")
    activated_at: Mapped[datetime | None] = mapped_column(
        sort_order=2, comment="When it last became active; kept when it no longer is"
    )

    @classmethod
    def __describe_table__(cls, table: Table) -> None:
        declare_trigger(table, Trigger("keep_versions", "BEFORE INSERT OR UPDATE", "keep_dspy_prompt_versions()"))


class OptimizationRun(TenantOwned, Base):
    """One prompt optimisation run of an agent.

    A run is pending, then running, then completed, failed or cancelled; the trigger refuses every other step, and
    fills in the times. Runs are archived, not deleted.
    """

    __tablename__ = "dspy_optimization_runs"
    __app_privileges__: ClassVar[tuple[str, ...]] = ("SELECT", "INSERT", "UPDATE")
    __table_args__ = (
        *tenant_fk("best_prompt_id", "dspy_prompt_templates.template_id"),
        CheckConstraint("completed_at IS NULL OR started_at IS NULL OR completed_at >= started_at", name="order"),
        CheckConstraint(
            "CASE status WHEN 'pending' THEN started_at IS NULL AND completed_at IS NULL AND phase = 'initialization'"
            " WHEN 'running' THEN started_at IS NOT NULL AND completed_at IS NULL"
            " WHEN 'completed' THEN started_at IS NOT NULL AND completed_at IS NOT NULL"
            " ELSE completed_at IS NOT NULL END",
            name="life_cycle",
        ),
        CheckConstraint("archived_at IS NULL OR completed_at IS NOT NULL", name="archived_when_over"),
        json_type("config_json", "object"),
        json_type("metrics_json", "object"),
        finite("improvement_pct"),
        Index(None, "tenant_id", "agent_name", "status"),
        Index(None, "tenant_id", "started_at"),
    )

    run_id: Mapped[uuid_pk]
    agent_name: Mapped[AgentName]
    optimization_type: Mapped[str100] = mapped_column(comment="What is optimised, or by which optimizer")
    phase: Mapped[OptimizationPhase] = mapped_column(server_default=text("'initialization'"))
    status: Mapped[OptimizationStatus] = mapped_column(server_default=text("'pending'"))
    config_json: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    metrics_json: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    best_prompt_id: Mapped[UUID | None]
    improvement_pct: Mapped[float | None] = mapped_column(comment="Gain of the score over the baseline's, in percent")
    started_at: Mapped[datetime | None] = mapped_column(comment="When it began to run; given by trigger")
    completed_at: Mapped[datetime | None] = mapped_column(
        comment="When it came to an end, also a bad one; given by trigger"
    )
    error_message: Mapped[str | None]
    archived_at: Mapped[datetime | None] = mapped_column(comment="When it was archived; only runs that are over are")

    best_prompt: Mapped[PromptTemplate | None] = tenant_relationship(
        "OptimizationRun.best_prompt_id", "PromptTemplate.template_id"
    )
    evaluations: Mapped[list[EvaluationResult]] = tenant_relationship(
        "EvaluationResult.run_id",
        "OptimizationRun.run_id",
        back_populates="run",
        order_by="EvaluationResult.iteration",
        passive_deletes="all",
    )

    @classmethod
    def __describe_table__(cls, table: Table) -> None:
        declare_trigger(table, Trigger("guard_life_cycle", "BEFORE INSERT OR UPDATE", "guard_dspy_run()"))


class EvaluationResult(Created, TenantOwned, Base):
    """Score of one iteration of an optimisation run."""

    __tablename__ = "dspy_evaluation_results"
    __table_args__ = (
        *tenant_fk("run_id", "dspy_optimization_runs.run_id", ondelete="CASCADE", index=False),
        *tenant_fk("prompt_template_id", "dspy_prompt_templates.template_id"),
        UniqueConstraint("tenant_id", "run_id", "iteration"),
        CheckConstraint("iteration >= 0", name="iteration"),
        json_type("evaluation_metrics", "object"),
        finite("score"),
        Index(None, "tenant_id", "created_at"),
    )

    result_id: Mapped[uuid_pk]
    run_id: Mapped[UUID]
    iteration: Mapped[int] = mapped_column(comment="From 0, in the order in which the run evaluated")
    prompt_template_id: Mapped[UUID | None] = mapped_column(comment="What was evaluated, when it was stored")
    evaluation_metrics: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    sample_outputs: Mapped[list[Any] | None] = mapped_column(comment="A few answers, each with input and score")
    score: Mapped[float | None] = mapped_column(comment="The figure that is optimised; DSPy's is percent, 0 to 100")

    run: Mapped[OptimizationRun] = tenant_relationship(
        "EvaluationResult.run_id", "OptimizationRun.run_id", back_populates="evaluations"
    )


class TrainingExample(WrittenFromTrain, Created, TenantOwned, Base):
    """Input and output pair used as a few-shot example.

    An example ends up in a prompt, and so in whatever the prompt answers: it is written by scopes that hold no split
    but train.
    """

    __tablename__ = "dspy_training_examples"
    __table_args__ = (
        CheckConstraint("quality_score IS NULL OR quality_score BETWEEN 0 AND 1", name="quality_score"),
        json_type("input_json", "object"),
        json_type("output_json", "object"),
        # In the order of get_dspy_training_examples; the module leads for the same reason as above.
        Index(
            "ix_dspy_training_examples_best_first",
            "tenant_id",
            "module_name",
            "agent_name",
            text("is_validated DESC"),
            text("quality_score DESC NULLS LAST"),
            text("created_at DESC"),
        ),
        Index(None, "tenant_id", "created_at"),
    )

    example_id: Mapped[uuid_pk]
    agent_name: Mapped[AgentName]
    module_name: Mapped[str255]
    input_json: Mapped[dict[str, Any]] = mapped_column(comment="Input fields by name")
    output_json: Mapped[dict[str, Any]] = mapped_column(comment="Output fields by name")
    quality_score: Mapped[float | None] = mapped_column(comment="0 to 1; NULL when nobody judged it")
    source: Mapped[str100 | None] = mapped_column(comment="Where it comes from, such as the run that found it")
    is_validated: Mapped[bool_false] = mapped_column(comment="Somebody looked at it and found it right")
