"""What the filter does not let run: raw text on scoped relations, changes of the scope, closed splits, no scope."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import (
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    case,
    cast,
    column,
    delete,
    extract,
    func,
    insert,
    literal,
    literal_column,
    select,
    table,
    text,
    type_coerce,
    update,
    values,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.schema import DDL, CreateTable
from sqlalchemy.sql import quoted_name
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import Function
from sqlalchemy.types import UserDefinedType

from core.filter import toy
from core.filter.toy import Country, HoldoutVisit, Journal, Reading, Site, Visit
from hedgerow.core.errors import (
    AppendOnlyError,
    CrossTenantError,
    HedgerowError,
    RawSQLError,
    ScopeError,
    SplitAccessError,
)
from hedgerow.core.filter import unscoped_sql
from hedgerow.core.scope import Scope
from hedgerow.core.session import AsyncScopedSession, ScopedSession, open_session

Act = Callable[[Session], Any]


class Sneaky(ColumnElement[Any]):
    inherit_cache = True


@compiles(Sneaky)
def _sneaky(element: Sneaky, compiler: Any, **kw: Any) -> str:
    return "(SELECT max(label) FROM visit)"


class SneakyType(UserDefinedType[Any]):
    cache_ok = True

    def get_col_spec(self, **kw: Any) -> str:
        return "text) || (SELECT max(label) FROM visit), CAST('' AS text"


def on_connection(sql: str, **options: Any) -> Act:
    return lambda s: s.connection().exec_driver_sql(sql, execution_options=options)


RAW: dict[str, Act] = {
    "text": lambda s: s.execute(text("SELECT * FROM visit")),
    "text, upper case": lambda s: s.execute(text("SELECT * FROM VISIT")),
    "text, quoted": lambda s: s.execute(text('SELECT * FROM "visit"')),
    "text, schema": lambda s: s.execute(text("SELECT * FROM public.visit")),
    "text, comment": lambda s: s.execute(text("SELECT * FROM/**/visit/**/WHERE true")),
    "text, quotes in strings": lambda s: s.execute(text("SELECT '\"', label FROM visit WHERE label <> '\"'")),
    "text, unicode escape": lambda s: s.execute(text('SELECT * FROM U&"v\\0069sit"')),
    "text, table command": lambda s: s.execute(text("TABLE visit")),
    "text, cte": lambda s: s.execute(text("WITH x AS (SELECT * FROM visit) SELECT * FROM x")),
    "text, view": lambda s: s.execute(text("SELECT * FROM v_holdout_visit")),
    "text, view that is not mapped": lambda s: s.execute(text("SELECT * FROM v_secret")),
    "text, write": lambda s: s.execute(text("UPDATE visit SET label = 'x'")),
    "text, truncate": lambda s: s.execute(text("TRUNCATE visit CASCADE")),
    "text, explain": lambda s: s.execute(text("EXPLAIN ANALYZE SELECT * FROM visit")),
    "text, lock": lambda s: s.execute(text("LOCK TABLE visit")),
    "text, prepare": lambda s: s.execute(text("PREPARE p AS SELECT * FROM visit")),
    "text, cursor": lambda s: s.execute(text("DECLARE c CURSOR WITH HOLD FOR SELECT * FROM visit")),
    "text, temporary table": lambda s: s.execute(text("CREATE TEMP TABLE mine AS SELECT * FROM visit")),
    "text, select into": lambda s: s.execute(text("SELECT * INTO mine FROM visit")),
    "text, copy": lambda s: s.execute(text("COPY visit TO STDOUT")),
    "text, copy of anything": lambda s: s.execute(text("COPY (SELECT 1) TO STDOUT")),
    "text, do": lambda s: s.execute(text("DO $$ BEGIN EXECUTE 'DELETE FROM vis' || 'it'; END $$")),
    "text, regclass": lambda s: s.execute(text("SELECT 'visit'::regclass")),
    "text, several statements": on_connection("SELECT 1; SELECT * FROM visit"),
    "driver sql": on_connection("SELECT * FROM visit"),
    "driver sql, no parameters": on_connection("SELECT * FROM visit", no_parameters=True),
    "query from text": lambda s: s.query(Visit).from_statement(text("SELECT * FROM visit")).all(),
    "insert from text": lambda s: s.execute(
        insert(Site).from_select(["site_id", "name"], text("SELECT 1, 'x'").columns())
    ),
    "fragment in group": lambda s: s.execute(select(func.count(Site.name)).group_by(text("(SELECT 1 FROM visit)"))),
    "fragment in having": lambda s: s.execute(select(func.count(Site.name)).having(text("EXISTS (SELECT FROM visit)"))),
    "fragment in join": lambda s: s.execute(select(Site.name).join(Country, text("EXISTS (SELECT FROM visit)"))),
    "fragment in limit": lambda s: s.execute(select(Site.name).limit(literal_column("(SELECT count(*) FROM visit)"))),
    "fragment in returning": lambda s: s.execute(
        update(Site).values(name="x").returning(literal_column("(SELECT max(label) FROM visit)"))
    ),
    "fragment in conflict": lambda s: s.execute(
        postgresql.insert(Site)
        .values(site_id=1, name="x")
        .on_conflict_do_update(
            index_elements=["tenant_id", "site_id"], set_={"name": text("(SELECT max(label) FROM visit)")}
        )
    ),
    "field of extract": lambda s: s.execute(
        select(extract("day FROM now()) + (SELECT count(*) FROM visit) + extract(day", func.now()))
    ),
    "prefix of an insert": lambda s: s.execute(
        insert(Country).values(code="XX", name="x").prefix_with("INTO visit (label) SELECT label FROM visit; INSERT")
    ),
    "prefix of an update": lambda s: s.execute(
        update(Country).values(name="x").prefix_with("visit SET label = 'x'; UPDATE")
    ),
    "suffix of a cte": lambda s: s.execute(
        select(select(Country.code).cte("c").suffix_with("SEARCH DEPTH FIRST BY visit SET x"))
    ),
    "from statement": lambda s: s.scalars(select(Visit).from_statement(text("SELECT * FROM visit"))).all(),
    "textual select": lambda s: s.execute(select(text("SELECT label FROM visit").columns(column("label")).subquery())),
    "textual cte": lambda s: s.execute(
        select(text("SELECT label FROM visit").columns(column("label")).cte("c").c.label)
    ),
    "fragment in columns": lambda s: s.execute(select(text("(SELECT max(label) FROM visit)"))),
    "fragment in from": lambda s: s.execute(select(text("label")).select_from(text("visit"))),
    "fragment in where": lambda s: s.execute(select(Site).where(text("EXISTS (SELECT FROM visit)"))),
    "fragment in order": lambda s: s.execute(select(Site).order_by(text("(SELECT max(label) FROM visit)"))),
    "fragment in update": lambda s: s.execute(update(Site).values(name=text("(SELECT max(label) FROM visit)"))),
    "fragment in delete": lambda s: s.execute(delete(Site).where(text("site_id IN (SELECT 1 FROM visit)"))),
    "fragment in insert": lambda s: s.execute(
        insert(Site).values(site_id=1, name=text("(SELECT max(label) FROM visit)"))
    ),
    "literal column": lambda s: s.execute(select(literal_column("(SELECT max(label) FROM visit)"))),
    "literal column, comparison": lambda s: s.execute(
        select(Site).where(Site.name == literal_column("(SELECT max(label) FROM visit)"))
    ),
    "prefix": lambda s: s.execute(select(Site.name).prefix_with("(SELECT max(label) FROM visit),")),
    "suffix": lambda s: s.execute(select(Site.name).suffix_with("UNION SELECT label FROM visit")),
    "statement hint": lambda s: s.execute(select(Site.name).with_statement_hint("UNION SELECT label FROM visit")),
    "hint": lambda s: s.execute(select(Visit.label).with_hint(Visit, "ONLY", "postgresql")),
    "hint on an alias": lambda s: s.execute(
        select((v := Visit.__table__.alias()).c.label).with_hint(v, "ONLY", "postgresql")
    ),
    "hint on a write": lambda s: s.execute(update(Visit.__table__).values(label="x").with_hint("ONLY")),
    "operator": lambda s: s.execute(select(literal(1).op("+ (SELECT count(*) FROM visit) +")(1))),
    "custom construct": lambda s: s.execute(select(Sneaky())),
    "custom type": lambda s: s.execute(select(cast(literal("x"), SneakyType()))),
    "unquoted column": lambda s: s.execute(select(column(quoted_name("max(label) FROM visit --", False)))),
    "function that runs text": lambda s: s.execute(
        select(func.query_to_xml("select * from vis" + "it", True, True, ""))
    ),
    "quoted function that runs text": lambda s: s.execute(
        select(Function(quoted_name("query_to_xml", True), "select 1", True, True, ""))
    ),
    "table as xml": lambda s: s.execute(select(func.table_to_xml(literal_column("'visit'"), True, True, ""))),
    "ts_stat": lambda s: s.execute(select(func.ts_stat("select ...").table_valued("word"))),
    "function in text": lambda s: s.execute(text("SELECT query_to_xml(:q, true, true, '')"), {"q": "SELECT 1"}),
    "statistics": lambda s: s.execute(text("SELECT most_common_vals FROM pg_stats")),
    "set_config in text": lambda s: s.execute(text("SELECT set_config('app.current_tenant', 'B', true)")),
    "set_config in a comment gap": lambda s: s.execute(text("SELECT set_config/**/('app.splits', 'x', true)")),
    "set_config as a construct": lambda s: s.execute(select(func.set_config("app.current_tenant", "B", True))),
    "set_config in a schema": lambda s: s.execute(select(func.pg_catalog.set_config("app.splits", "x", True))),
    "set_config, quoted": lambda s: s.execute(
        select(Function(quoted_name("set_config", True), "app.splits", "", True))
    ),
    "another opening": lambda s: s.execute(text("SELECT * FROM app.open_scope('B', NULL, '{train}', NULL)")),
    "another opening as a construct": lambda s: s.execute(select(func.app.open_scope("B", None, None, None))),
    "set": on_connection("SET LOCAL app.current_tenant = 'B'"),
    "set, session": on_connection("SET SESSION app.splits = 'x'"),
    "set, quoted": on_connection('SET LOCAL "app"."current_tenant" = \'B\''),
    "set after a comment": on_connection("/* x */ -- y\n SET LOCAL app.current_tenant = 'B'"),
    "set after another": on_connection("SELECT 1; SET LOCAL app.current_tenant = 'B'"),
    "set role": on_connection("SET ROLE postgres"),
    "set local role": on_connection("SET LOCAL ROLE postgres"),
    "reset role": on_connection("RESET ROLE"),
    "reset all": on_connection("RESET ALL"),
    "discard all": on_connection("DISCARD ALL"),
    "session authorization": on_connection("SET SESSION AUTHORIZATION DEFAULT"),
    "row security": on_connection("SET LOCAL row_security = off"),
    "commit": on_connection("COMMIT"),
    "rollback": on_connection("ROLLBACK"),
    "begin": lambda s: s.execute(text("begin")),
    "a modulo that looks like a parameter": lambda s: s.execute(text("SELECT 5 %(SELECT score FROM visit LIMIT 1)s")),
    "settings as a relation": lambda s: s.execute(text("UPDATE pg_settings SET setting = 'B' WHERE name = 'app.x'")),
    "other sessions": lambda s: s.execute(text("SELECT query FROM pg_stat_activity")),
    "ddl": lambda s: s.execute(DDL("DROP TABLE visit")),
    "create table": lambda s: s.execute(CreateTable(Table("x", MetaData()))),
    "create table as": lambda s: s.execute(select(Visit.label).into("mine")),
}


def cases(acts: dict[str, Any]) -> Any:
    return pytest.mark.parametrize("act", [pytest.param(act, id=name) for name, act in acts.items()])


@cases(RAW)
def test_raw_sql(act: Act, session: ScopedSession) -> None:
    with pytest.raises(RawSQLError, match="Remedy"):
        act(session)
    assert session.scalars(select(Site.name)).all(), "the session goes on"


@cases(RAW)
async def test_raw_sql_async(act: Act, async_session: AsyncScopedSession) -> None:
    with pytest.raises(RawSQLError, match="Remedy"):
        await async_session.run_sync(act)


@cases(
    {
        "select 1": lambda s: s.execute(text("SELECT 1")),
        "unscoped table": lambda s: s.execute(text("SELECT * FROM country")),
        "fragment": lambda s: s.execute(select(Site.name).where(text("site.site_id > :n")), {"n": 0}),
        "quoted fragment": lambda s: s.execute(select(Site.name).where(text('"site"."site_id" > 0'))),
        "setting": lambda s: s.execute(text("SET LOCAL statement_timeout = '10s'")),
        "savepoint": lambda s: s.execute(text("SAVEPOINT x; ROLLBACK TO SAVEPOINT x")),
        "name as a value": lambda s: s.execute(select(literal("visit"))),
        "name as a rendered value": lambda s: s.execute(select(literal("visit", literal_execute=True))),
        "name as a value in the statement": lambda s: s.execute(
            select(values(column("x", String), name="v", literal_binds=True).data([("visit",)]))
        ),
        "name as a label": lambda s: s.execute(select(Site.name.label("visit")).order_by("visit")),
        "name as a parameter": lambda s: s.execute(text("SELECT CAST(:visit AS text)"), {"visit": "x"}),
        "name as a column": lambda s: s.execute(select(select(literal(1).label("visit")).subquery("site").c.visit)),
        "name as an alias": lambda s: s.execute(select(Site.__table__.alias("visit").c.name)),
        "name as a cte": lambda s: s.execute(select(select(Site.name).cte("visit").c.name)),
        "longer name": lambda s: s.execute(text("SELECT 1 AS visit_count")),
        "reflection": lambda s: Table("visit", MetaData(), autoload_with=s.connection()),
        "catalogue": lambda s: s.execute(select(column("relname")).select_from(table("pg_class", schema="pg_catalog"))),
    }
)
def test_harmless(act: Act, session: ScopedSession) -> None:
    act(session)


def test_marked_text_runs_and_is_logged(session: ScopedSession, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="hedgerow.scope")
    count = text("SELECT count(*) FROM visit")
    everything = session.scalar(count, execution_options=unscoped_sql("for the test"))
    with unscoped_sql("for another test"):
        assert session.scalar(count) == everything
        assert session.connection().exec_driver_sql("SELECT count(*) FROM visit").scalar() == everything
    assert everything == len(toy.rows()["visit"])
    assert caplog.text.count("for the test") == 1
    assert caplog.text.count("for another test") == 2
    with pytest.raises(RawSQLError):
        session.scalar(count)
    with pytest.raises(ScopeError):
        unscoped_sql("  ")
    with unscoped_sql("constructs stay filtered"):
        assert session.scalar(select(func.count()).select_from(Visit)) < everything


async def test_marked_text_async(async_session: AsyncScopedSession, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="hedgerow.scope")
    with unscoped_sql("for the test"):
        assert await async_session.scalar(text("SELECT count(*) FROM visit")) == len(toy.rows()["visit"])
    assert caplog.text.count("for the test") == 1


MARKED = (
    "text",
    "query from text",
    "from statement",
    "textual select",
    "textual cte",
    "fragment in columns",
    "fragment in where",
    "literal column",
    "prefix",
    "suffix",
    "statement hint",
    "operator",
    "driver sql",
)
"""Every way in which text enters a statement that PostgreSQL would run."""


@pytest.mark.parametrize("way", MARKED)
def test_marked_text_of_every_kind_is_logged(
    way: str, session: ScopedSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="hedgerow.scope")
    with unscoped_sql("for every way"):
        _ran(lambda: RAW[way](session))
    assert caplog.text.count("for every way") == 1


@pytest.mark.parametrize("way", MARKED)
async def test_marked_text_of_every_kind_is_logged_async(
    way: str, async_session: AsyncScopedSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="hedgerow.scope")

    def run(session: Session) -> None:
        _ran(lambda: RAW[way](session))

    with unscoped_sql("for every way"):
        await async_session.run_sync(run)
    assert caplog.text.count("for every way") == 1


def _ran(act: Callable[[], Any]) -> None:
    # What was marked is let through to the database, and what that allows the wall decides; an object of another
    # tenant is refused by the session that would get it.
    with contextlib.suppress(CrossTenantError, SplitAccessError):
        act()


NO_SCOPE: dict[str, Callable[[Any], Any]] = {
    "select": lambda c: c.execute(select(Visit.__table__)),
    "update": lambda c: c.execute(update(Visit.__table__).values(label="x")),
    "delete": lambda c: c.execute(delete(Visit.__table__)),
    "insert": lambda c: c.execute(insert(Site.__table__).values(site_id=1, name="x")),
    "insert of all": lambda c: c.execute(insert(Site.__table__).values(tenant_id="A", site_id=1, name="x")),
    "insert of many": lambda c: c.execute(insert(Site.__table__), [{"site_id": n, "name": "x"} for n in (1, 2)]),
    "subquery": lambda c: c.execute(select(select(func.count(Visit.visit_id)).scalar_subquery())),
    "unmapped view": lambda c: c.execute(select(column("label")).select_from(table("v_secret"))),
    "settings": lambda c: c.execute(update(table("pg_settings", column("setting"))).values(setting="B")),
    "statistics": lambda c: c.execute(select(column("x")).select_from(table("pg_stats"))),
    "lightweight": lambda c: c.execute(select(column("label")).select_from(table("visit"))),
}


@cases(NO_SCOPE)
def test_without_a_scope(act: Callable[[Any], Any], engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(ScopeError, match="Remedy"):
        act(connection)
    with Session(engine) as session, pytest.raises(ScopeError):
        act(session)


def test_the_scope_is_never_rendered_inline(session: ScopedSession) -> None:
    compiled = select(Visit.label).compile(session.bind, compile_kwargs={"literal_binds": True})
    assert "hedgerow_scope_tenant" in str(compiled)
    with pytest.raises(RawSQLError):
        session.execute(text(str(compiled)))


def test_parameters_of_the_filter_cannot_be_set(session: ScopedSession, truth_session: Session) -> None:
    right = sorted(truth_session.scalars(select(Visit.label)))
    for statement in (
        select(Visit.label).params(hedgerow_scope_tenant="B"),
        select(Visit.label).execution_options(hedgerow_scope_tenant="B"),
    ):
        assert sorted(session.scalars(statement, {"hedgerow_scope_tenant": "B"})) == right


REQUESTS: dict[str, tuple[str | None, Act]] = {
    "equal": ("holdout", lambda s: s.scalars(select(Visit).where(Visit.split_assignment == "holdout")).all()),
    "filter_by": ("test", lambda s: s.scalars(select(Visit).filter_by(split_assignment="test")).all()),
    "reversed": ("test", lambda s: s.scalars(select(Visit).where(literal("test") == Visit.split_assignment)).all()),
    "in": (
        "test",
        lambda s: s.scalars(select(Visit).where(Visit.split_assignment.in_(["train", "test"]))).all(),
    ),
    "alias": (
        "test",
        lambda s: s.execute(select((v := Visit.__table__.alias()).c.label).where(v.c.split_assignment == "test")),
    ),
    "subquery": (
        "test",
        lambda s: s.execute(select((q := select(Visit).subquery()).c.label).where(q.c.split_assignment == "test")),
    ),
    "enum column": ("holdout", lambda s: s.scalars(select(Reading).where(Reading.split == "holdout")).all()),
    "in case": ("test", lambda s: s.execute(select(case((Visit.split_assignment == "test", 1))))),
    "in update": ("test", lambda s: s.execute(update(Visit).where(Visit.split_assignment == "test").values(score=1))),
    "in delete": ("test", lambda s: s.execute(delete(Visit).where(Visit.split_assignment == "test"))),
    "query": ("test", lambda s: s.query(Visit).filter_by(split_assignment="test").count()),
    "bound later": (
        "test",
        lambda s: s.execute(
            select(Visit.label).where(Visit.split_assignment == bindparam("wanted")),
            {"wanted": "test"},
        ),
    ),
    "outside of the scope": (
        "unassigned",
        lambda s: s.scalars(select(Visit).where(Visit.split_assignment == "unassigned")).all(),
    ),
    "view of one split": ("holdout", lambda s: s.scalars(select(HoldoutVisit)).all()),
    "view in a join": (
        "holdout",
        lambda s: s.execute(select(Site.name).join(HoldoutVisit, HoldoutVisit.visit_id == Site.site_id)),
    ),
    "view by name": ("holdout", lambda s: s.execute(select(column("label")).select_from(table("v_holdout_visit")))),
}


@pytest.mark.parametrize(("split", "act"), REQUESTS.values(), ids=REQUESTS.keys())
class TestClosedSplit:
    def test_sync(self, split: str, act: Act, session: ScopedSession, log_rows: Callable[[], list[Any]]) -> None:
        seen = len(log_rows())
        with pytest.raises(SplitAccessError, match="Remedy") as raised:
            act(session)
        assert raised.value.split == split
        assert raised.value.scope == toy.SCOPE
        session.rollback()
        tenant, _, requested, allowed, caller = log_rows()[seen:][0]
        assert (tenant, requested, allowed) == ("A", split, False)
        assert "test_refusals" in caller or "conftest" in caller

    async def test_async(
        self, split: str, act: Act, async_session: AsyncScopedSession, log_rows: Callable[[], list[Any]]
    ) -> None:
        seen = len(log_rows())
        with pytest.raises(SplitAccessError):
            await async_session.run_sync(act)
        await async_session.rollback()
        assert [row[2:4] for row in log_rows()[seen:]] == [(split, False)]


def test_open_splits_are_asked_for_freely(session: ScopedSession, truth_session: Session) -> None:
    for wanted in ("train", "validation"):
        question = select(Visit.label).where(Visit.split_assignment == wanted)
        assert sorted(session.scalars(question)) == sorted(truth_session.scalars(question))
        question = select(Reading.label).where(Reading.split.in_([wanted]))
        assert sorted(session.scalars(question)) == sorted(truth_session.scalars(question))


def test_the_same_statement_asks_for_open_and_closed_splits(session: ScopedSession) -> None:
    for split, refused in (("train", False), ("test", True), ("validation", False), ("holdout", True)):
        question = select(Visit.label).where(Visit.split_assignment == split)
        if refused:
            with pytest.raises(SplitAccessError):
                session.scalars(question)
        else:
            assert session.scalars(question).all()


APPEND_ONLY: dict[str, Act] = {
    "update": lambda s: s.execute(update(Journal).values(label="x")),
    "update of no row": lambda s: s.execute(update(Journal).where(Journal.entry_id < 0).values(label="x")),
    "delete of no row": lambda s: s.execute(delete(Journal).where(Journal.entry_id < 0)),
    "core update": lambda s: s.execute(update(Journal.__table__).values(label="x")),
    "lightweight update": lambda s: s.execute(update(table("journal", column("label"))).values(label="x")),
    "delete": lambda s: s.execute(delete(Journal)),
    "delete in a cte": lambda s: s.execute(select(delete(Journal).returning(Journal.label).cte("gone").c.label)),
    "upsert": lambda s: s.execute(
        postgresql.insert(Journal)
        .values(entry_id=1, label="x")
        .on_conflict_do_update(index_elements=["tenant_id", "entry_id"], set_={"label": "x"})
    ),
    "object": lambda s: (setattr(s.get(Journal, ("A", 1)), "label", "x"), s.flush()),
    "deleted object": lambda s: (s.delete(s.get(Journal, ("A", 1))), s.flush()),
    "bulk mappings": lambda s: s.bulk_update_mappings(Journal, [{"tenant_id": "A", "entry_id": 1, "label": "x"}]),  # type: ignore[arg-type]
    "by trigger": lambda s: s.execute(
        text("UPDATE journal SET label = 'x'"), execution_options=unscoped_sql("to meet the trigger")
    ),
}


@cases(APPEND_ONLY)
def test_append_only(act: Act, session: ScopedSession) -> None:
    with pytest.raises(AppendOnlyError, match="Remedy"):
        act(session)


@cases(APPEND_ONLY)
async def test_append_only_async(act: Act, async_session: AsyncScopedSession) -> None:
    with pytest.raises(AppendOnlyError):
        await async_session.run_sync(act)


def test_other_database_errors_stay_what_they_are(session: ScopedSession) -> None:
    with pytest.raises(DBAPIError) as raised:
        session.execute(select(type_coerce(literal("x"), String).cast(Integer)))
    assert not isinstance(raised.value, HedgerowError)


def test_closed_splits_open_for_an_evaluation(engine: Engine, log_rows: Callable[[], list[Any]]) -> None:
    seen = len(log_rows())
    scope = Scope.evaluation("A", {"holdout"}, "final figures")
    with open_session(scope, engine=engine, allow_privileged=True) as session:
        right = {row["label"] for row in toy.rows()["visit"] if toy.visible("visit", row, scope)}
        assert set(session.scalars(select(Visit.label))) == right
        assert len(right) > 3
        assert set(session.scalars(select(HoldoutVisit.label))) == right
        session.rollback()
        session.scalars(select(Visit.label)).all()
    assert [row[1:4] for row in log_rows()[seen:]] == [("*", "holdout", True)], "once a session"
