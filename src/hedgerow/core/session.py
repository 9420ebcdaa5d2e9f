"""Sessions: made with a scope, never without.

::

    with open_session(Scope(tenant_id="TEST_TENANT_001", splits={"train"})) as session:
        session.scalars(select(PatientJourney)).all()  # this tenant's train rows, nothing else

What comes in: a :class:`~hedgerow.core.scope.Scope` and an engine. What goes out: a session or connection whose
every transaction begins by opening the scope, whose statements are filtered, and whose objects belong to it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Protocol
from weakref import WeakMethod

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.orm import InstanceState, Session, SessionTransaction

from hedgerow.core.access import calling_module
from hedgerow.core.errors import HedgerowError, ScopeError
from hedgerow.core.filter import install_filter, open_scope
from hedgerow.core.filter.opening import Ticket
from hedgerow.core.guards import ObjectGuard
from hedgerow.core.scope import Scope

_OTHER_ENGINE = "use the session that is bound to that engine: a scope holds for one engine"


class ScopedSession(Session):
    """A session in one scope. Make one with :func:`open_session`.

    Args:
        bind: an engine, or a connection of one.
        scope: the scope of every transaction of the session.
        allow_privileged: accept a role for which row-level security does not hold. For migrations and for tests
            of the filter alone; never for an application.
        include_deleted: see rows that were deleted softly. A single statement says so with the execution option
            of the same name.
        kwargs: arguments of :class:`sqlalchemy.orm.Session`, except ``binds``.

    Raises:
        ScopeError: the scope or the bind is missing, or there are several binds.
    """

    def __init__(
        self,
        bind: Engine | Connection | None = None,
        *,
        scope: Scope,
        allow_privileged: bool = False,
        include_deleted: bool = False,
        binds: Any = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(scope, Scope):
            raise ScopeError(
                f"a session needs a Scope, not {type(scope).__name__}",
                remedy="pass Scope(tenant_id=...)",
            )
        if binds:
            raise ScopeError("a scoped session has one engine", remedy=_OTHER_ENGINE, scope=scope)
        if not isinstance(bind, (Engine, Connection)):
            raise ScopeError(
                "a scoped session needs an engine",
                remedy="pass engine=..., or leave it out of open_session to use the configured one",
                scope=scope,
            )
        self._scope = scope
        self._bound_to = bind
        self._guard = ObjectGuard(scope, install_filter(bind.engine).registry)
        self._caller = calling_module(scope)
        self._ticket = Ticket()
        self._watching = False
        self._allow_privileged = allow_privileged
        self._include_deleted = include_deleted
        super().__init__(bind, **kwargs)

    @property
    def scope(self) -> Scope:
        """The scope of the session; it never changes."""
        return self._scope

    @property
    def bind(self) -> Engine | Connection:
        """The engine or connection; it never changes."""
        return self._bound_to

    @bind.setter
    def bind(self, bind: object) -> None:
        if bind is not self._bound_to:
            raise self._other_engine()

    def get_bind(self, mapper: Any = None, *, bind: Any = None, **kw: Any) -> Engine | Connection:
        """Return the session's engine.

        Raises:
            ScopeError: another one is asked for.
        """
        if bind is not None and bind is not self._bound_to:
            raise self._other_engine()
        return self._bound_to

    def bind_mapper(self, mapper: Any, bind: Any) -> None:
        """Refused: the session has one engine."""
        raise self._other_engine()

    def bind_table(self, table: Any, bind: Any) -> None:
        """Refused: the session has one engine."""
        raise self._other_engine()

    def expunge_all(self) -> None:
        """Detach every object; each remembers the scope it was loaded in."""
        self._guard.detached(self.identity_map.all_states())
        super().expunge_all()

    def _expunge_states(self, states: Iterable[InstanceState[Any]], to_transient: bool = False) -> None:
        # Not the event for it: that would cost every object of every session when it closes.
        states = list(states)
        self._guard.detached(states)
        super()._expunge_states(states, to_transient=to_transient)

    def _watch_loads(self) -> None:
        # What the filter lets through is in scope. Only marked text can load what is not.
        if not self._watching:
            self._watching = True
            event.listen(self, "loaded_as_persistent", _loaded, raw=True)

    def _other_engine(self) -> ScopeError:
        return ScopeError("the session is bound to another engine", remedy=_OTHER_ENGINE, scope=self._scope)


class AsyncScopedSession(AsyncSession):
    """The asynchronous twin of :class:`ScopedSession`. Make one with :func:`open_async_session`."""

    sync_session_class = ScopedSession
    sync_session: ScopedSession

    @property
    def scope(self) -> Scope:
        """The scope of the session; it never changes."""
        return self.sync_session.scope


class SessionFactory(Protocol):
    """Makes sessions of one engine."""

    def __call__(self, scope: Scope, **kwargs: Any) -> ScopedSession: ...


class AsyncSessionFactory(Protocol):
    """Makes asynchronous sessions of one engine."""

    def __call__(self, scope: Scope, **kwargs: Any) -> AsyncScopedSession: ...


def session_factory(engine: Engine, **defaults: Any) -> SessionFactory:
    """Return a maker of sessions on ``engine``, which gets the filter if it has none yet.

    Args:
        engine: an engine over psycopg.
        defaults: arguments for every session.
    """
    install_filter(engine)

    def make(scope: Scope, **kwargs: Any) -> ScopedSession:
        return ScopedSession(engine, scope=scope, **{**defaults, **kwargs})

    return make


def async_session_factory(engine: AsyncEngine, **defaults: Any) -> AsyncSessionFactory:
    """Return a maker of asynchronous sessions on ``engine``, which gets the filter if it has none yet.

    Args:
        engine: an engine over asyncpg.
        defaults: arguments for every session.
    """
    install_filter(engine.sync_engine)

    def make(scope: Scope, **kwargs: Any) -> AsyncScopedSession:
        return AsyncScopedSession(engine, scope=scope, **{**defaults, **kwargs})

    return make


def open_session(scope: Scope, *, engine: Engine | None = None, **kwargs: Any) -> ScopedSession:
    """Open a session in ``scope``; as a context manager it closes at the end, without committing.

    Args:
        scope: who asks, for which tenant and splits.
        engine: the engine; when left out the configured one, which for a scope with ``test`` or ``holdout`` is that of
            ``HEDGEROW_EVALUATOR_URL``.
        kwargs: arguments of :class:`ScopedSession`.

    Raises:
        ScopeError: at the first statement, when the scope cannot be opened.
    """
    return session_factory(engine or _configured_engine(scope))(scope, **kwargs)


def open_async_session(scope: Scope, *, engine: AsyncEngine | None = None, **kwargs: Any) -> AsyncScopedSession:
    """Open an asynchronous session in ``scope``; see :func:`open_session`."""
    return async_session_factory(engine or _configured_async_engine(scope))(scope, **kwargs)


@contextmanager
def scoped_connection(
    scope: Scope, engine: Engine | None = None, *, allow_privileged: bool = False, include_deleted: bool = False
) -> Iterator[Connection]:
    """Yield a connection in one transaction of ``scope``, committed at the end: for Core without a session.

    Args:
        scope: who asks, for which tenant and splits.
        engine: the engine; the configured one when left out.
        allow_privileged: see :class:`ScopedSession`.
        include_deleted: see :class:`ScopedSession`.

    Raises:
        ScopeError: the scope cannot be opened.
    """
    engine = engine or _configured_engine(scope)
    install_filter(engine)
    with engine.begin() as connection:
        open_scope(
            connection,
            scope,
            caller=calling_module(scope),
            allow_privileged=allow_privileged,
            include_deleted=include_deleted,
        )
        yield connection


@asynccontextmanager
async def async_scoped_connection(
    scope: Scope, engine: AsyncEngine | None = None, *, allow_privileged: bool = False, include_deleted: bool = False
) -> AsyncIterator[AsyncConnection]:
    """The asynchronous twin of :func:`scoped_connection`."""
    engine = engine or _configured_async_engine(scope)
    install_filter(engine.sync_engine)
    caller = calling_module(scope)
    async with engine.begin() as connection:
        await connection.run_sync(
            open_scope, scope, caller=caller, allow_privileged=allow_privileged, include_deleted=include_deleted
        )
        yield connection


def _configured_engine(scope: Scope) -> Engine:
    # Here, since importing hedgerow must not need a database.
    from hedgerow.core.engine import app_engine, evaluator_engine

    return evaluator_engine() if isinstance(scope, Scope) and scope.closed_splits else app_engine()


def _configured_async_engine(scope: Scope) -> AsyncEngine:
    from hedgerow.core.engine import async_app_engine, async_evaluator_engine

    return async_evaluator_engine() if isinstance(scope, Scope) and scope.closed_splits else async_app_engine()


@event.listens_for(ScopedSession, "after_begin")
def _open_scope(session: ScopedSession, transaction: SessionTransaction, connection: Connection) -> None:
    # The root transaction opens the scope. A savepoint is inside of one that has: what is set in a savepoint is
    # undone with it.
    if transaction.nested:
        return
    if connection.engine is not session._bound_to.engine:
        raise session._other_engine()
    opened = open_scope(
        connection,
        session._scope,
        caller=session._caller,
        ticket=session._ticket,
        allow_privileged=session._allow_privileged,
        include_deleted=session._include_deleted,
    )
    # Weakly: what belongs to a transaction must not keep a forgotten session, and with it its connection, alive.
    opened.on_unscoped = WeakMethod(session._watch_loads)


@event.listens_for(ScopedSession, "before_attach", raw=True)
def _attach(session: ScopedSession, state: InstanceState[Any]) -> None:
    session._guard.attach(state)


def _loaded(session: ScopedSession, state: InstanceState[Any]) -> None:
    try:
        session._guard.loaded(state)
    except HedgerowError:
        instance = state.obj()
        if instance is not None:
            session.expunge(instance)
        raise


@event.listens_for(ScopedSession, "before_flush")
def _flush(session: ScopedSession, context: object, instances: object) -> None:
    for instance in session.new:
        session._guard.new(instance)
    for instance in session.dirty:
        if session.is_modified(instance):
            session._guard.changed(instance)
    for instance in session.deleted:
        session._guard.deleted(instance)
