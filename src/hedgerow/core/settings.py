"""Where the database is: the environment read once, and URLs in the dialect that each driver speaks.

What comes in: ``DATABASE_URL`` (the owner of the schema, for migrations), ``HEDGEROW_APP_URL`` (application
sessions), ``HEDGEROW_EVALUATOR_URL`` (evaluations), ``HEDGEROW_SCOPE_KEY``, ``HEDGEROW_HOME`` and the timeouts of
migrations. What goes out: :class:`Urls`, from the environment or from the embedded server, which is started when no
database is configured.
"""

from __future__ import annotations

import re
import shlex
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import quote, unquote, urlencode

from platformdirs import user_data_path
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import Field, StringConstraints, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from hedgerow.core.errors import HedgerowError
from hedgerow.core.token import Signer

_ACCEPTED: Final = "Use a URL such as postgresql://user:password@host:5432/database"
_ENCODE: Final = "In a user name or password write @ as %40, : as %3A, / as %2F, # as %23 and % as %25"
_SCHEME: Final = re.compile(r"(postgres(?:ql)?)(\+\w+)?://")
_MARKERS: Final = (".hedgerow", "alembic.ini", "pyproject.toml")

Interval = Annotated[str, StringConstraints(pattern=r"^\d+\s*(us|ms|s|min|h|d)?$", strip_whitespace=True)]

Pooler = Literal["transaction"]
"""A pooler between sessions and the server, by what it lends: a server connection for one transaction."""


class SettingsError(HedgerowError):
    """The configuration is missing something or says something that cannot be meant."""


def discover_home(start: Path | None = None) -> Path:
    """Return the directory of the embedded server for work done in ``start`` (default: the working
    directory).

    ``.hedgerow`` in the nearest ancestor that holds ``.hedgerow``, ``alembic.ini`` or ``pyproject.toml``;
    else the user's data directory.
    """
    start = (start or Path.cwd()).resolve()
    for directory in (start, *start.parents):
        if any((directory / marker).exists() for marker in _MARKERS):
            return directory / ".hedgerow"
    return user_data_path("hedgerow")


class Settings(BaseSettings):
    """The configuration, read from the environment; an empty variable counts as unset.

    Attributes:
        database_url: ``DATABASE_URL``: the role that owns the schema and runs migrations.
        app_url: ``HEDGEROW_APP_URL``: the role that application sessions log in with.
        evaluator_url: ``HEDGEROW_EVALUATOR_URL``: the role that sessions log in with which open test or holdout; that
            of the other sessions when unset.
        scope_key: ``HEDGEROW_SCOPE_KEY``: signs scopes, see :mod:`hedgerow.core.token`.
        home: ``HEDGEROW_HOME``: directory of the embedded server, see :func:`discover_home`.
        lock_timeout: ``HEDGEROW_LOCK_TIMEOUT``: how long a migration waits for a lock (PostgreSQL notation).
        statement_timeout: ``HEDGEROW_STATEMENT_TIMEOUT``: how long a statement of a migration may run.
        echo: ``HEDGEROW_ECHO``: log every statement.
        pooler: ``HEDGEROW_POOLER``: what stands between sessions and the server; ``transaction`` for a pooler that
            gives a connection away after each transaction, as PgBouncer does in that mode.
    """

    model_config = SettingsConfigDict(env_prefix="HEDGEROW_", env_ignore_empty=True, populate_by_name=True, frozen=True)

    # repr=False: the URLs may hold passwords.
    database_url: str | None = Field(default=None, validation_alias="DATABASE_URL", repr=False)
    app_url: str | None = Field(default=None, repr=False)
    evaluator_url: str | None = Field(default=None, repr=False)
    scope_key: str | None = Field(default=None, repr=False)
    home: Path = Field(default_factory=discover_home)
    lock_timeout: Interval = "5s"
    statement_timeout: Interval = "10min"
    echo: bool = False
    pooler: Pooler | None = None

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        return home.expanduser().absolute()

    @classmethod
    def load(cls) -> Self:
        """Read the environment.

        Raises:
            SettingsError: names each variable with an unusable value.
        """
        try:
            return cls()
        except ValidationError as error:
            problems = "; ".join(
                f"{_variable(item['loc'])}={item['input']!r}: {item['msg']}" for item in error.errors()
            )
            raise SettingsError(
                f"The environment holds unusable settings: {problems}.",
                remedy="Correct or unset these variables; durations are written like 5s, 500ms or 10min",
            ) from None


def _variable(location: tuple[int | str, ...]) -> str:
    name = str(location[0]).upper()
    return name if name in ("DATABASE_URL",) or name.startswith("HEDGEROW_") else f"HEDGEROW_{name}"


def configured_signer() -> Signer | None:
    """Return the signer of ``HEDGEROW_SCOPE_KEY``, None when it is not set.

    Raises:
        ScopeKeyError: it cannot be read.
    """
    key = Settings.load().scope_key
    return None if key is None else Signer.read(key)


class Urls:
    """The doors to the database, as SQLAlchemy URLs for psycopg.

    :param app: what application sessions connect with.
    :param evaluator: what sessions connect with that open ``test`` or ``holdout``; that of the others when left out.
    :param owner: what migrations connect with; ``None`` where the process was given no such rights.
    :param embedded: whether the embedded server provides them.
    """

    def __init__(
        self, *, app: URL, evaluator: URL | None = None, owner: URL | None = None, embedded: bool = False
    ) -> None:
        self.app = app
        self.evaluator = evaluator or app
        self.embedded = embedded
        self._owner = owner

    @property
    def owner(self) -> URL:
        """The owner's URL.

        Raises:
            SettingsError: only the URL of the sessions is configured.
        """
        if self._owner is None:
            raise SettingsError(
                "HEDGEROW_APP_URL is set and DATABASE_URL is not: the owner of the schema is unknown.",
                remedy="Set DATABASE_URL to the owner's URL to run migrations, or unset both to use the "
                "embedded "
                "server",
            )
        return self._owner


def resolve_urls(settings: Settings | None = None) -> Urls:
    """Return the URLs of the configured database, or those of the embedded server, which is started if need
    be.

    With ``DATABASE_URL`` alone sessions use it too; with ``HEDGEROW_APP_URL`` alone there is no owner.

    Raises:
        SettingsError: a URL cannot be used.
        EmbeddedServerError: the embedded server cannot be started.
    """
    settings = settings or Settings.load()
    owner, app, evaluator = settings.database_url, settings.app_url, settings.evaluator_url
    if owner or app:
        return Urls(
            app=sync_url(app, variable="HEDGEROW_APP_URL") if app else sync_url(owner or ""),
            evaluator=sync_url(evaluator, variable="HEDGEROW_EVALUATOR_URL") if evaluator else None,
            owner=sync_url(owner) if owner else None,
        )
    # Imported late: a configured database needs nothing of it.
    from hedgerow.core.embedded import EmbeddedServer

    server = EmbeddedServer(settings.home)
    server.start()
    return Urls(app=server.url("app"), evaluator=server.url("evaluator"), owner=server.url("owner"), embedded=True)


def sync_url(url: str | URL, *, variable: str = "DATABASE_URL") -> URL:
    """Return any SQLAlchemy or libpq URL of a PostgreSQL database as an SQLAlchemy URL for psycopg.

    :param variable: what to call the URL in an error.

    Raises:
        SettingsError: not a URL, or not one of PostgreSQL.
    """
    parsed = _parse(url, variable)
    query = dict(parsed.query)
    for name in _ASYNCPG_ONLY & query.keys():
        del query[name]
    for theirs, ours in (("ssl", "sslmode"), ("timeout", "connect_timeout")):
        if theirs in query:
            query.setdefault(ours, query.pop(theirs))
    if query.get("sslmode") in ("true", "True", "1"):
        query["sslmode"] = "require"
    return parsed.set(drivername="postgresql+psycopg", query=query)


def libpq_url(url: str | URL) -> str:
    """Return the URL as libpq and its programs read it, password included."""
    url = sync_url(url)
    query = dict(url.query)
    credentials = quote(url.username or "", safe="")
    if url.password is not None:
        credentials += ":" + quote(str(url.password), safe="")
    host = f"[{url.host}]" if url.host and ":" in url.host else url.host or ""
    place = f"{credentials}@{host}" if credentials else host
    port = f":{url.port}" if url.port else ""
    # quote and not SQLAlchemy's rendering: libpq takes a plus sign for itself, not for a space.
    flat = {name: value if isinstance(value, str) else ",".join(value) for name, value in query.items()}
    options = urlencode(flat, quote_via=quote, safe="")
    return f"postgresql://{place}{port}/{quote(url.database or '', safe='')}{'?' + options if options else ''}"


def _parse(url: str | URL, variable: str) -> URL:
    if isinstance(url, URL):
        url = url.render_as_string(hide_password=False)
    scheme = _SCHEME.match(url)
    if scheme is None:
        name = url.partition("://")[0] if "://" in url else None
        raise SettingsError(
            f"{variable} names a database of kind {name!r}, and hedgerow runs on PostgreSQL alone."
            if name
            else f"{variable} is not a URL.",
            remedy=f"{_ACCEPTED}, or unset it to use the embedded server",
        )
    rest = url[scheme.end() :]
    if scheme[2] is None:
        # Without a driver it may be libpq's, which knows several hosts and socket directories before the
        # slash.
        try:
            return _validated(_from_libpq(conninfo_to_dict(f"postgresql://{rest}")), variable)
        except ProgrammingError:
            pass
    try:
        parsed = make_url(f"postgresql{scheme[2] or ''}://{rest}")
    except (ArgumentError, ValueError):
        # Not chained: the original message repeats the URL with its password.
        raise SettingsError(f"{variable} cannot be read as a URL.", remedy=f"{_ACCEPTED}. {_ENCODE}") from None
    if parsed.host and "%" in parsed.host:
        # A socket directory, escaped into the place of the host.
        parsed = parsed._replace(host=None).update_query_dict({"host": unquote(parsed.host)})
    return _validated(parsed, variable)


def _validated(url: URL, variable: str) -> URL:
    # Neither message repeats what it found: part of a password may have been taken for it.
    if "@" in (url.host or ""):
        raise SettingsError(f"{variable} holds more than one @ before its host.", remedy=_ENCODE)
    given = url.query.get("port", ())
    ports = [part for text in ((given,) if isinstance(given, str) else given) for part in text.split(",") if part]
    ports += [] if url.port is None else [str(url.port)]
    if not all(port.isascii() and port.isdigit() and 0 < int(port) < 65536 for port in ports):
        raise SettingsError(f"The port in {variable} is no number from 1 to 65535.", remedy=f"{_ACCEPTED}. {_ENCODE}")
    return url


def _from_libpq(parts: Mapping[str, Any]) -> URL:
    query = {name: str(value) for name, value in parts.items() if value is not None}
    user, password, database = (query.pop(name, None) for name in ("user", "password", "dbname"))
    host, port = query.get("host"), query.get("port", "")
    if host and "/" not in host and "," not in host and (not port or port.isdigit()):
        del query["host"]
        query.pop("port", None)
        return URL.create("postgresql", user, password, host, int(port) if port else None, database, query)
    return URL.create("postgresql", user, password, database=database, query=query)


# --- asyncpg, which is not built on libpq and names things differently
# -----------------------------------------

_ASYNCPG_ONLY: Final = frozenset(
    {
        "prepared_statement_cache_size",
        "statement_cache_size",
        "command_timeout",
        "max_cached_statement_lifetime",
    }
)
_ASYNCPG_KNOWS: Final = frozenset(
    {
        "host",
        "port",
        "ssl",
        "passfile",
        "service",
        "servicefile",
        "target_session_attrs",
        "krbsrvname",
        "gsslib",
    }
) | frozenset({"prepared_statement_cache_size"})
# Tuning of the connection that asyncpg has no counterpart for; nothing is weaker without it.
_HARMLESS: Final = re.compile(r"keepalives.*|tcp_user_timeout|gssencmode|load_balance_hosts|sslcompression|sslsni")
_CERTIFICATES: Final = frozenset({"sslrootcert", "sslcert", "sslkey", "sslpassword"})
_MOVED: Final = frozenset(
    {
        "application_name",
        "fallback_application_name",
        "options",
        "client_encoding",
        "connect_timeout",
        "timeout",
    }
    | {"command_timeout", "statement_cache_size", "max_cached_statement_lifetime"}
)


def async_url(url: str | URL, *, variable: str = "DATABASE_URL") -> URL:
    """Return the URL for asyncpg: ``sslmode`` becomes ``ssl``; what no URL can carry is left out.

    :param variable: what to call the URL in an error.

    Pass :func:`async_connect_args` of the same URL as ``connect_args`` to keep the rest;
    :mod:`hedgerow.core.engine` does both.

    Raises:
        SettingsError: not a URL of PostgreSQL, or an option that asyncpg cannot honour.
    """
    query = _async_query(url, variable)
    if not _CERTIFICATES.isdisjoint(query):
        # The context made by async_connect_args takes its place.
        query.pop("ssl", None)
    parsed = _parse(url, variable)
    kept = {name: value for name, value in query.items() if name in _ASYNCPG_KNOWS}
    return parsed.set(drivername="postgresql+asyncpg", query=kept)


def async_connect_args(url: str | URL, *, variable: str = "DATABASE_URL") -> dict[str, Any]:
    """Return the options of the URL that asyncpg takes as objects: settings, timeouts, certificates."""
    query = _async_query(url, variable)
    arguments: dict[str, Any] = {}
    if settings := _server_settings(query):
        arguments["server_settings"] = settings
    for theirs, ours, kind in (
        ("connect_timeout", "timeout", float),
        ("timeout", "timeout", float),
        ("command_timeout", "command_timeout", float),
        ("statement_cache_size", "statement_cache_size", int),
        ("max_cached_statement_lifetime", "max_cached_statement_lifetime", int),
    ):
        if theirs in query:
            arguments[ours] = kind(query[theirs])
    if not _CERTIFICATES.isdisjoint(query):
        arguments["ssl"] = _ssl_context(query)
    return arguments


def _async_query(url: str | URL, variable: str) -> dict[str, Any]:
    query: dict[str, Any] = dict(_parse(url, variable).query)
    if "sslmode" in query:
        query["ssl"] = query.pop("sslmode")
    if query.get("ssl") in ("true", "True", "1"):
        query["ssl"] = "require"
    if query.get("channel_binding") in ("prefer", "disable"):
        del query["channel_binding"]
    for name in list(query):
        if _HARMLESS.fullmatch(name):
            del query[name]
        elif name not in _ASYNCPG_KNOWS | _CERTIFICATES | _MOVED:
            raise SettingsError(
                f"The option {name}={query[name]} of {variable} has no counterpart in asyncpg.",
                remedy="Remove the option, or use the sessions that are not asynchronous",
            )
    return query


def _server_settings(query: Mapping[str, Any]) -> dict[str, str]:
    settings = {}
    if name := query.get("application_name") or query.get("fallback_application_name"):
        settings["application_name"] = str(name)
    # -c name=value, -cname=value and --name=value are what the server reads.
    words = iter(shlex.split(str(query.get("options", ""))))
    for word in words:
        setting = next(words, "") if word == "-c" else word.removeprefix("-c").removeprefix("--")
        name, equals, value = setting.partition("=")
        if not equals or (word.startswith("-") and not word.startswith(("-c", "--"))):
            raise SettingsError(
                f"The options {query['options']!r} of the database URL hold something else than settings.",
                remedy="Write options as -c name=value",
            )
        settings[name] = value
    return settings


def _ssl_context(query: Mapping[str, Any]) -> ssl.SSLContext:
    mode, root = query.get("ssl", "prefer"), query.get("sslrootcert")
    try:
        context = ssl.create_default_context(cafile=None if root in (None, "system") else root)
        context.check_hostname = mode == "verify-full" or root == "system"
        # libpq: with a root certificate at hand, require means verify-ca.
        if mode not in ("verify-ca", "verify-full") and root is None:
            context.verify_mode = ssl.CERT_NONE
        if certificate := query.get("sslcert"):
            context.load_cert_chain(certificate, query.get("sslkey"), query.get("sslpassword"))
    except OSError as error:
        raise SettingsError(
            f"A certificate named in the database URL cannot be read: {error}.",
            remedy="Check sslrootcert, sslcert and sslkey",
        ) from error
    return context
