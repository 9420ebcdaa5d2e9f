"""What scopes share: engines, connections, compiled statements, threads, one event loop. Nothing of it crosses."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import Session

from hedgerow import ScopeError, open_async_session, open_session
from hedgerow.core.engine import build_async_engine, build_engine
from hedgerow.core.filter import open_scope, unscoped_sql
from hedgerow.patients import HcpProfile, PatientJourney, TreatmentEvent
from leakage import shapes_columns, shapes_joins, shapes_loading, shapes_subqueries
from leakage.locks import DRIVERS, LOCKS, Grounds
from leakage.shapes import Shape
from leakage.world import FOREIGN, OWN, SCOPES

TENANTS = (OWN, FOREIGN)
_WANTED = {
    "entity",
    "count_of_rows",
    "only_inside_over",
    "grouped_by_the_key",
    "self_join_on_the_natural_key",
    "nested_outer_joins",
    "lateral_join",
    "recursive_cte",
    "union_of_entity_and_table",
    "selectinload_down",
    "joinedload_up",
    "expired",
    "asked_again_with_other_values",
}
SHARED: list[Shape] = [
    shape
    for module in (shapes_columns, shapes_joins, shapes_subqueries, shapes_loading)
    for shape in module.SHAPES
    if shape.name in _WANTED
]


@pytest.fixture(scope="module")
def right(truths: dict[str, Grounds]) -> dict[tuple[str, str], Any]:
    """By shape and tenant, what the tenant should be answered."""
    return {(s.name, tenant): truths[tenant].ask(s, "off", tenant=tenant) for s in SHARED for tenant in TENANTS}


def test_both_tenants_have_answers_of_their_own(right: dict[tuple[str, str], Any]) -> None:
    assert len(SHARED) == len(_WANTED)
    for shape in SHARED:
        assert right[shape.name, OWN] != right[shape.name, FOREIGN]


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("lock", LOCKS)
def test_tenants_share_compiled_statements(
    lock: str, driver: str, grounds: Grounds, right: dict[tuple[str, str], Any]
) -> None:
    for tenant in (OWN, FOREIGN, OWN):
        for shape in SHARED:
            assert grounds.ask(shape, lock, driver, tenant) == right[shape.name, tenant], (shape.name, tenant)
    engine = grounds.engine(lock, driver)
    cache = getattr(engine, "sync_engine", engine)._compiled_cache
    known = len(cache)
    for shape in SHARED:
        grounds.ask(shape, lock, driver, FOREIGN)
    assert len(cache) == known, "a scope has compiled statements of its own"


@pytest.mark.parametrize("lock", LOCKS)
def test_tenants_share_an_engine_in_two_threads(lock: str, grounds: Grounds, right: dict[tuple[str, str], Any]) -> None:
    def work(tenant: str) -> list[str]:
        return [
            shape.name
            for _ in range(3)
            for shape in SHARED
            if grounds.ask(shape, lock, "psycopg", tenant) != right[shape.name, tenant]
        ]

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(work, TENANTS)) == [[], []]


@pytest.mark.parametrize("lock", LOCKS)
def test_twenty_sessions_at_once(lock: str, grounds: Grounds, right: dict[tuple[str, str], Any]) -> None:
    async def work(n: int) -> list[str]:
        tenant, wrong = TENANTS[n % 2], []
        for shape in SHARED[n % 3 :: 3]:
            await asyncio.sleep(0)
            if await grounds.ask_async(shape, lock, tenant) != right[shape.name, tenant]:
                wrong.append(shape.name)
        return wrong

    async def everybody() -> list[list[str]]:
        return await asyncio.gather(*(work(n) for n in range(20)))

    assert grounds.runner.run(everybody()) == [[]] * 20


def test_two_sessions_take_turns(grounds: Grounds, right: dict[tuple[str, str], Any]) -> None:
    for lock in LOCKS:
        with grounds.open(lock) as mine, grounds.open(lock, tenant=FOREIGN) as theirs:
            for _ in range(2):
                seen = {
                    t: set(s.scalars(select(PatientJourney.tenant_id))) for t, s in ((OWN, mine), (FOREIGN, theirs))
                }
                assert seen == {OWN: {OWN}, FOREIGN: {FOREIGN}}
                mine.rollback()


# -- a connection that served one tenant and then serves another ---------------------------------------------------

_LEFTOVERS = (
    "CREATE TEMP TABLE patient_journeys AS SELECT * FROM public.patient_journeys",
    "CREATE TEMP TABLE leftover AS SELECT * FROM public.hcp_profiles",
    "DECLARE held CURSOR WITH HOLD FOR SELECT * FROM public.patient_journeys",
    "SELECT set_config('app.scope', current_setting('app.scope'), false)",
    "SELECT set_config('app.current_tenant', current_setting('app.current_tenant'), false)",
    "SET SESSION search_path = pg_temp, public",
    "SELECT pg_advisory_lock(4711)",
)
_MARKED = unscoped_sql("the battery leaves things behind")
_SURVIVORS = {
    "SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'": 0,
    "SELECT count(*) FROM pg_cursors WHERE is_holdable": 0,
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()": 0,
    "SELECT split_part(current_setting('app.scope'), E'\\x1f', 2)": FOREIGN,
    "SELECT current_setting('app.current_tenant')": FOREIGN,
    "SELECT current_setting('search_path')": '"$user", public',
}


def _leave(session: Session) -> int:
    with _MARKED:
        # A temporary table would hide the tables behind it from the statements that follow.
        for statement in reversed(_LEFTOVERS):
            session.execute(text(statement))
        pid = session.scalar(text("SELECT pg_backend_pid()"))
    session.commit()
    return int(pid or 0)


def _look(session: Session) -> tuple[int, dict[str, Any], set[str]]:
    with _MARKED:
        pid = session.scalar(text("SELECT pg_backend_pid()"))
        left = {statement: session.scalar(text(statement)) for statement in _SURVIVORS}
    return int(pid or 0), left, set(session.scalars(select(PatientJourney.tenant_id)))


@pytest.fixture
def one_connection(grounds: Grounds) -> Iterator[Engine]:
    with grounds.admin() as admin:
        # Sessions may not make temporary tables; here they may, so that there is something to leave behind.
        admin.execute(text(f'GRANT TEMP ON DATABASE "{grounds.database.name}" TO hedgerow_app'))
    engine = build_engine(grounds.database.url("app"), pool_size=1, max_overflow=0)
    yield engine
    engine.dispose()


def test_a_pooled_connection_forgets(one_connection: Engine) -> None:
    with open_session(SCOPES[OWN], engine=one_connection) as session:
        served = _leave(session)
    with open_session(SCOPES[FOREIGN], engine=one_connection) as session:
        assert _look(session) == (served, _SURVIVORS, {FOREIGN})


async def test_a_pooled_connection_forgets_async(grounds: Grounds, one_connection: Engine) -> None:
    engine = build_async_engine(grounds.database.url("app"), pool_size=1, max_overflow=0)
    async with open_async_session(SCOPES[OWN], engine=engine) as session:
        served = await session.run_sync(_leave)
    async with open_async_session(SCOPES[FOREIGN], engine=engine) as session:
        assert await session.run_sync(_look) == (served, _SURVIVORS, {FOREIGN})
    await engine.dispose()


def test_without_the_reset_it_would_all_survive(grounds: Grounds, one_connection: Engine) -> None:
    careless = build_engine(grounds.database.url("app"), forget=False, pool_size=1, max_overflow=0)
    with open_session(SCOPES[OWN], engine=careless) as session:
        _leave(session)
    with careless.connect() as connection:
        left = {
            statement: connection.exec_driver_sql(statement, execution_options=dict(_MARKED)).scalar()
            for statement in _SURVIVORS
        }
    careless.dispose()
    assert all(left[statement] != clean for statement, clean in _SURVIVORS.items())


# -- AUTOCOMMIT: no transaction, hence no scope --------------------------------------------------------------------


@pytest.mark.parametrize("lock", ["filter", "both"])
def test_autocommit_is_refused(lock: str, grounds: Grounds) -> None:
    engine = grounds.engine(lock).execution_options(isolation_level="AUTOCOMMIT")
    with (
        pytest.raises(ScopeError, match="AUTOCOMMIT"),
        open_session(SCOPES[OWN], engine=engine, allow_privileged=lock == "filter") as session,
    ):
        session.scalars(select(PatientJourney)).all()
    with engine.connect() as connection, pytest.raises(ScopeError, match="no open scope"):
        connection.execute(select(HcpProfile))


@pytest.mark.parametrize("lock", ["filter", "both"])
async def test_autocommit_is_refused_async(lock: str, grounds: Grounds) -> None:
    engine: AsyncEngine = build_async_engine(grounds.database.url("admin" if lock == "filter" else "app"))
    autocommitting = engine.execution_options(isolation_level="AUTOCOMMIT")
    async with open_async_session(SCOPES[OWN], engine=autocommitting, allow_privileged=lock == "filter") as session:
        with pytest.raises(ScopeError, match="AUTOCOMMIT"):
            await session.execute(select(PatientJourney))
    await engine.dispose()


def test_autocommit_behind_the_wall_sees_nothing(grounds: Grounds) -> None:
    with grounds.engine("wall").connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"SELECT * FROM app.open_scope('{OWN}', NULL, '{{train}}', NULL)"))
        for model in (PatientJourney, TreatmentEvent, HcpProfile):
            assert connection.scalar(select(func.count()).select_from(model)) == 0


@pytest.mark.parametrize("lock", ["filter", "both"])
def test_a_connection_without_a_scope_is_refused(lock: str, grounds: Grounds) -> None:
    with grounds.engine(lock).connect() as connection, pytest.raises(ScopeError, match="no open scope"):
        connection.execute(select(PatientJourney.id))
    with grounds.engine(lock).connect() as connection:
        connection.begin()
        open_scope(connection, SCOPES[OWN], allow_privileged=lock == "filter")
        assert set(connection.scalars(select(PatientJourney.tenant_id))) == {OWN}
        connection.commit()
        with pytest.raises(ScopeError, match="no open scope"):
            connection.execute(select(PatientJourney.id))
