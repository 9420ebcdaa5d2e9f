"""Law: whichever policy is taken away, somebody may do what he may not, or may not what he may.

For every table it is observed what scopes and people can read and write; then each of its policies is dropped in turn
and the observation repeated. A policy that changes nothing protects nothing, or nobody looks at what it protects.
An audience keeps tenants apart as well, so the tenant's policy is looked at where audiences let everybody in.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Table, text
from sqlalchemy.exc import DBAPIError

from hedgerow.core.wall import AUDIENCE_INFO, EVERY_MEMBER, TENANT_POLICY, row_security, updatable_columns
from isolation.oracle import OPEN, TENANT_A, refusal, tenant_tables
from planting import become_session, planting

SPLITS = (OPEN, ("train",), ("validation",), ("test",), ("holdout",))
POLICIES = [
    (table, item.name.partition(".")[2])
    for table in tenant_tables()
    for item in row_security(table)
    if item.kind == "policy"
]

Observed = dict[tuple[Any, ...], Any]


@pytest.fixture(scope="module")
def admin(seeded: Any) -> Iterator[Connection]:
    with planting(seeded) as connection:
        yield connection


@pytest.fixture(scope="module")
def people(admin: Connection) -> list[str | None]:
    """Nobody in particular, and one person of each role."""
    found = admin.scalars(
        text("SELECT DISTINCT ON (role) id::text FROM users WHERE tenant_id = :t AND is_active ORDER BY role, id"),
        {"t": TENANT_A},
    )
    return [None, *found]


@pytest.fixture(scope="module")
def known() -> dict[str, Observed]:
    return {}


def samples(admin: Connection, table: Table) -> list[str]:
    """A row of every tenant, of every split where there are any, of every state where people are told apart."""
    kinds = "t.tenant_id, t.split_assignment" if "split_assignment" in table.columns else "t.tenant_id"
    if AUDIENCE_INFO in table.info and "status" in table.columns:
        kinds += ", t.status"
    if table.name == "tenant":
        kinds = "t.id"
    found = admin.scalars(
        text(f"SELECT DISTINCT ON ({kinds}) to_jsonb(t)::text FROM {table.name} AS t ORDER BY {kinds}, t::text")
    )
    return list(found)


def attempt(connection: Connection, statement: str, **values: Any) -> Any:
    """How many rows it reached, or the SQLSTATE; nothing of it stays."""
    with connection.begin_nested() as savepoint:
        try:
            result = connection.execute(text(statement), values)
            reached: Any = result.scalar() if result.returns_rows else result.rowcount
        except DBAPIError as error:
            return refusal(error)
        finally:
            savepoint.rollback()
    return reached


def entered(connection: Connection, splits: tuple[str, ...], person: str | None) -> Any:
    """Whether the scope opened, or the SQLSTATE."""
    try:
        with connection.begin_nested():
            connection.execute(
                text("SELECT 1 FROM app.open_scope(:t, :u, CAST(:s AS text[]), 'a law')"),
                {"t": TENANT_A, "u": person, "s": list(splits)},
            )
    except DBAPIError as error:
        return refusal(error)
    return True


def observe(connection: Connection, table: Table, people: list[str | None], rows: list[str]) -> Observed:
    """What each scope can do with the table."""
    columns = [column.name for column in table.columns if column.computed is None and column.identity is None]
    listed = ", ".join(columns)
    touched = next(iter(updatable_columns(table)), None)
    statements = {"select": f"SELECT count(*) FROM {table.name}", "delete": f"DELETE FROM {table.name}"}
    if touched:
        statements["update"] = f"UPDATE {table.name} SET {touched} = {touched}"
    insert = (
        f"INSERT INTO {table.name} ({listed}) SELECT {listed} "
        f"FROM json_populate_record(CAST(NULL AS {table.name}), CAST(:row AS json))"
    )
    seen: Observed = {}
    with connection.begin_nested() as savepoint:
        become_session(connection)
        divided = (
            "split_assignment" in table.columns or {"hedgerow.written_from", "hedgerow.unsealed"} & table.info.keys()
        )
        for splits in SPLITS if divided else SPLITS[:1]:
            for person in people if AUDIENCE_INFO in table.info else people[:1]:
                seen[splits, person] = entered(connection, splits, person)
                if seen[splits, person] is not True:
                    continue
                for command, statement in statements.items():
                    seen[splits, person, command] = attempt(connection, statement)
                for number, row in enumerate(rows):
                    seen[splits, person, "insert", number] = attempt(connection, insert, row=row)
        savepoint.rollback()
    return seen


def let_everybody_in(connection: Connection, table: Table) -> None:
    """Replace the audiences of a table by that of a table that names none."""
    for audience in table.info[AUDIENCE_INFO]:
        connection.execute(text(f"DROP POLICY {audience.name} ON {table.name}"))
    connection.execute(text(EVERY_MEMBER.on(table).create))


@pytest.mark.parametrize(("table", "policy"), POLICIES, ids=[f"{table.name}.{policy}" for table, policy in POLICIES])
def test_without_it_something_changes(
    table: Table, policy: str, admin: Connection, people: list[str | None], known: dict[str, Observed]
) -> None:
    rows = samples(admin, table)
    with admin.begin_nested() as savepoint:
        world = table.name
        if policy == TENANT_POLICY and AUDIENCE_INFO in table.info:
            let_everybody_in(admin, table)
            world += " of everybody"
        if world not in known:
            known[world] = observe(admin, table, people, rows)
        admin.execute(text(f"DROP POLICY {policy} ON {table.name}"))
        without = observe(admin, table, people, rows)
        savepoint.rollback()
    changed = {key for key, outcome in without.items() if outcome != known[world][key]}
    assert changed, json.dumps([str(item) for item in known[world].items()])


def test_there_are_policies() -> None:
    assert len({table.name for table, _ in POLICIES}) == len(tenant_tables())
