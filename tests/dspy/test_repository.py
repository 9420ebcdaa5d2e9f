"""The repositories of the dspy domain, over both drivers: answers, typed errors, and a transaction that goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from hedgerow import SplitAccessError
from hedgerow.agents.enums import AgentName
from hedgerow.core.repository import FilterError, ReadOnlyError, RowNotFoundError
from hedgerow.dspy import OptimizationPhase, OptimizationStatus, PromptTemplate, TrainingExample
from hedgerow.dspy.errors import PromptVersionError, RunTransitionError
from hedgerow.dspy.repository import (
    AsyncEvaluationResultRepository,
    AsyncOptimizationRunRepository,
    AsyncPromptTemplateRepository,
    AsyncTrainingExampleRepository,
)
from world import OTHER, TENANT, World


class Desk:
    """The four repositories over one session."""

    def __init__(self, runs: Any, session: Any, make: Any) -> None:
        self.runs, self.session = runs, session
        self.results, self.templates, self.examples = (
            make(kind)
            for kind in (AsyncEvaluationResultRepository, AsyncPromptTemplateRepository, AsyncTrainingExampleRepository)
        )


@contextmanager
def desk_of(world: World, driver: str, tenant: str = TENANT, *splits: str) -> Iterator[Desk]:
    scope = world.scope(*(splits or ("train",)), tenant=tenant)
    with world.repository(driver, AsyncOptimizationRunRepository, scope) as runs:
        if driver == "psycopg":
            yield Desk(runs, runs.session, lambda kind: kind.sync_class(runs.session))
        else:
            wrap = type(runs)
            yield Desk(runs, runs.session, lambda kind: wrap(kind(runs._target.session), runs._runner))


@pytest.fixture(params=["psycopg", "asyncpg"])
def desk(world: World, request: pytest.FixtureRequest) -> Iterator[Desk]:
    with desk_of(world, request.param) as desk:
        yield desk


# --- Runs --------------------------------------------------------------------------------------------------------


def test_the_life_of_a_run(desk: Desk) -> None:
    run = desk.runs.create_run("explainer", {"optimization_type": "COPRO", "depth": 2})
    assert (run.agent_name, run.optimization_type, run.status) == (AgentName.EXPLAINER, "COPRO", "pending")
    same = desk.runs.update_status(run.run_id, "running", {"a": 1})
    assert same is run, "the object that the session holds is as it is stored"
    assert (run.status, run.metrics_json) == (OptimizationStatus.RUNNING, {"a": 1})
    assert run.started_at is not None
    assert desk.runs.enter_phase(str(run.run_id), "sampling").phase is OptimizationPhase.SAMPLING
    done = desk.runs.update_status(run.run_id, OptimizationStatus.COMPLETED, {"improvement_pct": 4})
    assert (done.improvement_pct, done.metrics_json) == (4.0, {"a": 1, "improvement_pct": 4})
    assert desk.runs.create_run(AgentName.EXPLAINER).config_json == {}


def test_illegal_steps_are_typed_and_the_transaction_goes_on(desk: Desk) -> None:
    run_id = desk.runs.create_run("explainer").run_id
    with pytest.raises(RunTransitionError, match="cannot become completed") as error:
        desk.runs.update_status(run_id, "completed")
    assert error.value.remedy == "From pending a run becomes one of: running, failed, cancelled."
    assert (error.value.table, error.value.scope.tenant_id) == ("dspy_optimization_runs", TENANT)
    with pytest.raises(RunTransitionError, match="stays in the phase initialization"):
        desk.runs.enter_phase(run_id, "sampling")
    with pytest.raises(RunTransitionError):
        desk.runs.update(run_id, {"status": OptimizationStatus.COMPLETED})
    desk.runs.update_status(run_id, "failed", {"error_message": "no model"})
    with pytest.raises(RunTransitionError, match=r"failed is final: create another run\."):
        desk.runs.update_status(run_id, "running")
    assert desk.runs.get_by_id(run_id).error_message == "no model"


def test_wrong_calls_are_typed(desk: Desk) -> None:
    run_id = desk.runs.create_run("explainer").run_id
    for unknown in (uuid4(), "no id"):
        with pytest.raises(RowNotFoundError):
            desk.runs.update_status(unknown, "running")
        with pytest.raises(RowNotFoundError):
            desk.runs.enter_phase(unknown, "sampling")
    with pytest.raises(FilterError, match="'done' is not a value of status"):
        desk.runs.update_status(run_id, "done")
    with pytest.raises(FilterError, match="is not a value of agent_name"):
        desk.runs.create_run("nobody")
    for metrics in (["x"], {"improvement_pct": "much"}, {"improvement_pct": True}):
        with pytest.raises(FilterError):
            desk.runs.update_status(run_id, "running", metrics)
    with pytest.raises(FilterError, match="too long"):
        desk.runs.create_run("explainer", {"optimization_type": "x" * 101})
    with pytest.raises(FilterError):
        desk.runs.update_status(run_id, "running", {"score": float("nan")})
    with pytest.raises(FilterError, match="cannot be older than -1 days"):
        desk.runs.archive(-1)
    assert desk.runs.get_by_id(run_id).status == "pending"


def test_runs_of_an_agent(desk: Desk) -> None:
    pending, first, second = (desk.runs.create_run("gap_analyzer") for _ in range(3))
    desk.runs.create_run("explainer")
    for run in (first, second):
        desk.runs.update_status(run.run_id, "running")
    found = desk.runs.get_by_agent("gap_analyzer")
    assert found[0] is pending
    assert {run.run_id for run in found[1:]} == {first.run_id, second.run_id}
    assert set(desk.runs.get_by_agent("gap_analyzer", "running")) == {first, second}
    assert {run.run_id for run in desk.runs.get_unfinished()} >= {first.run_id, second.run_id}
    assert desk.runs.get_unfinished(timedelta(hours=1)) == []


def test_archived_runs_are_left_out_unless_asked_for(world: World, desk: Desk) -> None:
    world.admin(
        "INSERT INTO dspy_optimization_runs (tenant_id, agent_name, optimization_type, status, completed_at)"
        " VALUES (:t, 'health_score', 'prompt', 'cancelled', '2025-01-01Z')",
        t=TENANT,
    )
    (run,) = desk.runs.get_by_agent("health_score")
    assert desk.runs.archive() == 1
    assert desk.runs.archive() == 0
    assert desk.runs.get_by_agent("health_score") == []
    assert [run.run_id] == [found.run_id for found in desk.runs.get_by_agent("health_score", archived=True)]
    desk.session.rollback()
    world.admin("DELETE FROM dspy_optimization_runs WHERE agent_name = 'health_score'")


# --- Results -----------------------------------------------------------------------------------------------------


def test_results_of_a_run(desk: Desk) -> None:
    run_id = desk.runs.create_run("explainer").run_id
    template = desk.templates.store("explainer", "results", "text")
    for iteration, score in ((2, 70.0), (0, None), (1, 70.0), (3, 40.0)):
        desk.results.store(run_id, iteration, {"n": iteration}, score, template.template_id, [{"n": iteration}])
    found = desk.results.get_by_run(run_id)
    assert [(row.iteration, row.score) for row in found] == [(0, None), (1, 70.0), (2, 70.0), (3, 40.0)]
    assert found[1].prompt_template_id == template.template_id
    assert found[1].sample_outputs == [{"n": 1}]
    assert desk.results.get_best(run_id).iteration == 1
    again = desk.results.store(str(run_id), 3, None, 90)
    assert again is found[3]
    assert (again.score, again.evaluation_metrics, again.sample_outputs) == (90.0, {}, [{"n": 3}])
    assert desk.results.get_best(run_id) is again
    assert desk.results.get_best(uuid4()) is None


def test_wrong_results_are_typed(desk: Desk) -> None:
    run_id = desk.runs.create_run("explainer").run_id
    with pytest.raises(RowNotFoundError, match="There is no such run in the scope"):
        desk.results.store(uuid4(), 0, {}, 1.0)
    with pytest.raises(RowNotFoundError, match="There is no such prompt template in the scope"):
        desk.results.store(run_id, 0, {}, 1.0, uuid4())
    for iteration, score in ((-1, 1.0), (0, float("nan")), (0, float("inf"))):
        with pytest.raises(FilterError):
            desk.results.store(run_id, iteration, {}, score)
    assert desk.results.get_by_run(run_id) == []


# --- Templates ---------------------------------------------------------------------------------------------------


def test_versions_and_the_one_in_use(desk: Desk) -> None:
    assert desk.templates.get_active("explainer", "versions") is None
    first = desk.templates.store("explainer", "versions", "one", ["question"], activate=True)
    second = desk.templates.store("explainer", "versions", "two", performance_score=71.5)
    assert [(row.template_version, row.is_active, row.variables) for row in (first, second)] == [
        (1, True, ["question"]),
        (2, False, []),
    ]
    assert desk.templates.get_active("explainer", "versions") is first
    assert desk.templates.activate(second.template_id) is second
    assert (first.is_active, second.is_active) == (False, True), "the session's objects know"
    assert desk.templates.get_active("explainer", "versions") is second
    third = desk.templates.store("explainer", "versions", "three", activate=True)
    assert (second.is_active, third.is_active) == (False, True)
    assert desk.templates.get_history("explainer", "versions") == [third, second, first]
    assert desk.templates.get_version("explainer", "versions", 2) is second
    assert desk.templates.get_version("explainer", "versions", 4) is None
    assert desk.templates.deactivate("explainer", "versions") is third
    assert desk.templates.deactivate("explainer", "versions") is None
    assert desk.templates.get_active("explainer", "versions") is None


def test_versions_do_not_change(desk: Desk) -> None:
    template = desk.templates.store("explainer", "fixed", "one")
    with pytest.raises(PromptVersionError, match="Version 1 of the prompt of explainer/fixed is stored") as error:
        desk.templates.update(template.template_id, {"template_content": "two"})
    assert "Insert another template" in error.value.remedy
    with pytest.raises(PromptVersionError, match="the next one is 2"):
        desk.templates.create(
            PromptTemplate(agent_name="explainer", module_name="fixed", template_content="x", template_version=5)
        )
    with pytest.raises(FilterError):
        desk.templates.create(
            PromptTemplate(agent_name="explainer", module_name="fixed", template_content="x", template_version=1)
        )
    with pytest.raises(ReadOnlyError):
        desk.templates.delete(template.template_id)
    for call in (desk.templates.activate, desk.templates.record_use):
        with pytest.raises(RowNotFoundError):
            call(uuid4())
    assert desk.templates.get_history("explainer", "fixed") == [template]


def test_uses_are_counted(desk: Desk) -> None:
    template = desk.templates.store("explainer", "used", "one")
    assert desk.templates.record_use(template.template_id).usage_count == 1
    assert desk.templates.record_use(template.template_id, 4).usage_count == 5
    for wrong in (-1, True, 1.5):
        with pytest.raises(FilterError, match="is not a number of uses"):
            desk.templates.record_use(template.template_id, wrong)


def test_a_template_that_the_orm_adds_knows_its_version(world: World) -> None:
    with world.session("train") as session:
        rows = [PromptTemplate(agent_name="explainer", module_name="orm", template_content="x") for _ in range(3)]
        session.add_all(rows)
        session.flush()
        assert sorted(row.template_version for row in rows) == [1, 2, 3]


# --- Examples ----------------------------------------------------------------------------------------------------


def test_examples_are_stored_once_and_given_back_best_first(desk: Desk) -> None:
    pairs = [({"question": f"q{n}"}, {"answer": n}) for n in range(3)]
    new = desk.examples.store("explainer", "examples", pairs, source="run 1")
    assert [row.source for row in new] == ["run 1"] * 3
    assert desk.examples.store("explainer", "examples", [*pairs[1:], ({"question": "q9"}, {"answer": 1.0})]) != []
    assert desk.examples.store("explainer", "examples", pairs) == []
    assert len(desk.examples.store("explainer", "elsewhere", pairs)) == 3
    desk.examples.judge(new[2].example_id, 0.5)
    desk.examples.judge(new[1].example_id, 0.9, validated=False)
    found = desk.examples.get_examples("explainer", "examples")
    assert [row.input_json["question"] for row in found[:2]] == ["q2", "q1"]
    assert desk.examples.get_examples("explainer", "examples", 1) == found[:1]
    assert desk.examples.get_examples("explainer", "examples", 0) == []
    assert len(desk.examples.get_examples("explainer", "examples", None)) == 4
    metrics = desk.examples.agent_metrics("explainer")
    assert (metrics.signal_count, metrics.validated_count, metrics.avg_reward) == (7, 1, pytest.approx(0.7))


def test_wrong_examples_are_typed(desk: Desk) -> None:
    (kept,) = desk.examples.store("explainer", "wrong", [({"q": 1}, {"a": 1})])
    with pytest.raises(FilterError):
        desk.examples.judge(kept.example_id, 1.5)
    with pytest.raises(RowNotFoundError):
        desk.examples.judge(uuid4(), 0.5)
    with pytest.raises(FilterError):
        desk.examples.store("explainer", "wrong", [({"q": float("nan")}, {})])
    with pytest.raises(FilterError):
        desk.examples.create(TrainingExample(agent_name="explainer", module_name="w", input_json=[1], output_json={}))
    with pytest.raises(FilterError):
        desk.examples.agent_metrics("nobody")
    with pytest.raises(FilterError, match="The last -1 days do not exist"):
        desk.examples.agent_metrics("explainer", -1)
    assert desk.examples.delete(kept.example_id) is True


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_examples_are_written_in_a_scope_of_train_alone(world: World, driver: str) -> None:
    with desk_of(world, driver) as desk:
        (kept,) = desk.examples.store("explainer", "train only", [({"q": 1}, {"a": 1})])
        example_id = kept.example_id
        desk.session.commit()
    with desk_of(world, driver, TENANT, "train", "validation") as desk:
        assert [row.example_id for row in desk.examples.get_examples("explainer", "train only")] == [example_id]
        for write in (
            lambda: desk.examples.store("explainer", "train only", [({"q": 2}, {"a": 2})]),
            lambda: desk.examples.judge(example_id, 1.0),
            lambda: desk.examples.delete(example_id),
            lambda: desk.examples.create(
                TrainingExample(agent_name="explainer", module_name="w", input_json={}, output_json={})
            ),
        ):
            with pytest.raises(SplitAccessError, match="splits"):
                write()
    world.admin("DELETE FROM dspy_training_examples WHERE module_name = 'train only'")


# --- Tenants -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_another_tenant_finds_none_of_it(world: World, driver: str) -> None:
    with desk_of(world, driver) as mine:
        run_id = mine.runs.create_run("drift_monitor").run_id
        mine.runs.update_status(run_id, "running")
        template = mine.templates.store("drift_monitor", "secret", "text", activate=True)
        template_id = template.template_id
        mine.results.store(run_id, 0, {}, 1.0, template_id)
        mine.examples.store("drift_monitor", "secret", [({"q": 1}, {"a": 1})])
        mine.session.commit()
    with desk_of(world, driver, OTHER) as theirs:
        assert theirs.runs.get_by_agent("drift_monitor") == theirs.runs.get_unfinished() == []
        assert theirs.results.get_by_run(run_id) == []
        assert theirs.results.get_best(run_id) is None
        assert theirs.templates.get_active("drift_monitor", "secret") is None
        assert theirs.templates.get_history("drift_monitor", "secret") == []
        assert theirs.examples.get_examples("drift_monitor", "secret") == []
        assert theirs.examples.agent_metrics("drift_monitor").signal_count == 0
        for call in (
            lambda: theirs.runs.update_status(run_id, "failed"),
            lambda: theirs.runs.enter_phase(run_id, "sampling"),
            lambda: theirs.results.store(run_id, 0, {}, 1.0),
            lambda: theirs.templates.activate(template_id),
            lambda: theirs.templates.record_use(template_id),
        ):
            with pytest.raises(RowNotFoundError):
                call()
    with desk_of(world, driver) as mine:
        assert mine.runs.get_by_id(run_id).status == "running"
        assert mine.templates.get_active("drift_monitor", "secret").template_id == template_id
        assert len(mine.examples.get_examples("drift_monitor", "secret")) == 1
    for table in ("dspy_evaluation_results", "dspy_optimization_runs", "dspy_training_examples"):
        world.admin(f"DELETE FROM {table} WHERE tenant_id = :t", t=TENANT)
    world.admin("DELETE FROM dspy_prompt_templates WHERE module_name = 'secret'")
