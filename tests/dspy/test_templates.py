"""Versions of a prompt count without gaps, stay as they are, and one of them is in use: whoever else is writing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from asking import ask, enter, one
from planting import refused
from world import OTHER, TENANT, World

TABLE = "dspy_prompt_templates"


def store(db: Connection, module: str = "m", agent: str = "explainer", then: str = "", **values: Any) -> Any:
    row = {"agent_name": agent, "module_name": module, "template_content": "text", **values}
    names = ", ".join(f"CAST(:{name} AS agent_name_type)" if name == "agent_name" else f":{name}" for name in row)
    found = ask(db, f"INSERT INTO {TABLE} ({', '.join(row)}) VALUES ({names}) {then} RETURNING *", **row)
    return found[0] if found else None


def activate(db: Connection, template_id: UUID) -> None:
    ask(db, f"UPDATE {TABLE} SET is_active = true WHERE template_id = :t", t=template_id)


def versions(db: Connection, module: str = "m", **where: Any) -> list[int]:
    found = ask(db, f"SELECT template_version FROM {TABLE} WHERE module_name = :m ORDER BY 1", m=module)
    return [row.template_version for row in found]


def active(db: Connection, module: str = "m") -> list[int]:
    found = ask(db, f"SELECT template_version FROM {TABLE} WHERE module_name = :m AND is_active", m=module)
    return [row.template_version for row in found]


def test_each_module_of_each_agent_counts_from_one(db: Connection) -> None:
    assert [store(db).template_version for _ in range(3)] == [1, 2, 3]
    assert store(db, "other").template_version == 1
    assert store(db, agent="orchestrator").template_version == 1
    assert store(db, agent="model_trainer").template_version == 1, "the agents of tier 0 have prompts as well"


def test_many_rows_of_one_statement_count_on(db: Connection) -> None:
    store(db)
    ask(db, f"INSERT INTO {TABLE} (agent_name, module_name, template_content, is_active)"
            " SELECT 'explainer', 'm', n::text, true FROM generate_series(1, 5) AS n")  # fmt: skip
    assert versions(db) == [1, 2, 3, 4, 5, 6]
    assert active(db) == [6], "each takes the flag from the one before"


def test_a_version_that_is_named_must_be_the_next_one(db: Connection) -> None:
    assert store(db, template_version=1).template_version == 1
    for wrong in (3, 99):
        gap = f"Version {wrong} of the prompt of explainer/m would leave a gap: the next one is 2"
        with pytest.raises(DBAPIError, match=gap) as error, db.begin_nested():
            store(db, template_version=wrong)
        assert error.value.orig.sqlstate == "22023"
    with refused(db, "23505"):
        store(db, template_version=1)
    assert store(db, template_version=2).template_version == 2
    with refused(db, "22023"):
        store(db, "new", template_version=0)


def test_a_version_that_is_undone_is_given_again(db: Connection) -> None:
    store(db)
    savepoint = db.begin_nested()
    assert store(db).template_version == 2
    savepoint.rollback()
    assert store(db).template_version == 2


@pytest.mark.parametrize(
    "change",
    [
        "template_content = 'another'",
        "variables = '[\"x\"]'",
        "template_version = 7",
        "module_name = 'n'",
        "agent_name = 'orchestrator'",
    ],
)
def test_a_stored_version_keeps_its_text_and_place(db: Connection, change: str) -> None:
    kept = store(db)
    with pytest.raises(DBAPIError, match="Version 1 of the prompt of explainer/m is stored and cannot change") as error:
        ask(db, f"UPDATE {TABLE} SET {change} WHERE template_id = :t", t=kept.template_id)
    assert error.value.orig.sqlstate == "22023"
    assert "becomes the next version" in error.value.orig.diag.message_hint


def test_figures_of_a_version_change(db: Connection) -> None:
    kept = store(db)
    ask(db, f"UPDATE {TABLE} SET usage_count = usage_count + 2, performance_score = 81.5")
    changed = one(db, f"SELECT * FROM {TABLE} WHERE template_id = :t", t=kept.template_id)
    assert (changed.usage_count, changed.performance_score, changed.template_version) == (2, 81.5, 1)


@pytest.mark.parametrize(
    "values",
    [
        {"usage_count": -1},
        {"performance_score": float("nan")},
        {"performance_score": float("inf")},
        {"performance_score": float("-inf")},
        {"variables": "{}"},
        {"variables": '"x"'},
    ],
)
def test_what_cannot_be_counted_or_compared_is_refused(db: Connection, values: dict[str, Any]) -> None:
    cast = {"variables": "CAST(:variables AS jsonb)"}
    (name,) = values
    with pytest.raises(IntegrityError, match="violates check constraint"):
        ask(db, f"INSERT INTO {TABLE} (agent_name, module_name, template_content, {name})"
                f" VALUES ('explainer', 'm', 'text', {cast.get(name, ':' + name)})", **values)  # fmt: skip


def test_activating_is_one_statement_that_deactivates_the_former(db: Connection) -> None:
    first, second = store(db, is_active=True), store(db)
    assert (active(db), first.activated_at) == ([1], one(db, "SELECT now()")[0])
    elsewhere = [store(db, "other", is_active=True), store(db, agent="orchestrator", is_active=True)]
    activate(db, second.template_id)
    assert [row.is_active for row in ask(db, f"SELECT is_active FROM {TABLE} WHERE template_id = ANY (:t)",
                                         t=[row.template_id for row in elsewhere])] == [True, True]  # fmt: skip
    was, now = ask(db, f"SELECT * FROM {TABLE} WHERE agent_name = 'explainer' AND module_name = 'm' ORDER BY 1, 5")
    assert {(row.template_version, row.is_active) for row in (was, now)} == {(1, False), (2, True)}
    assert first.activated_at is not None, "when it was in use stays known"
    activate(db, first.template_id)
    assert 1 in active(db)
    assert 2 not in active(db)


def test_the_active_one_again_changes_nothing_and_none_may_be_active(db: Connection) -> None:
    kept = store(db, is_active=True, activated_at="2025-01-01Z")
    activate(db, kept.template_id)
    again = one(db, f"SELECT * FROM {TABLE} WHERE template_id = :t", t=kept.template_id)
    assert again.activated_at == kept.activated_at
    ask(db, f"UPDATE {TABLE} SET is_active = false")
    assert active(db) == []
    activate(db, kept.template_id)
    renewed = one(db, f"SELECT * FROM {TABLE} WHERE template_id = :t", t=kept.template_id)
    assert renewed.activated_at == one(db, "SELECT now()")[0]


def test_the_index_refuses_two_where_the_trigger_is_not_asked(world: World) -> None:
    with world.database.engine("admin").connect() as db:
        enter(db)
        store(db, "two", is_active=True)
        ask(db, "SET LOCAL session_replication_role = replica")
        with pytest.raises(IntegrityError, match="uq_dspy_prompt_templates_active"):
            store(db, "two", is_active=True, activated_at="2025-01-01Z", template_version=2)


def test_an_insert_that_meets_its_own_row_deactivates_nothing(db: Connection) -> None:
    first, _ = store(db), store(db, is_active=True)
    for values in ({"template_id": first.template_id}, {"template_version": 1}):
        assert store(db, is_active=True, then="ON CONFLICT DO NOTHING", **values) is None
        assert (versions(db), active(db)) == ([1, 2], [2])


def test_prompts_of_another_tenant_are_neither_counted_nor_touched(world: World) -> None:
    engine = world.database.engine("app")
    for tenant in (OTHER, TENANT):
        with engine.connect() as db:
            enter(db, tenant)
            assert [store(db, "shared", is_active=True).template_version for _ in range(2)] == [1, 2]
            db.commit()
    found = world.admin(f"SELECT tenant_id FROM {TABLE} WHERE module_name = 'shared' AND is_active")
    assert sorted(row.tenant_id for row in found) == [TENANT, OTHER]


# --- At the same time --------------------------------------------------------------------------------------------


def together(world: World, works: list[Callable[[Connection], None]]) -> list[str]:
    """Each work in a connection and thread of its own, begun at once; SQLSTATEs of those that failed."""
    ready, failed = threading.Barrier(len(works)), []
    engine = world.database.engine("app")

    def do(work: Callable[[Connection], None]) -> None:
        with engine.connect() as db:
            enter(db)
            ready.wait()
            try:
                work(db)
            except DBAPIError as error:
                failed.append(error.orig.sqlstate)

    threads = [threading.Thread(target=do, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed


def test_versions_of_parallel_writers_have_neither_gaps_nor_twins(world: World) -> None:
    """Eight connections, ten transactions each: some of several rows, some undone, on two modules."""

    def writer(seed: int) -> Callable[[Connection], None]:
        def write(db: Connection) -> None:
            random = Random(seed)
            for _ in range(10):
                enter(db)
                module = random.choice(["p", "q"])
                for _ in range(random.choice([1, 1, 3])):
                    store(db, module, is_active=random.random() < 0.5)
                db.rollback() if random.random() < 0.3 else db.commit()

        return write

    assert together(world, [writer(seed) for seed in range(8)]) == []
    for module in ("p", "q"):
        found = world.admin(
            f"SELECT template_version, is_active FROM {TABLE} WHERE module_name = :m ORDER BY 1", m=module
        )
        assert len(found) > 20, "the case that the test is about"
        assert [row.template_version for row in found] == list(range(1, len(found) + 1))
        assert sum(row.is_active for row in found) == 1


def test_parallel_activations_leave_one_and_never_deadlock(world: World) -> None:
    with world.database.engine("app").connect() as db:
        enter(db)
        templates = [store(db, "race").template_id for _ in range(6)]
        db.commit()

    def activator(seed: int) -> Callable[[Connection], None]:
        def work(db: Connection) -> None:
            random = Random(seed)
            for _ in range(25):
                enter(db)
                activate(db, random.choice(templates))
                db.commit()

        return work

    seen: list[int] = []
    done = threading.Event()

    def watch() -> None:
        with world.database.admin() as admin:
            while not done.is_set():
                seen.append(one(admin, f"SELECT count(*) FROM {TABLE} WHERE module_name = 'race' AND is_active")[0])

    with world.database.engine("app").connect() as db:
        enter(db)
        activate(db, templates[0])
        db.commit()
    watcher = threading.Thread(target=watch)
    watcher.start()
    failed = together(world, [activator(seed) for seed in range(8)])
    done.set()
    watcher.join()
    assert failed == []
    assert set(seen) == {1}, "nobody ever saw none, or two"


def test_a_snapshot_that_is_too_old_meets_the_key_and_not_a_gap(world: World) -> None:
    engine = world.database.engine("app")
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as old, engine.connect() as new:
        enter(old)
        assert versions(old, "snapshot") == []
        enter(new)
        store(new, "snapshot")
        new.commit()
        with pytest.raises(IntegrityError):
            store(old, "snapshot", template_id=uuid4())
        old.rollback()
        enter(old)
        assert store(old, "snapshot").template_version == 2
