"""Causal paths, their splits, and the search over paths, activities and triggers."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from causal.conftest import OTHER, TENANT, WHEN, Desk
from hedgerow import Scope, Split, SplitAccessError, open_session
from hedgerow.causal import CausalPath
from hedgerow.causal.repository import CausalPathRepository
from hedgerow.core.splitviews import split_view
from isolation.oracle import refusal

SPLITS = tuple(split.value for split in Split)


def plant(desk: Desk, table: str, **values: Any) -> None:
    row = {"tenant_id": TENANT, "split_assignment": "train"} | values
    desk.connection.execute(text("RESET ROLE"))
    names, binds = ", ".join(row), ", ".join(f":{name}" for name in row)
    desk.connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({binds})"), row)


def path(desk: Desk, key: str, **values: Any) -> None:
    row = {"path_id": key, "discovery_date": date(2026, 3, 1), "causal_chain": "[]"}
    plant(desk, "causal_paths", **(row | values))


def search(desk: Desk, words: str | None, **arguments: Any) -> list[str]:
    call = "".join(f", {name} => :{name}" for name in arguments)
    found = desk.rows(f"SELECT id FROM hybrid_fulltext_search(:words{call})", words=words, **arguments)
    return [row.id for row in found]


def test_paths_are_found_by_cause_effect_method_and_chain(desk: Desk) -> None:
    path(desk, "chain", causal_chain='["nurse_visit", "adherence"]')
    path(desk, "method", method_used="adherence regression", causal_chain='["x"]')
    path(desk, "effect", start_node="copay", end_node="adherence")
    path(desk, "cause", start_node="nurse_visit", end_node=None)
    desk.become()
    assert search(desk, "adherence") == ["effect", "method", "chain"], "by weight"
    assert search(desk, "nurse visit") == ["cause", "chain"]
    assert search(desk, '"nurse visit"') == ["cause", "chain"]
    assert search(desk, "nurse -adherence") == ["cause"]
    assert search(desk, "copay or regression") == ["effect", "method"]


@pytest.mark.parametrize("words", ["", "   ", "the of", None, "adh", "nothing of the sort"])
def test_what_says_nothing_finds_nothing(desk: Desk, words: str | None) -> None:
    path(desk, "one", end_node="adherence")
    desk.become()
    assert search(desk, words) == []


def all_three(desk: Desk, tenant: str = TENANT, split: str = "train") -> None:
    common = {"tenant_id": tenant, "split_assignment": split}
    path(desk, f"p {split}", end_node="refill", **common)
    for agent, status in (("explainer", "completed"), ("drift_monitor", "failed")):
        plant(
            desk,
            "agent_activities",
            activity_id=f"{agent} {split}",
            agent_type=agent,
            status=status,
            error_message="refill",
            activity_timestamp=WHEN,
            **common,
        )
    desk.connection.execute(text("SET LOCAL session_replication_role = replica"))
    for priority in ("high", "low"):
        plant(
            desk,
            "triggers",
            trigger_id=f"{priority} {split}",
            patient_id="P",
            priority=priority,
            trigger_reason="refill",
            trigger_timestamp=WHEN,
            **common,
        )
    desk.connection.execute(text("SET LOCAL session_replication_role = DEFAULT"))


def test_the_search_goes_over_three_tables(desk: Desk) -> None:
    all_three(desk)
    desk.become()
    rows = desk.rows("SELECT * FROM hybrid_fulltext_search('refills')")
    assert {(row.source_table, row.id) for row in rows} == {
        ("causal_paths", "p train"),
        ("agent_activities", "explainer train"),
        ("agent_activities", "drift_monitor train"),
        ("triggers", "high train"),
        ("triggers", "low train"),
    }
    assert [row.rank for row in rows] == sorted((row.rank for row in rows), reverse=True)
    told = {row.id: (row.content, row.metadata) for row in rows}
    assert told["p train"] == (
        "refill",
        {"causal_effect_size": None, "confidence_level": None, "discovery_date": "2026-03-01"},
    )
    assert told["explainer train"] == (
        "explainer completed refill",
        {"agent_type": "explainer", "tier": None, "status": "completed"},
    )
    assert told["high train"] == ("refill", {"priority": "high", "trigger_type": None})


@pytest.mark.parametrize(
    ("filters", "left_out"),
    [
        (None, set()),
        ("{}", set()),
        ('{"agent_name": "explainer"}', {"drift_monitor train"}),
        ('{"status": "failed"}', {"explainer train"}),
        ('{"priority": "low"}', {"high train"}),
        (
            '{"agent_name": "nobody", "priority": "none"}',
            {"drift_monitor train", "explainer train"} | {"high train", "low train"},
        ),
        ('{"region": "west"}', set()),
    ],
)
def test_filters_are_for_their_own_table(desk: Desk, filters: str | None, left_out: set[str]) -> None:
    all_three(desk)
    desk.become()
    everything = set(search(desk, "refill"))
    assert len(everything) == 5
    call = "SELECT id FROM hybrid_fulltext_search('refill', filters => CAST(:filters AS jsonb))"
    assert {row.id for row in desk.rows(call, filters=filters)} == everything - left_out


@pytest.mark.parametrize(("count", "length"), [(0, 0), (2, 2), (20, 20), (None, 25)])
def test_the_number_of_matches(desk: Desk, count: int | None, length: int) -> None:
    for number in range(25):
        path(desk, f"{number:02d}", end_node="refill")
    desk.become()
    assert search(desk, "refill", match_count=count) == [f"{number:02d}" for number in range(length)]
    assert len(search(desk, "refill")) == 20
    with pytest.raises(DBAPIError) as refused:
        search(desk, "refill", match_count=-1)
    assert refusal(refused.value) == "2201W"


def test_the_search_stays_inside_the_scope(desk: Desk) -> None:
    for tenant, split in ((TENANT, "train"), (TENANT, "holdout"), (OTHER, "train"), (OTHER, "validation")):
        all_three(desk, tenant, split)
    for tenant, split in ((OTHER, "validation"), (OTHER, "train"), (TENANT, "holdout"), (TENANT, "train")):
        desk.become(split, tenant=tenant)
        found = search(desk, "refill")
        assert len(found) == 5, "there is something to leak"
        assert {key.rpartition(" ")[2] for key in found} == {split}
    desk.become("validation")
    assert search(desk, "refill") == []


@pytest.mark.parametrize("split", ["train", "validation", "test", "holdout"])
def test_split_views_of_paths(desk: Desk, split: str) -> None:
    for each in SPLITS:
        path(desk, each, split_assignment=each)
    if desk.role == "app":
        # For a superuser no wall stands, and a view shows him every tenant's rows.
        path(desk, split, tenant_id=OTHER, split_assignment=split)
    desk.become(*SPLITS)
    assert [row.path_id for row in desk.rows(f"SELECT path_id FROM v_{split}_causal_paths")] == [split]
    assert split_view(CausalPath, split).__table__.name == f"v_{split}_causal_paths"


def test_a_path_needs_a_day_and_a_known_split(desk: Desk) -> None:
    for values in ({"discovery_date": "infinity"}, {"split_assignment": "spare"}):
        with pytest.raises(IntegrityError), desk.connection.begin_nested():
            path(desk, "p", **values)
    path(desk, "p")
    desk.become()
    (row,) = desk.rows("SELECT * FROM causal_paths")
    assert (row.split_assignment, row.interaction_effects, row.causal_chain) == ("train", {}, [])


def test_a_train_session_does_not_write_what_holdout_found(world: Any) -> None:
    with open_session(Scope(TENANT, splits={Split.TRAIN}), engine=world.engine) as session:
        found = CausalPath(
            path_id="HO", discovery_date=date(2026, 3, 1), causal_chain=["a", "b"], split_assignment=Split.HOLDOUT
        )
        with pytest.raises(SplitAccessError):
            CausalPathRepository(session).create(found)
        with pytest.raises(SplitAccessError):
            CausalPathRepository(session).get_paths_for_cause("a", split="holdout")
