"""Recipes and packs: their keys, their cascades, and who may write them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import selectinload

from exceptions.conftest import raised
from hedgerow import ScopeError
from hedgerow.core.repository import ReadOnlyError
from hedgerow.exceptions import (
    BusinessException,
    DomainPackVersion,
    ExceptionEvent,
    Playbook,
    PlaybookStep,
    TenantPolicyPackVersion,
)
from hedgerow.exceptions.repository import (
    AsyncDomainPackRepository,
    AsyncPlaybookRepository,
    AsyncPolicyPackRepository,
    PlaybookRepository,
)
from planting import planting, refused
from world import OTHER, TENANT, World


def recipe(name: str = "Failed trade", version: int = 1, steps: int = 2) -> Playbook:
    return Playbook(
        name=name,
        version=version,
        conditions={},
        steps=[
            PlaybookStep(step_order=steps - place, name=f"step {steps - place}", action_type="notify", params={})
            for place in range(steps)
        ],
    )


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_recipes(still_world: World, driver: str) -> None:
    with still_world.repository(driver, AsyncPlaybookRepository, still_world.scope()) as repository:
        first = repository.create(recipe())
        tenth = repository.create(recipe(version=10))
        repository.create(recipe(version=9))
        assert repository.get_newest("Failed trade") is tenth
        assert repository.get_newest("Unknown") is None
        assert [step.step_order for step in repository.get_steps(first.playbook_id)] == [1, 2]
        assert repository.get_steps(999_999) == []


def test_steps_go_with_their_recipe(world: World) -> None:
    with world.session() as session:
        goes, stays = recipe(), recipe("Other")
        session.add_all([goes, stays])
        session.commit()
        session.delete(goes)
        session.commit()
        assert session.scalar(select(func.count()).select_from(PlaybookStep)) == 2
        loaded = session.scalars(select(Playbook).options(selectinload(Playbook.steps))).one()
        assert [step.playbook for step in loaded.steps] == [stays, stays]


def test_the_cascade_stays_in_the_tenant(still_world: World) -> None:
    """Recipes have numbers, and two tenants may have the same one."""
    with planting(still_world.database, triggers=True) as connection:
        for tenant in (TENANT, OTHER):
            connection.execute(
                text(
                    "INSERT INTO playbook (tenant_id, playbook_id, name, version, conditions)"
                    f" OVERRIDING SYSTEM VALUE VALUES ('{tenant}', 7, 'n', 1, '{{}}')"
                )
            )
            connection.execute(
                text(
                    "INSERT INTO playbook_step (tenant_id, playbook_id, step_order, name, action_type, params)"
                    f" VALUES ('{tenant}', 7, 1, 'n', 'notify', '{{}}')"
                )
            )
        connection.execute(text(f"DELETE FROM playbook WHERE tenant_id = '{TENANT}'"))
        assert list(connection.scalars(text("SELECT tenant_id FROM playbook_step"))) == [OTHER]


def test_a_recipe_in_use_is_not_deleted(still_world: World) -> None:
    """The sources set the reference to NULL; on a composite key that would null the tenant as well."""
    with still_world.session() as session:
        playbook = recipe()
        session.add(playbook)
        session.flush()
        session.get_one(BusinessException, (TENANT, "EX-1")).current_playbook_id = playbook.playbook_id
        session.flush()
        with pytest.raises(IntegrityError, match="fk_exception_tenant_id_current_playbook_id_playbook"):
            PlaybookRepository(session).delete(playbook.playbook_id)


@pytest.mark.parametrize("what", ["exception", "playbook_step"])
def test_a_recipe_of_another_tenant_is_not_referred_to(world: World, what: str) -> None:
    with world.session(tenant=OTHER) as session:
        theirs = recipe()
        session.add(theirs)
        session.commit()
        number = theirs.playbook_id
    with world.session() as session:
        if what == "exception":
            session.add(raised("EX-2", current_playbook_id=number))
        else:
            session.add(PlaybookStep(playbook_id=number, step_order=1, name="n", action_type="notify", params={}))
        with pytest.raises(IntegrityError, match="playbook_id"):
            session.flush()


def test_numbers_are_the_servers(still_world: World) -> None:
    with still_world.session() as session:
        session.add(Playbook(playbook_id=5, name="n", version=1, conditions={}))
        with pytest.raises(DBAPIError, match="cannot insert a non-DEFAULT value"):
            session.flush()


def test_numbers_go_on_behind_the_seeded_ones(seeded: Any) -> None:
    """Otherwise the first rows that an application adds would collide with the fixtures."""
    from hedgerow import Scope, open_session

    with open_session(Scope("TEST_TENANT_001"), engine=seeded.scoped_engine()) as session:
        before = session.scalar(select(func.max(Playbook.playbook_id)))
        added = recipe()
        pack = TenantPolicyPackVersion(version=3, pack_json={})
        session.add_all([added, pack])
        session.flush()
        assert before is not None
        assert added.playbook_id > before
        assert {step.step_id for step in added.steps} & set(range(1, 6)) == set()
        assert pack.id > 2


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_policy_packs_are_added_and_not_changed(world: World, driver: str) -> None:
    for tenant in (TENANT, OTHER):
        with world.session(tenant=tenant) as session:
            session.add_all(TenantPolicyPackVersion(version=version, pack_json={}) for version in (2, 10, 9))
            session.commit()
    with world.repository(driver, AsyncPolicyPackRepository, world.scope()) as repository:
        newest = repository.get_newest()
        assert (newest.version, newest.tenant_id) == (10, TENANT)
        assert repository.count() == 3
        with pytest.raises(ReadOnlyError):
            repository.update(newest.id, {"pack_json": {"limit": 1}})
        with pytest.raises(ReadOnlyError):
            repository.delete(newest.id)
        with pytest.raises(IntegrityError, match="uq_tenant_policy_pack_version"):
            repository.create(TenantPolicyPackVersion(version=9, pack_json={}))
    with world.repository(driver, AsyncPolicyPackRepository, world.scope(tenant="WORLD_B")) as repository:
        assert repository.get_newest().tenant_id == OTHER


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_domain_packs_are_read_by_everybody_and_written_by_the_owner(world: World, driver: str) -> None:
    with world.database.engine("owner").begin() as owner:
        for version in (2, 10, 9):
            owner.execute(
                text("INSERT INTO domain_pack_version (domain, version, pack_json) VALUES ('payments', :v, '{}')"),
                {"v": version},
            )
        with refused(owner, "23505"):
            owner.execute(
                text("INSERT INTO domain_pack_version (domain, version, pack_json) VALUES ('payments', 2, '{}')")
            )
    for tenant in (TENANT, OTHER):
        with world.repository(driver, AsyncDomainPackRepository, world.scope(tenant=tenant)) as repository:
            assert repository.get_newest("payments").version == 10
            assert repository.get_newest("unknown") is None
            with pytest.raises(ReadOnlyError):
                repository.create(DomainPackVersion(domain="d", version=1, pack_json={}))
    with world.session() as session:
        session.add(DomainPackVersion(domain="d", version=1, pack_json={}))
        with pytest.raises((ScopeError, DBAPIError), match="permission denied"):
            session.flush()


def test_an_exception_knows_its_events_and_its_recipe(world: World) -> None:
    with world.session() as session:
        playbook = recipe()
        session.add(playbook)
        session.flush()
        held = raised("EX-2", current_playbook_id=playbook.playbook_id)
        held.events = [
            ExceptionEvent(event_type=kind, actor_type="agent", payload={}) for kind in ("ExceptionCreated", "Unheard")
        ]
        session.add(held)
        session.commit()
        assert held.current_playbook is playbook
        assert {event.exception for event in held.events} == {held}
        assert {event.event_type for event in held.events} == {"ExceptionCreated", "Unheard"}
