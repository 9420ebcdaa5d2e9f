"""The identity map holds objects of the scope only, wherever they come from."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, event, select, text
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import Session, make_transient, make_transient_to_detached

from core.filter import toy
from core.filter.toy import Country, Journal, Note, Person, Site, Visit
from hedgerow.core.errors import AppendOnlyError, CrossTenantError, ScopeError, SplitAccessError
from hedgerow.core.filter import unscoped_sql
from hedgerow.core.scope import Scope
from hedgerow.core.session import ScopedSession, open_async_session, open_session

A, B = toy.SCOPE, Scope("B")
EVALUATION = Scope.evaluation("A", {"train", "validation", "test"}, "figures")
REFUSED = (ScopeError, CrossTenantError, SplitAccessError)


def opened(engine: Engine, scope: Scope = A) -> ScopedSession:
    return open_session(scope, engine=engine, allow_privileged=True)


def loaded(engine: Engine, scope: Scope, kind: type[Any], key: Any) -> Any:
    with opened(engine, scope) as session:
        return session.get_one(kind, key)


def fake(kind: type[Any], **values: Any) -> Any:
    instance = kind(**values)
    make_transient_to_detached(instance)
    return instance


ATTACH: dict[str, Callable[[Session, Any], Any]] = {
    "add": lambda s, x: s.add(x),
    "add_all": lambda s, x: s.add_all([x]),
    "delete": lambda s, x: s.delete(x),
    "merge without load": lambda s, x: s.merge(x, load=False),
}


@pytest.mark.parametrize("attach", ATTACH.values(), ids=ATTACH.keys())
class TestAttach:
    def test_of_another_tenant(self, attach: Callable[..., Any], engine: Engine) -> None:
        foreign = loaded(engine, B, Site, ("B", 101))
        with opened(engine) as session, pytest.raises(REFUSED, match="Remedy"):
            attach(session, foreign)

    def test_fake_persistent(self, attach: Callable[..., Any], engine: Engine) -> None:
        for tenant, key in (("B", 101), ("A", 1)):
            with opened(engine) as session, pytest.raises(ScopeError, match="Remedy"):
                attach(session, fake(Site, tenant_id=tenant, site_id=key))

    def test_unpickled(self, attach: Callable[..., Any], engine: Engine) -> None:
        for scope, key in ((B, ("B", 101)), (A, ("A", 1))):
            copy = pickle.loads(pickle.dumps(loaded(engine, scope, Site, key)))
            with opened(engine) as session, pytest.raises(ScopeError, match="Remedy"):
                attach(session, copy)

    def test_from_an_unscoped_session(self, attach: Callable[..., Any], engine: Engine, plain: Engine) -> None:
        with Session(plain) as session:
            foreign = session.get_one(Site, ("B", 101))
        with opened(engine) as session, pytest.raises(ScopeError):
            attach(session, foreign)

    def test_of_a_closed_split(self, attach: Callable[..., Any], engine: Engine) -> None:
        closed = loaded(engine, EVALUATION, Visit, ("A", 3))
        assert closed.split_assignment == "test"
        with opened(engine) as session, pytest.raises((SplitAccessError, ScopeError), match="Remedy"):
            attach(session, closed)

    def test_disguised(self, attach: Callable[..., Any], engine: Engine) -> None:
        foreign = loaded(engine, B, Site, ("B", 101))
        foreign.tenant_id = "A"
        closed = loaded(engine, EVALUATION, Visit, ("A", 3))
        closed.split_assignment = "train"
        for disguised in (foreign, closed):
            with opened(engine) as session, pytest.raises((*REFUSED, InvalidRequestError)):
                attach(session, disguised)

    def test_of_the_same_scope(self, attach: Callable[..., Any], engine: Engine) -> None:
        own = loaded(engine, A, Visit, ("A", 1))
        wider = loaded(engine, EVALUATION, Visit, ("A", 2))
        anyones = loaded(engine, A, Country, "CH")
        with opened(engine) as session:
            attach(session, anyones)
            for instance in (own, wider):
                if attach is ATTACH["merge without load"]:  # a copy, of which nobody knows what it was made from
                    with pytest.raises(ScopeError, match="merge"):
                        attach(session, instance)
                else:
                    attach(session, instance)

    async def test_async(self, attach: Callable[..., Any], engine: Engine, async_engine: AsyncEngine) -> None:
        foreign = loaded(engine, B, Site, ("B", 101))
        async with open_async_session(A, engine=async_engine, allow_privileged=True) as session:
            with pytest.raises(REFUSED):
                await session.run_sync(attach, foreign)


def test_the_identity_map_has_nothing_to_hit(engine: Engine) -> None:
    with opened(engine) as session:
        with pytest.raises(ScopeError):
            session.add(fake(Site, tenant_id="B", site_id=101, name="secret"))
        assert session.get(Site, ("B", 101)) is None
        with pytest.raises(ScopeError):
            session.merge(fake(Site, tenant_id="B", site_id=101, name="secret"), load=False)
        assert session.get(Site, ("B", 101)) is None


def test_merge_of_a_foreign_object_ends_in_the_flush(engine: Engine) -> None:
    foreign = loaded(engine, B, Site, ("B", 101))
    with opened(engine) as session:
        session.merge(foreign)
        with pytest.raises(CrossTenantError):
            session.flush()


def test_merge_of_an_unpickled_own_object(engine: Engine) -> None:
    copy = pickle.loads(pickle.dumps(loaded(engine, A, Site, ("A", 1))))
    with opened(engine) as session:
        assert session.merge(copy) is session.get(Site, ("A", 1))


def test_cascade_through_a_new_object(engine: Engine) -> None:
    foreign = loaded(engine, B, Site, ("B", 101))
    with opened(engine) as session, pytest.raises(CrossTenantError):
        session.add(Visit(visit_id=901, label="x", patient_id="p", site=foreign))


def test_transient_again(engine: Engine) -> None:
    foreign = loaded(engine, B, Site, ("B", 101))
    make_transient(foreign)
    with opened(engine) as session:
        session.add(foreign)
        with pytest.raises(CrossTenantError):
            session.flush()


def test_objects_of_marked_text(session: ScopedSession) -> None:
    for entity, sql in (
        (Site, "SELECT * FROM site WHERE tenant_id = 'B'"),
        (Visit, "SELECT * FROM visit WHERE tenant_id = 'A' AND split_assignment = 'test'"),
        (Person, "SELECT * FROM person WHERE tenant_id = 'B'"),
    ):
        statement = select(entity).from_statement(text(sql)).execution_options(**unscoped_sql("to see it refused"))
        with pytest.raises((CrossTenantError, SplitAccessError), match="Remedy"):
            session.scalars(statement).all()
        assert not session.identity_map.values()
    statement = select(Site).from_statement(text("SELECT * FROM site WHERE tenant_id = 'A'"))
    assert len(session.scalars(statement, execution_options=unscoped_sql("own rows")).all()) == 6


def test_close_and_reuse(engine: Engine) -> None:
    session = opened(engine)
    own = session.get_one(Site, ("A", 1))
    session.close()
    session.add(own)
    session.refresh(own)
    assert own.name == "site A0"
    session.close()


def test_expunged_and_added_elsewhere(engine: Engine) -> None:
    with opened(engine) as first, opened(engine) as second:
        own = first.get_one(Site, ("A", 1))
        first.expunge(own)
        second.add(own)
        assert own in second


FLUSHED: dict[str, tuple[type[Exception], Callable[[Session], Any]]] = {
    "new": (CrossTenantError, lambda s: s.add(Site(tenant_id="B", site_id=901, name="x"))),
    "new, closed split": (
        SplitAccessError,
        lambda s: s.add(Visit(visit_id=901, label="x", patient_id="p", split_assignment="test")),
    ),
    "moved": (CrossTenantError, lambda s: setattr(s.get_one(Site, ("A", 2)), "tenant_id", "B")),
    "moved to another split": (
        SplitAccessError,
        lambda s: setattr(s.get_one(Visit, ("A", 1)), "split_assignment", "validation"),
    ),
    "append-only, changed": (AppendOnlyError, lambda s: setattr(s.get_one(Journal, ("A", 1)), "label", "x")),
    "append-only, deleted": (AppendOnlyError, lambda s: s.delete(s.get_one(Journal, ("A", 1)))),
}


@pytest.mark.parametrize(("error", "act"), FLUSHED.values(), ids=FLUSHED.keys())
def test_a_flush_is_refused_as_a_whole(
    error: type[Exception], act: Callable[[Session], Any], session: ScopedSession, engine: Engine
) -> None:
    """Nothing of it is sent: the compiler would stop only the one statement."""
    session.add(Country(code="AA", name="first in the flush"))
    session.get_one(Site, ("A", 1)).name = "changed"
    with session.no_autoflush:
        act(session)
    sent: list[str] = []

    def note(connection: Any, cursor: Any, sql: str, *rest: Any) -> None:
        sent.append(sql)

    event.listen(engine, "before_cursor_execute", note)
    try:
        with pytest.raises(error, match="Remedy"):
            session.flush()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert not [sql for sql in sent if sql.startswith(("INSERT", "UPDATE", "DELETE"))]


@pytest.mark.parametrize(
    ("model", "attribute", "error", "words"),
    [(Journal, "label", AppendOnlyError, "never changed"), (Site, "tenant_id", CrossTenantError, "would move to")],
)
def test_the_guard_says_what_is_wrong_with_a_change(
    model: Any, attribute: str, error: type[Exception], words: str, session: ScopedSession
) -> None:
    """Before anything is compiled, and in the words of the change."""
    instance = session.get_one(model, ("A", 1))
    setattr(instance, attribute, "B")
    with pytest.raises(error, match=words):
        session._guard.changed(instance)


def test_a_new_object_knows_its_tenant(session: ScopedSession) -> None:
    site = Site(site_id=901, name="x")
    session.add(site)
    session.flush()
    assert site.__dict__["tenant_id"] == "A"


def test_expired_object_that_left_the_scope(engine: Engine, plain: Engine) -> None:
    with opened(engine) as session:
        visit = session.get_one(Visit, ("A", 1))
        session.commit()
        with plain.begin() as connection:
            connection.execute(text("UPDATE visit SET split_assignment = 'test' WHERE visit_id = 1"))
        try:
            with pytest.raises(Exception, match="has been deleted, or its row is otherwise not present"):
                _ = visit.label
        finally:
            session.rollback()
            with plain.begin() as connection:
                connection.execute(text("UPDATE visit SET split_assignment = 'train' WHERE visit_id = 1"))


def test_hidden_children_survive_orm_cascades(session: ScopedSession) -> None:
    site = session.get_one(Site, ("A", 2))
    assert all(visit.split_assignment in ("train", "validation") for visit in site.visits)


def test_changes_within_the_scope(session: ScopedSession) -> None:
    note = session.scalars(select(Note)).first()
    assert note is not None
    note.body = "changed"
    note.tenant_id = "A"
    session.flush()
    session.add(Visit(visit_id=901, label="x", patient_id="p", split_assignment="train"))
    session.flush()
