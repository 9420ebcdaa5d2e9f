"""Sessions, transactions and connections: when a scope is open, for whom, and for how long."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, Engine, create_engine, event, func, select, text, update
from sqlalchemy.exc import StatementError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool, QueuePool

from core.filter import toy
from core.filter.toy import Site, Visit
from hedgerow.core.access import Access, DatabaseAccessLog
from hedgerow.core.errors import (
    AccessLogError,
    CrossTenantError,
    HoldoutBudgetError,
    PrivilegedRoleError,
    RawSQLError,
    ScopeError,
    SplitAccessError,
)
from hedgerow.core.filter import ScopeRegistry, filtered, install_filter, open_scope, scope_of
from hedgerow.core.filter.opened import _OPEN
from hedgerow.core.scope import Scope
from hedgerow.core.session import (
    AsyncScopedSession,
    ScopedSession,
    async_scoped_connection,
    async_session_factory,
    open_async_session,
    open_session,
    scoped_connection,
    session_factory,
)

A, B = toy.SCOPE, Scope("B", splits={"train"})
SITES_OF = {tenant: {row["name"] for row in toy.rows()["site"] if row["tenant_id"] == tenant} for tenant in "AB"}
NAMES = select(Site.name)


def opened(engine: Engine, scope: Scope = A, **kwargs: Any) -> ScopedSession:
    return open_session(scope, engine=engine, allow_privileged=True, **kwargs)


@pytest.fixture
def statements(engine: Engine) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(connection: Any, cursor: Any, sql: str, parameters: Any, context: Any, many: bool) -> None:
        seen.append(sql)

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def test_a_session_needs_a_scope(engine: Engine) -> None:
    with pytest.raises(TypeError):
        ScopedSession(engine)  # type: ignore[call-arg]
    for scope in (None, "A", {"tenant_id": "A"}):
        with pytest.raises(ScopeError, match="Remedy"):
            ScopedSession(engine, scope=scope)  # type: ignore[arg-type]
    with pytest.raises(ScopeError, match="engine"):
        ScopedSession(scope=A)
    with pytest.raises(ScopeError, match="one engine"):
        ScopedSession(engine, scope=A, binds={Site: engine})


def test_the_scope_opens_first_and_once_a_transaction(engine: Engine, statements: list[str]) -> None:
    with opened(engine) as session:
        assert statements == []
        with session.begin_nested():
            session.scalars(NAMES).all()
        session.scalars(NAMES).all()
        assert [("open_scope" in sql) for sql in statements] == [True, False, False, False, False]
        session.commit()
        statements.clear()
        session.scalars(NAMES).all()
        assert ["open_scope" in sql for sql in statements] == [True, False]


def test_what_the_database_is_told(engine: Engine) -> None:
    with opened(engine) as session:
        assert session.scalar(select(func.current_setting("app.current_tenant"))) == "A"


def test_scopes_share_statements_and_nothing_else(engine: Engine) -> None:
    cache: dict[Any, Any] = engine._compiled_cache  # type: ignore[assignment]
    with opened(engine) as first, opened(engine, B) as second:
        assert set(first.scalars(NAMES)) == SITES_OF["A"]
        size = len(cache)
        assert set(second.scalars(NAMES)) == SITES_OF["B"]
        assert set(first.scalars(NAMES)) == SITES_OF["A"]
        assert len(cache) == size


def test_threads(engine: Engine) -> None:
    wrong: list[Any] = []

    def work(scope: Scope) -> None:
        for _ in range(15):
            with opened(engine, scope) as session:
                if set(session.scalars(NAMES)) != SITES_OF[scope.tenant_id]:
                    wrong.append(scope)

    threads = [threading.Thread(target=work, args=(scope,)) for scope in (A, B) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_scope_ends_with_its_transaction(engine: Engine) -> None:
    with opened(engine) as session:
        connection = session.connection()
        opened_scope = scope_of(connection)
        assert opened_scope is not None
        assert opened_scope.scope == A
        connection.commit()
        with pytest.raises(ScopeError, match="no open scope"):
            connection.execute(NAMES)
    with engine.connect() as connection, pytest.raises(ScopeError):
        connection.execute(NAMES)


def test_a_forgotten_session_goes_and_its_scope_with_it(engine: Engine) -> None:
    gc.collect()
    before = len(_OPEN)
    session = opened(engine)
    session.scalars(NAMES).all()
    assert len(_OPEN) == before + 1
    del session
    gc.collect()
    assert len(_OPEN) == before


def test_raw_commit_in_the_middle_of_a_session(engine: Engine) -> None:
    with opened(engine) as session:
        session.connection().commit()
        with pytest.raises(ScopeError, match="no open scope"):
            session.scalars(NAMES)


def test_savepoints(engine: Engine) -> None:
    with opened(engine) as session:
        for outcome in ("commit", "rollback"):
            savepoint = session.begin_nested()
            assert set(session.scalars(NAMES)) == SITES_OF["A"]
            getattr(savepoint, outcome)()
            assert set(session.scalars(NAMES)) == SITES_OF["A"]


def test_two_phase(engine: Engine) -> None:
    with opened(engine, twophase=True) as session:
        assert set(session.scalars(NAMES)) == SITES_OF["A"]
        session.rollback()


@pytest.mark.parametrize("how", ["engine", "session", "connection"])
def test_autocommit_is_refused(how: str, toy_urls: tuple[URL, URL]) -> None:
    options = {"isolation_level": "AUTOCOMMIT"}
    engine = create_engine(toy_urls[0], poolclass=NullPool, **(options if how == "engine" else {}))
    install_filter(engine, toy.REGISTRY)
    with opened(engine, **({"execution_options": options} if how == "session" else {})) as session:
        with pytest.raises(ScopeError, match="AUTOCOMMIT"):
            session.connection(execution_options=options if how == "connection" else None)
        with pytest.raises(ScopeError):
            session.scalars(NAMES)


async def test_autocommit_is_refused_async(toy_urls: tuple[URL, URL]) -> None:
    url = toy_urls[0].set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    install_filter(engine.sync_engine, toy.REGISTRY)
    async with open_async_session(A, engine=engine, allow_privileged=True) as session:
        with pytest.raises(ScopeError, match="AUTOCOMMIT"):
            await session.scalars(NAMES)


def test_other_isolation_levels(engine: Engine) -> None:
    with opened(engine) as session:
        session.connection(execution_options={"isolation_level": "SERIALIZABLE"})
        assert set(session.scalars(NAMES)) == SITES_OF["A"]


def test_other_binds_are_refused(engine: Engine, plain: Engine) -> None:
    with opened(engine) as session, plain.connect() as other:
        acts: list[Callable[[], Any]] = [
            lambda: session.execute(NAMES, bind_arguments={"bind": plain}),
            lambda: session.scalars(NAMES, bind_arguments={"bind": other}),
            lambda: session.connection(bind_arguments={"bind": plain}),
            lambda: session.get(Site, ("B", 101), bind_arguments={"bind": plain}),
            lambda: session.bind_mapper(Site, plain),
            lambda: session.bind_table(Site.__table__, plain),
            lambda: setattr(session, "bind", plain),
            lambda: session.get_bind(bind=plain),
        ]
        for act in acts:
            with pytest.raises(ScopeError, match="another engine"):
                act()
        assert session.get_bind(Site) is engine


def test_a_connection_as_bind(engine: Engine) -> None:
    with engine.connect() as connection:
        with opened(connection) as session:  # type: ignore[arg-type]
            pass
        with ScopedSession(connection, scope=A, allow_privileged=True) as session:
            assert set(session.scalars(NAMES)) == SITES_OF["A"]
    with scoped_connection(A, engine, allow_privileged=True) as connection:
        other = ScopedSession(connection, scope=B, allow_privileged=True)
        with other as session, pytest.raises(ScopeError, match="another scope"):
            session.scalars(NAMES)
        with ScopedSession(connection, scope=A, allow_privileged=True) as session:
            assert set(session.scalars(NAMES)) == SITES_OF["A"]


def test_a_scope_needs_a_filter_and_a_transaction(engine: Engine, plain: Engine) -> None:
    with plain.connect() as connection, pytest.raises(ScopeError, match="no filter"):
        open_scope(connection, A)
    with engine.connect() as connection, pytest.raises(ScopeError, match="none has begun"):
        open_scope(connection, A, allow_privileged=True)


def test_what_was_compiled_before_the_filter_is_refused(toy_urls: tuple[URL, URL]) -> None:
    """From a cache of the user's own, which the filter cannot empty."""
    engine, cache = create_engine(toy_urls[0]), dict[Any, Any]()
    with engine.connect() as connection:
        everything = connection.execute(NAMES, execution_options={"compiled_cache": cache}).scalars()
        assert set(everything) > SITES_OF["A"], "there is nothing to leak"
    install_filter(engine, toy.REGISTRY)
    with opened(engine) as session, pytest.raises(ScopeError, match="outside of the filter"):
        session.connection().execute(NAMES, execution_options={"compiled_cache": cache})
    engine.dispose()


def test_core_connections(engine: Engine, plain: Engine) -> None:
    with scoped_connection(A, engine, allow_privileged=True) as connection:
        assert set(connection.scalars(NAMES)) == SITES_OF["A"]
        connection.execute(update(Site).where(Site.site_id.in_([1, 101])).values(country_code="PT"))
    try:
        with plain.connect() as connection:
            changed = dict(list(map(tuple, connection.execute(select(Site.site_id, Site.country_code)))))
        assert (changed[1], changed[101]) == ("PT", "CH")
    finally:
        with plain.begin() as connection:
            connection.execute(update(Site).where(Site.site_id == 1).values(country_code="CH"))


async def test_core_connections_async(async_engine: AsyncEngine) -> None:
    async with async_scoped_connection(A, async_engine, allow_privileged=True) as connection:
        assert set(await connection.scalars(NAMES)) == SITES_OF["A"]
        with pytest.raises(RawSQLError):
            await connection.execute(text("SELECT * FROM site"))


async def test_async_factory_and_stream(async_engine: AsyncEngine) -> None:
    make = async_session_factory(async_engine, allow_privileged=True)
    async with make(B) as session:
        assert session.scope == B
        assert {name async for name in await session.stream_scalars(NAMES)} == SITES_OF["B"]
        async with session.begin_nested():
            assert set(await session.scalars(NAMES)) == SITES_OF["B"]
        await session.commit()
        assert set(await session.scalars(NAMES)) == SITES_OF["B"]


def test_factory(engine: Engine) -> None:
    make = session_factory(engine, allow_privileged=True)
    with make(A) as first, make(B, expire_on_commit=False) as second:
        assert (first.scope, second.scope) == (A, B)
        assert set(second.scalars(NAMES)) == SITES_OF["B"]
        with pytest.raises(AttributeError):
            first.scope = B  # type: ignore[misc]


def test_other_engines_are_left_alone(engine: Engine, plain: Engine) -> None:
    assert filtered(engine) is not None
    assert filtered(plain) is None
    assert install_filter(engine, toy.REGISTRY) is filtered(engine)
    with Session(plain) as session:
        assert len(set(session.scalars(NAMES))) == 12


def test_an_engine_that_was_used_before(toy_urls: tuple[URL, URL]) -> None:
    engine = create_engine(toy_urls[0], poolclass=NullPool)
    with Session(engine) as session:
        site = session.get_one(Site, ("B", 101))
        site.name += "x"
        session.flush()
        session.rollback()
        assert len(session.scalars(NAMES).all()) == 12
    install_filter(engine, toy.REGISTRY)
    with opened(engine) as session:
        assert set(session.scalars(NAMES)) == SITES_OF["A"]
        site = session.get_one(Site, ("A", 1))
        site.name += "x"
        session.flush()
        session.rollback()


def test_option_engines_are_filtered_too(engine: Engine) -> None:
    with opened(engine.execution_options(stream_results=True)) as session:
        assert set(session.scalars(NAMES)) == SITES_OF["A"]


def test_schema_translation(engine: Engine) -> None:
    with opened(engine) as session:
        translated = NAMES.execution_options(schema_translate_map={None: "public"})
        assert set(session.scalars(translated)) == SITES_OF["A"]
        assert set(session.scalars(translated.where(Site.visits.any()))) < SITES_OF["A"]
        session.execute(update(Site).values(name="x").execution_options(schema_translate_map={None: "public"}))
        with pytest.raises(RawSQLError):
            session.execute(text("SELECT * FROM site").execution_options(schema_translate_map={None: "public"}))


def test_strange_tenant_names(engine: Engine) -> None:
    with opened(engine, Scope('O\'Brien "x" %s')) as session:
        assert session.scalars(NAMES).all() == []


def test_unknown_tenants(engine: Engine) -> None:
    with opened(engine, Scope("nobody")) as session, pytest.raises(ScopeError, match="unknown tenant") as raised:
        session.scalars(NAMES)
    assert raised.value.__cause__ is not None


def test_infinite_windows(engine: Engine) -> None:
    right = {row["label"] for row in toy.rows()["visit"] if toy.visible("visit", row, B)}
    with opened(engine, B) as session:
        assert set(session.scalars(select(Visit.label))) == right
        assert right


async def test_infinite_windows_async(async_engine: AsyncEngine) -> None:
    right = {row["label"] for row in toy.rows()["visit"] if toy.visible("visit", row, B)}
    async with open_async_session(B, engine=async_engine, allow_privileged=True) as session:
        assert set(await session.scalars(select(Visit.label))) == right


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/Los_Angeles"])
def test_the_time_zone_of_the_session_changes_nothing(zone: str, engine: Engine) -> None:
    right = {row["label"] for row in toy.rows()["visit"] if toy.visible("visit", row)}
    with opened(engine) as session:
        session.execute(text(f"SET LOCAL TIME ZONE '{zone}'"))
        assert set(session.scalars(select(Visit.label))) == right


# -- the connected role -----------------------------------------------------------------------------------------


@pytest.fixture
def roles(plain: Engine, toy_urls: tuple[URL, URL]) -> Iterator[dict[str, URL]]:
    """Roles of each kind, with what they need to open a scope."""
    makers = {
        "toy_super": "SUPERUSER LOGIN",
        "toy_bypass": "BYPASSRLS LOGIN",
        "toy_owner": "LOGIN",
        "toy_member": "LOGIN IN ROLE toy_owner",
        "toy_app": "LOGIN",
    }
    with plain.begin() as connection:
        for name in makers:
            connection.execute(text(f"DROP ROLE IF EXISTS {name}"))
        for name, options in makers.items():
            connection.execute(text(f"CREATE ROLE {name} {options}"))
            connection.execute(text(f"GRANT CONNECT ON DATABASE {toy_urls[0].database} TO {name}"))
            connection.execute(text(f"GRANT USAGE ON SCHEMA app TO {name}"))
            connection.execute(text(f"GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO {name}"))
        connection.execute(text("ALTER TABLE site OWNER TO toy_owner"))
    yield {name: toy_urls[0].set(username=name) for name in makers}
    with plain.begin() as connection:
        connection.execute(text("ALTER TABLE site OWNER TO CURRENT_USER"))
        for name in makers:
            connection.execute(text(f"DROP OWNED BY {name}; DROP ROLE {name}"))


def test_privileged_roles_are_refused(roles: dict[str, URL]) -> None:
    for name in ("toy_super", "toy_bypass", "toy_owner", "toy_member"):
        engine = create_engine(roles[name], poolclass=NullPool)
        install_filter(engine, toy.REGISTRY)
        with open_session(A, engine=engine) as session:
            with pytest.raises(PrivilegedRoleError, match="Remedy"):
                session.scalars(NAMES)
            with pytest.raises(ScopeError):
                session.scalars(NAMES)
    engine = create_engine(roles["toy_app"], poolclass=NullPool)
    install_filter(engine, toy.REGISTRY)
    for _ in range(2):
        with open_session(A, engine=engine) as session:
            assert set(session.scalars(NAMES)) == SITES_OF["A"]


def test_privileges_behind_the_current_role(roles: dict[str, URL]) -> None:
    engine = create_engine(roles["toy_super"], poolclass=NullPool)
    install_filter(engine, toy.REGISTRY)

    @event.listens_for(engine, "connect")
    def become(connection: Any, record: Any) -> None:
        connection.execute("SET ROLE toy_app")
        connection.commit()

    with open_session(A, engine=engine) as session, pytest.raises(PrivilegedRoleError, match="superuser"):
        session.scalars(NAMES)


def test_the_wall_is_translated(engine: Engine, roles: dict[str, URL], plain: Engine) -> None:
    with plain.begin() as connection:
        for table in ("note", "visit"):
            connection.execute(text(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"))
            connection.execute(text(f"CREATE POLICY p ON {table} USING (true) WITH CHECK (false)"))
    try:
        app = create_engine(roles["toy_app"], poolclass=NullPool)
        install_filter(app, toy.REGISTRY)
        with open_session(A, engine=app) as session:
            session.add(toy.Note(note_id=901, body="x"))
            with pytest.raises(CrossTenantError) as raised:
                session.flush()
            assert raised.value.table == "note"
            assert raised.value.__cause__ is not None
            session.rollback()
            session.add(Visit(visit_id=901, label="x", patient_id="p"))
            with pytest.raises(SplitAccessError):
                session.flush()
            session.rollback()
            with pytest.raises(ScopeError, match="permission denied"):
                session.execute(toy.Note.__table__.delete())
    finally:
        with plain.begin() as connection:
            for table in ("note", "visit"):
                connection.execute(text(f"DROP POLICY p ON {table}"))
                connection.execute(text(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"))


# -- the access log ---------------------------------------------------------------------------------------------

EVALUATION = Scope.evaluation("A", {"test", "holdout"}, "figures")


class Broken:
    def record(self, access: Access) -> None:
        raise AccessLogError("no")

    def request(self, *_: object) -> None:
        raise AccessLogError("no")


def test_a_pool_of_one_connection(toy_urls: tuple[URL, URL], log_rows: Callable[[], list[Any]]) -> None:
    engine = create_engine(toy_urls[0], poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=3)
    install_filter(engine, toy.REGISTRY)
    seen = len(log_rows())
    with opened(engine, EVALUATION) as session:
        session.scalars(select(Visit.label)).all()
    with opened(engine) as session, pytest.raises(SplitAccessError):
        session.scalars(select(Visit).where(Visit.split_assignment == "test"))
    assert [row[1:4] for row in log_rows()[seen:]] == [
        ("*", "test", True),
        ("*", "holdout", True),
        ("visit", "test", False),
    ]
    engine.dispose()


async def test_openings_are_logged_async(async_engine: AsyncEngine, log_rows: Callable[[], list[Any]]) -> None:
    seen = len(log_rows())
    async with open_async_session(EVALUATION, engine=async_engine, allow_privileged=True) as session:
        await session.scalars(select(Visit.label))
        await session.rollback()
        await session.scalars(select(Visit.label))
    assert [row[2:4] for row in log_rows()[seen:]] == [("test", True), ("holdout", True)]


def test_without_a_log_no_closed_split_opens(toy_urls: tuple[URL, URL]) -> None:
    engine = create_engine(toy_urls[0], poolclass=NullPool)
    install_filter(engine, toy.REGISTRY, access_log=Broken())
    with opened(engine, EVALUATION) as session:
        for _ in range(2):
            with pytest.raises((AccessLogError, ScopeError)):
                session.scalars(select(Visit.label))
        session.rollback()
        with pytest.raises(AccessLogError):
            session.scalars(select(Visit.label))
    with opened(engine) as session:
        assert session.scalars(select(Visit.label)).all()
        with pytest.raises(SplitAccessError):
            session.scalars(select(Visit).where(Visit.split_assignment == "test"))


def test_the_log_names_the_user_or_the_module(engine: Engine, log_rows: Callable[[], list[Any]]) -> None:
    user = "00000000-0000-4000-8000-000000000001"
    with opened(engine, Scope.evaluation("A", {"test"}, "p", user_id=user)) as session:
        session.connection()
    assert log_rows()[-1][4] == user
    with opened(engine, EVALUATION) as session:
        session.connection()
    assert log_rows()[-1][4].endswith("test_sessions")


def test_a_log_that_is_not_there(toy_urls: tuple[URL, URL], plain: Engine) -> None:
    engine = create_engine(toy_urls[0], poolclass=NullPool)
    install_filter(engine, toy.REGISTRY)
    with plain.begin() as connection:
        connection.execute(text("ALTER TABLE ml_split_access_log RENAME TO elsewhere"))
    try:
        with opened(engine, EVALUATION) as session, pytest.raises(AccessLogError, match="Remedy"):
            session.connection()
    finally:
        with plain.begin() as connection:
            connection.execute(text("ALTER TABLE elsewhere RENAME TO ml_split_access_log"))


async def test_a_log_that_cannot_be_reached(toy_urls: tuple[URL, URL], tmp_path: Path) -> None:
    """Of which asyncpg tells with an error of the operating system, and not with one of its own."""
    url = toy_urls[0].set(drivername="postgresql+asyncpg")
    nowhere = create_async_engine(url.update_query_dict({"host": str(tmp_path)}), poolclass=NullPool)
    engine = create_async_engine(url, poolclass=NullPool)
    install_filter(engine.sync_engine, toy.REGISTRY, access_log=DatabaseAccessLog(nowhere.sync_engine))
    async with open_async_session(EVALUATION, engine=engine, allow_privileged=True) as session:
        with pytest.raises(AccessLogError, match="Remedy") as error:
            await session.scalars(select(Visit.label))
        assert isinstance(error.value.__cause__, OSError)


def test_a_refusal_that_cannot_be_recorded(
    toy_urls: tuple[URL, URL], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It stands all the same, and somebody is told that it is missing from the log."""
    nowhere = create_engine(toy_urls[0].update_query_dict({"host": str(tmp_path)}), poolclass=NullPool)
    engine = create_engine(toy_urls[0], poolclass=NullPool)
    install_filter(engine, toy.REGISTRY, access_log=DatabaseAccessLog(nowhere))
    with opened(engine) as session, pytest.raises(SplitAccessError):
        session.scalars(select(Visit.label).where(Visit.split_assignment == "holdout"))
    assert "could not be recorded" in caplog.text


def test_a_budget_that_is_used_up(engine: Engine) -> None:
    scope = Scope.evaluation("A", {"holdout"}, "once more", model="used up")
    with opened(engine, scope) as session:
        for _ in range(2):
            with pytest.raises(HoldoutBudgetError, match="by somebody, at 2024-10-01") as error:
                session.scalars(select(Visit.label))
            assert (error.value.model, error.value.budget) == ("used up", 1)
            session.rollback()


def test_unsupported_databases() -> None:
    with pytest.raises(ScopeError, match="psycopg"):
        install_filter(create_engine("sqlite://"), ScopeRegistry())


def test_errors_of_the_statement_keep_their_kind(session: ScopedSession) -> None:
    with pytest.raises(StatementError) as raised:
        session.execute(select(Visit).where(Visit.visit_id == text(":missing")))
    assert not isinstance(raised.value, ScopeError)


async def test_async_sessions_need_a_scope(async_engine: AsyncEngine) -> None:
    with pytest.raises(TypeError):
        AsyncScopedSession(async_engine)
