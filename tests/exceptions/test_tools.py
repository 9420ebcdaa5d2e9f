"""Tools belong to one tenant or to all: everybody reads the latter, no session writes them, nothing else crosses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from exceptions.conftest import raised
from hedgerow import CrossTenantError, Scope, ScopeError, open_session
from hedgerow.core.repository import ReadOnlyError, RowNotFoundError
from hedgerow.exceptions import ToolDefinition, ToolExecution
from hedgerow.exceptions.repository import AsyncToolRepository, ToolExecutionRepository, ToolRepository
from planting import become_session, planting, refused
from world import OTHER, TENANT, World

TOOL = {"type": "rest", "config": {"url": "https://x.example"}}
REQUEST = {"requested_by_actor_type": "agent", "requested_by_actor_id": "a", "input_payload": {}}


@pytest.fixture(scope="module")
def tools(still_world: World) -> dict[str, int]:
    return defined(still_world)


def defined(world: World) -> dict[str, int]:
    """A tool of all tenants, and one of each, all by one name."""
    found = {}
    for owner in (None, TENANT, OTHER):
        ((number,),) = world.admin(
            "INSERT INTO tool_definition (name, tenant_id, type, config) VALUES ('Ledger', :owner, 'rest', '{}')"
            " RETURNING tool_id",
            owner=owner,
        )
        found[owner or "all"] = number
    return found


@pytest.fixture(params=["filter", "wall", "both"])
def session(still_world: World, tools: dict[str, int], request: pytest.FixtureRequest) -> Iterator[Any]:
    """A session behind one lock or both; behind the wall alone it is a connection with the scope opened by hand."""
    if request.param == "wall":
        with still_world.database.engine("app").connect() as connection:
            connection.execute(text(f"SELECT count(*) FROM app.open_scope('{TENANT}', NULL, ARRAY['train'], NULL)"))
            yield connection
        return
    privileged = request.param == "filter"
    engine = still_world.database.scoped_engine("admin" if privileged else "app")
    with open_session(Scope(TENANT), engine=engine, allow_privileged=privileged) as opened:
        yield opened
    engine.dispose()


def test_the_own_ones_and_those_of_all_are_read(session: Any, tools: dict[str, int]) -> None:
    wanted = {tools["all"], tools[TENANT]}
    assert set(session.scalars(select(ToolDefinition.tool_id))) == wanted
    assert session.scalar(select(func.count()).select_from(ToolDefinition)) == 2
    assert set(session.scalars(select(ToolDefinition.tool_id).where(ToolDefinition.tenant_id.is_(None)))) == {
        tools["all"]
    }
    assert session.scalars(select(ToolDefinition.tool_id).where(ToolDefinition.tenant_id == OTHER)).all() == []
    joined = select(ToolDefinition.tool_id, func.count()).group_by(ToolDefinition.tool_id)
    assert len(session.execute(joined).all()) == 2


def test_only_the_own_ones_are_changed_and_deleted(session: Any, still_world: World, tools: dict[str, int]) -> None:
    with session.begin_nested() as savepoint:
        assert session.execute(update(ToolDefinition).values(type="webhook")).rowcount == 1
        assert session.execute(delete(ToolDefinition)).rowcount == 1
        savepoint.rollback()
    for owner in ("all", OTHER):
        chosen = ToolDefinition.tool_id == tools[owner]
        assert session.execute(update(ToolDefinition).where(chosen).values(type="webhook")).rowcount == 0
        assert session.execute(delete(ToolDefinition).where(chosen)).rowcount == 0


@pytest.mark.parametrize("owner", [None, OTHER])
def test_no_session_makes_one_of_all_or_of_another_tenant(session: Any, owner: str | None) -> None:
    with pytest.raises((CrossTenantError, DBAPIError)) as error, session.begin_nested():
        session.execute(insert(ToolDefinition).values(name="n", tenant_id=owner, **TOOL))
    assert isinstance(error.value, CrossTenantError) or getattr(error.value.orig, "sqlstate", None) == "42501"


def test_a_new_one_is_stamped(still_world: World, tools: dict[str, int]) -> None:
    with still_world.session() as session:
        repository = ToolRepository(session)
        assert repository.create(ToolDefinition(name="n", **TOOL)).tenant_id == TENANT
        number = session.scalar(insert(ToolDefinition).values(name="m", **TOOL).returning(ToolDefinition.tool_id))
        assert repository.get_by_id(number).tenant_id == TENANT  # type: ignore[union-attr, arg-type]


def test_objects_of_all_tenants_are_only_read(still_world: World, tools: dict[str, int]) -> None:
    with still_world.session() as session:
        of_all = session.get_one(ToolDefinition, tools["all"])
        own = session.get_one(ToolDefinition, tools[TENANT])
        assert session.get(ToolDefinition, tools[OTHER]) is None
        of_all.type = "webhook"
        with pytest.raises(CrossTenantError, match="read by sessions and written by none"):
            session.flush()
        session.expire(of_all)
        session.delete(of_all)
        with pytest.raises(CrossTenantError, match="read by sessions and written by none"):
            session.flush()
        session.rollback()
        of_all = session.get_one(ToolDefinition, tools["all"])
        of_all.tenant_id = TENANT
        with pytest.raises(CrossTenantError, match="would move to"):
            session.flush()
        session.rollback()
        own = session.get_one(ToolDefinition, tools[TENANT])
        own.type = "webhook"
        session.flush()
        own.tenant_id = None
        with pytest.raises(CrossTenantError):
            session.flush()


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_the_repository(still_world: World, tools: dict[str, int], driver: str) -> None:
    with still_world.repository(driver, AsyncToolRepository, still_world.scope()) as repository:
        assert [tool.tool_id for tool in repository.get_by_name("Ledger")] == [tools[TENANT], tools["all"]]
        assert repository.get_by_id(tools[OTHER]) is None
        assert repository.count() == 2
        for owner in ("all", OTHER):
            with pytest.raises(RowNotFoundError):
                repository.update(tools[owner], {"type": "webhook"})
            assert repository.delete(tools[owner]) is False
        with pytest.raises(ReadOnlyError):
            repository.update(tools[TENANT], {"tenant_id": None})
        assert repository.update(tools[TENANT], {"type": "webhook"}).type == "webhook"
        assert repository.delete(tools[TENANT]) is True


def test_without_a_scope_there_are_none(still_world: World, tools: dict[str, int]) -> None:
    for role in ("app", "owner"):
        with still_world.database.engine(role).connect() as connection:
            assert connection.scalar(text("SELECT count(*) FROM tool_definition")) == 0


def test_the_owner_of_the_schema_writes_those_of_all(world: World) -> None:
    with world.database.engine("owner").begin() as connection:
        connection.execute(text("INSERT INTO tool_definition (name, type, config) VALUES ('new', 'email', '{}')"))
    with world.database.engine("owner").begin() as connection:
        connection.execute(text(f"SELECT count(*) FROM app.open_scope('{TENANT}', NULL, ARRAY['train'], NULL)"))
        changed = connection.execute(text("UPDATE tool_definition SET type = 'rest' WHERE name = 'new'"))
        assert changed.rowcount == 1
    with world.session(tenant=OTHER) as session:
        (tool,) = ToolRepository(session).get_by_name("new")
        assert (tool.tenant_id, tool.type) == (None, "rest")


def test_a_tool_stays_with_its_tenant(still_world: World, tools: dict[str, int]) -> None:
    with planting(still_world.database, triggers=True) as connection:
        for owner in (TENANT, OTHER):
            for to in ("NULL", f"'{TENANT}'"):
                if to == f"'{owner}'":
                    continue
                with refused(connection, "23000"):
                    connection.execute(
                        text(f"UPDATE tool_definition SET tenant_id = {to} WHERE tool_id = {tools[owner]}")
                    )
        with refused(connection, "23000"):
            connection.execute(text(f"UPDATE tool_definition SET tenant_id = 'x' WHERE tool_id = {tools['all']}"))


# --- Executions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["superuser", "session"])
def test_an_execution_is_of_a_tool_that_the_tenant_may_use(
    still_world: World, tools: dict[str, int], role: str
) -> None:
    execute = text(
        "INSERT INTO tool_execution (tenant_id, tool_id, requested_by_actor_type, requested_by_actor_id, input_payload)"
        f" VALUES ('{TENANT}', :tool, 'agent', 'a', '{{}}')"
    )
    with planting(still_world.database, triggers=True) as connection:
        if role == "session":
            become_session(connection)
        connection.execute(text(f"SELECT count(*) FROM app.open_scope('{TENANT}', NULL, ARRAY['train'], NULL)"))
        for owner in ("all", TENANT):
            connection.execute(execute, {"tool": tools[owner]})
        messages = []
        for number in (tools[OTHER], 999_999):
            with pytest.raises(DBAPIError) as error, connection.begin_nested():
                connection.execute(execute, {"tool": number})
            assert getattr(error.value.orig, "sqlstate", None) == "23503"
            messages.append(str(error.value.orig).replace(str(number), "N"))
            with refused(connection, "23503"):
                connection.execute(text("UPDATE tool_execution SET tool_id = :tool"), {"tool": number})
        assert messages[0] == messages[1], "another tenant's tool looks like none"


def test_executions_of_an_exception(world: World) -> None:
    tools = defined(world)
    with world.session() as session:
        session.add(raised("EX-2"))
        session.flush()
        repository = ToolExecutionRepository(session)
        done = repository.create(ToolExecution(tool_id=tools["all"], exception_id="EX-1", **REQUEST))
        assert (done.status, done.output_payload, done.tool.name) == ("requested", None, "Ledger")
        assert repository.get_by_exception("EX-1") == [done]
        assert repository.get_by_exception("EX-2") == []
        before = done.updated_at
        session.commit()
        assert repository.update(done.id, {"status": "failed", "error_message": "timeout"}).updated_at > before
        session.commit()
        with pytest.raises(IntegrityError, match="fk_tool_execution_tenant_id_exception_id_exception"):
            world.admin(f"DELETE FROM exception WHERE tenant_id = '{TENANT}' AND exception_id = 'EX-1'")
    with world.session(tenant=OTHER) as session:
        assert ToolExecutionRepository(session).get_by_exception("EX-1") == []


def test_a_tool_in_use_is_not_deleted(still_world: World, tools: dict[str, int]) -> None:
    with still_world.session() as session:
        session.add(ToolExecution(tool_id=tools[TENANT], **REQUEST))
        session.flush()
        with pytest.raises((IntegrityError, ScopeError), match="fk_tool_execution_tool_id_tool_definition"):
            ToolRepository(session).delete(tools[TENANT])
