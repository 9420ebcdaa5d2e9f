"""A run of DSPy, recorded while it happens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock
from time import perf_counter
from typing import Any, Final
from uuid import UUID, uuid4

from dspy.utils.callback import BaseCallback
from sqlalchemy import Engine

import dspy
from hedgerow.agents.enums import AgentName
from hedgerow.core.errors import SplitAccessError
from hedgerow.core.repository import RowNotFoundError
from hedgerow.core.scope import Scope, Split
from hedgerow.core.session import ScopedSession, open_session
from hedgerow.dspy.enums import OptimizationPhase, OptimizationStatus
from hedgerow.dspy.errors import RunTransitionError
from hedgerow.dspy.models import EvaluationResult, OptimizationRun, PromptTemplate
from hedgerow.dspy.repository import (
    EvaluationResultRepository,
    OptimizationRunRepository,
    PromptTemplateRepository,
    TrainingExampleRepository,
)
from hedgerow.integrations.dspy.errors import RecordingError
from hedgerow.integrations.dspy.examples import bootstrapped
from hedgerow.integrations.dspy.journal import Journal
from hedgerow.integrations.dspy.plain import described
from hedgerow.integrations.dspy.programs import content, variables
from hedgerow.integrations.dspy.scores import Evaluation, Scores, asked, failures, samples, score_of

MESSAGE_LENGTH: Final = 4_000
"""Characters of an error that are kept."""


@dataclass(slots=True)
class Kept:
    """A compiled program and the template that holds it."""

    program: Any
    template_id: UUID


class RecordedRun(BaseCallback):  # type: ignore[misc]
    """A run that is being recorded; :func:`record_run` makes one.

    :ivar run_id: its row in ``dspy_optimization_runs``.
    """

    def __init__(
        self, journal: Journal, run: OptimizationRun, module: str, shown: int, earlier: list[EvaluationResult]
    ) -> None:
        self.run_id: UUID = run.run_id
        self.agent: AgentName = run.agent_name
        self.module = module
        self._journal, self._samples = journal, shown
        self._config, self._phase = dict(run.config_json), run.phase
        self._evaluations = Scores.of(earlier)
        self._kept: list[Kept] = []
        self._compiled: Any = None
        self._compiling: list[str] = []
        self._evaluating: dict[str, tuple[float, dict[str, Any], Any]] = {}
        self._problems: list[Exception] = []
        self._lock = RLock()

    # --- What the caller asks ------------------------------------------------------------------------------------

    @property
    def template_id(self) -> UUID | None:
        """The best prompt so far: the kept one with the highest score, else the last one; None before there is one."""
        with self._lock:
            best = self._evaluations.best
            if best is not None:
                return best.template_id
            return self._kept[-1].template_id if self._kept else None

    @property
    def score(self) -> float | None:
        """Score of the best prompt so far, in percent; None when none was evaluated."""
        best = self._evaluations.best
        return None if best is None else best.score

    @property
    def improvement_pct(self) -> float | None:
        """Gain of the best prompt over the first evaluation by the same metric on the same examples, in percent of it.

        None when there is no such evaluation, or its score is 0.
        """
        return self._evaluations.improvement_pct

    def keep(self, program: Any) -> UUID:
        """Store a program as the next version of the module's prompt, and its bootstrapped demos as examples.

        What an optimizer of DSPy compiles is kept by itself; this is for programs that came about in another way.

        :returns: the id of the template.
        :raises NotAProgramError: the program has no predictors, or something in it has no JSON form.
        """
        with self._lock:
            text, names, found = content(program), variables(program), bootstrapped(program, self.module)
            kept = Kept(program, uuid4())
            self._kept.append(kept)
            own = [evaluation for evaluation in self._evaluations if evaluation.program is program]
            score = own[-1].score if own else None

            def entry(session: ScopedSession) -> None:
                templates = PromptTemplateRepository(session)
                if templates.get_by_id(kept.template_id) is None:
                    template = PromptTemplate(
                        template_id=kept.template_id,
                        agent_name=self.agent,
                        module_name=self.module,
                        template_content=text,
                        variables=names,
                        performance_score=score,
                    )
                    templates.create(template)
                examples = TrainingExampleRepository(session)
                for module, pairs in found.items():
                    examples.store(self.agent, module, pairs, source=f"bootstrap {self.run_id}")

            self._journal.write(entry)
            for evaluation in own:
                evaluation.template_id = kept.template_id
                self._store(evaluation)
            return kept.template_id

    def activate(self) -> UUID:
        """Make the best prompt the one in use and return its id: the run is then deploying, its last phase.

        :raises RowNotFoundError: there is none yet.
        """
        template_id = self.template_id
        if template_id is None:
            raise RowNotFoundError(
                f"The run {self.run_id} has no prompt to activate yet.",
                remedy="compile a program first, or keep() one",
                table=PromptTemplate.__tablename__,
            )
        self._enter(OptimizationPhase.DEPLOYMENT)
        self._journal.write(lambda session: PromptTemplateRepository(session).activate(template_id))
        return template_id

    # --- What DSPy tells -----------------------------------------------------------------------------------------
    # DSPy swallows what a callback raises, so it is kept here and raised at the end of the run.

    def on_compile_start(self, call_id: str, instance: Any, inputs: dict[str, Any]) -> None:
        with self._noting(), self._lock:
            self._compiling.append(call_id)
            self._enter(OptimizationPhase.SAMPLING)
            if len(self._compiling) == 1:
                self._describe(instance, inputs)

    def on_compile_end(self, call_id: str, outputs: Any | None, exception: BaseException | None = None) -> None:
        with self._noting(), self._lock:
            if call_id in self._compiling:
                self._compiling.remove(call_id)
            self._enter(OptimizationPhase.OPTIMIZATION)
            # An optimizer that uses another one decides itself which result is worth keeping.
            if not self._compiling and exception is None and isinstance(outputs, dspy.Module):
                self._compiled = outputs
                self.keep(outputs)
            if not self._compiling:
                for evaluation in self._evaluations:
                    evaluation.program = None  # hundreds of candidates, which nobody else may need

    def on_evaluate_start(self, call_id: str, instance: Any, inputs: dict[str, Any]) -> None:
        with self._noting(), self._lock:
            program = inputs.get("program")
            final = not self._compiling and any(kept.program is program for kept in self._kept)
            self._enter(OptimizationPhase.VALIDATION if final else OptimizationPhase.EVALUATION)
            known = {**asked(instance, inputs), "compiling": bool(self._compiling)}
            self._evaluating[call_id] = (perf_counter(), known, program)

    def on_evaluate_end(self, call_id: str, outputs: Any | None, exception: BaseException | None = None) -> None:
        with self._noting(), self._lock:
            began, metrics, program = self._evaluating.pop(call_id)
            metrics["seconds"] = round(perf_counter() - began, 3)
            score, shown = None, []
            if exception is not None:
                metrics["error"] = _said(exception)
            elif outputs is not None:
                metrics["failed"] = failures(outputs)
                score, shown = score_of(outputs), samples(outputs, self._samples)
            kept = next((kept.template_id for kept in self._kept if kept.program is program), None)
            evaluation = Evaluation(self._evaluations.next, score, metrics, kept, program)
            self._evaluations.append(evaluation)
            self._store(evaluation, shown)

    # --- Inside --------------------------------------------------------------------------------------------------

    def _enter(self, phase: OptimizationPhase) -> None:
        if self._phase not in (phase, OptimizationPhase.DEPLOYMENT):
            self._phase = phase
            self._journal.write(lambda session: OptimizationRunRepository(session).enter_phase(self.run_id, phase))

    def _describe(self, optimizer: Any, inputs: Mapping[str, Any]) -> None:
        """Note which optimizer compiles what; of its settings only what is plain, since others may hold keys."""
        name = type(optimizer).__name__
        settings = {
            key: value for key, value in optimizer.get_params().items() if isinstance(value, bool | int | float)
        }
        metric = getattr(optimizer, "metric", None)
        self._config |= {
            "optimizer": name,
            "settings": described(settings),
            "metric": getattr(metric, "__name__", None),
            "student": type(inputs.get("student")).__qualname__,
            "trainset": len(inputs.get("trainset") or ()),
            "valset": len(inputs.get("valset") or ()),
            "model": getattr(dspy.settings.lm, "model", None),
        }
        values: dict[str, Any] = {"config_json": dict(self._config)}
        if not self._config.get("optimization_type"):
            values["optimization_type"] = name[:100]
        self._journal.write(lambda session: OptimizationRunRepository(session).update(self.run_id, values))

    def _store(self, evaluation: Evaluation, shown: list[Any] | None = None) -> None:
        number, score, template_id = evaluation.iteration, evaluation.score, evaluation.template_id
        metrics = described(evaluation.metrics)

        def entry(session: ScopedSession) -> None:
            EvaluationResultRepository(session).store(self.run_id, number, metrics, score, template_id, shown or None)
            if template_id is not None and score is not None:
                PromptTemplateRepository(session).update(template_id, {"performance_score": score})

        self._journal.write(entry)

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self._problems.append(error)

    def _finish(self, error: BaseException | None) -> None:
        """Write the end of the run, and raise what could not be recorded."""
        status, metrics = OptimizationStatus.COMPLETED, {**self._evaluations.figures, "prompts": len(self._kept)}
        problems = [*self._problems, *self._journal.problems]
        if error is not None:
            cancelled = isinstance(error, KeyboardInterrupt | GeneratorExit)
            status = OptimizationStatus.CANCELLED if cancelled else OptimizationStatus.FAILED
            metrics["error_message"] = _said(error)
        elif problems:
            status = OptimizationStatus.FAILED
            metrics["error_message"] = f"Not all of it could be recorded: {_said(problems[0])}"
        best = self.template_id

        def entry(session: ScopedSession) -> None:
            runs = OptimizationRunRepository(session)
            if best is not None:
                runs.update(self.run_id, {"best_prompt_id": best})
            runs.update_status(self.run_id, status, metrics)

        self._journal.write(entry)
        self._journal.close()
        problems = [*self._problems, *self._journal.problems]
        if not problems:
            return
        lost = f"Not all of the run {self.run_id} could be recorded: {_said(problems[0])}"
        if error is not None:
            error.add_note(lost)
            return
        failure = RecordingError(
            lost,
            remedy="the program that was compiled is the attribute `program` of this error: save it by other means",
        )
        failure.program = self._compiled
        raise failure from problems[0]


@contextmanager
def record_run(
    scope: Scope,
    *,
    agent: AgentName | str,
    module: str,
    config: Mapping[str, Any] | None = None,
    samples: int = 0,
    engine: Engine | None = None,
) -> Iterator[RecordedRun]:
    """Record what DSPy does inside the block: ``with record_run(...) as run:``.

    Every optimizer that compiles and every :class:`dspy.Evaluate` is noted, as it happens and in transactions of its
    own: whatever becomes of the block or of the process, what was noted stays. A run whose process is gone says
    ``running`` until it is continued by :func:`resume_run` or failed by ``OptimizationRunRepository.update_status``.
    The end of the block completes the run; an exception fails it (KeyboardInterrupt cancels it) and goes on.

    As in any ``dspy.context``, ``dspy.configure`` has no effect inside the block: call it before.

    :param scope: whose run it is. It holds train alone, since demos of the training set end up in prompts.
    :param agent: the agent whose prompt is optimised.
    :param module: name of the program, for which prompts are versioned.
    :param config: whatever else is worth knowing; ``optimization_type`` in it replaces the optimizer's name.
    :param samples: answers of each evaluation to keep. Whoever reads the tenant's train split reads them, so leave it
        at 0 where a program is evaluated on another split.
    :param engine: the engine of the sessions; the configured one when left out.
    :raises SplitAccessError: the scope holds another split than train.
    :raises RecordingError: at the end of a block that went well, when not all of it could be recorded.
    """
    _train_only(scope)
    with open_session(scope, engine=engine) as session:
        runs = OptimizationRunRepository(session)
        known = {**described(dict(config or {})), "module": module, "dspy": dspy.__version__}
        run = runs.create_run(agent, known)
        runs.update_status(run.run_id, OptimizationStatus.RUNNING)
        recorded = RecordedRun(Journal(scope, engine), run, module, samples, [])
        session.commit()
    yield from _recording(recorded)


@contextmanager
def resume_run(
    scope: Scope, run_id: UUID | str, *, samples: int = 0, engine: Engine | None = None
) -> Iterator[RecordedRun]:
    """Go on recording a run whose process is gone, as :func:`record_run` does; iterations count on.

    Only one process at a time may record a run.

    :raises RowNotFoundError: no such run in the scope.
    :raises RunTransitionError: the run is not running.
    """
    _train_only(scope)
    with open_session(scope, engine=engine) as session:
        run = OptimizationRunRepository(session).get_by_id(run_id)
        if run is None:
            raise RowNotFoundError(
                f"There is no run {str(run_id)!r} in the scope.",
                remedy="OptimizationRunRepository.get_unfinished lists the runs that say they are running",
                table=OptimizationRun.__tablename__,
            )
        if run.status is not OptimizationStatus.RUNNING:
            raise RunTransitionError(
                f"The run {run.run_id} is {run.status.value}, so it cannot go on.",
                remedy="record another run",
                table=OptimizationRun.__tablename__,
            )
        earlier = EvaluationResultRepository(session).get_by_run(run.run_id)
        recorded = RecordedRun(Journal(scope, engine), run, str(run.config_json.get("module")), samples, earlier)
    yield from _recording(recorded)


def _recording(run: RecordedRun) -> Iterator[RecordedRun]:
    try:
        with dspy.context(callbacks=[*(dspy.settings.callbacks or ()), run]):
            yield run
    except BaseException as error:
        run._finish(error)
        raise
    run._finish(None)


def _train_only(scope: Scope) -> None:
    # Before the optimizer, which may take hours: the wall would refuse the examples after it.
    if scope.split_set != {Split.TRAIN}:
        raise SplitAccessError(
            "Demos of the training set end up in prompts, and the scope holds other splits than train.",
            remedy="record in a scope that holds train alone: Scope(tenant, splits={'train'})",
            scope=scope,
        )


def _said(error: BaseException) -> str:
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return str(described(text))[:MESSAGE_LENGTH]
