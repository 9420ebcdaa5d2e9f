"""Runs of optimizers, their life cycle, and the scores of their iterations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Double, Integer, Uuid, func, select
from sqlalchemy.dialects.postgresql import JSONB

from hedgerow.agents.enums import AgentName
from hedgerow.core.repository import AsyncBaseRepository, FilterError, awaiting
from hedgerow.core.repository.contract import Key
from hedgerow.core.repository.filters import coerced
from hedgerow.dspy.enums import OptimizationPhase, OptimizationStatus
from hedgerow.dspy.errors import INVALID, RunTransitionError, refusals
from hedgerow.dspy.models import EvaluationResult, OptimizationRun, PromptTemplate
from hedgerow.dspy.repository.shared import Rows, agent_value, enum_value, json_object, typed


class OptimizationRunRepository(Rows[OptimizationRun]):
    """Optimisation runs and their life cycle."""

    model_class = OptimizationRun

    def create_run(self, agent: AgentName | str, config: Mapping[str, Any] | None = None) -> OptimizationRun:
        """Store a run that has not begun and return it; see ``create_dspy_optimization_run`` of the database.

        :param config: whatever the run was started with; ``optimization_type`` in it says what is optimised, up to
            100 characters, ``prompt`` when it is missing.
        :raises FilterError: there is no such agent, or the configuration is no JSON object.
        """
        call = func.create_dspy_optimization_run(
            agent_value(OptimizationRun, agent), typed(json_object("config", config), JSONB(none_as_null=True))
        )
        with refusals(self.session, self.table_name):
            run_id = self.session.scalars(select(call)).one()
        return self._fresh(run_id)

    def update_status(
        self, run_id: Key, status: OptimizationStatus | str, metrics: Mapping[str, Any] | None = None
    ) -> OptimizationRun:
        """Take a run to a status and return it; see ``update_dspy_optimization_status`` of the database.

        :param metrics: merged into ``metrics_json``, key by key; ``improvement_pct`` and ``error_message`` also become
            the columns of that name. The same status again only merges.
        :raises RowNotFoundError: no such run in the scope.
        :raises RunTransitionError: the life cycle has no such step; the message says which ones there are.
        :raises FilterError: no such status, or metrics that are no JSON object or hold no number as improvement.
        """
        merged = json_object("metrics", metrics)
        gain = (merged or {}).get("improvement_pct")
        if gain is not None and (isinstance(gain, bool) or not isinstance(gain, int | float)):
            raise FilterError(f"The metric improvement_pct is a number, not {gain!r}.", table=self.table_name)
        identity = self._id(run_id)
        call = func.update_dspy_optimization_status(
            typed(identity, Uuid()),
            enum_value(OptimizationRun, "status", status),
            typed(merged, JSONB(none_as_null=True)),
        )
        with refusals(self.session, self.table_name, {INVALID: RunTransitionError}):
            self.session.execute(select(call))
        return self._fresh(identity)

    def enter_phase(self, run_id: Key, phase: OptimizationPhase | str) -> OptimizationRun:
        """Note what a running run is busy with now, and return it.

        :raises RowNotFoundError: no such run in the scope.
        :raises RunTransitionError: the run is not running, the phase is initialization, or deployment was reached.
        """
        return self.update(run_id, {"phase": coerced(OptimizationRun, "phase", phase)})

    def update(self, id: Key, updates: Mapping[str, Any]) -> OptimizationRun:
        """Set the given columns and return the run; see :meth:`BaseRepository.update`.

        :raises RunTransitionError: the life cycle has no such step.
        """
        with refusals(self.session, self.table_name, {INVALID: RunTransitionError}):
            return super().update(id, updates)

    def get_by_agent(
        self, agent: AgentName | str, status: OptimizationStatus | str | None = None, *, archived: bool = False
    ) -> list[OptimizationRun]:
        """Return the runs of an agent: those that have not begun first, then the newest.

        :param status: of that status only.
        :param archived: archived ones too.
        """
        filters = {"agent_name": agent} | ({} if status is None else {"status": status})
        runs = self.matching(filters)
        if not archived:
            runs = runs.where(OptimizationRun.archived_at.is_(None))
        return self.rows(runs.order_by(OptimizationRun.started_at.desc().nulls_first(), OptimizationRun.run_id))

    def get_unfinished(self, older_than: timedelta = timedelta(0)) -> list[OptimizationRun]:
        """Return the runs that say they are running and began longer ago than that, the oldest first.

        One whose process is gone goes on saying so: continue it, or fail it with :meth:`update_status`.
        """
        running = self.matching({"status": OptimizationStatus.RUNNING})
        old = running.where(OptimizationRun.started_at <= func.now() - older_than)
        return self.rows(old.order_by(OptimizationRun.started_at, OptimizationRun.run_id))

    def archive(self, older_than_days: int = 90) -> int:
        """Archive the runs that came to an end more than so many days ago and return how many.

        See ``archive_dspy_run`` of the database.

        :raises FilterError: a negative number of days.
        """
        with refusals(self.session, self.table_name):
            archived: int = self.session.scalars(select(func.archive_dspy_run(typed(older_than_days, Integer())))).one()
        return archived


class EvaluationResultRepository(Rows[EvaluationResult]):
    """Scores of the iterations of a run."""

    model_class = EvaluationResult

    def store(
        self,
        run_id: Key,
        iteration: int,
        metrics: Mapping[str, Any] | None,
        score: float | None,
        prompt_template_id: Key | None = None,
        sample_outputs: Sequence[Any] | None = None,
    ) -> EvaluationResult:
        """Store the result of one iteration and return it; see ``store_dspy_evaluation_result`` of the database.

        The same run and iteration again replaces metrics and score; template and samples where new ones are given.

        :param score: the higher the better; a finite number. DSPy's are percent.
        :raises RowNotFoundError: no such run or template in the scope.
        :raises FilterError: a negative iteration, a score that is not finite, or metrics that are no JSON object.
        """
        call = func.store_dspy_evaluation_result(
            typed(coerced(EvaluationResult, "run_id", run_id), Uuid()),
            typed(iteration, Integer()),
            typed(json_object("metrics", metrics), JSONB(none_as_null=True)),
            typed(score, Double()),
            typed(
                None if prompt_template_id is None else coerced(PromptTemplate, "template_id", prompt_template_id),
                Uuid(),
            ),
            typed(None if sample_outputs is None else list(sample_outputs), JSONB(none_as_null=True)),
        )
        with refusals(self.session, self.table_name):
            result_id = self.session.scalars(select(call)).one()
        return self._fresh(result_id)

    def get_by_run(self, run_id: Key) -> list[EvaluationResult]:
        """Return every result of a run, in the order of the iterations."""
        return self.rows(self.matching({"run_id": run_id}).order_by(EvaluationResult.iteration))

    def get_best(self, run_id: Key) -> EvaluationResult | None:
        """Return the result with the highest score, of equal ones the first; None when there is no score."""
        scored = self.matching({"run_id": run_id}).where(EvaluationResult.score.is_not(None))
        return self.first(scored.order_by(EvaluationResult.score.desc(), EvaluationResult.iteration))


class AsyncOptimizationRunRepository(AsyncBaseRepository[OptimizationRun]):
    """:class:`OptimizationRunRepository` over an asynchronous session."""

    sync_class = OptimizationRunRepository
    create_run = awaiting(OptimizationRunRepository.create_run)
    update_status = awaiting(OptimizationRunRepository.update_status)
    enter_phase = awaiting(OptimizationRunRepository.enter_phase)
    get_by_agent = awaiting(OptimizationRunRepository.get_by_agent)
    get_unfinished = awaiting(OptimizationRunRepository.get_unfinished)
    archive = awaiting(OptimizationRunRepository.archive)


class AsyncEvaluationResultRepository(AsyncBaseRepository[EvaluationResult]):
    """:class:`EvaluationResultRepository` over an asynchronous session."""

    sync_class = EvaluationResultRepository
    store = awaiting(EvaluationResultRepository.store)
    get_by_run = awaiting(EvaluationResultRepository.get_by_run)
    get_best = awaiting(EvaluationResultRepository.get_best)
