"""A run takes legal steps only, whoever writes, and its times follow."""

from __future__ import annotations

import threading
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from asking import ask, enter, one
from hedgerow.dspy import OptimizationPhase, OptimizationStatus
from planting import refused
from world import TENANT, World

STATUSES, PHASES = list(OptimizationStatus), list(OptimizationPhase)
LEGAL = {
    "pending": {"running", "failed", "cancelled"},
    "running": {"completed", "failed", "cancelled"},
    "completed": set(),
    "failed": set(),
    "cancelled": set(),
}


def run(db: Connection, status: str = "pending", **values: Any) -> UUID:
    """A run that got to its status by legal steps."""
    run_id = one(db, "SELECT create_dspy_optimization_run('explainer')")[0]
    if status in ("running", "completed"):
        move(db, run_id, "running")
    if status not in ("pending", "running"):
        move(db, run_id, status)
    return run_id


def move(db: Connection, run_id: UUID, status: str) -> None:
    """A plain UPDATE, past every function."""
    ask(db, "UPDATE dspy_optimization_runs SET status = CAST(:s AS optimization_status) WHERE run_id = :r",
        s=status, r=run_id)  # fmt: skip


def row(db: Connection, run_id: UUID) -> Any:
    return one(db, "SELECT * FROM dspy_optimization_runs WHERE run_id = :r", r=run_id)


@pytest.mark.parametrize("by", ["UPDATE", "function"])
@pytest.mark.parametrize(("before", "after"), list(product(STATUSES, STATUSES)))
def test_only_legal_steps(db: Connection, before: str, after: str, by: str) -> None:
    run_id = run(db, before)
    step = (
        (lambda: move(db, run_id, after))
        if by == "UPDATE"
        else (lambda: ask(db, "SELECT update_dspy_optimization_status(:r, :s)", r=run_id, s=after))
    )
    if before == after or after in LEGAL[before]:
        step()
        assert row(db, run_id).status == after
        return
    with pytest.raises(DBAPIError, match=f"is {before}, so it cannot become {after}") as error:
        step()
    assert error.value.orig.sqlstate == "22023"
    named = set((error.value.orig.diag.message_hint or "").rstrip(".").replace(",", "").split()) & set(STATUSES)
    assert named - {before} == LEGAL[before], "the hint names every legal step and no other"
    assert ("is final" in error.value.orig.diag.message_hint) == (not LEGAL[before])


@pytest.mark.parametrize(("before", "after"), list(product(PHASES, PHASES)))
def test_phases_go_round_but_not_back_to_the_begin_nor_on_from_the_end(db: Connection, before: str, after: str) -> None:
    run_id = run(db, "running")
    update = "UPDATE dspy_optimization_runs SET phase = CAST(:p AS dspy_optimization_phase) WHERE run_id = :r"
    if before != "initialization":
        ask(db, update, p=before, r=run_id)
    if before == after or (after != "initialization" and before != "deployment"):
        ask(db, update, p=after, r=run_id)
        assert row(db, run_id).phase == after
    else:
        with pytest.raises(DBAPIError, match=f"cannot go from the phase {before} to {after}"):
            ask(db, update, p=after, r=run_id)


@pytest.mark.parametrize("status", ["pending", "completed", "failed", "cancelled"])
def test_the_phase_rests_unless_the_run_is_running(db: Connection, status: str) -> None:
    run_id = run(db, status)
    with pytest.raises(DBAPIError, match=f"is {status}, so it stays in the phase initialization"):
        ask(db, "UPDATE dspy_optimization_runs SET phase = 'sampling' WHERE run_id = :r", r=run_id)


def test_phase_and_status_move_in_one_statement(db: Connection) -> None:
    run_id = run(db)
    for change in ("status = 'running', phase = 'sampling'", "status = 'completed', phase = 'deployment'"):
        ask(db, f"UPDATE dspy_optimization_runs SET {change} WHERE run_id = :r", r=run_id)
    assert (row(db, run_id).status, row(db, run_id).phase) == ("completed", "deployment")


def test_times_follow_the_status(db: Connection) -> None:
    now = one(db, "SELECT now()")[0]
    run_id = run(db)
    assert (row(db, run_id).started_at, row(db, run_id).completed_at) == (None, None)
    move(db, run_id, "running")
    assert (row(db, run_id).started_at, row(db, run_id).completed_at) == (now, None)
    move(db, run_id, "running")
    assert row(db, run_id).started_at == now
    move(db, run_id, "completed")
    assert (row(db, run_id).started_at, row(db, run_id).completed_at) == (now, now)
    cancelled = row(db, run(db, "cancelled"))
    assert (cancelled.started_at, cancelled.completed_at) == (None, now), "it never ran"


@pytest.mark.parametrize(
    ("status", "change"),
    [
        ("pending", "started_at = now()"),
        ("running", "started_at = now() - INTERVAL '1 day'"),
        ("running", "started_at = NULL"),
        ("running", "completed_at = now()"),
        ("completed", "completed_at = NULL"),
        ("failed", "completed_at = now() + INTERVAL '1 day'"),
    ],
)
def test_times_are_not_moved_by_hand(db: Connection, status: str, change: str) -> None:
    run_id = run(db, status)
    with pytest.raises(DBAPIError, match="The times of the run") as error:
        ask(db, f"UPDATE dspy_optimization_runs SET {change} WHERE run_id = :r", r=run_id)
    assert error.value.orig.sqlstate == "22023"


def test_a_run_of_elsewhere_is_brought_along_as_it_ended(db: Connection) -> None:
    columns = "agent_name, optimization_type, status, phase, started_at, completed_at"
    insert = f"INSERT INTO dspy_optimization_runs ({columns}) VALUES ('explainer', 'prompt', %s) RETURNING *"
    whole = "'completed', 'validation', '2025-01-01Z', '2025-01-02Z'"
    kept = one(db, insert % whole)
    assert (kept.completed_at - kept.started_at).days == 1
    for wrong in (
        "'pending', 'sampling', NULL, NULL",
        "'pending', 'initialization', now(), NULL",
        "'running', 'sampling', now(), now()",
        "'completed', 'sampling', NULL, now()",
        "'completed', 'sampling', now(), now() - INTERVAL '1 day'",
    ):
        with refused(db, "23514"):
            ask(db, insert % wrong)


def test_only_runs_that_are_over_are_archived(db: Connection) -> None:
    for status in ("pending", "running"):
        run_id = run(db, status)
        with refused(db, "23514"):
            ask(db, "UPDATE dspy_optimization_runs SET archived_at = now() WHERE run_id = :r", r=run_id)


@pytest.mark.parametrize(
    "change", ["config_json = '[]'", "metrics_json = '3'", "improvement_pct = 'NaN'", "improvement_pct = 'Infinity'"]
)
def test_what_a_run_holds_can_be_merged_and_compared(db: Connection, change: str) -> None:
    run_id = run(db)
    with pytest.raises(IntegrityError):
        ask(db, f"UPDATE dspy_optimization_runs SET {change} WHERE run_id = :r", r=run_id)


def test_sessions_delete_neither_runs_nor_versions(world: World) -> None:
    with world.database.engine("app").connect() as db:
        enter(db)
        for table in ("dspy_optimization_runs", "dspy_prompt_templates"):
            with refused(db, "42501"):
                ask(db, f"DELETE FROM {table}")


def test_an_end_that_began_to_be_written_before_the_start_is_not_before_it(world: World) -> None:
    """now() is the begin of a transaction: that of the later writer may be the earlier one."""
    engine = world.database.engine("app")
    with engine.connect() as early, engine.connect() as late:
        enter(late)
        run_id = run(late)
        late.commit()
        enter(early)
        began = one(early, "SELECT now()")[0]
        enter(late)
        move(late, run_id, "running")
        late.commit()
        move(early, run_id, "completed")
        done = row(early, run_id)
        early.commit()
    assert done.started_at > began, "the case that the test is about"
    assert done.completed_at == done.started_at


def test_of_many_who_end_a_run_at_once_one_does(world: World) -> None:
    engine = world.database.engine("app")
    with engine.connect() as connection:
        enter(connection)
        run_id = run(connection, "running")
        connection.commit()
    ends, ready = ["completed", "failed", "cancelled"] * 4, threading.Barrier(12)
    outcomes, refusals = [], []

    def end(status: str) -> None:
        with engine.connect() as connection:
            enter(connection)
            ready.wait()
            try:
                move(connection, run_id, status)
                connection.commit()
                outcomes.append(status)
            except DBAPIError as error:
                refusals.append(error.orig.sqlstate)

    threads = [threading.Thread(target=end, args=(status,)) for status in ends]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (final,) = world.admin("SELECT status FROM dspy_optimization_runs WHERE run_id = :r", r=run_id)
    assert set(outcomes) == {final.status}, "the first one decides; the same end again is no step"
    assert (len(outcomes), refusals) == (4, ["22023"] * 8)


def test_another_tenant_moves_nothing(world: World) -> None:
    engine = world.database.engine("app")
    with engine.connect() as connection:
        enter(connection)
        run_id = run(connection)
        connection.commit()
        enter(connection, "WORLD_B")
        assert not ask(connection, "SELECT FROM dspy_optimization_runs WHERE run_id = :r", r=run_id)
        moved = connection.execute(
            text("UPDATE dspy_optimization_runs SET status = 'running' WHERE run_id = :r"), {"r": run_id}
        )
        assert moved.rowcount == 0
    (kept,) = world.admin("SELECT tenant_id, status FROM dspy_optimization_runs WHERE run_id = :r", r=run_id)
    assert tuple(kept) == (TENANT, "pending")
