"""People: nobody makes himself an administrator, and who is one is said for the open scope alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, text

from hedgerow.core.embedded.bootstrap import OWNER
from isolation.oracle import TENANT_A, TENANT_B, open_scope
from planting import become_session, planting, refused

ASKING = text("SELECT is_admin(CAST(:u AS uuid))")


@pytest.fixture
def planted(seeded: Any) -> Iterator[Connection]:
    with planting(seeded) as connection:
        yield connection


def user(connection: Connection, role: str, tenant: str = TENANT_A) -> UUID:
    """A person of the tenant, read by a superuser."""
    found = connection.scalar(
        text("SELECT id FROM users WHERE tenant_id = :t AND role = :r AND is_active ORDER BY id LIMIT 1"),
        {"t": tenant, "r": role},
    )
    assert isinstance(found, UUID)
    return found


def test_an_administrator_is_one(planted: Connection) -> None:
    people = {role: user(planted, role) for role in ("admin", "csm", "analyst", "viewer")}
    foreign = user(planted, "admin", TENANT_B)
    become_session(planted)
    assert planted.scalar(ASKING, {"u": people["admin"]}) is False, "no scope is open"
    open_scope(planted, TENANT_A)
    assert {role: planted.scalar(ASKING, {"u": person}) for role, person in people.items()} == {
        "admin": True,
        "csm": False,
        "analyst": False,
        "viewer": False,
    }
    for nobody in (None, UUID(int=0), foreign):
        assert planted.scalar(ASKING, {"u": nobody}) is False
    open_scope(planted, TENANT_B)
    assert planted.scalar(ASKING, {"u": foreign}) is True


@pytest.mark.parametrize(
    "change", ["is_active = false", "deleted_at = now()", "role = 'viewer'", "is_active = false, deleted_at = now()"]
)
def test_a_former_administrator_is_none(change: str, planted: Connection) -> None:
    admin = user(planted, "admin")
    planted.execute(text(f"UPDATE users SET {change} WHERE id = :u"), {"u": admin})
    become_session(planted)
    open_scope(planted, TENANT_A)
    assert planted.scalar(ASKING, {"u": admin}) is False


def test_the_same_person_in_two_tenants(planted: Connection) -> None:
    """The right of one tenant is none in the other, even under the same id."""
    admin = user(planted, "admin")
    planted.execute(
        text("""INSERT INTO users (tenant_id, id, email, role) VALUES (:t, :u, 'twice@tenant.example', 'viewer')"""),
        {"t": TENANT_B, "u": admin},
    )
    become_session(planted)
    for tenant, wanted in ((TENANT_A, True), (TENANT_B, False)):
        open_scope(planted, tenant)
        assert planted.scalar(ASKING, {"u": admin}) is wanted


def test_whoever_asks_is_named_with_the_tenant(planted: Connection) -> None:
    """In one answer each: who asks where, where he administers, and where he sees every account."""
    asking = text("""SELECT m.tenant_id, m.user_id, app.administered_tenant(), app.overseen_tenant()
                       FROM app.current_member() AS m""")
    admin, viewer, foreign = user(planted, "admin"), user(planted, "viewer"), user(planted, "admin", TENANT_B)
    become_session(planted)
    assert tuple(planted.execute(asking).one()) == (None, None, None, None), "no scope is open"
    for tenant, person, administered in (
        (TENANT_A, admin, TENANT_A),
        (TENANT_A, viewer, None),
        (TENANT_A, foreign, None),
        (TENANT_A, None, None),
        (TENANT_B, foreign, TENANT_B),
    ):
        open_scope(planted, tenant, user=person and str(person), as_administrator=False)
        assert tuple(planted.execute(asking).one()) == (tenant, person, administered, administered)
    planted.execute(text(f"SET LOCAL ROLE {OWNER}"))
    open_scope(planted, TENANT_A, as_administrator=False)
    assert tuple(planted.execute(asking).one()) == (TENANT_A, None, None, TENANT_A)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO users (email, role) VALUES ('me@tenant001.example', 'admin')",
        "UPDATE users SET role = 'admin'",
        "UPDATE users SET deleted_at = NULL",
        "DELETE FROM users",
        "TRUNCATE users CASCADE",
        "UPDATE tenant SET status = 'active'",
        "INSERT INTO tenant (id, name) VALUES ('MINE', 'Mine')",
    ],
)
def test_a_session_only_reads_people_and_tenants(statement: str, seeded: Any) -> None:
    with seeded.engine("app").connect() as connection:
        open_scope(connection, TENANT_A)
        with refused(connection, "42501"):
            connection.execute(text(statement))
