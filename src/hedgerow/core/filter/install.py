"""Installing the filter on one engine, without touching any other."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from threading import Lock
from typing import Any, Final

import sqlalchemy
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm.mapper import _all_registries
from sqlalchemy.sql.compiler import SQLCompiler

from hedgerow.core.access import AccessLog, DatabaseAccessLog
from hedgerow.core.errors import HedgerowError, ScopeError
from hedgerow.core.filter.compiler import FilterCompiler
from hedgerow.core.filter.context import FilterContext
from hedgerow.core.filter.registry import ScopeRegistry, default_registry
from hedgerow.core.filter.translate import listener
from hedgerow.core.settings import configured_signer
from hedgerow.core.token import Signer

_installing: Final = Lock()


@dataclass(slots=True)
class Installation:
    """The filter of one engine.

    Attributes:
        registry: its scoped relations.
        access_log: where openings and refusals of closed splits are recorded.
        signer: signs requests to open a scope; None where the application has no scope key.
        role_verified: whether the connected role was found to be one that the wall holds for.
    """

    registry: ScopeRegistry
    access_log: AccessLog
    signer: Signer | None = None
    role_verified: bool = field(default=False)


def install_filter(
    engine: Engine,
    registry: ScopeRegistry | None = None,
    *,
    access_log: AccessLog | None = None,
    signer: Signer | None = None,
) -> Installation:
    """Make ``engine`` compile every statement inside a scope. A second call changes nothing.

    Args:
        engine: an engine over psycopg, or the ``sync_engine`` of an asynchronous one over asyncpg.
        registry: the scoped relations; the package's own when left out.
        access_log: where closed splits are recorded; ``ml_split_access_log`` of the same database by default.
        signer: signs requests to open a scope; by default with ``HEDGEROW_SCOPE_KEY``, where it is set.

    Raises:
        ScopeError: the engine is not a PostgreSQL engine over psycopg or asyncpg.
        ScopeKeyError: ``HEDGEROW_SCOPE_KEY`` cannot be read.
    """
    installed = filtered(engine)
    if installed is not None:
        return installed
    dialect: Any = engine.dialect
    if dialect.name != "postgresql" or dialect.driver not in ("psycopg", "asyncpg", "psycopg_async"):
        raise ScopeError(
            f"the filter knows PostgreSQL over psycopg and asyncpg, not {dialect.name}+{dialect.driver}",
            remedy="use a postgresql+psycopg:// or postgresql+asyncpg:// URL",
        )
    registry = registry or default_registry()
    signer = signer or configured_signer()
    with _installing:
        installed = filtered(engine)
        if installed is not None:
            return installed
        installation = Installation(registry, access_log or DatabaseAccessLog(engine, signer), signer)
        dialect.statement_compiler = _mixed(FilterCompiler, dialect.statement_compiler)
        dialect.execution_ctx_cls = _mixed(FilterContext, dialect.execution_ctx_cls)
        _forget_compiled(engine)
        event.listen(engine, "handle_error", listener(registry))
        # Last: whoever finds it here goes on without the lock, and must find the whole filter.
        dialect.hedgerow = installation
    return installation


def filtered(engine: Engine) -> Installation | None:
    """Return the filter that was installed on ``engine``, or ``None``."""
    installation = getattr(engine.dialect, "hedgerow", None)
    return installation if isinstance(installation, Installation) else None


def _forget_compiled(engine: Engine) -> None:
    """Drop what the engine compiled before it had the filter: its own cache, and that of each mapper's flushes."""
    engine.clear_compiled_cache()
    for registry in _all_registries():
        for mapper in registry.mappers:
            flushes: Any = mapper.__dict__.get("_compiled_cache") or {}
            for key in list(flushes):
                if key[0] is engine.dialect:
                    del flushes[key]


@cache
def _mixed(mixin: type, base: type) -> type:
    return type(f"Filtered{base.__name__}", (mixin, base), {})


def _require_hooks() -> None:
    """Fail at import, not at the first leak, when SQLAlchemy has not the hooks that the filter stands on."""
    version = tuple(int(part) for part in sqlalchemy.__version__.split(".")[:2])
    if version != (2, 1):
        raise HedgerowError(
            f"the filter is proven for SQLAlchemy 2.1, and {sqlalchemy.__version__} is installed",
            remedy="install 'sqlalchemy>=2.1,<2.2'",
        )
    needed = (
        "visit_table",
        "visit_tablesample",
        "visit_column",
        "visit_binary",
        "visit_function",
        "visit_insert",
        "visit_update",
        "visit_delete",
        "update_tables_clause",
        "delete_table_clause",
        "delete_extra_from_clause",
        "group_by_clause",
        "format_from_hint_text",
        "render_literal_value",
        "_truncated_identifier",
    )
    from sqlalchemy.dialects.postgresql.base import PGCompiler, PGExecutionContext

    missing = [f"SQLCompiler.{name}" for name in needed if not hasattr(SQLCompiler, name)]
    missing += [
        f"PGExecutionContext.{name}"
        for name in ("_init_compiled", "_init_statement", "_init_ddl", "pre_exec")
        if not hasattr(PGExecutionContext, name)
    ]
    if not hasattr(PGCompiler, "visit_on_conflict_do_update"):
        missing.append("PGCompiler.visit_on_conflict_do_update")
    if missing:
        raise HedgerowError(
            f"SQLAlchemy {sqlalchemy.__version__} lacks hooks that the filter stands on: {', '.join(missing)}",
            remedy="install the version named in hedgerow's constraints",
        )


_require_hooks()
