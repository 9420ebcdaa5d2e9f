"""Procedures: stored once, found by what calls for them, and judged by how often they succeeded."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from math import cos, radians
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hedgerow.core.repository import FilterError, RowNotFoundError
from hedgerow.memory import ProceduralMemory, ProcedureType
from hedgerow.memory.repository import AsyncProceduralMemoryRepository, ProceduralMemoryRepository, RelevantProcedure
from memory.vectors import ZERO, angle
from world import OTHER, World


@pytest.fixture
def procedures(world: World, driver: str) -> Any:
    with world.repository(driver, AsyncProceduralMemoryRepository, world.scope()) as repository:
        yield repository


def test_storing_again_replaces_steps_and_preconditions_alone(procedures: Any) -> None:
    stored = procedures.store_procedural_memory("explainer", "p", [{"tool": "a"}], {"x": 1}, "query_pattern")
    row = procedures.get_by_id(stored)
    assert (row.steps_json, row.preconditions_json, row.procedure_type) == ([{"tool": "a"}], {"x": 1}, "query_pattern")
    assert (row.success_rate, row.execution_count, row.avg_duration_ms, row.is_active) == (0, 0, None, True)
    assert row.applicable_brands == ["all"]
    procedures.record_execution(stored, succeeded=True)
    assert procedures.store_procedural_memory("explainer", "p", ["b", "c"]) == stored
    procedures.session.expire_all()
    row = procedures.get_by_id(stored)
    assert (row.steps_json, row.preconditions_json) == (["b", "c"], {})
    assert (row.procedure_type, row.success_rate, row.execution_count) == ("query_pattern", 1, 1), "the rest stays"
    assert procedures.store_procedural_memory("orchestrator", "p", ["d"]) != stored, "another agent's"
    assert procedures.count() == 2


@pytest.mark.parametrize("steps", ["NULL", "'[]'", "'{}'", "'\"a\"'", "'1'", "'null'"])
def test_steps_that_are_none(world: World, steps: str) -> None:
    with world.session() as session, pytest.raises(DBAPIError, match="at least one step") as refused:
        session.execute(text(f"SELECT store_procedural_memory('explainer', 'p', {steps})"))
    assert refused.value.orig.sqlstate == "22023"


@pytest.mark.parametrize(
    ("call", "state"),
    [
        ("NULL, 'p', '[1]'", "23502"),
        ("'explainer', NULL, '[1]'", "23502"),
        ("'explainer', ' ', '[1]'", "23514"),
        ("'nobody', 'p', '[1]'", "22P02"),
        ("'explainer', 'p', '[1]', '{}', 'spell'", "22P02"),
    ],
)
def test_what_the_function_refuses(world: World, call: str, state: str) -> None:
    with world.session() as session, pytest.raises(DBAPIError) as refused:
        session.execute(text(f"SELECT store_procedural_memory({call})"))
    assert refused.value.orig.sqlstate == state


def test_what_the_repository_refuses(procedures: Any) -> None:
    refused = [("explainer", "p", []), ("explainer", " ", ["a"]), ("explainer", "p", "abc"), ("nobody", "p", ["a"])]
    for arguments in refused:
        with pytest.raises(FilterError):
            procedures.store_procedural_memory(*arguments)


def test_two_at_once_store_one(world: World) -> None:
    start = threading.Barrier(6, timeout=30)

    def store(number: int) -> Any:
        with world.session() as session:
            session.connection()
            start.wait()
            stored = ProceduralMemoryRepository(session).store_procedural_memory("explainer", "p", [number])
            session.commit()
            return stored

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(store, range(6)))) == 1


def test_success_and_duration_are_running_means(procedures: Any) -> None:
    stored = procedures.store_procedural_memory("explainer", "p", ["a"])
    for succeeded, duration in ((True, 100), (False, None), (True, 400), (True, 100)):
        row = procedures.record_execution(stored, succeeded=succeeded, duration_ms=duration)
    assert (row.success_rate, row.execution_count) == (0.75, 4)
    assert row.last_executed_at is not None
    assert row.avg_duration_ms in range(150, 201)
    with pytest.raises(RowNotFoundError):
        procedures.record_execution(uuid4(), succeeded=True)


def test_executions_at_once_are_all_counted(world: World) -> None:
    with world.session() as session:
        stored = ProceduralMemoryRepository(session).store_procedural_memory("explainer", "p", ["a"])
        session.commit()

    def execute(number: int) -> None:
        for _ in range(5):
            with world.session() as session:
                ProceduralMemoryRepository(session).record_execution(stored, succeeded=number % 2 == 0)
                session.commit()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(execute, range(6)))
    ((count, rate),) = world.admin("SELECT execution_count, success_rate FROM procedural_memories")
    assert (count, rate) == (30, pytest.approx(0.5))


# --- finding ------------------------------------------------------------------------------------------------------


def know(world: World, name: str, degrees: float | None, *, tenant: str | None = None, **values: Any) -> None:
    with world.session(**({"tenant": tenant} if tenant else {})) as session:
        session.add(
            ProceduralMemory(
                **{
                    "agent_name": "explainer",
                    "procedure_name": name,
                    "steps_json": [name],
                    "trigger_embedding": None if degrees is None else angle(degrees),
                    "trigger_pattern": f"asks for {name}",
                    **values,
                }
            )
        )
        session.commit()


def names(found: list[RelevantProcedure]) -> list[str]:
    return [procedure.procedure_name for procedure in found]


def test_the_best_come_first_and_success_weighs(world: World, procedures: Any) -> None:
    known = {"near": (5, 0.0), "proven": (30, 1.0), "half": (20, 0.5), "far": (50, 1.0), "out": (54, 1.0)}
    for name, (degrees, rate) in known.items():
        know(world, name, degrees, success_rate=rate, execution_count=10)
    know(world, "theirs", 0, tenant=OTHER, success_rate=1.0)
    found = procedures.find_relevant_procedures(angle(0))
    weight = {name: cos(radians(degrees)) * (0.5 + 0.5 * rate) for name, (degrees, rate) in known.items()}
    assert names(found) == ["proven", "half", "far", "near"] == sorted(set(weight) - {"out"}, key=lambda n: -weight[n])
    assert found[0] == RelevantProcedure(
        found[0].procedure_id,
        "proven",
        ProcedureType.TOOL_SEQUENCE,
        ["proven"],
        "asks for proven",
        10,
        10,
        1.0,
        pytest.approx(cos(radians(30)), abs=1e-6),
    )
    assert [procedure.success_count for procedure in found] == [10, 5, 10, 0]
    assert names(procedures.find_relevant_procedures(angle(0), limit=2)) == ["proven", "half"]
    assert names(procedures.find_relevant_procedures(angle(0), threshold=0.9)) == ["half", "near"]
    assert names(procedures.find_relevant_procedures(angle(0), threshold=-1, limit=9)) == [
        "proven", "half", "far", "out", "near"
    ]  # fmt: skip
    for nothing in ({"limit": 0}, {"threshold": 1}):
        assert procedures.find_relevant_procedures(angle(0), **nothing) == []
    with pytest.raises(FilterError):
        procedures.find_relevant_procedures(angle(0), limit=-1)


def test_what_is_never_found(world: World, procedures: Any) -> None:
    know(world, "inactive", 0, is_active=False)
    know(world, "bare", None)
    know(world, "zero", 0, trigger_embedding=ZERO)
    know(world, "found", 0)
    assert names(procedures.find_relevant_procedures(angle(0), threshold=-1)) == ["found"]
    for query in (None, ZERO):
        assert procedures.find_relevant_procedures(query, threshold=-1) == []


def test_filters(world: World, procedures: Any) -> None:
    know(world, "everywhere", 0, detected_intent="CAUSAL")
    know(world, "kisqali", 10, applicable_brands=["Kisqali", "Fabhalta"], procedure_type="query_pattern")
    know(world, "nowhere", 20, applicable_brands=[])

    def found(**filters: Any) -> list[str]:
        return names(procedures.find_relevant_procedures(angle(0), **filters))

    assert found() == ["everywhere", "kisqali", "nowhere"]
    assert found(brand="Kisqali") == ["everywhere", "kisqali"]
    assert found(brand="Remibrutinib") == ["everywhere"]
    assert found(intent="CAUSAL") == ["everywhere"]
    assert found(intent="causal") == []
    assert found(procedure_type="query_pattern") == ["kisqali"]
    assert found(procedure_type="query_pattern", brand="Fabhalta", intent="CAUSAL") == []
    with pytest.raises(FilterError):
        found(procedure_type="spell")


@pytest.mark.parametrize("arguments", ["0.6, NULL", "0.6, -1", "0.6, 0", "NULL, 5"])
def test_arguments_that_ask_for_nothing(world: World, arguments: str) -> None:
    know(world, "p", 0)
    with world.session() as session:
        call = f"SELECT * FROM find_relevant_procedures('{angle(0)}', {arguments})"
        assert session.execute(text(call)).all() == []


def test_equals_come_in_the_order_of_their_ids(world: World, procedures: Any) -> None:
    for n in range(8):
        know(world, f"{n}", 0)
    found = [procedure.procedure_id for procedure in procedures.find_relevant_procedures(angle(0), limit=8)]
    assert found == sorted(found)
