"""Laws over every tenant table: nothing of another tenant is read, written, referenced or even counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Table, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from hedgerow import CrossTenantError, Scope, Split, open_session
from hedgerow.core.roles import APP_ROLE
from hedgerow.core.wall import updatable_columns
from isolation.oracle import (
    ADMINS,
    OPEN,
    TENANT_A,
    TENANT_B,
    is_shared,
    key,
    name,
    open_scope,
    refusal,
    tenant_tables,
    truth,
)
from isolation.writing import write_one

ALL = tuple(Split)


@pytest.fixture(scope="module")
def admin(seeded: Any) -> Iterator[Connection]:
    with seeded.admin() as connection:
        yield connection


@pytest.fixture
def app(seeded: Any) -> Iterator[Connection]:
    """A plain connection as the login role of sessions: the wall alone."""
    with seeded.engine("app").connect() as connection:
        yield connection


@pytest.mark.parametrize("table", tenant_tables(), ids=name)
def test_the_wall_alone_shows_exactly_the_own_rows(table: Table, admin: Connection, app: Connection) -> None:
    foreign = truth(admin, table, TENANT_B, ALL, shared=False)
    assert foreign, "there is nothing to leak"
    open_scope(app, TENANT_A)
    seen = {key(table, row) for row in app.execute(text(f"SELECT * FROM {table.name}")).mappings()}
    assert seen == truth(admin, table, TENANT_A, OPEN)
    assert not seen & foreign


@pytest.mark.parametrize("table", tenant_tables(), ids=name)
def test_no_scope_no_rows(table: Table, app: Connection) -> None:
    assert app.scalar(text(f"SELECT count(*) FROM {table.name}")) == 0


@pytest.mark.parametrize("lock", ["filter", "both"])
@pytest.mark.parametrize("table", tenant_tables(), ids=name)
def test_a_session_shows_exactly_the_own_rows(table: Table, lock: str, admin: Connection, sessions: Any) -> None:
    model = table.info["hedgerow.model"]
    wanted = truth(admin, table, TENANT_A, OPEN, deleted=False)
    with sessions(Scope(TENANT_A, user_id=ADMINS[TENANT_A]), lock) as session:
        entities = {tuple(getattr(row, c.key) for c in table.primary_key) for row in session.scalars(select(model))}
        core = {tuple(row) for row in session.execute(select(*table.primary_key.columns))}
        count = session.scalar(select(func.count()).select_from(table))
    assert entities == core == wanted
    assert count == len(wanted)


@pytest.mark.parametrize("table", tenant_tables(), ids=name)
def test_a_row_of_another_tenant_cannot_be_written(table: Table, admin: Connection, app: Connection) -> None:
    row, columns = sample(admin, table, TENANT_B)
    open_scope(app, TENANT_A)
    insert = text(
        f"INSERT INTO {table.name} ({columns}) SELECT {columns} "
        f"FROM json_populate_record(CAST(NULL AS {table.name}), CAST(:row AS json))"
    )
    with pytest.raises(DBAPIError) as refused:
        app.execute(insert, {"row": row})
    assert refusal(refused.value) == "42501"


@pytest.mark.parametrize("table", [t for t in tenant_tables() if t.name != "tenant" and not is_shared(t)], ids=name)
def test_a_row_without_a_tenant_is_refused(table: Table, admin: Connection, seeded: Any) -> None:
    row, columns = sample(admin, table, TENANT_B)
    others = ", ".join(column for column in columns.split(", ") if column != "tenant_id")
    insert = text(
        f"INSERT INTO {table.name} ({others}) SELECT {others} "
        f"FROM json_populate_record(CAST(NULL AS {table.name}), CAST(:row AS json))"
    )
    # The owner may insert into every table, so that a missing grant is not what refuses.
    with seeded.engine("owner").connect() as owner, pytest.raises(DBAPIError) as refused:
        owner.execute(insert, {"row": row})
    assert refusal(refused.value) in ("23502", "42501")


@pytest.mark.parametrize("table", tenant_tables(), ids=name)
def test_no_write_reaches_another_tenant(table: Table, admin: Connection, app: Connection) -> None:
    privileges = table.info["hedgerow.model"].__app_privileges__
    before = truth(admin, table, TENANT_B, ALL)
    open_scope(app, TENANT_A)
    for command, statement in (
        ("UPDATE", f"UPDATE {table.name} SET {_touch(table)} WHERE {_tenant(table)} = :tenant"),
        ("DELETE", f"DELETE FROM {table.name} WHERE {_tenant(table)} = :tenant"),
    ):
        if command in privileges:
            assert app.execute(text(statement), {"tenant": TENANT_B}).rowcount == 0
        else:
            with pytest.raises(DBAPIError) as refused, app.begin_nested():
                app.execute(text(statement), {"tenant": TENANT_B})
            assert refusal(refused.value) == "42501"
    app.rollback()
    assert truth(admin, table, TENANT_B, ALL) == before


@pytest.mark.parametrize("known", ["loaded", "expired"])
@pytest.mark.parametrize("act", ["change", "delete"])
@pytest.mark.parametrize("table", [t for t in tenant_tables() if is_shared(t)], ids=name)
def test_a_flush_leaves_the_rows_of_all_tenants_alone(
    table: Table, act: str, known: str, sessions: Callable[..., Session]
) -> None:
    """And says so: an UPDATE would find no row, and a DELETE would find none without a word."""
    with sessions(Scope(TENANT_A), "both") as session:
        write_one(session, table, table.c.tenant_id.is_(None), act, known)
        with pytest.raises(CrossTenantError, match="all tenants") as error:
            session.flush()
        assert error.value.table == table.name


@pytest.mark.parametrize("table", tenant_tables(), ids=name)
def test_no_row_can_move_to_another_tenant_or_split(table: Table, app: Connection) -> None:
    open_scope(app, TENANT_A)
    for column in {_tenant(table), "split_assignment"} & set(table.columns.keys()):
        with pytest.raises(DBAPIError) as refused, app.begin_nested():
            app.execute(text(f"UPDATE {table.name} SET {column} = {column}"))
        assert refusal(refused.value) == "42501"


@pytest.mark.parametrize(
    "table", [t for t in tenant_tables() if any(len(k.columns) > 1 for k in t.foreign_key_constraints)], ids=name
)
def test_no_row_can_reference_another_tenants_row(table: Table, admin: Connection) -> None:
    """Even a superuser cannot: the key says so, not a policy."""
    for constraint in table.foreign_key_constraints:
        pairs = [(e.parent.name, e.column.name) for e in constraint.elements if e.column.name != "tenant_id"]
        if len(pairs) == len(constraint.elements):
            continue  # a key to a global table
        parent = next(iter(constraint.elements)).column.table.name
        theirs = ", ".join(target for _, target in pairs)
        key_of_b = admin.execute(
            text(f"""SELECT {theirs} FROM {parent} WHERE tenant_id = :b
                     EXCEPT SELECT {theirs} FROM {parent} WHERE tenant_id = :a LIMIT 1"""),
            {"a": TENANT_A, "b": TENANT_B},
        ).first()
        if key_of_b is None:
            continue  # every natural key of B exists in A as well, which is what composite keys allow
        assignments = ", ".join(f"{own} = :{own}" for own, _ in pairs)
        row_of_a = f"ctid = (SELECT ctid FROM {table.name} WHERE tenant_id = :a LIMIT 1)"
        statement = text(f"UPDATE {table.name} SET {assignments} WHERE {row_of_a}")
        values = dict(zip((own for own, _ in pairs), key_of_b, strict=True))
        with pytest.raises(DBAPIError) as refused:
            admin.execute(statement, {**values, "a": TENANT_A})
        assert refusal(refused.value) in ("23503", "23001"), constraint.name


def test_the_login_role_is_ordinary(app: Connection, admin: Connection) -> None:
    role = app.scalar(text("SELECT current_user"))
    flags = admin.execute(
        text("SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = :r"), {"r": role}
    ).one()
    assert not any(flags)
    assert admin.scalar(text(f"SELECT pg_has_role(:r, '{APP_ROLE}', 'USAGE')"), {"r": role})


def test_unknown_and_inactive_tenants_are_named(seeded: Any, admin: Connection) -> None:
    from hedgerow import ScopeError

    engine = seeded.scoped_engine("app")
    with pytest.raises(ScopeError, match="NOBODY"), open_session(Scope("NOBODY"), engine=engine) as session:
        session.scalar(select(func.count()).select_from(tenant_tables()[1]))


def sample(admin: Connection, table: Table, tenant: str) -> tuple[str, str]:
    """A row of the tenant as JSON, and the columns that an INSERT may name."""
    row = admin.scalar(
        text(f"SELECT to_json(t)::text FROM {table.name} AS t WHERE {_tenant(table)} = :tenant LIMIT 1"),
        {"tenant": tenant},
    )
    assert row is not None
    given = (column.name for column in table.columns if column.computed is None and column.identity is None)
    return row, ", ".join(given)


def _tenant(table: Table) -> str:
    return "id" if table.name == "tenant" else "tenant_id"


def _touch(table: Table) -> str:
    """An assignment that changes nothing, of a column that sessions may update."""
    column = updatable_columns(table)[0]
    return f"{column} = {column}"
