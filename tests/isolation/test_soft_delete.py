"""Laws over every table whose rows are deleted softly: such a row is in no answer of a session that did not ask for it.

Each shape is asked three times: as it is, which must not find the deleted row; and with ``include_deleted`` said by the
statement and by the session, which must, so that there was something to find.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Table, column, delete, exists, func, inspect, literal, select, table, text, union_all, update
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session, aliased, joinedload, selectinload

from hedgerow import Scope, ScopeError, open_async_session, open_session, scoped_connection
from hedgerow.core.base import Base
from hedgerow.core.engine import build_async_engine
from hedgerow.core.filter import open_scope
from hedgerow.core.predicate import SOFT_DELETE_INFO
from isolation.oracle import ADMINS, TENANT_A, name, tenant_tables

SOFT = [table for table in tenant_tables() if table.info.get(SOFT_DELETE_INFO)]
SCOPE = Scope(TENANT_A, user_id=ADMINS[TENANT_A])
WANTED = {"include_deleted": True}

Shape = Callable[[Session, type[Any], dict[str, Any]], set[Any]]
SHAPES: list[Shape] = []


def shape(function: Shape) -> Shape:
    SHAPES.append(function)
    return function


@shape
def entities(s: Session, model: type[Any], o: dict[str, Any]) -> set[Any]:
    return {row.id for row in s.scalars(select(model), execution_options=o)}


@shape
def columns(s: Session, model: type[Any], o: dict[str, Any]) -> set[Any]:
    return set(s.scalars(select(model.id), execution_options=o))


@shape
def core_table(s: Session, model: type[Any], o: dict[str, Any]) -> set[Any]:
    return set(s.scalars(select(model.__table__.c.id), execution_options=o))


@shape
def named_table(s: Session, model: type[Any], o: dict[str, Any]) -> set[Any]:
    return set(s.scalars(select(table(model.__tablename__, column("id")).c.id), execution_options=o))


@shape
def filtered_by_itself(s: Session, model: type[Any], o: dict[str, Any]) -> set[Any]:
    return set(s.scalars(select(model.id).where(model.deleted_at.is_not(None)), execution_options=o))


@shape
def subquery(s: Session, model: type[Any], o: dict[str, Any]) -> set[Any]:
    return set(s.scalars(select(select(model).subquery().c.id), execution_options=o))


@shape
def cte(s: Session, model: type[Any], o: dict[str, Any]) -> set[Any]:
    return set(s.scalars(select(select(model.id).cte().c.id), execution_options=o))


@shape
def union(s: Session, model: type[Any], o: dict[str, Any]) -> set[Any]:
    return set(s.scalars(union_all(select(model.id), select(model.id)), execution_options=o))


@shape
def existence(s: Session, model: type[Any], o: dict[str, Any]) -> set[Any]:
    everything = s.info["all"]
    return {k for k in everything if s.scalar(select(exists().where(model.id == k)), execution_options=o)}


@shape
def inside_in(s: Session, model: type[Any], o: dict[str, Any]) -> set[Any]:
    everything = s.info["all"]
    inside = {k: literal(k).in_(select(model.id)) for k in everything}
    return {k for k, condition in inside.items() if s.scalar(select(condition), execution_options=o)}


@shape
def counted(s: Session, model: type[Any], o: dict[str, Any]) -> set[Any]:
    everything = s.info["all"]
    count = select(func.count()).select_from(model)
    return {k for k in everything if s.scalar(count.where(model.id == k), execution_options=o)}


@shape
def joined_to_itself(s: Session, model: type[Any], o: dict[str, Any]) -> set[Any]:
    other = aliased(model)
    return set(s.scalars(select(other.id).select_from(model).join(other, other.id == model.id), execution_options=o))


@shape
def outer_joined(s: Session, model: type[Any], o: dict[str, Any]) -> set[Any]:
    found = set()
    for child, key in references(model):
        joined = select(model.id).select_from(child).outerjoin(model, model.id == getattr(child, key))
        found |= set(s.scalars(joined, execution_options=o))
    return found


@shape
def aggregated(s: Session, model: type[Any], o: dict[str, Any]) -> set[Any]:
    return set(s.scalar(select(func.array_agg(model.id)), execution_options=o))


@shape
def got(s: Session, model: type[Any], o: dict[str, Any]) -> set[Any]:
    everything = s.info["all"]
    return {k for k in everything if s.get(model, (TENANT_A, k), execution_options=o) is not None}


def loaded(s: Session, model: type[Any], o: dict[str, Any], strategy: Any) -> set[Any]:
    found = set()
    for mapper in Base.registry.mappers:
        for relation in mapper.relationships:
            if relation.mapper.class_ is model and not relation.uselist:
                attribute = getattr(mapper.class_, relation.key)
                statement = select(mapper.class_).options(*([strategy(attribute)] if strategy else []))
                for row in s.scalars(statement, execution_options={**o, "populate_existing": True}).unique():
                    related = getattr(row, relation.key)
                    found |= set() if related is None else {related.id}
    return found


@shape
def loaded_by_join(s: Session, model: type[Any], o: dict[str, Any]) -> set[Any]:
    return loaded(s, model, o, joinedload)


def references(model: type[Any]) -> Iterator[tuple[type[Any], str]]:
    """Models that refer to a model, with the attribute that holds its id."""
    for mapper in Base.registry.mappers:
        for relation in mapper.relationships:
            if relation.mapper.class_ is model and not relation.uselist:
                yield mapper.class_, next(c.name for c in relation.local_columns if c.name != "tenant_id")


@pytest.fixture(scope="module")
def everything(seeded: Any) -> dict[str, tuple[set[Any], set[Any]]]:
    """By table, ids of the living rows of tenant A, and of the deleted ones, to which something refers."""
    with seeded.admin() as admin:
        return {
            table.name: tuple(  # type: ignore[misc]
                set(
                    admin.scalars(
                        text(f"SELECT id FROM {table.name} WHERE tenant_id = :t AND (deleted_at IS NULL) = :l"),
                        {"t": TENANT_A, "l": living},
                    )
                )
                for living in (True, False)
            )
            for table in SOFT
        }


def test_there_are_such_tables() -> None:
    assert {"users", "customers"} <= {table.name for table in SOFT}


@pytest.mark.parametrize("lock", ["filter", "both"])
@pytest.mark.parametrize("asked", SHAPES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("table", SOFT, ids=name)
def test_a_deleted_row_is_found_on_request_only(
    table: Table, asked: Shape, lock: str, sessions: Any, everything: Any
) -> None:
    living, deleted = everything[table.name]
    assert living
    assert deleted
    model = table.info["hedgerow.model"]
    for session, options, finds in variants(lambda **o: sessions(SCOPE, lock, **o)):
        session.info["all"] = living | deleted
        assert bool(asked(session, model, options) & deleted) is finds, options


@pytest.mark.parametrize("asked", SHAPES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("table", SOFT, ids=name)
def test_over_asyncpg_as_well(table: Table, asked: Shape, seeded: Any, everything: Any) -> None:
    living, deleted = everything[table.name]
    model = table.info["hedgerow.model"]

    async def ask() -> None:
        engine = build_async_engine(seeded.url("app"))
        for session, options, finds in variants(lambda **o: open_async_session(SCOPE, engine=engine, **o)):
            async with session:
                session.sync_session.info["all"] = living | deleted
                found = await session.run_sync(asked, model, options)
                assert bool(found & deleted) is finds, options
        await engine.dispose()

    asyncio.run(ask())


def variants(make: Callable[..., Any]) -> Iterator[tuple[Any, dict[str, Any], bool]]:
    """Sessions, options of the statement, and whether deleted rows are found."""
    yield make(), {}, False
    yield make(), WANTED, True
    yield make(include_deleted=True), {}, True
    yield make(include_deleted=True), {"include_deleted": False}, False


@pytest.mark.parametrize("strategy", [None, selectinload], ids=["lazy", "selectin"])
@pytest.mark.parametrize("table", SOFT, ids=name)
def test_relationships_load_what_the_session_shows(table: Table, strategy: Any, sessions: Any, everything: Any) -> None:
    _, deleted = everything[table.name]
    model = table.info["hedgerow.model"]
    assert not loaded(sessions(SCOPE, "both"), model, {}, strategy) & deleted
    assert loaded(sessions(SCOPE, "both", include_deleted=True), model, {}, strategy) & deleted


@pytest.mark.parametrize("table", SOFT, ids=name)
def test_an_object_that_is_deleted_meanwhile_is_gone_when_it_is_read_anew(
    table: Table, sessions: Any, everything: Any
) -> None:
    _, deleted = everything[table.name]
    model, key = table.info["hedgerow.model"], (TENANT_A, next(iter(deleted)))
    session = sessions(SCOPE, "both")
    found = session.get(model, key, execution_options=WANTED)
    with pytest.raises(InvalidRequestError, match="Could not refresh"):
        session.refresh(found)
    session = sessions(SCOPE, "both", include_deleted=True)
    found = session.get(model, key)
    session.refresh(found)
    session.expire(found)
    assert found.deleted_at is not None


@pytest.mark.parametrize("table", SOFT, ids=name)
def test_writes_pass_by_deleted_rows(table: Table, sessions: Any, everything: Any) -> None:
    living, deleted = everything[table.name]
    model = table.info["hedgerow.model"]
    session = sessions(SCOPE, "filter")
    touch = update(model).values(deleted_at=model.deleted_at)
    remove = delete(model).where(model.id.in_(deleted))
    for statement in (touch.where(model.id.in_(deleted)), remove):
        assert session.execute(statement).rowcount == 0
        assert session.execute(statement, execution_options=WANTED).rowcount == len(deleted)
    assert session.execute(touch).rowcount == len(living)


# -- deleting ----------------------------------------------------------------------------------------------------


def moment(session: Session, model: type[Any], key: Any) -> Any:
    statement = select(model.deleted_at).where(model.id == key)
    return session.scalars(statement, execution_options=WANTED).one()


@pytest.mark.parametrize("table", SOFT, ids=name)
def test_deleting_an_object_sets_the_moment_and_takes_it_from_the_session(
    table: Table, sessions: Any, everything: Any
) -> None:
    model, key = table.info["hedgerow.model"], next(iter(everything[table.name][0]))
    session = sessions(SCOPE, "filter")
    found = session.get_one(model, (TENANT_A, key))
    session.delete(found)
    session.flush()
    assert inspect(found).deleted
    assert session.get(model, (TENANT_A, key)) is None
    first = moment(session, model, key)
    assert first is not None
    # What referred to it still does: nothing was deleted, and nothing is set to NULL.
    again = session.get(model, (TENANT_A, key), execution_options=WANTED)
    session.delete(again)
    session.flush()
    assert moment(session, model, key) == first, "deleting twice is harmless"


@pytest.mark.parametrize("target", SOFT, ids=name)
def test_a_statement_deletes_softly_too(target: Table, sessions: Any, everything: Any) -> None:
    model = target.info["hedgerow.model"]
    one, two, three, four = sorted(everything[target.name][0])[:4]
    session = sessions(SCOPE, "filter")
    held = session.get_one(model, (TENANT_A, one))
    answered = session.execute(delete(model).where(model.id == one).returning(model.id)).all()
    assert answered == [(one,)]
    assert inspect(held).deleted
    assert held not in session
    other = aliased(model)
    assert session.execute(delete(model).where(model.id == other.id, other.id == two)).rowcount == 1
    gone = delete(model.__table__).where(model.__table__.c.id == three).returning(model.__table__.c.id).cte()
    assert session.scalars(select(gone.c.id)).all() == [three]
    within = select(model.id).where(model.id == four).cte()
    assert session.execute(delete(model).where(model.id.in_(select(within.c.id)))).rowcount == 1
    for key in (one, two, three, four):
        assert moment(session, model, key) is not None
    assert session.execute(delete(model).where(model.id.in_([one, two, three, four]))).rowcount == 0
    named: Any = table(model.__tablename__, column("id"))
    by_name = delete(named).where(named.c.id == one)
    assert session.execute(by_name, execution_options=WANTED).rowcount == 1
    assert moment(session, model, one) is not None


@pytest.mark.parametrize("target", SOFT, ids=name)
def test_children_keep_their_parent(target: Table, sessions: Any, everything: Any) -> None:
    model = target.info["hedgerow.model"]
    session = sessions(SCOPE, "filter")
    for child, key in references(model):
        parent = session.scalars(
            select(model).where(model.id.in_(select(getattr(child, key)))).order_by(model.id)
        ).first()
        count = select(func.count()).select_from(child).where(getattr(child, key) == parent.id)
        before = session.scalar(count)
        assert before
        session.delete(parent)
        session.flush()
        assert session.scalar(count) == before
        session.rollback()


@pytest.mark.parametrize("target", SOFT, ids=name)
def test_two_sessions_that_delete_the_same_row(target: Table, fresh_database: Any, seeded_template: str) -> None:
    """The second one has what it wants, and is not told off."""
    database = fresh_database(seeded_template)
    engine = database.scoped_engine("admin")
    model = target.info["hedgerow.model"]
    with (
        open_session(SCOPE, engine=engine, allow_privileged=True) as one,
        open_session(SCOPE, engine=engine, allow_privileged=True) as two,
    ):
        key = inspect(one.scalars(select(model)).first()).identity
        held = [(session, session.get_one(model, key)) for session in (one, two)]
        for session, found in held:
            session.delete(found)
            session.commit()
    engine.dispose()


def test_a_connection_says_so_too(seeded: Any, everything: Any) -> None:
    engine = seeded.scoped_engine("app")
    living, deleted = everything["customers"]
    customers = table("customers", column("id"))
    for included in (False, True):
        with scoped_connection(SCOPE, engine, include_deleted=included) as connection:
            found = set(connection.scalars(select(customers.c.id)))
            assert found == (living | deleted if included else living)
    with engine.begin() as connection:
        open_scope(connection, SCOPE)
        with pytest.raises(ScopeError, match="another scope"):
            open_scope(connection, SCOPE, include_deleted=True)
    engine.dispose()
