"""Laws over every lock that a function takes: nobody else can compute its number, or ask for it by name."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from isolation.oracle import TENANT_A, TENANT_B, open_scope, refusal

TURN = "SELECT app.take_turn('{0}', 'something', NULL)"


def held(connection: Connection) -> set[tuple[int, int]]:
    """The advisory locks of the transaction, as pg_locks shows them to everybody."""
    locks = text("SELECT classid, objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
    return {(lock.classid, lock.objid) for lock in connection.execute(locks)}


def test_functions_lock_numbers_nowhere_else(seeded: Any) -> None:
    """A number that follows from what is locked is an oracle for whoever computes it."""
    locking = text(
        "SELECT oid::regproc::text FROM pg_proc WHERE prosrc ~ 'pg_(try_)?advisory' AND pronamespace >= 16384"
    )
    with seeded.admin() as admin:
        assert admin.scalars(locking).all() == ["app.take_turn"]


def test_writers_of_a_tenant_take_turns(seeded: Any) -> None:
    engine = seeded.engine("app")
    with engine.connect() as first, engine.connect() as second:
        for connection in (first, second):
            open_scope(connection, TENANT_A)
            connection.execute(text("SET LOCAL lock_timeout = '50ms'"))
        first.execute(text(TURN.format(TENANT_A)))
        second.execute(text("SELECT app.take_turn(:tenant, 'something', 'else')"), {"tenant": TENANT_A})
        with pytest.raises(DBAPIError) as waited:
            second.execute(text(TURN.format(TENANT_A)))
        assert refusal(waited.value) == "55P03"


def test_what_is_locked_differs_between_tenants_and_databases(seeded: Any, database: Any) -> None:
    """Nothing that another tenant can call, and no copy of the schema, tells which number it is."""
    seen = []
    with database.admin() as admin:
        # Copies of one database share its key; one that was made anew has another.
        admin.execute(text("UPDATE app.scope_key SET inner_pad = set_byte(inner_pad, 0, get_byte(inner_pad, 0) # 1)"))
    for where in (seeded, database):
        with where.engine("owner").connect() as connection:
            for tenant in (TENANT_A, TENANT_B):
                connection.execute(text(TURN.format(tenant)))
                seen.append(held(connection))
                connection.rollback()
    assert all(len(locks) == 1 for locks in seen)
    assert len(set.union(*seen)) == len(seen)


@pytest.mark.parametrize("scope", [TENANT_B, None])
@pytest.mark.parametrize("role", ["app", "evaluator"])
def test_nobody_takes_the_turn_of_another_tenant(role: Any, scope: str | None, seeded: Any) -> None:
    with seeded.engine(role).connect() as connection:
        if scope:
            open_scope(connection, scope)
        with pytest.raises(DBAPIError, match="No turns of tenant") as refused:
            connection.execute(text(TURN.format(TENANT_A)))
        assert refusal(refused.value) == "42501"
