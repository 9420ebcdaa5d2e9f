"""Registering a configuration: one is active, history is not rewritten, and a patient keeps the split."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from hedgerow.core.scope import Split
from hedgerow.splits.assignment import assign
from hedgerow.splits.config import SplitConfigError, load_split_config, parse_split_config
from hedgerow.splits.registration import TenantNotFoundError, register_split_config, stored_values
from hedgerow.splits.repository import PatientSplitRepository, SplitConfigRepository
from world import DATED, OTHER, TENANT, World, make_world, patients, register

TURNED = {
    "config_name": "turned",
    "train_ratio": 0.05,
    "validation_ratio": 0.15,
    "test_ratio": 0.20,
    "holdout_ratio": 0.60,
    "temporal_gap_days": 7,
}


@pytest.fixture
def world(database: Any) -> World:
    return make_world(database)


def active(world: World, tenant: str = TENANT) -> list[str]:
    rows = world.admin("SELECT config_name FROM ml_split_registry WHERE is_active AND tenant_id = :t", t=tenant)
    return [name for (name,) in rows]


def test_what_is_registered_is_what_was_said(world: World) -> None:
    config = parse_split_config(DATED)
    assert register(world, content=DATED).outcome == "created"
    with world.session() as session:
        stored = SplitConfigRepository(session).get_active()
        assert stored is not None
        assert {name: getattr(stored, name) for name in stored_values(config)} == stored_values(config)


def test_registering_again_changes_nothing(world: World) -> None:
    assert register(world).outcome == "unchanged"
    assert active(world) == ["default"]


def test_one_is_active_and_the_other_can_come_back(world: World) -> None:
    created = register(world, content=TURNED)
    assert (created.outcome, created.replaced, active(world)) == ("created", "default", ["turned"])
    back = register(world)
    assert (back.outcome, back.replaced, active(world)) == ("activated", "turned", ["default"])
    assert active(world, OTHER) == ["default"], "another tenant's configuration is its own"


def test_an_unused_one_is_changed_in_place(world: World) -> None:
    first = register(world, content=TURNED)
    second = register(world, content=TURNED | {"temporal_gap_days": 14})
    assert (second.outcome, second.split_config_id) == ("changed", first.split_config_id)


def test_an_assigned_patient_stays_and_a_new_one_follows_the_new_ratios(world: World) -> None:
    turned = parse_split_config(TURNED).ratios
    old, new = (next(p for p in patients("train", 50, prefix) if assign(p, turned) != "train") for prefix in "ON")
    with world.session() as session:
        assert PatientSplitRepository(session).register(old) is Split.TRAIN
        session.commit()
    register(world, content=TURNED)
    with world.session() as session:
        splits = PatientSplitRepository(session)
        assert splits.register(old) is Split.TRAIN
        assert splits.register(new) is assign(new, turned)


def test_history_is_not_rewritten(world: World) -> None:
    with world.session() as session:
        PatientSplitRepository(session).register("P1")
        session.commit()
    with pytest.raises(SplitConfigError, match=r"cannot change \(train_ratio.*temporal_gap.*default_v2"):
        register(world, content=TURNED | {"config_name": "default", "temporal_gap_days": 1})
    assert register(world).outcome == "unchanged"
    register(world, content=TURNED | {"config_name": "default_v2"})
    with world.session() as session:
        PatientSplitRepository(session).register("P2")
        session.commit()
    with pytest.raises(SplitConfigError, match="for example default_v3"):
        register(world, content=DATED | {"config_name": "default_v2"})


def test_an_unknown_tenant(world: World) -> None:
    with (
        world.database.engine("owner").begin() as connection,
        pytest.raises(TenantNotFoundError, match="'NOBODY' does not exist"),
    ):
        register_split_config(connection, "NOBODY", load_split_config())


def test_a_session_cannot_register(world: World) -> None:
    with (
        world.database.engine("app").begin() as connection,
        pytest.raises(DBAPIError, match="permission denied for function issue_scope"),
    ):
        register_split_config(connection, TENANT, parse_split_config(TURNED))


def test_two_at_once_take_turns(world: World) -> None:
    contents = [TURNED | {"config_name": f"c{number}"} for number in range(6)]
    outcomes: list[str] = []

    def work(content: dict[str, Any]) -> None:
        outcomes.append(register(world, content=content).outcome)

    threads = [threading.Thread(target=work, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == ["created"] * 6
    assert len(active(world)) == 1
