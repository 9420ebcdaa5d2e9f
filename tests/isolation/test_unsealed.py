"""Law: what was seen in a sealed split is not written down where a session that trains reads it.

Every table of a tenant that sessions write either divides its rows by split, or is closed to scopes that hold test or
holdout, or is named here, with the reason why such a scope writes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Table, text

from hedgerow.core.base import metadata
from hedgerow.core.embedded.bootstrap import EVALUATION
from hedgerow.core.errors import SplitAccessError
from hedgerow.core.predicate import scope_rule
from hedgerow.core.wall import updatable_columns
from hedgerow.memory.repository import (
    AsyncEpisodicMemoryRepository,
    AsyncProceduralMemoryRepository,
    AsyncSemanticMemoryRepository,
)
from isolation.oracle import ADMINS, TENANT_A, TENANT_B, is_partly_split, name, tenant_tables
from isolation.writing import attempt
from planting import become_session, planting
from world import World, make_world

RESULTS = "results of an evaluation: what it is for"
CHAIN = "the trail: an evaluation leaves it, or could not be audited"
ACCOUNTS = "the vendor's own customers: nothing of patients is there to be carried into it"
RULES = "set up by people, for the whole tenant"
MASTER = "master data from source systems, loaded along with the patients of every split"
WORK = "figures about the work of the platform, not about what it found"

TAKEN: dict[str, str] = {
    "dspy_optimization_runs": RESULTS,
    "dspy_evaluation_results": RESULTS,
    "expert_reviews": "judgements of people on estimates, those of a sealed split among them",
    "audit_chain_entries": CHAIN,
    "ml_split_access_log": CHAIN,
    "ml_leakage_audit": CHAIN,
    "hcp_profiles": MASTER,
    "reference_universe": MASTER,
    "hcp_intent_surveys": MASTER,
    "data_source_tracking": WORK,
    "etl_pipeline_metrics": WORK,
    "user_sessions": WORK,
    "playbook": RULES,
    "playbook_step": RULES,
    "tenant_policy_pack_version": RULES,
    "tool_definition": RULES,
    "approvals": "decisions of people",
    "agent_sessions": "who works with which agent; what they say is in agent_messages",
    **dict.fromkeys(
        (
            "customers",
            "contracts",
            "entitlements",
            "health_scores",
            "qbrs",
            "renewal_pipeline",
            "risk_signals",
            "stakeholders",
            "usage_metrics",
        ),
        ACCOUNTS,
    ),
}
"""Tables without a split that a scope with a sealed split may write."""

WRITTEN = [t for t in tenant_tables() if {"INSERT", "UPDATE"} & set(t.info["hedgerow.model"].__app_privileges__)]
UNSEALED = [table for table in WRITTEN if "hedgerow.unsealed" in table.info]
SEALED = (("test",), ("holdout",), ("train", "validation", "test", "holdout", "unassigned"))


def divided(table: Table) -> bool:
    return "split_assignment" in table.columns and not is_partly_split(table)


def test_every_table_has_an_answer() -> None:
    closed = {t.name for t in WRITTEN if {"hedgerow.unsealed", "hedgerow.written_from"} & t.info.keys()}
    others = {t.name for t in WRITTEN if not divided(t)} - closed
    assert others == set(TAKEN)
    assert all(TAKEN.values())
    assert {"episodic_memories", "semantic_memory_cache", "conversations", "feature_values"} <= closed


@pytest.fixture(scope="module")
def admin(seeded: Any) -> Iterator[Connection]:
    with planting(seeded) as connection:
        yield connection


def test_a_scope_that_is_opened_halfway_lends_nothing_to_the_writer(admin: Connection) -> None:
    """A row of the sealed split has the tenant read, then another tenant's scope opens, and has the splits read."""
    columns = metadata.tables["feature_values"].columns
    listed = ", ".join(c.name for c in columns if c.computed is None and c.identity is None)
    taken = ", ".join(f"made.{one}" for one in listed.split(", "))
    another = "to_jsonb(v) || jsonb_build_object('value_id', gen_random_uuid(), 'computed_at', clock_timestamp())"
    with admin.begin_nested() as savepoint:
        rows = {
            which: admin.scalar(
                text(f"""SELECT CAST({another} AS text) FROM feature_values AS v
                          WHERE tenant_id = :t AND {which} LIMIT 1"""),
                {"t": TENANT_A},
            )
            for which in ("split_assignment = 'holdout'", "split_assignment IS NULL")
        }
        assert all(rows.values()), "there is something to write"
        admin.execute(text(f"SET LOCAL ROLE {EVALUATION}"))
        switch = f"(SELECT count(*) FROM app.open_scope('{TENANT_B}', NULL, ARRAY['train'], NULL) WHERE turn = 2)"
        insert = f"""INSERT INTO feature_values ({listed}) SELECT {taken}
              FROM (SELECT turn, kept, CASE turn WHEN 2 THEN {switch} ELSE 1 END AS opened
                      FROM (VALUES (1, CAST(:first AS jsonb)), (2, CAST(:second AS jsonb))) AS v (turn, kept)
                    OFFSET 0) AS turns,
                   jsonb_populate_record(CAST(NULL AS feature_values), CASE opened WHEN 1 THEN kept END) AS made"""
        admin.execute(text("SELECT FROM app.open_scope(:t, NULL, ARRAY['holdout'], 'a law')"), {"t": TENANT_A})
        first, second = rows.values()
        assert attempt(admin, insert, first=first, second=second) == "42501"
        savepoint.rollback()


@pytest.mark.parametrize("table", UNSEALED, ids=name)
def test_a_scope_with_a_sealed_split_writes_nothing_there(table: Table, admin: Connection) -> None:
    """In raw SQL behind the wall; a scope without one writes the same row."""
    partly = is_partly_split(table)
    none = "AND split_assignment IS NULL" if partly else ""
    row = admin.scalar(
        text(f"SELECT to_jsonb(t)::text FROM {table.name} AS t WHERE tenant_id = :t {none} ORDER BY t::text LIMIT 1"),
        {"t": TENANT_A},
    )
    assert row is not None, "there is something to write"
    listed = ", ".join(c.name for c in table.columns if c.computed is None and c.identity is None)
    insert = (
        f"INSERT INTO {table.name} ({listed}) SELECT {listed} "
        f"FROM json_populate_record(CAST(NULL AS {table.name}), CAST(:row AS json))"
    )
    assert scope_rule(table) is not None
    with admin.begin_nested() as savepoint:
        become_session(admin)
        for splits in (("train",), *SEALED):
            admin.execute(
                text("SELECT app.open_scope(:t, :u, CAST(:s AS text[]), 'a law')"),
                {"t": TENANT_A, "u": str(ADMINS[TENANT_A]), "s": list(splits)},
            ).all()
            written = attempt(admin, insert, row=row)
            if splits == ("train",):
                assert written != "42501", "else nothing is shown"
                continue
            assert written == "42501"
            if partly:
                continue
            privileges = table.info["hedgerow.model"].__app_privileges__
            if "DELETE" in privileges:
                assert attempt(admin, f"DELETE FROM {table.name}") == 0
            if "UPDATE" in privileges:
                first = updatable_columns(table)[0]
                assert attempt(admin, f"UPDATE {table.name} SET {first} = {first}") == 0
        savepoint.rollback()


@pytest.fixture(scope="module")
def world(module_database: Any) -> World:
    return make_world(module_database)


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_an_evaluation_recalls_and_stores_nothing(world: World, driver: str) -> None:
    """Memories are read as ever; whatever would write says why it does not."""
    with world.repository(driver, AsyncSemanticMemoryRepository, world.scope()) as cache:
        cache.put(driver, {"a": 1})
        cache.session.commit()
    with world.repository(driver, AsyncEpisodicMemoryRepository, world.scope()) as memories:
        known = memories.store_episodic_memory("explainer", "seen in train")
        memories.session.commit()
    for splits in SEALED:
        with world.repository(driver, AsyncSemanticMemoryRepository, world.scope(*splits)) as cache:
            entry = cache.get(driver)
            assert (entry.value_json, entry.hit_count) == ({"a": 1}, 0)
            assert cache.get("nothing") is None
            for call in (lambda c=cache: c.put(driver, {"b": 2}), cache.delete_expired):
                with pytest.raises(SplitAccessError, match="very scope of the tenant"):
                    call()
                cache.session.rollback()
        with world.repository(driver, AsyncEpisodicMemoryRepository, world.scope(*splits)) as memories:
            assert memories.get_by_id(known).content == "seen in train"
            for call in (
                lambda m=memories: m.store_episodic_memory("explainer", "seen in test"),
                lambda m=memories: m.count_access([known]),
                lambda m=memories: m.consolidate_memories(threshold_days=0),
                lambda m=memories: m.prune_memories("explainer", 0),
                lambda m=memories: m.update(known, {"content": "seen in test"}),
                lambda m=memories: m.delete(known),
            ):
                with pytest.raises(SplitAccessError, match="very scope of the tenant"):
                    call()
                memories.session.rollback()
        scope = world.scope(*splits)
        with (
            world.repository(driver, AsyncProceduralMemoryRepository, scope) as procedures,
            pytest.raises(SplitAccessError, match="very scope of the tenant"),
        ):
            procedures.record_execution(known, succeeded=True)
