"""Who sees and writes what inside a tenant, by role against PostgreSQL; and no policy is there for nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, text

from customers.battery import COMMANDS, PEOPLE, ROWS, Who, may, outcome, plant, table_of
from hedgerow.core.base import metadata
from hedgerow.core.embedded.bootstrap import ADMIN
from hedgerow.core.wall import TENANT_POLICY, row_security
from hedgerow.registry import domains

# S sees it, I inserts one like it, U changes it, D deletes it. The row is that of the user's session, and of a customer
# of the csm's. The last ones: an administrator of another tenant in the scope of her own, and in that of this tenant;
# and the owner of the schema, who keeps the accounts and brings in approvals that were decided before.
OUTCOMES = """
                         | anonymous | user | csm  | other csm | administrator | of another | elsewhere | owner
customers                | ----      | ---- | SIUD | ----      | SIUD          | ----       | ----      | ----
stakeholders             | ----      | ---- | SIUD | ----      | SIUD          | ----       | ----      | ----
contracts                | ----      | ---- | SIUD | ----      | SIUD          | ----       | ----      | ----
entitlements             | ----      | ---- | SIUD | ----      | SIUD          | ----       | ----      | ----
health_scores            | ----      | ---- | SIUD | ----      | SIUD          | ----       | ----      | ----
usage_metrics            | ----      | ---- | SIUD | ----      | SIUD          | ----       | ----      | ----
risk_signals             | ----      | ---- | SIUD | ----      | SIUD          | ----       | ----      | ----
renewal_pipeline         | ----      | ---- | SIUD | ----      | SIUD          | ----       | ----      | ----
qbrs                     | ----      | ---- | SIUD | ----      | SIUD          | ----       | ----      | ----
agent_sessions           | ----      | SIUD | S--- | ----      | SIUD          | ----       | ----      | ----
agent_messages           | ----      | SIUD | S--- | ----      | SIUD          | ----       | ----      | ----
agent_runs of a session  | ----      | SIUD | S--- | ----      | SIUD          | ----       | ----      | ----
agent_runs of a customer | ----      | ---- | SIUD | ----      | SIUD          | ----       | ----      | ----
agent_steps              | ----      | SIUD | SIUD | ----      | SIUD          | ----       | ----      | ----
approvals                | ----      | SI-- | S-U- | ----      | SIU-          | ----       | ----      | -I--
users                    | ----      | S--- | ---- | ----      | S---          | ----       | ----      | SIUD
"""
OF_NOBODY = {
    f"{table_of(what)} of nobody": {**dict.fromkeys(PEOPLE, "----"), "administrator": "SIUD"}
    for what in ROWS
    if what != "users"
}
OF_NOBODY["approvals of nobody"] |= {"administrator": "SIU-", "owner of the schema": "-I--"}
EXPECTED = OF_NOBODY | {
    what.strip(): dict(zip(PEOPLE, (cell.strip() for cell in cells), strict=True))
    for what, *cells in (line.split("|") for line in OUTCOMES.strip().splitlines()[1:])
}
CASES = [
    (what, name, command, command in allowed)
    for what, people in EXPECTED.items()
    for name, allowed in people.items()
    for command in COMMANDS
]
TABLES = sorted({table_of(what) for what in ROWS})
POLICIES = sorted(
    o.name
    for name in TABLES
    for o in row_security(metadata.tables[name])
    # Those of sealed splits know no people: tests/isolation/test_unsealed.py. And an audience says of which tenant its
    # people are, so nobody here misses the tenant's policy: tests/isolation/test_every_policy_matters.py.
    if o.kind == "policy" and ".written_unsealed_" not in o.name and not o.name.endswith(f".{TENANT_POLICY}")
)


@pytest.fixture(scope="module")
def admin(seeded: Any) -> Iterator[Connection]:
    """A superuser in a transaction that ends with the module; each try in it is undone."""
    with seeded.engine("admin").connect() as connection:
        plant(connection)
        yield connection
        connection.rollback()


def test_the_battery_covers_the_domain_and_the_accounts() -> None:
    (domain,) = (domain for domain in domains() if domain.name == "customers")
    assert set(TABLES) == {table.name for table in domain.tables} | {"users"}
    assert EXPECTED.keys() == ROWS.keys()


@pytest.mark.parametrize("what", ROWS)
def test_without_the_wall_everything_is_possible(what: str, admin: Connection) -> None:
    """There is a row to see, and nothing but the wall and the grants is in the way of writing it."""
    assert outcome(admin, what, Who(PEOPLE["csm"].user, role=ADMIN)) == "SIUD"


@pytest.mark.parametrize(("what", "name", "command", "allowed"), CASES)
def test_everybody_may_do_what_he_should(what: str, name: str, command: str, allowed: bool, admin: Connection) -> None:
    assert may(admin, what, command, PEOPLE[name]) is allowed


def differs(admin: Connection, table: str, change: str) -> bool:
    """Whether a case of a table has another outcome than expected after a change, which is undone."""
    savepoint = admin.begin_nested()
    try:
        admin.execute(text(change))
        return any(
            may(admin, what, command, PEOPLE[name]) is not allowed
            for what, name, command, allowed in CASES
            if table_of(what) == table
        )
    finally:
        savepoint.rollback()


@pytest.mark.parametrize("policy", POLICIES)
def test_no_policy_is_missed_unnoticed(policy: str, admin: Connection) -> None:
    table, _, name = policy.partition(".")
    assert differs(admin, table, f"DROP POLICY {name} ON {table}")


@pytest.mark.parametrize("policy", POLICIES)
def test_no_policy_is_opened_unnoticed(policy: str, admin: Connection) -> None:
    table, _, name = policy.partition(".")
    command = admin.scalar(
        text("SELECT cmd FROM pg_policies WHERE tablename = :t AND policyname = :p"), {"t": table, "p": name}
    )
    clauses = {"INSERT": "WITH CHECK (true)", "SELECT": "USING (true)", "DELETE": "USING (true)"}
    clause = clauses.get(command, "USING (true) WITH CHECK (true)")
    assert differs(admin, table, f"ALTER POLICY {name} ON {table} {clause}")
