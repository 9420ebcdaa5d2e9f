"""Prompts and their versions, and the examples that prompts are trained on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Integer, Select, func, select

from hedgerow.agents.enums import AgentName
from hedgerow.core.errors import SplitAccessError
from hedgerow.core.repository import AsyncBaseRepository, FilterError, awaiting
from hedgerow.core.repository.contract import Key
from hedgerow.core.repository.filters import coerced
from hedgerow.core.scope import Split
from hedgerow.dspy.errors import INVALID, PromptVersionError, refusals
from hedgerow.dspy.models import PromptTemplate, TrainingExample
from hedgerow.dspy.repository.shared import FRESH, Rows, agent_value, typed


@dataclass(frozen=True, slots=True)
class AgentMetrics:
    """How the training examples of an agent did over some days.

    :ivar signal_count: how many there are.
    :ivar avg_reward: mean quality, 0 to 1; None when none was judged.
    :ivar avg_latency_ms: always None: examples do not say how long they took.
    :ivar validated_count: how many somebody found right.
    :ivar improvement_trend: mean quality of the last seven days minus that of the days before; 0 when either has none.
    """

    signal_count: int
    avg_reward: float | None
    avg_latency_ms: float | None
    validated_count: int
    improvement_trend: float


class PromptTemplateRepository(Rows[PromptTemplate]):
    """Prompts and their versions."""

    model_class = PromptTemplate

    def get_active(self, agent: AgentName | str, module: str) -> PromptTemplate | None:
        """Return the template in use, None when none is; see ``get_dspy_prompt_template`` of the database."""
        name = coerced(PromptTemplate, "module_name", module)
        active = func.get_dspy_prompt_template(agent_value(PromptTemplate, agent), name).table_valued(
            "template_id", name="active"
        )
        return self.first(self.select().join(active, PromptTemplate.template_id == active.c.template_id))

    def get_version(self, agent: AgentName | str, module: str, version: int) -> PromptTemplate | None:
        """Return one version, None when there is none."""
        return self.first(
            self._of(agent, module).where(
                PromptTemplate.template_version == coerced(PromptTemplate, "template_version", version)
            )
        )

    def get_history(self, agent: AgentName | str, module: str) -> list[PromptTemplate]:
        """Return every version, the newest first."""
        return self.rows(self._of(agent, module).order_by(PromptTemplate.template_version.desc()))

    def store(
        self,
        agent: AgentName | str,
        module: str,
        content: str,
        variables: Iterable[str] = (),
        *,
        performance_score: float | None = None,
        activate: bool = False,
    ) -> PromptTemplate:
        """Store a prompt as the next version and return it.

        Until the transaction ends, others who write the same module wait.

        :param variables: names of what is filled into the prompt.
        :param activate: make it the one in use, as :meth:`activate` does.
        """
        former = self._held_as_active() if activate else []
        template = self.create(
            PromptTemplate(
                agent_name=coerced(PromptTemplate, "agent_name", agent),
                module_name=coerced(PromptTemplate, "module_name", module),
                template_content=coerced(PromptTemplate, "template_content", content),
                variables=list(variables),
                performance_score=performance_score,
                is_active=activate,
            )
        )
        self._reread(former)
        return template

    def activate(self, template_id: Key) -> PromptTemplate:
        """Make a version the one in use, and the former one of its agent and module no longer: one statement.

        Activating the one that is active changes nothing.

        :raises RowNotFoundError: no such template in the scope.
        """
        former = self._held_as_active()
        template = self.update(template_id, {"is_active": True})
        self._reread(former)
        return template

    def deactivate(self, agent: AgentName | str, module: str) -> PromptTemplate | None:
        """Leave a module without a version in use, and return the former one; None when there was none."""
        active = self.get_active(agent, module)
        return None if active is None else self.update(active.template_id, {"is_active": False})

    def record_use(self, template_id: Key, times: int = 1) -> PromptTemplate:
        """Add to the number of uses, which concurrent calls do not lose, and return the template.

        :raises FilterError: a negative number of times.
        :raises RowNotFoundError: no such template in the scope.
        """
        if not isinstance(times, int) or isinstance(times, bool) or times < 0:
            raise FilterError(f"{times!r} is not a number of uses.", remedy="give 0 or more", table=self.table_name)
        return self.update(template_id, {"usage_count": PromptTemplate.usage_count + times})

    def create(self, entity: PromptTemplate) -> PromptTemplate:
        """Insert a template and return it as stored; see :meth:`BaseRepository.create`.

        :raises PromptVersionError: it names a version that is not the next one; leave it out.
        """
        with refusals(self.session, self.table_name, {INVALID: PromptVersionError}):
            return super().create(entity)

    def update(self, id: Key, updates: Mapping[str, Any]) -> PromptTemplate:
        """Set the given columns and return the template; see :meth:`BaseRepository.update`.

        :raises PromptVersionError: a stored version keeps its text, variables and place.
        """
        with refusals(self.session, self.table_name, {INVALID: PromptVersionError}):
            return super().update(id, updates)

    def _of(self, agent: AgentName | str, module: str) -> Select[PromptTemplate]:
        return self.matching({"agent_name": agent, "module_name": module})

    def _held_as_active(self) -> list[PromptTemplate]:
        """Templates that the session holds as active: the trigger may deactivate one without telling it."""
        held = self.session.identity_map.values()
        return [row for row in held if isinstance(row, PromptTemplate) and row.__dict__.get("is_active")]

    def _reread(self, held: Iterable[PromptTemplate]) -> None:
        if ids := [row.template_id for row in held]:
            self.session.scalars(self.matching({"template_id": ids}), execution_options=FRESH).all()


class TrainingExampleRepository(Rows[TrainingExample]):
    """Training examples of agent modules. Writing them takes a scope that holds no split but train."""

    model_class = TrainingExample

    def get_examples(self, agent: AgentName | str, module: str, limit: int | None = 100) -> list[TrainingExample]:
        """Return the best examples; see ``get_dspy_training_examples`` of the database.

        Validated ones first, then by quality, unjudged ones last, then the newest.

        :param limit: at most so many; below 1 none, None for all of them.
        """
        best = func.get_dspy_training_examples(
            agent_value(TrainingExample, agent), module, typed(limit, Integer())
        ).table_valued("example_id", with_ordinality="ordinality", name="best")
        examples = self.select().join(best, TrainingExample.example_id == best.c.example_id)
        return self.rows(examples.order_by(best.c.ordinality))

    def store(
        self,
        agent: AgentName | str,
        module: str,
        pairs: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]],
        *,
        source: str | None = None,
        quality_score: float | None = None,
    ) -> list[TrainingExample]:
        """Store pairs of inputs and outputs, and return the rows that are new; pairs that are there are left alone.

        :param source: where they come from, such as a run.
        :param quality_score: 0 to 1, None when nobody judged them.
        :raises SplitAccessError: the scope holds another split than train.
        :raises FilterError: a quality outside of 0 to 1, or fields that are not JSON.
        """
        self._train_only()
        name = coerced(TrainingExample, "agent_name", agent)
        new: list[TrainingExample] = []
        with refusals(self.session, self.table_name):
            for inputs, outputs in pairs:
                pair = {"input_json": dict(inputs), "output_json": dict(outputs)}
                of = self.matching({"agent_name": name, "module_name": module, **pair})
                if self.first(of) is None:
                    example = TrainingExample(
                        agent_name=name, module_name=module, source=source, quality_score=quality_score, **pair
                    )
                    self.session.add(example)
                    self.session.flush()
                    new.append(example)
        return new

    def judge(self, example_id: Key, quality_score: float | None, *, validated: bool = True) -> TrainingExample:
        """Note how good an example is, and whether somebody found it right; return it.

        :raises RowNotFoundError: no such example in the scope.
        :raises SplitAccessError: the scope holds another split than train.
        :raises FilterError: a quality outside of 0 to 1.
        """
        return self.update(example_id, {"quality_score": quality_score, "is_validated": validated})

    def agent_metrics(self, agent: AgentName | str, days: int = 30) -> AgentMetrics:
        """Return how the examples of an agent did; see ``get_dspy_agent_metrics`` of the database.

        :param days: days of 24 hours, up to now.
        :raises FilterError: there is no such agent, or a negative number of days.
        """
        name: AgentName = coerced(TrainingExample, "agent_name", agent)
        metrics = func.get_dspy_agent_metrics(name.value, typed(days, Integer())).table_valued(
            "signal_count", "avg_reward", "avg_latency_ms", "validated_count", "improvement_trend", name="metrics"
        )
        with refusals(self.session, self.table_name):
            return AgentMetrics(*self.session.execute(select(metrics)).one())

    def create(self, entity: TrainingExample) -> TrainingExample:
        """Insert an example and return it as stored; see :meth:`BaseRepository.create`."""
        with refusals(self.session, self.table_name):
            return super().create(entity)

    def update(self, id: Key, updates: Mapping[str, Any]) -> TrainingExample:
        """Set the given columns and return the example; see :meth:`BaseRepository.update`.

        :raises SplitAccessError: the scope holds another split than train.
        """
        self._train_only()
        with refusals(self.session, self.table_name):
            return super().update(id, updates)

    def delete(self, id: Key) -> bool:
        """Delete an example and tell whether one went away.

        :raises SplitAccessError: the scope holds another split than train.
        """
        self._train_only()
        return super().delete(id)

    def _train_only(self) -> None:
        # The wall refuses an INSERT by itself, but merely hides the rows from UPDATE and DELETE.
        scope = self._opened().scope
        if scope.split_set != {Split.TRAIN}:
            raise SplitAccessError(
                "Training examples end up in prompts, and the scope holds other splits than train.",
                remedy="write them in a scope that holds train alone: Scope(tenant, splits={'train'})",
                table=self.table_name,
                scope=scope,
            )


class AsyncPromptTemplateRepository(AsyncBaseRepository[PromptTemplate]):
    """:class:`PromptTemplateRepository` over an asynchronous session."""

    sync_class = PromptTemplateRepository
    get_active = awaiting(PromptTemplateRepository.get_active)
    get_version = awaiting(PromptTemplateRepository.get_version)
    get_history = awaiting(PromptTemplateRepository.get_history)
    store = awaiting(PromptTemplateRepository.store)
    activate = awaiting(PromptTemplateRepository.activate)
    deactivate = awaiting(PromptTemplateRepository.deactivate)
    record_use = awaiting(PromptTemplateRepository.record_use)


class AsyncTrainingExampleRepository(AsyncBaseRepository[TrainingExample]):
    """:class:`TrainingExampleRepository` over an asynchronous session."""

    sync_class = TrainingExampleRepository
    get_examples = awaiting(TrainingExampleRepository.get_examples)
    store = awaiting(TrainingExampleRepository.store)
    judge = awaiting(TrainingExampleRepository.judge)
    agent_metrics = awaiting(TrainingExampleRepository.agent_metrics)
