"""The fine print of the audiences: what nobody takes, gives away, decides or forges; and what a policy costs."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, text

from customers.battery import ADA, ANNA, CARL, CARLA, PEOPLE, TARGETS, S, X, acting, plant
from isolation.oracle import TENANT_A, TENANT_B
from planting import planting, refused

Y = TARGETS["customers"]
APPROVAL = TARGETS["approvals"]
DECIDE = "UPDATE approvals SET status = :s, decided_by = :u, decided_at = now() WHERE id = :id"


def run(connection: Connection, sql: str, **values: object) -> int:
    return connection.execute(text(sql), values).rowcount


@pytest.mark.parametrize("manager", [CARL, None])
def test_a_manager_neither_gives_a_customer_away_nor_takes_one(manager: object, planted: Connection) -> None:
    with acting(planted, PEOPLE["csm"]), refused(planted, "42501"):
        run(planted, "UPDATE customers SET csm_id = :m WHERE id = :id", m=manager, id=Y)
    with acting(planted, PEOPLE["other csm"]):
        assert run(planted, "UPDATE customers SET csm_id = :m WHERE id = :id", m=CARL, id=Y) == 0
        with refused(planted, "42501"):
            run(planted, "INSERT INTO customers (name, arr, csm_id) VALUES ('Z', 1, :m)", m=CARLA)
    with acting(planted, PEOPLE["administrator"]):
        assert run(planted, "UPDATE customers SET csm_id = :m WHERE id = :id", m=manager, id=Y) == 1


@pytest.mark.parametrize(
    "table",
    [
        "stakeholders",
        "contracts",
        "entitlements",
        "health_scores",
        "usage_metrics",
        "risk_signals",
        "renewal_pipeline",
        "qbrs",
    ],
)
def test_what_hangs_on_a_customer_is_not_moved_to_one_that_is_not_seen(table: str, planted: Connection) -> None:
    theirs = planted.scalar(text("SELECT id FROM customers WHERE csm_id = :m LIMIT 1"), {"m": CARL})
    with acting(planted, PEOPLE["csm"]):
        for target in (theirs, None):
            with refused(planted, "42501"):
                run(planted, f"UPDATE {table} SET customer_id = :c WHERE id = :id", c=target, id=TARGETS[table])
        assert run(planted, f"UPDATE {table} SET customer_id = :c WHERE id = :id", c=Y, id=TARGETS[table]) == 1


def test_a_manager_deletes_his_customer_softly(planted: Connection) -> None:
    """A policy on deleted_at would refuse the very UPDATE that sets it."""
    with acting(planted, PEOPLE["csm"]):
        for _ in range(2):
            assert run(planted, "UPDATE customers SET deleted_at = now() WHERE id = :id", id=Y) == 1


def test_nobody_opens_a_session_for_somebody_else(planted: Connection) -> None:
    sql = "INSERT INTO agent_sessions (user_id) VALUES (:u)"
    with acting(planted, PEOPLE["user"]):
        assert run(planted, sql, u=ANNA) == 1
        for other in (CARLA, None):
            with refused(planted, "42501"):
                run(planted, sql, u=other)
    with acting(planted, PEOPLE["administrator"]):
        assert run(planted, sql, u=CARLA) == 1
        with refused(planted, "42501"):  # not even an administrator makes another one the person who asked
            run(planted, "UPDATE agent_sessions SET user_id = :u WHERE id = :id", u=CARLA, id=S)


# -- approvals ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["approved", "rejected"])
@pytest.mark.parametrize("name", ["csm", "administrator"])
def test_another_person_decides(name: str, status: str, planted: Connection) -> None:
    with acting(planted, PEOPLE[name]):
        assert run(planted, DECIDE, s=status, u=PEOPLE[name].user, id=APPROVAL) == 1
        assert run(planted, DECIDE, s="rejected", u=PEOPLE[name].user, id=APPROVAL) == 0, "a decision is made once"


@pytest.mark.parametrize("asker", ["csm", "administrator"])
def test_nobody_decides_what_he_asked_for(asker: str, planted: Connection) -> None:
    """Neither the manager of the customer nor an administrator."""
    session, approval = uuid4(), uuid4()
    with acting(planted, PEOPLE[asker]):
        sql = "INSERT INTO agent_sessions (id, user_id, customer_id) VALUES (:id, :u, :c)"
        run(planted, sql, id=session, u=PEOPLE[asker].user, c=X)
        run(
            planted, "INSERT INTO approvals (id, session_id, action_type) VALUES (:id, :s, 'a')", id=approval, s=session
        )
        assert run(planted, "SELECT FROM approvals WHERE id = :id", id=approval) == 1
        assert run(planted, DECIDE, s="approved", u=PEOPLE[asker].user, id=approval) == 0


def test_a_decision_is_made_in_ones_own_name(planted: Connection) -> None:
    with acting(planted, PEOPLE["administrator"]):
        for status, user in (("approved", CARLA), ("approved", None), ("pending", ADA), ("expired", None)):
            with refused(planted, "42501"):
                run(planted, DECIDE, s=status, u=user, id=APPROVAL)
        with refused(planted, "42501"):
            run(planted, "UPDATE approvals SET status = 'approved', decided_by = :u WHERE id = :id", u=ADA, id=APPROVAL)


IN_ANOTHER_SCOPE = """UPDATE approvals
       SET status = CASE WHEN expires_at < now() THEN 'expired' ELSE 'approved' END,
           decided_at = now(),
           decided_by = CASE WHEN expires_at < now() THEN NULL ELSE (
               SELECT CASE WHEN count(*) = 1 THEN CAST(:u AS uuid) END
                 FROM app.open_scope(:t, :u, ARRAY['train'], NULL)
           ) END
     WHERE id IN (:first, :second)"""
"""A decision whose scope changes after somebody was let to the row, and before it is looked at who decides."""


@pytest.mark.parametrize("expired", [None, "first", "second"])
@pytest.mark.parametrize(("tenant", "person"), [(TENANT_A, ANNA), (TENANT_B, CARL)], ids=["who asked", "a stranger"])
def test_nobody_decides_in_the_scope_of_another(
    tenant: str, person: UUID, expired: str | None, planted: Connection
) -> None:
    """Carla may decide, and the person whose scope comes in between may not, be he from here or from elsewhere.

    With another row that expires, the tenant is read for that one already.
    """
    ids = {"first": uuid4(), "second": uuid4()}
    for name, key in ids.items():
        if expired or name == "first":
            planted.execute(
                text("""INSERT INTO approvals (tenant_id, id, session_id, action_type, expires_at)
                        VALUES (:t, :id, :s, 'a', now() + make_interval(days => :days))"""),
                {"t": TENANT_A, "id": key, "s": S, "days": -1 if name == expired else 1},
            )
    with acting(planted, PEOPLE["csm"]):
        assert run(planted, IN_ANOTHER_SCOPE, t=TENANT_A, u=str(CARLA), **ids) == (2 if expired else 1)
    with acting(planted, PEOPLE["csm"]), refused(planted, "42501"):
        run(planted, IN_ANOTHER_SCOPE, t=tenant, u=str(person), **ids)


@pytest.mark.parametrize("name", ["user", "csm", "administrator"])
def test_nobody_asks_for_what_is_decided_already(name: str, planted: Connection) -> None:
    with acting(planted, PEOPLE[name]):
        for columns, values in (
            ("status, decided_by, decided_at", "'approved', :u, now()"),
            ("status", "'approved'"),
            ("status", "NULL"),
            ("decided_by", ":u"),
        ):
            sql = f"INSERT INTO approvals (session_id, action_type, {columns}) VALUES (:s, 'a', {values})"
            with refused(planted, "42501"):
                run(planted, sql, s=S, u=PEOPLE[name].user)


def test_the_time_to_decide_passes(planted: Connection) -> None:
    planted.execute(text("UPDATE approvals SET expires_at = now() - interval '1 s' WHERE id = :id"), {"id": APPROVAL})
    with acting(planted, PEOPLE["administrator"]):
        with refused(planted, "42501"):
            run(planted, DECIDE, s="approved", u=ADA, id=APPROVAL)
        assert run(planted, "UPDATE approvals SET status = 'expired' WHERE id = :id", id=APPROVAL) == 1


@pytest.mark.parametrize("column", ["session_id", "action_type", "action_description", "action_data", "expires_at"])
def test_what_was_asked_for_stays_as_it_was_asked(column: str, planted: Connection) -> None:
    with acting(planted, PEOPLE["administrator"]), refused(planted, "42501"):
        run(planted, f"UPDATE approvals SET {column} = NULL WHERE id = :id", id=APPROVAL)


def test_an_approval_without_a_session_is_the_administrators(planted: Connection) -> None:
    approval = TARGETS["approvals of nobody"]
    with acting(planted, PEOPLE["csm"]):
        assert run(planted, DECIDE, s="approved", u=CARLA, id=approval) == 0
    with acting(planted, PEOPLE["administrator"]):
        assert run(planted, DECIDE, s="approved", u=ADA, id=approval) == 1


# -- accounts ----------------------------------------------------------------------------------------------------


def test_a_person_sees_his_own_account_and_an_administrator_all(planted: Connection) -> None:
    """And the policy of users, which asks who is an administrator, does not come back to itself."""
    sql = text("SELECT id FROM users")
    everybody = set(planted.scalars(text("SELECT id FROM users WHERE tenant_id = :t"), {"t": TENANT_A}))
    assert len(everybody) > 2
    for name, seen in (("user", {ANNA}), ("csm", {CARLA}), ("anonymous", set()), ("administrator", everybody)):
        with acting(planted, PEOPLE[name]):
            assert set(planted.scalars(sql)) == seen, name


def test_an_administrator_who_has_left_is_none(planted: Connection) -> None:
    planted.execute(text("UPDATE users SET is_active = false WHERE id = :u"), {"u": ADA})
    with acting(planted, PEOPLE["administrator"]):
        assert run(planted, "SELECT FROM customers") == 0
        assert list(planted.scalars(text("SELECT id FROM users"))) == [ADA]


# -- what it costs -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["csm", "administrator"])
@pytest.mark.parametrize("table", ["customers", "usage_metrics", "agent_steps", "approvals", "users"])
def test_who_asks_is_found_out_once_per_statement(table: str, name: str, planted: Connection) -> None:
    """Not once per row; a policy of another table that is looked into asks once more."""
    planted.execute(text("SET LOCAL track_functions = 'all'"))
    calls = text("SELECT coalesce(sum(calls), 0) FROM pg_stat_xact_user_functions WHERE funcname = 'is_admin'")
    with acting(planted, PEOPLE[name]):
        before = planted.scalar(calls)
        rows = run(planted, f"SELECT FROM {table}")
        assert 0 < planted.scalar(calls) - before <= 8
    if table == "usage_metrics":
        assert rows > 20


def test_indexes_find_what_a_manager_may_see(seeded: Any) -> None:
    """His own, combined with that of the administrators, which he is not: nobody's rows are read to be thrown away."""
    with planting(seeded) as many:
        plant(many)
        many.execute(
            text("""INSERT INTO customers (tenant_id, name, arr, csm_id)
                    SELECT :t, 'C' || n, 1, CAST(lpad(to_hex(mod(n, 100)), 32, '0') AS uuid)
                      FROM generate_series(1, 5000) AS n"""),
            {"t": TENANT_A},
        )
        many.execute(
            text("""INSERT INTO health_scores (tenant_id, customer_id, overall)
                    SELECT c.tenant_id, c.id, n FROM customers AS c, generate_series(1, 5) AS n""")
        )
        many.execute(text("ANALYZE customers, health_scores"))
        with acting(many, PEOPLE["csm"]):
            for table in ("customers", "health_scores"):
                lines = list(many.scalars(text(f"EXPLAIN (ANALYZE, TIMING off) SELECT * FROM {table}")))
                plan = "\n".join(lines)
                assert lines[0].startswith(f"Bitmap Heap Scan on {table}"), plan
                assert "BitmapOr" in plan
                thrown_away = [int(n) for n in re.findall(r"Rows Removed by \w+: (\d+)", plan)]
                assert sum(thrown_away) < 10, plan
