"""What each function of the dspy domain does, its edge cases, and that another tenant gets nothing of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from asking import ask, enter, one
from planting import refused
from world import OTHER, World

RUNS, RESULTS = "dspy_optimization_runs", "dspy_evaluation_results"


def create(db: Connection, config: str | None = "{}", agent: str | None = "explainer") -> UUID:
    return one(db, "SELECT create_dspy_optimization_run(CAST(:a AS agent_name_type), CAST(:c AS jsonb))",
               a=agent, c=config)[0]  # fmt: skip


def run(db: Connection, run_id: UUID) -> Any:
    return one(db, f"SELECT * FROM {RUNS} WHERE run_id = :r", r=run_id)


def update(db: Connection, run_id: UUID | None, status: str | None, metrics: Any = None) -> Any:
    text = None if metrics is None else json.dumps(metrics)
    return ask(db, "SELECT update_dspy_optimization_status(:r, CAST(:s AS optimization_status), CAST(:m AS jsonb))",
               r=run_id, s=status, m=text)  # fmt: skip


def evaluate(db: Connection, run_id: UUID | None, iteration: int | None, score: float | None, **values: Any) -> UUID:
    return one(
        db,
        "SELECT store_dspy_evaluation_result(:r, :i, CAST(:m AS jsonb), :s, :t, CAST(:o AS jsonb))",
        **{"r": run_id, "i": iteration, "s": score, "m": '{"n": 1}', "t": None, "o": None, **values},
    )[0]


def example(db: Connection, number: int, age: str = "0", **values: Any) -> None:
    row = {"quality_score": None, "is_validated": False, "agent_name": "explainer", "module_name": "m", **values}
    ask(
        db,
        "INSERT INTO dspy_training_examples (agent_name, module_name, input_json, output_json, quality_score,"
        " is_validated, created_at) VALUES (CAST(:agent_name AS agent_name_type), :module_name,"
        " jsonb_build_object('n', CAST(:number AS integer)), '{}', :quality_score, :is_validated,"
        " now() - CAST(:age AS interval))",
        number=number,
        age=age,
        **row,
    )


def examples(db: Connection, module: str | None = "m", limit: int | None = 100, agent: str = "explainer") -> list[int]:
    found = ask(db, "SELECT input_json FROM get_dspy_training_examples(CAST(:a AS agent_name_type), :m, :l)",
                a=agent, m=module, l=limit)  # fmt: skip
    return [row.input_json["n"] for row in found]


def metrics(db: Connection, agent: str | None = "explainer", days: int | None = 30) -> Any:
    return one(db, "SELECT * FROM get_dspy_agent_metrics(:a, :d)", a=agent, d=days)


@pytest.fixture
def app(world: World) -> Iterator[Connection]:
    with world.database.engine("app").connect() as connection:
        enter(connection)
        yield connection


@pytest.fixture
def evaluator(world: World) -> Iterator[Connection]:
    with world.database.engine("evaluator").connect() as connection:
        enter(connection)
        yield connection


# --- create_dspy_optimization_run --------------------------------------------------------------------------------


def test_a_new_run_waits(db: Connection) -> None:
    new = run(db, create(db, '{"optimization_type": "MIPROv2", "trials": 3}', "model_trainer"))
    assert (new.agent_name, new.optimization_type, new.phase, new.status) == (
        "model_trainer",
        "MIPROv2",
        "initialization",
        "pending",
    )
    assert new.config_json == {"optimization_type": "MIPROv2", "trials": 3}
    assert (new.metrics_json, new.started_at, new.completed_at, new.archived_at) == ({}, None, None, None)


@pytest.mark.parametrize("config", [None, "{}", '{"optimization_type": null}', '{"optimization_type": ""}'])
def test_what_is_optimised_is_the_prompt_unless_said(db: Connection, config: str | None) -> None:
    new = run(db, create(db, config))
    assert new.optimization_type == "prompt"
    assert new.config_json == json.loads(config or "{}")


@pytest.mark.parametrize("config", ["[]", "3", '"x"', "null"])
def test_a_configuration_is_an_object(db: Connection, config: str) -> None:
    with pytest.raises(DBAPIError, match="The configuration of a run is a JSON object") as error:
        create(db, config)
    assert error.value.orig.sqlstate == "22023"


def test_a_run_without_an_agent_is_refused(db: Connection) -> None:
    with refused(db, "23502"):
        create(db, agent=None)
    with refused(db, "22001"):
        create(db, json.dumps({"optimization_type": "x" * 101}))


# --- update_dspy_optimization_status -----------------------------------------------------------------------------


def test_metrics_are_merged_key_by_key(db: Connection) -> None:
    run_id = create(db)
    update(db, run_id, "running", {"a": 1, "b": {"x": 1}})
    update(db, run_id, "running", {"b": {"y": 2}})
    update(db, run_id, "running")
    assert run(db, run_id).metrics_json == {"a": 1, "b": {"y": 2}}
    update(db, run_id, "completed", {"improvement_pct": 12.5, "note": "better"})
    done = run(db, run_id)
    assert (done.improvement_pct, done.metrics_json["improvement_pct"]) == (12.5, 12.5)
    update(db, run_id, "completed", {"late": True})
    assert run(db, run_id).metrics_json["late"] is True, "the same status again only merges, after the end too"
    assert run(db, run_id).completed_at == done.completed_at


def test_gain_and_error_become_columns_and_null_empties_them(db: Connection) -> None:
    run_id = create(db)
    update(db, run_id, "running", {"improvement_pct": -3, "error_message": "first"})
    assert (run(db, run_id).improvement_pct, run(db, run_id).error_message) == (-3.0, "first")
    update(db, run_id, "running", {"other": 1})
    assert run(db, run_id).error_message == "first"
    update(db, run_id, "running", {"improvement_pct": None, "error_message": None})
    assert (run(db, run_id).improvement_pct, run(db, run_id).error_message) == (None, None)


@pytest.mark.parametrize(
    ("status", "given", "match"),
    [
        (None, None, "cannot be unknown"),
        ("running", [1], "are a JSON object, not array"),
        ("running", "x", "are a JSON object, not string"),
        ("running", {"improvement_pct": "12"}, "is a number, not string"),
        ("running", {"improvement_pct": [1]}, "is a number, not array"),
    ],
)
def test_wrong_updates_are_refused(db: Connection, status: str | None, given: Any, match: str) -> None:
    run_id = create(db)
    with pytest.raises(DBAPIError, match=match) as error:
        update(db, run_id, status, given)
    assert error.value.orig.sqlstate == "22023"


def test_an_unknown_run_is_no_data(db: Connection) -> None:
    for unknown in (uuid4(), None):
        with refused(db, "P0002"):
            update(db, unknown, "running")


def test_a_run_of_another_tenant_is_unknown(db: Connection) -> None:
    run_id = create(db)
    enter(db, OTHER)
    with refused(db, "P0002"):
        update(db, run_id, "running")


# --- store_dspy_evaluation_result --------------------------------------------------------------------------------


def template(db: Connection, module: str = "m", active: bool = True, agent: str = "explainer") -> UUID:
    return one(db, "INSERT INTO dspy_prompt_templates (agent_name, module_name, template_content, is_active)"
                   " VALUES (CAST(:g AS agent_name_type), :m, 'text', :a) RETURNING template_id",
               m=module, a=active, g=agent)[0]  # fmt: skip


def test_the_same_iteration_again_replaces_metrics_and_score(db: Connection) -> None:
    run_id, of = create(db), template(db)
    first = evaluate(db, run_id, 0, 50.0, t=of, o='[{"answer": 1}]')
    other = evaluate(db, run_id, 1, 60.0)
    assert evaluate(db, run_id, 0, None, m=None) == first != other
    kept = one(db, f"SELECT * FROM {RESULTS} WHERE result_id = :r", r=first)
    assert (kept.evaluation_metrics, kept.score) == ({}, None)
    assert (kept.prompt_template_id, kept.sample_outputs) == (of, [{"answer": 1}]), "none given, none replaced"
    newer = template(db)
    evaluate(db, run_id, 0, 55.0, t=newer, o="[]")
    kept = one(db, f"SELECT * FROM {RESULTS} WHERE result_id = :r", r=first)
    assert (kept.prompt_template_id, kept.sample_outputs, kept.score) == (newer, [], 55.0)
    assert one(db, f"SELECT count(*) FROM {RESULTS} WHERE run_id = :r", r=run_id)[0] == 2


def test_results_need_a_run_a_place_and_a_number(db: Connection) -> None:
    run_id = create(db)
    with refused(db, "23503"):
        evaluate(db, uuid4(), 0, 1.0)
    with refused(db, "23503"):
        evaluate(db, run_id, 0, 1.0, t=uuid4())
    with refused(db, "23514"):
        evaluate(db, run_id, -1, 1.0)
    for score in ("NaN", "Infinity", "-Infinity"):
        with refused(db, "23514"):
            evaluate(db, run_id, 0, float(score))
    with refused(db, "23514"):
        evaluate(db, run_id, 0, 1.0, m="[]")
    for missing in ((None, 0), (run_id, None)):
        with refused(db, "23502"):
            evaluate(db, *missing, 1.0)


def test_results_refer_to_no_other_tenant(db: Connection) -> None:
    run_id, of = create(db), template(db)
    enter(db, OTHER)
    with refused(db, "23503"):
        evaluate(db, run_id, 0, 1.0)
    own = create(db)
    with refused(db, "23503"):
        evaluate(db, own, 0, 1.0, t=of)


# --- get_dspy_prompt_template ------------------------------------------------------------------------------------


def active(db: Connection, agent: str | None, module: str | None) -> list[Any]:
    return ask(db, "SELECT * FROM get_dspy_prompt_template(CAST(:a AS agent_name_type), :m)", a=agent, m=module)


def test_the_active_template_or_no_row_at_all(db: Connection) -> None:
    assert active(db, "explainer", "m") == [], "not one row of NULLs"
    template(db, active=False)
    assert active(db, "explainer", "m") == []
    newer = template(db)
    template(db, active=False)
    template(db, "other")
    template(db, agent="orchestrator")
    (found,) = active(db, "explainer", "m")
    assert (found.template_id, found.template_version) == (newer, 2)
    assert active(db, "explainer", None) == active(db, None, "m") == []
    enter(db, OTHER)
    assert active(db, "explainer", "m") == []


# --- get_dspy_training_examples ----------------------------------------------------------------------------------


def test_the_best_examples_come_first(db: Connection) -> None:
    for number, (validated, quality, age) in enumerate(
        [
            (False, 0.9, "1 day"),  # 0
            (True, 0.2, "1 day"),
            (False, None, "0"),  # 2
            (True, None, "3 days"),
            (False, 0.9, "1 hour"),  # 4
            (True, 0.8, "2 days"),
            (False, None, "1 day"),  # 6
        ]
    ):
        example(db, number, age, is_validated=validated, quality_score=quality)
    example(db, 90, module_name="other")
    example(db, 91, agent_name="orchestrator")
    assert examples(db) == [5, 1, 3, 4, 0, 2, 6]
    assert examples(db, limit=2) == [5, 1]
    assert len(examples(db, limit=None)) == 7
    for nothing in (0, -1, -(2**31)):
        assert examples(db, limit=nothing) == []
    assert examples(db, "unheard of") == examples(db, None) == []


def test_equal_examples_are_cut_alike(db: Connection) -> None:
    for number in range(20):
        example(db, number)
    whole = examples(db)
    assert sorted(whole) == list(range(20))
    for limit in (1, 7, 19):
        assert examples(db, limit=limit) == whole[:limit]


def test_another_tenant_gets_no_example(db: Connection) -> None:
    example(db, 1)
    assert examples(db) == [1]
    enter(db, OTHER)
    assert examples(db) == []


@pytest.mark.parametrize("quality", [-0.01, 1.01, float("nan")])
def test_quality_lies_between_0_and_1(db: Connection, quality: float) -> None:
    with refused(db, "23514"):
        example(db, 1, quality_score=quality)


def test_examples_have_named_fields(db: Connection) -> None:
    for inputs, outputs in (("[]", "{}"), ("{}", "3"), ('"x"', "{}")):
        with refused(db, "23514"):
            ask(db, "INSERT INTO dspy_training_examples (agent_name, module_name, input_json, output_json)"
                    " VALUES ('explainer', 'm', CAST(:i AS jsonb), CAST(:o AS jsonb))",
                i=inputs, o=outputs)  # fmt: skip


@pytest.mark.parametrize("splits", [("validation",), ("train", "validation", "unassigned"), ("train", "test")])
def test_examples_are_written_from_train_alone_and_read_from_everywhere(
    evaluator: Connection, splits: tuple[str, ...]
) -> None:
    example(evaluator, 1)
    enter(evaluator, "WORLD_A", *splits)
    assert examples(evaluator) == [1]
    with refused(evaluator, "42501"):
        example(evaluator, 2)
    for change in ("UPDATE dspy_training_examples SET is_validated = true", "DELETE FROM dspy_training_examples"):
        assert ask(evaluator, f"{change} RETURNING *") == []


# --- archive_dspy_run --------------------------------------------------------------------------------------------


def ended(db: Connection, status: str, ago: str) -> UUID:
    return one(db, f"INSERT INTO {RUNS} (agent_name, optimization_type, status, started_at, completed_at)"
                   " VALUES ('explainer', 'prompt', CAST(:s AS optimization_status),"
                   " now() - CAST(:ago AS interval), now() - CAST(:ago AS interval)) RETURNING run_id",
               s=status, ago=ago)[0]  # fmt: skip


def archive(db: Connection, days: int | None) -> int:
    return one(db, "SELECT archive_dspy_run(:d)", d=days)[0]


def archived(db: Connection) -> set[UUID]:
    return {row.run_id for row in ask(db, f"SELECT run_id FROM {RUNS} WHERE archived_at IS NOT NULL")}


def test_old_runs_that_are_over_are_archived_once(db: Connection) -> None:
    old = {ended(db, status, "90 days 1 second") for status in ("completed", "failed", "cancelled")}
    for young in ("90 days", "89 days", "0"):
        ended(db, "completed", young)
    pending, running = create(db), create(db)
    update(db, running, "running")
    assert one(db, "SELECT archive_dspy_run()")[0] == 3, "90 days are the default, and exactly 90 are not more"
    assert archived(db) == old
    assert archive(db, 90) == 0
    assert archive(db, 0) == 2, "those that ended now did not end before now"
    assert not {pending, running} & archived(db)
    assert archive(db, 2**31 - 1) == 0


def test_days_have_24_hours_wherever_the_session_is(db: Connection) -> None:
    """In March a day of New York has 23 hours, so that 'one day ago' would be another moment."""
    ask(db, "SET LOCAL TimeZone = 'America/New_York'")
    kept = ended(db, "completed", f"{24 * 400} hours")
    assert archive(db, 400) == 0
    gone = ended(db, "completed", f"{24 * 400} hours 1 second")
    assert archive(db, 400) == 1
    assert (gone in archived(db), kept in archived(db)) == (True, False)


@pytest.mark.parametrize("days", [-1, None])
def test_archiving_needs_a_number_of_days(db: Connection, days: int | None) -> None:
    with refused(db, "22023"):
        archive(db, days)


def test_runs_of_another_tenant_are_not_archived(db: Connection) -> None:
    ended(db, "completed", "400 days")
    enter(db, OTHER)
    assert archive(db, 90) == 0
    enter(db)
    assert archive(db, 90) == 1


# --- get_dspy_agent_metrics --------------------------------------------------------------------------------------


def test_metrics_of_an_agent(db: Connection) -> None:
    example(db, 1, "1 day", quality_score=0.9, is_validated=True)
    example(db, 2, "7 days", quality_score=0.7)
    example(db, 3, "7 days 1 second", quality_score=0.4, is_validated=True)
    example(db, 4, "29 days", quality_score=None)
    example(db, 5, "30 days 1 second", quality_score=0.1)
    example(db, 6, "-1 day", quality_score=0.1)
    example(db, 7, agent_name="orchestrator", quality_score=0.1)
    found = metrics(db)
    assert (found.signal_count, found.validated_count, found.avg_latency_ms) == (4, 2, None)
    assert found.avg_reward == pytest.approx(2 / 3)
    assert found.improvement_trend == pytest.approx(0.8 - 0.4)
    assert metrics(db, days=31).signal_count == 5


def test_no_older_examples_no_trend(db: Connection) -> None:
    example(db, 1, "1 day", quality_score=0.9)
    assert metrics(db).improvement_trend == 0
    assert tuple(metrics(db, "gap_analyzer")) == (0, None, None, 0, 0.0), "an agent without examples"
    assert metrics(db, days=0).signal_count == 0


@pytest.mark.parametrize(("agent", "days"), [("nobody", 30), (None, 30), ("explainer", -1), ("explainer", None)])
def test_metrics_of_nobody_are_an_error(db: Connection, agent: str | None, days: int | None) -> None:
    with refused(db, "22023"):
        metrics(db, agent, days)


def test_metrics_count_nothing_of_another_tenant(db: Connection) -> None:
    example(db, 1, quality_score=0.9)
    assert metrics(db).signal_count == 1
    enter(db, OTHER)
    assert tuple(metrics(db)) == (0, None, None, 0, 0.0)
