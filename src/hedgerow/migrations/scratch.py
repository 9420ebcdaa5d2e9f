"""Scratch databases: the schema as the models and manifests declare it, built without any revision.

What comes in: the registry of domains. What goes out: a database that holds exactly what is declared, for the
comparison with what the revisions make.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module

from sqlalchemy import URL, Connection, create_engine
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.pool import NullPool

from hedgerow import registry
from hedgerow.core.base import metadata
from hedgerow.core.bootstrap import DOMAIN as CORE
from hedgerow.core.embedded import EmbeddedServer
from hedgerow.core.objects import DbObject, Domain
from hedgerow.core.settings import Settings, resolve_urls, sync_url
from hedgerow.migrations.errors import ScratchDatabaseError

Databases = Callable[[], AbstractContextManager[URL]]
"""Makes an empty database, gives its owner's URL, and drops it in the end."""

_RAW = {"no_parameters": True}


def domains_until(last: str | None = None) -> tuple[Domain, ...]:
    """The core and the domains up to and including ``last``, in data-flow order; all of them for None.

    Domains after ``last`` are not imported, so that one that is being written does not stand in the way.

    Raises:
        ScratchDatabaseError: there is no such domain.
    """
    core = CORE
    if last == core.name:
        return (core,)
    if last is not None and last not in registry.NAMES:
        raise ScratchDatabaseError(
            f"There is no domain {last!r}.", remedy=f"Choose one of {', '.join((core.name, *registry.NAMES))}"
        )
    names = registry.NAMES if last is None else registry.NAMES[: registry.NAMES.index(last) + 1]
    return (core, *(import_module(f"hedgerow.{name}.objects").DOMAIN for name in names))


def build_scratch(connection: Connection, domains: Iterable[Domain] | None = None) -> None:
    """Create everything that is declared in the empty database of ``connection``; does not commit.

    Order: what tables need (the core), enum types and tables, then each domain's functions, views, triggers,
    policies and grants.

    :param domains: the domains to build, earlier ones first; all of them for None.
    """
    chosen = tuple(domains_until() if domains is None else domains)
    for domain in chosen:
        if domain.before_tables:
            _create(connection, domain.objects())
    tables = [table for domain in chosen for table in domain.tables]
    metadata.create_all(connection, tables=tables, checkfirst=False)
    for domain in chosen:
        if not domain.before_tables:
            _create(connection, domain.objects())


def _create(connection: Connection, objects: Iterable[DbObject]) -> None:
    for item in objects:
        try:
            connection.exec_driver_sql(item.create, execution_options=_RAW)
        except ProgrammingError as error:
            raise ScratchDatabaseError(
                f"The declared {item.kind} {item.name} cannot be created: {str(error.orig).strip()}.",
                remedy="Correct its declaration; for the extension, let a superuser run CREATE EXTENSION vector",
            ) from error


def databases(settings: Settings | None = None) -> Databases:
    """How to make scratch databases on the configured server: embedded, or that of ``DATABASE_URL``.

    Raises:
        ScratchDatabaseError: on use, when the role of ``DATABASE_URL`` may not create databases.
    """
    settings = settings or Settings.load()
    urls = resolve_urls(settings)
    if urls.embedded:
        server = EmbeddedServer(settings.home)
        return lambda: embedded_database(server)
    return lambda: _created_by(urls.owner)


def given(url: str | URL) -> Databases:
    """A scratch database that somebody made: must be empty, is not dropped."""

    @contextmanager
    def lend() -> Iterator[URL]:
        yield sync_url(url)

    return lend


@contextmanager
def embedded_database(server: EmbeddedServer) -> Iterator[URL]:
    """An empty database of the owner role on an embedded server, dropped in the end."""
    name = _name()
    url = server.create_database(name)
    try:
        yield url
    finally:
        server.drop_database(name)


@contextmanager
def _created_by(owner: URL) -> Iterator[URL]:
    name = _name()
    engine = create_engine(owner, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
    except ProgrammingError as error:
        raise ScratchDatabaseError(
            f"The comparison needs an empty database beside yours, and the role of DATABASE_URL may not create one: "
            f"{str(error.orig).strip()}.",
            remedy="Grant it CREATEDB, or name an empty database with the extension vector: --scratch-url",
        ) from error
    try:
        yield owner.set(database=name)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _name() -> str:
    return f"hedgerow_scratch_{os.getpid()}_{secrets.token_hex(3)}"
