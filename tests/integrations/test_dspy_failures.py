"""Runs that fail, are killed, lose the database or cannot be stored: what was noted stays, and nothing is silent."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

import dspy
from hedgerow import Scope
from hedgerow.core.repository import RowNotFoundError
from hedgerow.dspy.errors import RunTransitionError
from hedgerow.dspy.repository import OptimizationRunRepository
from hedgerow.integrations.dspy import NotAProgramError, RecordingError, load_program, resume_run
from hedgerow.integrations.dspy import journal as journal_module
from pupil import Capitals, bootstrap, evaluate, questions
from world import OTHER, TENANT, World

ROOT = Path(__file__).parents[2]
TRAIN = Scope(TENANT, splits={"train"})


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "PATIENCE", (0.0, 0.05))


def row(world: World, run_id: UUID) -> Any:
    return world.admin("SELECT * FROM dspy_optimization_runs WHERE run_id = :r", r=run_id)[0]


def iterations(world: World, run_id: UUID) -> list[int]:
    found = world.admin("SELECT iteration FROM dspy_evaluation_results WHERE run_id = :r ORDER BY 1", r=run_id)
    return [each.iteration for each in found]


class Broken(dspy.teleprompt.Teleprompter):
    """An optimizer that evaluates once and then fails."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def compile(self, student: Any, *, trainset: list[Any], **_: Any) -> Any:
        evaluate(trainset)(student)
        raise self.error


@pytest.mark.parametrize(
    ("error", "status"),
    [(RuntimeError("no quota\0"), "failed"), (SystemExit(3), "failed"), (KeyboardInterrupt(), "cancelled")],
)
def test_a_failing_optimizer_fails_the_run_and_is_raised(
    world: World, recording: Any, error: BaseException, status: str
) -> None:
    with pytest.raises(type(error)) as raised, recording() as run:
        Broken(error).compile(Capitals(), trainset=questions())
    assert raised.value is error
    assert not getattr(error, "__notes__", [])
    failed = row(world, run.run_id)
    assert (failed.status, failed.phase) == (status, "optimization")
    assert failed.error_message.replace("\ufffd", "\0").startswith(type(error).__name__)
    assert iterations(world, run.run_id) == [0], "what was noted before stays"


def test_an_error_that_the_caller_handles_fails_nothing(world: World, recording: Any) -> None:
    with recording() as run:
        with pytest.raises(RuntimeError):
            Broken(RuntimeError()).compile(Capitals(), trainset=questions())
        bootstrap().compile(Capitals(), trainset=questions())
    done = row(world, run.run_id)
    assert (done.status, done.best_prompt_id) == ("completed", run.template_id)


def test_an_evaluation_that_fails_is_a_result_without_a_score(world: World, recording: Any) -> None:
    def wrong(example: Any, answer: Any) -> bool:
        raise ValueError("the metric is wrong")

    with recording() as run, pytest.raises(Exception, match="Execution cancelled"):
        dspy.Evaluate(devset=questions(), metric=wrong, num_threads=1, max_errors=1)(Capitals())
    (result,) = world.admin("SELECT * FROM dspy_evaluation_results WHERE run_id = :r", r=run.run_id)
    assert result.score is None
    assert result.evaluation_metrics["error"]
    assert row(world, run.run_id).status == "completed"


def test_no_transaction_is_open_while_the_optimizer_works(world: World, recording: Any) -> None:
    open_now = text("SELECT count(*) FROM pg_stat_activity WHERE datname = :d AND usename <> 'postgres'")
    with recording():
        evaluate()(Capitals())
        with world.database.admin() as admin:
            assert admin.scalar(open_now, {"d": world.database.name}) == 0


def test_a_rollback_of_the_caller_undoes_nothing(world: World, recording: Any) -> None:
    with world.session("train") as session:
        with recording() as run:
            evaluate()(Capitals())
        session.rollback()
    assert (row(world, run.run_id).status, iterations(world, run.run_id)) == ("completed", [0])


def test_evaluations_in_several_threads_are_all_noted(world: World, recording: Any) -> None:
    from dspy.dsp.utils.settings import thread_local_overrides

    with recording() as run:
        overrides = thread_local_overrides.get()

        def work() -> None:
            thread_local_overrides.set(overrides)
            evaluate()(Capitals())

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert iterations(world, run.run_id) == list(range(6))


# --- Killed ------------------------------------------------------------------------------------------------------

KILLED = """
import os, sys
sys.path.insert(0, {tests!r})
import dspy
from sqlalchemy import make_url
from hedgerow import Scope
from hedgerow.core.engine import build_engine
from hedgerow.integrations.dspy import record_run
from pupil import Capitals, Pupil, bootstrap, evaluate, questions

engine = build_engine(make_url(os.environ["URL"]))
with dspy.context(lm=Pupil()):
    with record_run(Scope({tenant!r}, splits={{"train"}}), agent="explainer", module="killed", engine=engine) as run:
        evaluate()(Capitals())
        bootstrap().compile(Capitals(), trainset=questions())
        print(run.run_id, flush=True)
        os._exit(9)
"""


def test_a_killed_run_says_running_and_can_go_on_or_be_failed(world: World) -> None:
    url = world.database.url("app").render_as_string(hide_password=False)
    found = []
    for _ in range(2):
        died = subprocess.run(
            [sys.executable, "-c", KILLED.format(tests=str(ROOT / "tests"), tenant=TENANT)],
            env={**os.environ, "URL": url, "PYTHONPATH": str(ROOT / "src")},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert died.returncode == 9, died.stderr
        found.append(UUID(died.stdout.split()[-1]))
    first, second = found
    assert row(world, first).status == "running"
    with world.session("train") as session:
        assert {run.run_id for run in OptimizationRunRepository(session).get_unfinished()} >= {first, second}

    with resume_run(TRAIN, first, engine=world.engine) as run:
        assert (run.run_id, run.module, run.agent) == (first, "killed", "explainer")
        with world.session("train") as session:
            program = load_program(session, Capitals(), agent="explainer", module="killed", version=1)
        evaluate()(program)
        run.keep(program)
        evaluate()(program)
    done = row(world, first)
    assert (done.status, done.phase) == ("completed", "validation")
    assert iterations(world, first) == [0, 1, 2], "it counts on"
    assert done.metrics_json["baseline"] == 33.33, "what was noted before the kill is known"
    assert done.best_prompt_id == run.template_id

    with world.session("train") as session:
        runs = OptimizationRunRepository(session)
        runs.update_status(second, "failed", {"error_message": "its process is gone"})
        session.commit()
    for gone in (first, second):
        with (
            pytest.raises(RunTransitionError, match="so it cannot go on"),
            resume_run(TRAIN, gone, engine=world.engine),
        ):
            pass
    for unknown in (uuid4(), "no id"):
        with pytest.raises(RowNotFoundError), resume_run(TRAIN, unknown, engine=world.engine):
            pass
    with (
        pytest.raises(RowNotFoundError),
        resume_run(Scope(OTHER, splits={"train"}), first, engine=world.engine),
    ):
        pass


# --- Not recordable ----------------------------------------------------------------------------------------------


@pytest.fixture
def unplug(world: World) -> Any:
    """Makes the database unreachable, or reachable again."""
    engine = create_engine(world.database.server.url("admin", "postgres"), poolclass=NullPool)

    def connections(allowed: bool) -> None:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as admin:
            admin.execute(text(f"ALTER DATABASE {world.database.name} WITH ALLOW_CONNECTIONS {allowed}"))

    yield connections
    connections(True)


def test_what_the_database_missed_is_written_when_it_is_back(world: World, recording: Any, unplug: Any) -> None:
    with recording() as run:
        evaluate()(Capitals())
        unplug(False)
        evaluate()(bootstrap().compile(Capitals(), trainset=questions()))
        with pytest.raises(OperationalError):
            world.session("train").connection()
        unplug(True)
    done = row(world, run.run_id)
    assert (done.status, done.phase, iterations(world, run.run_id)) == ("completed", "validation", [0, 1])
    assert done.best_prompt_id == run.template_id
    assert done.improvement_pct > 0


def test_a_program_is_not_lost_with_the_database(world: World, recording: Any, unplug: Any) -> None:
    made: list[Any] = []

    def block() -> None:
        with recording() as run:
            unplug(False)
            made.extend((run.run_id, bootstrap().compile(Capitals(), trainset=questions())))

    with pytest.raises(RecordingError, match="Not all of the run") as error:
        block()
    assert error.value.program is made[1]
    assert isinstance(error.value.__cause__, OperationalError)
    unplug(True)
    assert row(world, made[0]).status == "running", "as after a kill"


def test_an_error_of_the_block_outranks_that_of_the_recording(recording: Any, unplug: Any) -> None:
    def block() -> None:
        with recording():
            unplug(False)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as error:
        block()
    assert "could be recorded" in error.value.__notes__[0]


def test_without_a_database_nothing_runs(recording: Any, unplug: Any) -> None:
    unplug(False)
    entered = False
    with pytest.raises(OperationalError), recording():
        entered = True
    assert not entered


def test_a_program_that_cannot_be_stored_is_handed_over(world: World, recording: Any, module: str) -> None:
    class Odd(dspy.teleprompt.Teleprompter):
        def compile(self, student: Any, *, trainset: list[Any], **_: Any) -> Any:
            program = student.reset_copy()
            program.answer.demos = [dspy.Example(question=object(), answer="x")]
            return program

    made: list[Any] = []

    def block() -> None:
        with recording() as run:
            made.extend((run.run_id, Odd().compile(Capitals(), trainset=questions())))
            with pytest.raises(NotAProgramError):
                run.keep(made[1])

    with pytest.raises(RecordingError, match="has no JSON form") as error:
        block()
    assert error.value.program is made[1]
    failed = row(world, made[0])
    assert (failed.status, failed.best_prompt_id) == ("failed", None)
    assert "Not all of it could be recorded" in failed.error_message
    assert not world.admin("SELECT FROM dspy_prompt_templates WHERE module_name = :m", m=module)


def test_a_run_that_somebody_else_ended_is_not_ended_again(world: World, recording: Any) -> None:
    made: list[UUID] = []

    def block() -> None:
        with recording() as run:
            made.append(run.run_id)
            with world.session("train") as session:
                OptimizationRunRepository(session).update_status(run.run_id, "cancelled")
                session.commit()
            evaluate()(Capitals())

    with pytest.raises(RecordingError, match="is cancelled, so it") as error:
        block()
    assert isinstance(error.value.__cause__, RunTransitionError)
    assert (row(world, made[0]).status, iterations(world, made[0])) == ("cancelled", [0])


def test_there_is_nothing_to_activate_before_a_prompt(world: World, recording: Any) -> None:
    with recording() as run:
        assert (run.template_id, run.score, run.improvement_pct) == (None, None, None)
        with pytest.raises(RowNotFoundError, match="has no prompt to activate yet"):
            run.activate()
    assert (row(world, run.run_id).status, row(world, run.run_id).phase) == ("completed", "initialization")


@pytest.mark.parametrize("how", ["absent", "old"])
def test_without_dspy_the_error_names_the_extra(how: str) -> None:
    prepare = {
        "absent": "import sys; sys.modules['dspy'] = None",
        "old": "import dspy; del dspy.utils.callback.BaseCallback.on_compile_end",
    }[how]
    script = (
        f"{prepare}\nimport hedgerow.dspy.repository\n"
        "from hedgerow.integrations import MissingExtraError\n"
        "try:\n    import hedgerow.integrations.dspy\n"
        "except ImportError as error:\n    assert isinstance(error, MissingExtraError)\n    print(error)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "pip install 'hedgerow[dspy]'" in said.stdout, "and the domain itself needs no DSPy"
