"""Real runs of DSPy's optimizers, recorded, and what comes back: the same prompts, the same predictions."""

from __future__ import annotations

import json
from typing import Any

import pytest

import dspy
from hedgerow import Scope, SplitAccessError, open_session
from hedgerow.core.repository import FilterError, RowNotFoundError
from hedgerow.dspy.repository import PromptTemplateRepository, TrainingExampleRepository
from hedgerow.integrations.dspy import (
    NotAProgramError,
    ProgramMismatchError,
    load_program,
    record_run,
    save_program,
    store_examples,
    training_examples,
)
from pupil import CAPITALS, Capitals, bootstrap, evaluate, exact, questions
from world import OTHER, TENANT, World

TRAIN = Scope(TENANT, splits={"train"})


def row(world: World, run: Any) -> Any:
    return world.admin("SELECT * FROM dspy_optimization_runs WHERE run_id = :r", r=run.run_id)[0]


def results(world: World, run: Any) -> list[Any]:
    return world.admin("SELECT * FROM dspy_evaluation_results WHERE run_id = :r ORDER BY iteration", r=run.run_id)


def templates(world: World, module: str) -> list[Any]:
    return world.admin("SELECT * FROM dspy_prompt_templates WHERE module_name = :m ORDER BY template_version", m=module)


def prompts(lm: Any, program: Any) -> list[Any]:
    """What each question says to the model, and what comes back."""
    answers = [program(question=example.question).answer for example in questions()]
    return [(call["messages"], answer) for call, answer in zip(lm.history[-len(answers) :], answers, strict=True)]


def test_a_run_is_recorded_while_it_happens(world: World, recording: Any, module: str) -> None:
    with recording(config={"ticket": 7}) as run:
        assert (row(world, run).status, row(world, run).phase) == ("running", "initialization")
        before = evaluate()(Capitals())
        assert row(world, run).phase == "evaluation"
        compiled = bootstrap().compile(Capitals(), trainset=questions())
        assert row(world, run).phase == "optimization"
        assert [template.is_active for template in templates(world, module)] == [False]
        after = evaluate()(compiled)
        assert row(world, run).phase == "validation"
        run.activate()
        assert row(world, run).phase == "deployment"

    assert (before.score, after.score) == (33.33, 100.0), "the examples of the prompt teach the rest"
    done = row(world, run)
    assert (done.status, done.optimization_type, done.error_message) == ("completed", "BootstrapFewShot", None)
    assert done.config_json["ticket"] == 7
    assert done.config_json["settings"]["max_bootstrapped_demos"] == 2
    assert {name: done.config_json[name] for name in ("module", "student", "metric", "trainset", "model")} == {
        "module": module,
        "student": "Capitals",
        "metric": "exact",
        "trainset": 6,
        "model": "dummy",
    }
    assert done.improvement_pct == pytest.approx(100 * (100 - 33.33) / 33.33) == run.improvement_pct
    assert done.metrics_json["baseline"] == 33.33
    (template,) = templates(world, module)
    assert (template.template_id, template.is_active, template.performance_score) == (done.best_prompt_id, True, 100.0)
    assert template.variables == ["question"]
    first, last = results(world, run)
    assert [(each.iteration, each.score, each.prompt_template_id) for each in (first, last)] == [
        (0, 33.33, None),
        (1, 100.0, template.template_id),
    ]
    assert {**first.evaluation_metrics, "seconds": 0, "examples_sha256": ""} == {
        "metric": "exact",
        "examples": 6,
        "examples_sha256": "",
        "program": "Capitals",
        "compiling": False,
        "failed": 0,
        "seconds": 0,
    }
    assert first.evaluation_metrics["examples_sha256"] == last.evaluation_metrics["examples_sha256"]
    assert (first.sample_outputs, last.sample_outputs) == (None, None), "they may be of another split"


def test_the_prompt_in_use_gives_identical_predictions(world: World, recording: Any, module: str, lm: Any) -> None:
    signature = dspy.Signature("question -> answer", "Name the capital. 東京 is one.")
    student = Capitals()
    student.answer.signature = signature
    with recording() as run:
        compiled = bootstrap().compile(student, trainset=questions())
        run.activate()
    with world.session("train") as session:
        loaded = load_program(session, Capitals(), agent="explainer", module=module)
        again = load_program(session, Capitals(), agent="explainer", module=module, version=1)
    assert prompts(lm, loaded) == prompts(lm, compiled) == prompts(lm, again)
    assert [answer for _, answer in prompts(lm, loaded)] == list(CAPITALS.values())
    assert prompts(lm, Capitals()) != prompts(lm, compiled), "the case that the test is about"
    assert loaded.dump_state() == {**compiled.dump_state()}


def test_examples_come_back_ready_for_the_next_optimizer(world: World, recording: Any, module: str) -> None:
    with recording() as run:
        bootstrap().compile(Capitals(), trainset=questions())
    with world.session("validation") as session:
        found = training_examples(session, agent="explainer", module=module)
        rows = TrainingExampleRepository(session).get_examples("explainer", module)
    assert {row.source for row in rows} == {f"bootstrap {run.run_id}"}
    assert sorted(example.answer for example in found) == ["Paris", "Rome"], "those that running the program found"
    assert all(example.inputs().keys() == ["question"] and example.labels().keys() == ["answer"] for example in found)
    again = dspy.LabeledFewShot(k=2).compile(Capitals(), trainset=found)
    assert {demo.answer for demo in again.answer.demos} == {"Paris", "Rome"}
    with recording():
        bootstrap().compile(Capitals(), trainset=questions())
    with world.session("train") as session:
        assert len(training_examples(session, agent="explainer", module=module)) == 2, "no example twice"
        assert training_examples(session, agent="explainer", module=module, limit=0) == []


def test_an_optimizer_that_uses_others_makes_one_prompt(world: World, recording: Any, module: str) -> None:
    optimizer = dspy.BootstrapFewShotWithRandomSearch(
        metric=exact, max_bootstrapped_demos=2, max_labeled_demos=4, num_candidate_programs=2, num_threads=2
    )
    with recording() as run:
        compiled = optimizer.compile(Capitals(), trainset=questions(), valset=questions())
    done, found = row(world, run), results(world, run)
    assert (done.optimization_type, done.config_json["valset"]) == ("BootstrapFewShotWithRandomSearch", 6)
    assert len(found) == len(compiled.candidate_programs) == 5, "zero-shot, labels, and three bootstrapped"
    assert [each.iteration for each in found] == list(range(5))
    assert {each.evaluation_metrics["compiling"] for each in found} == {True}
    (template,) = templates(world, module)
    assert template.performance_score == max(each.score for each in found)
    assert [each.score for each in found if each.prompt_template_id] == [template.performance_score]
    assert done.best_prompt_id == template.template_id == run.template_id
    assert done.metrics_json["baseline"] == found[0].score == 33.33
    assert done.improvement_pct > 0


def test_each_compiled_program_is_a_version_and_the_best_one_wins(world: World, recording: Any, module: str) -> None:
    with recording() as run:
        good = dspy.LabeledFewShot(k=6).compile(Capitals(), trainset=questions())
        bad = dspy.LabeledFewShot(k=1).compile(Capitals(), trainset=questions())
        assert run.template_id is not None
        for program in (good, bad):
            evaluate()(program)
        run.activate()
    first, second = templates(world, module)
    assert first.performance_score == 100.0 > second.performance_score
    assert (first.is_active, second.is_active) == (True, False)
    assert row(world, run).best_prompt_id == first.template_id


def test_the_best_prompt_is_that_of_the_measure_asked_for_last(world: World, recording: Any, module: str) -> None:
    with recording() as run:
        narrow = dspy.LabeledFewShot(k=1).compile(Capitals(), trainset=questions("Spain"))
        evaluate(questions("Spain"))(narrow)
        wide = dspy.LabeledFewShot(k=3).compile(Capitals(), trainset=questions("Spain", "Peru", "Cuba"))
        assert run.score == 100.0
        for program in (narrow, wide):
            evaluate()(program)
    first, second = templates(world, module)
    assert (first.performance_score, second.performance_score) == (50.0, 83.33)
    assert (row(world, run).best_prompt_id, run.score) == (second.template_id, 83.33)


def test_gains_are_only_between_the_same_examples(world: World, recording: Any) -> None:
    with recording() as run:
        evaluate(questions("France", "Spain"))(Capitals())
        evaluate()(bootstrap().compile(Capitals(), trainset=questions()))
        assert (run.score, run.improvement_pct) == (100.0, None), "50 % of other examples is no baseline"
    assert row(world, run).improvement_pct is None
    with recording() as run:
        evaluate(questions("Spain"))(Capitals())
        evaluate(questions("Spain"))(bootstrap().compile(Capitals(), trainset=questions()))
        assert (run.score, run.improvement_pct) == (100.0, None), "nothing is not improved by percents"


def test_several_predictors_have_examples_of_their_own(world: World, recording: Any, module: str) -> None:
    class Twice(dspy.Module):
        def __init__(self) -> None:
            super().__init__()
            self.country = dspy.Predict("question -> answer")
            self.capital = dspy.ChainOfThought("question, hint -> answer")

        def forward(self, question: str) -> Any:
            return self.capital(question=question, hint=self.country(question=question).answer)

    known = [{"answer": "France"}, {"reasoning": "It is.", "answer": "Paris"}]
    with dspy.context(lm=dspy.utils.DummyLM(known * 4)), recording():
        compiled = bootstrap(max_labeled_demos=0).compile(Twice(), trainset=questions("France"))
    (template,) = templates(world, module)
    assert template.variables == ["question", "hint"]
    with world.session("train") as session:
        (country,) = training_examples(session, agent="explainer", module=f"{module}.country")
        (capital,) = training_examples(session, agent="explainer", module=f"{module}.capital.predict")
        assert training_examples(session, agent="explainer", module=module) == []
        loaded = load_program(session, Twice(), agent="explainer", module=module, version=1)
    assert (country.answer, country.inputs().keys()) == ("France", ["question"])
    assert capital.inputs().toDict() == {"question": questions("France")[0].question, "hint": "France"}
    assert capital.labels().toDict() == {"reasoning": "It is.", "answer": "Paris"}
    assert loaded.dump_state() == compiled.dump_state()


def test_samples_are_kept_when_asked_for(world: World, recording: Any) -> None:
    with recording(samples=2) as run:
        evaluate()(Capitals())
    (only,) = results(world, run)
    assert only.sample_outputs == [
        {"inputs": {"question": f"What is the capital of {name}?"}, "output": {"answer": CAPITALS[name]}, "score": True}
        for name in ("France", "Italy")
    ]


def test_models_are_neither_stored_nor_taken_away(world: World, recording: Any, module: str, lm: Any) -> None:
    student = Capitals()
    student.set_lm(dspy.LM("openai/none", api_key="sk-secret", api_base="https://elsewhere.invalid"))
    with recording(config={"who": "me"}) as run:
        dspy.LabeledFewShot(k=2).compile(student, trainset=questions())
        run.keep(student)
    _, template = templates(world, module)
    assert student.dump_state()["answer"]["lm"]["api_base"], "there was something to leave out"
    everything = template.template_content + json.dumps(
        [list(map(str, row)) for row in world.admin("SELECT * FROM dspy_optimization_runs")]
    )
    assert "sk-secret" not in everything
    assert "elsewhere" not in everything
    mine = Capitals()
    mine.answer.lm = lm
    with world.session("train") as session:
        assert load_program(session, mine, agent="explainer", module=module, version=1) is mine
    assert mine.answer.lm is lm


def test_callbacks_of_the_caller_are_told_as_before(recording: Any) -> None:
    told: list[str] = []

    class Mine(dspy.utils.callback.BaseCallback):
        def on_compile_end(self, call_id: str, outputs: Any, exception: Any = None) -> None:
            told.append("compiled")

    with dspy.context(callbacks=[Mine()]):
        with recording():
            bootstrap().compile(Capitals(), trainset=questions())
        bootstrap().compile(Capitals(), trainset=questions())
    assert told.count("compiled") == 4, "the optimizer and the one that it uses, inside and after"


# --- What does not fit -------------------------------------------------------------------------------------------


def test_a_program_that_does_not_fit_is_refused_and_unchanged(world: World, module: str) -> None:
    class Other(dspy.Module):
        def __init__(self, name: str, signature: str) -> None:
            super().__init__()
            setattr(self, name, dspy.Predict(signature))

    with world.session("train") as session:
        compiled = dspy.LabeledFewShot(k=2).compile(Capitals(), trainset=questions())
        save_program(session, compiled, agent="explainer", module=module, activate=True)
        for program, match in (
            (Other("reply", "question -> answer"), "it has no predictor answer; the stored one has no predictor reply"),
            (Other("answer", "question -> reply"), "answer was question -> answer and is question -> reply"),
            (Other("answer", "question, hint -> answer"), "and is question, hint -> answer"),
        ):
            before = program.dump_state()
            with pytest.raises(ProgramMismatchError, match=match):
                load_program(session, program, agent="explainer", module=module)
            assert program.dump_state() == before


def test_templates_that_hold_no_program(world: World, module: str) -> None:
    with world.session("train") as session:
        with pytest.raises(RowNotFoundError, match="There is no prompt in use"):
            load_program(session, Capitals(), agent="explainer", module=module)
        for text in ("Answer the question {question}.", "[]", '{"state": {}}'):
            PromptTemplateRepository(session).store("explainer", module, text, activate=True)
            with pytest.raises(NotAProgramError, match="holds no DSPy program"):
                load_program(session, Capitals(), agent="explainer", module=module)
        with pytest.raises(RowNotFoundError, match="There is no version 9 of the prompt"):
            load_program(session, Capitals(), agent="explainer", module=module, version=9)
        with pytest.raises(NotAProgramError, match="has no predictors"):
            save_program(session, dspy.Module(), agent="explainer", module=module)


def test_examples_of_the_caller(world: World, module: str) -> None:
    with world.session("train") as session:
        odd = dspy.Example(question="a\0b", answer=float("nan")).with_inputs("question")
        stored = store_examples(session, [*questions(), odd], agent="explainer", module=module, source="by hand")
        assert len(stored) == 7
        assert stored[-1].input_json == {"question": "a\ufffdb"}
        assert store_examples(session, questions(), agent="explainer", module=module) == []
        with pytest.raises(FilterError, match="does not say which of its fields are inputs"):
            store_examples(session, [dspy.Example(question="x")], agent="explainer", module=module)
        with pytest.raises(NotAProgramError, match="has no JSON form"):
            store_examples(
                session, [dspy.Example(question=object()).with_inputs("question")], agent="explainer", module=module
            )
    with world.session("train", "validation") as session, pytest.raises(SplitAccessError):
        store_examples(session, questions(), agent="explainer", module=module)


@pytest.mark.parametrize("splits", [("validation",), ("train", "validation", "unassigned")])
def test_a_scope_that_holds_more_than_train_is_refused_before_anything_runs(
    world: World, module: str, splits: tuple[str, ...]
) -> None:
    entered = False
    with (
        pytest.raises(SplitAccessError, match="holds train alone"),
        record_run(Scope(TENANT, splits=splits), agent="explainer", module=module, engine=world.engine),
    ):
        entered = True
    assert not entered
    assert not world.admin("SELECT FROM dspy_optimization_runs WHERE config_json ->> 'module' = :m", m=module)


def test_another_tenant_gets_neither_prompt_nor_examples(world: World, recording: Any, module: str) -> None:
    with recording() as run:
        bootstrap().compile(Capitals(), trainset=questions())
        run.activate()
    with world.session("train", tenant=OTHER) as session:
        with pytest.raises(RowNotFoundError):
            load_program(session, Capitals(), agent="explainer", module=module)
        assert training_examples(session, agent="explainer", module=module) == []
    with world.session("train") as session:
        assert load_program(session, Capitals(), agent="explainer", module=module)
    with open_session(TRAIN, engine=world.engine) as session:
        assert len(training_examples(session, agent="explainer", module=module)) == 2
