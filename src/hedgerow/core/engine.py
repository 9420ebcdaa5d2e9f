"""Engines: one per URL and process, with connections that forget everything between two users.

What comes in: a URL, by default the one that the settings resolve. What goes out: an engine for psycopg or
asyncpg.
Scopes and the filter are attached where sessions are made, not here.
"""

from __future__ import annotations

import asyncio
import os
import select
import threading
import weakref
from collections.abc import Mapping
from typing import Any, Final, cast
from uuid import uuid4

import psycopg
from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.engine import AdaptedConnection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolResetState

from hedgerow.core.settings import Pooler, Settings, async_connect_args, async_url, resolve_urls, sync_url

# What DISCARD ALL does, except that the drivers' prepared statements stay: they keep count of them. A rollback
# alone leaves cursors WITH HOLD, settings, an assumed role, advisory locks, temporary tables and the last
# sequence values.
_FORGET: Final = (
    "SET SESSION AUTHORIZATION DEFAULT; RESET ALL; CLOSE ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); "
    "DISCARD TEMP; DISCARD SEQUENCES; "
    # Text can drop a statement that the driver has prepared and prepare its own under that name, which the next user
    # would then run in another scope. Drivers do not prepare by SQL, so what was is a stranger's: the error closes the
    # connection.
    "DO $$ BEGIN IF EXISTS (SELECT FROM pg_catalog.pg_prepared_statements WHERE from_sql) THEN "
    "RAISE EXCEPTION 'The connection is closed: it holds a statement that was prepared by SQL'; END IF; END $$"
)

# asyncpg prepares whatever it runs. Behind a pooler nothing is kept for the next time, and names never meet those
# that others have left on the same connection.
_UNPREPARED: Final[Mapping[str, Any]] = {
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": lambda: f"hedgerow_{uuid4().hex}",
    "statement_cache_size": 0,
}

_APPLICATION: Final = "hedgerow"

_lock = threading.RLock()
_engines: dict[tuple[int, str, bool, Pooler | None], Engine] = {}
# A connection of asyncpg belongs to the event loop it was opened in; engines go when their loop goes.
_async_engines: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[int, str, Pooler | None], AsyncEngine]]
_async_engines = weakref.WeakKeyDictionary()
_loopless: dict[tuple[int, str, Pooler | None], AsyncEngine] = {}


def build_engine(url: str | URL, *, forget: bool = True, pooler: Pooler | None = None, **options: Any) -> Engine:
    """Return a new engine for psycopg.

    :param url: any SQLAlchemy or libpq URL of a PostgreSQL database.
    :param forget: wipe the state of a connection when it returns to the pool.
    :param pooler: ``"transaction"`` where the URL leads to a pooler in transaction mode. Statements are then not
        prepared on the server, for the next one may run on another connection, and nothing is wiped, for the
        connection is somebody else's by then: let the pooler do it.
    :param options: passed to :func:`sqlalchemy.create_engine`. A connection that the server has closed is replaced
        at checkout; where a network drops idle connections silently, ``pool_pre_ping=True`` notices that too.

    Raises:
        SettingsError: the URL is not one of PostgreSQL.
    """
    target = sync_url(url)
    connect_args = dict(options.pop("connect_args", {}))
    if "application_name" not in target.query:
        connect_args.setdefault("application_name", _APPLICATION)
    if pooler == "transaction":
        connect_args.setdefault("prepare_threshold", None)
    engine = create_engine(target, connect_args=connect_args, **options)
    event.listen(engine, "checkout", _notice_end)
    if forget and pooler is None:
        event.listen(engine, "reset", _forget)
    return engine


def build_async_engine(
    url: str | URL,
    *,
    forget: bool = True,
    pooler: Pooler | None = None,
    variable: str = "DATABASE_URL",
    **options: Any,
) -> AsyncEngine:
    """Return a new engine for asyncpg; otherwise like :func:`build_engine`.

    :param variable: what to call the URL in an error.

    Raises:
        SettingsError: the URL is not one of PostgreSQL, or has an option that asyncpg cannot honour.
    """
    connect_args = async_connect_args(url, variable=variable)
    given: Mapping[str, Any] = options.pop("connect_args", {})
    settings = {
        "application_name": _APPLICATION,
        **connect_args.pop("server_settings", {}),
        **given.get("server_settings", {}),
    }
    pooled = _UNPREPARED if pooler == "transaction" else {}
    connect_args = {**pooled, **connect_args, **given, "server_settings": settings}
    target = async_url(url, variable=variable)
    engine = create_async_engine(target, connect_args=connect_args, **{"pool_pre_ping": True, **options})
    if forget and pooler is None:
        event.listen(engine.sync_engine, "reset", _forget_async)
    return engine


def owner_engine(url: str | URL | None = None, *, settings: Settings | None = None) -> Engine:
    """Return this process's engine of the schema's owner, for migrations and seeding.

    Raises:
        SettingsError: no owner is configured.
    """
    settings = settings or Settings.load()
    target = sync_url(url) if url is not None else resolve_urls(settings).owner
    return _cached(target, forget=False, settings=settings)


def app_engine(url: str | URL | None = None, *, settings: Settings | None = None) -> Engine:
    """Return this process's engine of application sessions."""
    settings = settings or Settings.load()
    return _cached(_app_url(url, settings), forget=True, settings=settings)


def evaluator_engine(*, settings: Settings | None = None) -> Engine:
    """Return this process's engine of sessions that open ``test`` or ``holdout``."""
    settings = settings or Settings.load()
    return _cached(resolve_urls(settings).evaluator, forget=True, settings=settings)


def async_app_engine(url: str | URL | None = None, *, settings: Settings | None = None) -> AsyncEngine:
    """Return the asynchronous engine of application sessions of this process and running event loop."""
    settings = settings or Settings.load()
    # The given spelling, since sync_url leaves out what only asyncpg understands.
    target = url if url is not None else settings.app_url or settings.database_url or _app_url(None, settings)
    return _cached_async(target, "HEDGEROW_APP_URL" if url is None and settings.app_url else "DATABASE_URL", settings)


def async_evaluator_engine(*, settings: Settings | None = None) -> AsyncEngine:
    """Return the asynchronous twin of :func:`evaluator_engine`."""
    settings = settings or Settings.load()
    if settings.evaluator_url is not None:
        return _cached_async(settings.evaluator_url, "HEDGEROW_EVALUATOR_URL", settings)
    urls = resolve_urls(settings)
    return async_app_engine(urls.evaluator if urls.embedded else None, settings=settings)


def _cached_async(target: str | URL, variable: str, settings: Settings) -> AsyncEngine:
    key = (os.getpid(), _key(target), settings.pooler)
    with _lock:
        try:
            engines = _async_engines.setdefault(asyncio.get_running_loop(), {})
        except RuntimeError:
            engines = _loopless
        if key not in engines:
            engines[key] = build_async_engine(target, pooler=settings.pooler, variable=variable, echo=settings.echo)
        return engines[key]


def dispose_engines() -> None:
    """Close the idle connections of every cached engine for psycopg, and forget the engines."""
    with _lock:
        mine = [key for key in _engines if key[0] == os.getpid()]
        engines = [_engines.pop(key) for key in mine]
        _engines.clear()  # what a parent process opened is not ours to close
    for engine in engines:
        engine.dispose()


async def dispose_async_engines() -> None:
    """Close the idle connections of every cached engine of the running event loop, and forget the engines."""
    with _lock:
        found = {**_async_engines.pop(asyncio.get_running_loop(), {}), **_loopless}
        _loopless.clear()
    for (pid, *_), engine in found.items():
        await engine.dispose(close=pid == os.getpid())


def _app_url(url: str | URL | None, settings: Settings) -> URL:
    return sync_url(url) if url is not None else resolve_urls(settings).app


def _key(url: str | URL) -> str:
    return url if isinstance(url, str) else url.render_as_string(hide_password=False)


def _cached(url: URL, *, forget: bool, settings: Settings) -> Engine:
    # The process takes part in the key: two processes must never share a connection after a fork.
    key = (os.getpid(), _key(url), forget, settings.pooler)
    with _lock:
        if key not in _engines:
            _engines[key] = build_engine(url, forget=forget, pooler=settings.pooler, echo=settings.echo)
        return _engines[key]


def _notice_end(connection: DBAPIConnection, record: ConnectionPoolEntry, proxy: object) -> None:
    # Cheaper than a ping by a round trip: an idle connection has nothing to read but the server's farewell.
    if _readable(cast("psycopg.Connection[Any]", connection).fileno()):
        raise DisconnectionError("the server has ended the connection")


def _readable(descriptor: int) -> bool:
    if not hasattr(select, "poll"):
        return bool(select.select([descriptor], [], [], 0)[0])
    # select() fails where a process has more than 1,024 files open.
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def _notice_end_async(connection: DBAPIConnection, record: ConnectionPoolEntry, proxy: object) -> None:
    # asyncpg learns of it from the event loop.
    if cast("AdaptedConnection", connection).driver_connection.is_closed():
        raise DisconnectionError("the server has ended the connection")


def _forget(connection: DBAPIConnection, record: ConnectionPoolEntry, state: PoolResetState) -> None:
    if state.terminate_only:
        return
    connection.rollback()
    # Outside of a transaction, one round trip: what is reset inside of one comes back when it is rolled back.
    raw = cast("psycopg.Connection[Any]", connection)
    autocommit = raw.autocommit
    raw.autocommit = True
    raw.execute(_FORGET)
    raw.autocommit = autocommit


def _forget_async(connection: DBAPIConnection, record: ConnectionPoolEntry, state: PoolResetState) -> None:
    if state.terminate_only or not state.asyncio_safe:
        # Nothing can be awaited here; the pool closes the connection.
        return
    connection.rollback()
    cast("AdaptedConnection", connection).run_async(lambda driver: driver.execute(_FORGET))
