"""Laws of audiences: a person of one tenant is nobody in another, even if the scope changes while a statement runs.

A policy reads whose scope is open in more than one place, one after the other. Whoever can run SQL can open another
scope in between, and must not get the tenant of the one together with the user of the other. So every audience keeps
tenants apart by itself. Two proofs: without the tenant's policy nothing more is seen or written, and no statement that
opens one scope after the other is shown what none of them shows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, Table, text

from hedgerow.core.wall import AUDIENCE_INFO, TENANT_POLICY, Audience, updatable_columns
from isolation.oracle import TENANT_A, name, tenant_tables
from isolation.writing import attempt
from planting import become_session, planting

MIRROR = "MIRROR"
"""A tenant with the same people as tenant A, under the same ids, who see there what their doubles see in A."""

TABLES = [table for table in tenant_tables() if AUDIENCE_INFO in table.info]
AUDIENCES = [
    pytest.param(table, audience, id=f"{table.name}.{audience.name}")
    for table in TABLES
    for audience in table.info[AUDIENCE_INFO]
    if audience.command in ("ALL", "SELECT")
]

ORPHAN = uuid4()
"""Id of a row of each table whose parents do not exist: whose they are is not asked when it is looked at."""

PATHS = [looks for number in (1, 2) for looks in product(("nothing", "orphan"), repeat=number)]
"""What is looked at before the scope changes, for every change: for nothing, the tenant is read and no audience."""

BY_INDEX = tuple(
    f"SET LOCAL enable_{way} = off" for way in ("hashjoin", "mergejoin", "seqscan", "bitmapscan", "material")
)

ALONE = "DROP POLICY {name} ON {table}"
IN_TURN = "ALTER POLICY {name} ON {table} USING (current_setting('session.never', true) = 'never')"
"""What becomes of the other audiences. The second is false, but the planner does not know: no index serves it."""

Scope = tuple[str, UUID | None]
NOBODY: Scope = (TENANT_A, None)


@pytest.fixture(scope="module")
def mirrored(seeded: Any) -> Iterator[Connection]:
    """A superuser's transaction in which the mirror stands, and an orphan in each table; it is undone."""
    with planting(seeded) as admin:
        admin.execute(text("INSERT INTO tenant (id, name) VALUES (:t, :t)"), {"t": MIRROR})
        for table in TABLES:
            parents = {column.name for key in table.foreign_key_constraints for column in key.columns}
            orphan = {column: str(uuid4()) for column in parents} | {"id": str(ORPHAN), "tenant_id": TENANT_A}
            if table.name == "users":
                orphan |= {"email": "orphan@tenant.example", "role": "viewer"}
            admin.execute(text(f"{copying(table)} WHERE t.tenant_id = :t LIMIT 1"), changed(orphan))
            admin.execute(text(f"{copying(table)} WHERE t.tenant_id = :t"), changed({"tenant_id": MIRROR}))
            # Few different parents for many rows: it does not pay to collect them.
            for column in parents:
                admin.execute(text(f"ALTER TABLE {table.name} ALTER COLUMN {column} SET (n_distinct = 2)"))
            admin.execute(text(f"ANALYZE {table.name}"))
        yield admin


@pytest.fixture
def attacked(mirrored: Connection) -> Iterator[Connection]:
    with mirrored.begin_nested() as savepoint:
        yield mirrored
        savepoint.rollback()


def stored(table: Table) -> list[str]:
    """Columns that are written."""
    return [column.name for column in table.columns if column.computed is None and column.identity is None]


def copying(table: Table) -> str:
    """INSERT of rows ``t`` once more, with some columns changed."""
    columns = stored(table)
    return f"""INSERT INTO {table.name} ({", ".join(columns)}) SELECT {", ".join(f"r.{column}" for column in columns)}
                 FROM {table.name} AS t, jsonb_populate_record(t, CAST(:changes AS jsonb)) AS r"""


def changed(changes: dict[str, str]) -> dict[str, str]:
    return {"t": TENANT_A, "changes": json.dumps(changes)}


def people_of(admin: Connection) -> list[UUID]:
    """A person of each role, in tenant A and in the mirror."""
    sql = text("SELECT DISTINCT ON (role) id FROM users WHERE tenant_id = :t AND is_active ORDER BY role, id")
    return list(admin.scalars(sql, {"t": TENANT_A}))


def opening(scope: Scope) -> str:
    tenant, user = scope
    return f"app.open_scope('{tenant}', NULLIF('{user or ''}', ''), '{{train}}', NULL)"


def seen(connection: Connection, table: Table, scope: Scope) -> set[UUID]:
    """Ids of the rows of tenant A that a scope shows, the orphan left out."""
    connection.execute(text(f"SELECT FROM {opening(scope)}"))
    sql = text(f"SELECT id FROM {table.name} WHERE tenant_id = :t AND id <> :o")
    return set(connection.scalars(sql, {"t": TENANT_A, "o": ORPHAN}))


# -- without the policy of the tenant ------------------------------------------------------------------------------


@pytest.mark.parametrize("table", TABLES, ids=name)
def test_audiences_keep_tenants_apart_by_themselves(table: Table, attacked: Connection) -> None:
    """Whatever somebody may do in a tenant, his double in the mirror may not, though no tenant's policy is left."""
    for other in TABLES:
        attacked.execute(text(f"DROP POLICY {TENANT_POLICY} ON {other.name}"))
    people, new = people_of(attacked), {"id": str(uuid4())}
    if table.name == "approvals":
        new |= dict.fromkeys(("decided_by", "decided_at")) | {"status": "pending"}
    row = attacked.scalar(
        text(f"SELECT to_jsonb(t) FROM {table.name} AS t WHERE tenant_id = :t AND id <> :o LIMIT 1"),
        {"t": TENANT_A, "o": ORPHAN},
    )
    names, column = ", ".join(stored(table)), next(iter(updatable_columns(table)))
    statements = {
        "SELECT": f"SELECT FROM {table.name} WHERE tenant_id = :t",
        "INSERT": f"INSERT INTO {table.name} ({names}) SELECT {names} "
        f"FROM jsonb_populate_record(CAST(NULL AS {table.name}), CAST(:row AS jsonb))",
        "UPDATE": f"UPDATE {table.name} SET {column} = {column} WHERE tenant_id = :t",
        "DELETE": f"DELETE FROM {table.name} WHERE tenant_id = :t",
    }
    values = {"t": TENANT_A, "row": json.dumps(row | new)}
    allowed = table.info["hedgerow.model"].__app_privileges__
    become_session(attacked)
    able = set()
    for person, command in product(people, allowed):
        outcome = {}
        for tenant in (TENANT_A, MIRROR):
            attacked.execute(text(f"SELECT FROM {opening((tenant, person))}"))
            outcome[tenant] = attempt(attacked, statements[command], **values)
        assert outcome[MIRROR] in (0, "42501"), (command, person)
        if outcome[TENANT_A] not in (0, "42501"):
            able.add(command)
    # To decide on an approval takes more than a change of one column.
    assert able == set(allowed) - ({"UPDATE"} if table.name == "approvals" else set()), "nobody may do it anyway"


# -- while the scope changes ---------------------------------------------------------------------------------------


def leave(connection: Connection, table: Table, audience: Audience, change: str) -> None:
    """Take away the other audiences of a table: what is seen, this one shows.

    The planner is told that every other table is huge: parents are looked up one by one, each in the scope of its look.
    """
    for known in TABLES:
        sql = text("UPDATE pg_class SET relpages = 1, reltuples = :rows WHERE oid = CAST(:name AS regclass)")
        connection.execute(sql, {"name": known.name, "rows": 1 if known is table else 1e7})
    for other in table.info[AUDIENCE_INFO]:
        if other is not audience and other.command in ("ALL", "SELECT"):
            connection.execute(text(change.format(name=other.name, table=table.name)))


def untie(connection: Connection) -> None:
    """Write the policies as they would be if nobody thought of mixing: of a person, or a yes, without its tenant."""
    for table in TABLES:
        for audience in table.info[AUDIENCE_INFO]:
            if audience.command in ("ALL", "SELECT"):
                sql = re.sub(
                    r"\((?:p\.)?tenant_id, ([\w.]+)\) = \(SELECT m.tenant_id, ", r"\1 = (SELECT ", audience.using
                )
                sql = re.sub(r"= \(SELECT (app\.\w+_tenant)\(\)\)", r">= (SELECT left(\1(), 0))", sql)
                sql = sql.partition(" AND (tenant_id, ")[0]
                connection.execute(text(f"ALTER POLICY {audience.name} ON {table.name} USING ({sql})"))


def mixed(
    connection: Connection, table: Table, scopes: list[Scope], looks: tuple[str, ...], rows: Iterable[UUID]
) -> set[UUID]:
    """Those of some rows that one statement shows which opens the scopes in turn, and takes a look in each.

    Each row is looked up by its key, so that the planner expects one row and looks up its parents by theirs.
    """
    turns = [("zzz" if look == "nothing" else "", ORPHAN) for look in looks] + [("", row) for row in rows]
    values = ", ".join(f"({n}, '{tenant}', uuid '{row}')" for n, (tenant, row) in enumerate(turns))
    cases = " ".join(
        f"WHEN {n} THEN (SELECT count(*) FROM {opening(scope)} WHERE turn = {n})" for n, scope in enumerate(scopes)
    )
    found = connection.execute(
        text(f"""SELECT found.tenant_id, found.id
                   FROM (SELECT turn, tenant, id, CASE turn {cases} ELSE 1 END AS opened
                           FROM (VALUES {values}) AS v (turn, tenant, id) OFFSET 0) AS turns,
                        LATERAL (SELECT t.tenant_id, t.id FROM {table.name} AS t
                                  WHERE t.tenant_id >= CASE opened WHEN 1 THEN tenant END AND t.id = turns.id
                                 OFFSET 0) AS found""")
    ).all()
    assert connection.scalar(text("SELECT app.current_tenant()")) == scopes[-1][0], "the scope did not change"
    return {row.id for row in found if row.tenant_id == TENANT_A} - {ORPHAN}


def leaks(connection: Connection, table: Table, audience: Audience, change: str) -> Iterator[tuple[Any, ...]]:
    """Mixtures of nobody's scope of tenant A and that of a person in the mirror that show rows of A."""
    people = people_of(connection)
    leave(connection, table, audience, change)
    become_session(connection)
    known = {person: seen(connection, table, (TENANT_A, person)) for person in people}
    assert any(known.values()), "there is nothing to leak"
    assert not seen(connection, table, NOBODY)
    for settings in ((), BY_INDEX):
        for setting in settings:
            connection.execute(text(setting))
        for (person, rows), looks, first in product(known.items(), PATHS, (0, 1)):
            scopes = [(NOBODY, (MIRROR, person))[(first + n) % 2] for n in range(len(looks) + 1)]
            if rows and mixed(connection, table, scopes, looks, sorted(rows)[:3]):
                yield settings, looks, scopes


@pytest.mark.parametrize("change", [ALONE, IN_TURN], ids=["alone", "in turn"])
@pytest.mark.parametrize(("table", "audience"), AUDIENCES)
def test_the_scopes_of_a_statement_do_not_mix(
    table: Table, audience: Audience, change: str, attacked: Connection
) -> None:
    assert not list(leaks(attacked, table, audience, change))


@pytest.mark.parametrize(("table", "audience"), AUDIENCES)
def test_they_would_mix_if_nothing_tied_them(table: Table, audience: Audience, attacked: Connection) -> None:
    """The attack is one: it opens the scopes between the readings of a policy."""
    untie(attacked)
    assert next(leaks(attacked, table, audience, IN_TURN), None)


def test_no_policy_asks_for_a_person_or_splits_without_the_tenant(mirrored: Connection) -> None:
    """What answers with a user or splits alone, or with a yes, can be that of another scope than the tenant."""
    policies = mirrored.execute(
        text("SELECT tablename, policyname, coalesce(qual, '') || coalesce(with_check, '') AS asked FROM pg_policies")
    ).all()
    assert any("current_member" in policy.asked for policy in policies)
    asking = re.compile(r"current_user_id|current_splits|auth\.uid|\bis_admin\b|scope_claims")
    assert not [policy for policy in policies if asking.search(policy.asked)]
