"""What happens when a compiled statement runs: the scope fills its parameters, or it is refused.

Refusals are found while the context is set up and raised just before the statement is sent: earlier, SQLAlchemy
would wrap them in its own error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy.dialects.postgresql.base import PGExecutionContext
from sqlalchemy.engine import Connection

from hedgerow.core.access import Access, refuse
from hedgerow.core.errors import CrossTenantError, HedgerowError, RawSQLError, ScopeError, SplitAccessError
from hedgerow.core.filter import rawsql
from hedgerow.core.filter.compiler import FilterCompiler
from hedgerow.core.filter.facts import Check, Facts
from hedgerow.core.filter.opened import INCLUDE_DELETED, NO_CLAIMS, OpenScope, scope_of

#: Execution option that shows, or hides, softly deleted rows in one statement; without it the session decides.
INCLUDE_DELETED_OPTION = "include_deleted"

#: Execution option of the filter's own statements. Its value cannot be had from outside by accident.
INTERNAL = "hedgerow_internal"
_INTERNAL_KEY = object()
INTERNAL_OPTIONS: Mapping[str, Any] = {INTERNAL: _INTERNAL_KEY}

NO_SCOPE_REMEDY = (
    "open one with hedgerow.open_session(Scope(...)) or scoped_connection(Scope(...)); after a commit on the "
    "connection itself the scope is gone"
)


class FilterContext(PGExecutionContext):
    """Mixin over the execution contexts of psycopg and asyncpg."""

    _hedgerow_refusal: HedgerowError | None = None
    _hedgerow_open: OpenScope | None = None

    @classmethod
    def _init_compiled(
        cls,
        dialect: Any,
        connection: Connection,
        dbapi_connection: Any,
        execution_options: Any,
        compiled: Any,
        parameters: Any,
        *args: Any,
        **kw: Any,
    ) -> Any:
        parent: Any = super()
        facts = compiled.hedgerow if isinstance(compiled, FilterCompiler) else None
        if facts is None or compiled.dialect is not dialect:
            context: Any = parent._init_compiled(
                dialect, connection, dbapi_connection, execution_options, compiled, parameters, *args, **kw
            )
            context._hedgerow_refusal = ScopeError(
                "the statement was compiled for another engine, outside of the filter",
                remedy="execute the statement itself and not its compiled form",
            )
            return context
        opened = scope_of(connection)
        if facts.relations or facts.stamped:
            parameters = _filled(parameters, facts, opened, execution_options.get(INCLUDE_DELETED_OPTION))
        context = parent._init_compiled(
            dialect, connection, dbapi_connection, execution_options, compiled, parameters, *args, **kw
        )
        context._hedgerow_open = opened
        context._hedgerow_refusal = _refusal(
            facts, opened, context.compiled_parameters, context._expanded_parameters
        ) or _raw_refusal(facts.raw, execution_options, opened, compiled.string)
        return context

    @classmethod
    def _init_statement(
        cls,
        dialect: Any,
        connection: Connection,
        dbapi_connection: Any,
        execution_options: Any,
        statement: str,
        parameters: Any,
    ) -> Any:
        context: Any = super()._init_statement(
            dialect, connection, dbapi_connection, execution_options, statement, parameters
        )
        opened = scope_of(connection)
        found = rawsql.scan(statement, dialect.hedgerow.registry.relation_names())
        context._hedgerow_refusal = _raw_refusal(found, execution_options, opened, statement)
        return context

    @classmethod
    def _init_ddl(
        cls,
        dialect: Any,
        connection: Connection,
        dbapi_connection: Any,
        execution_options: Any,
        compiled_ddl: Any,
    ) -> Any:
        context: Any = super()._init_ddl(dialect, connection, dbapi_connection, execution_options, compiled_ddl)
        context._hedgerow_refusal = _raw_refusal("DDL", execution_options, scope_of(connection), str(compiled_ddl))
        return context

    def pre_exec(self) -> None:
        """Raise what was found, before anything is sent."""
        refusal = self._hedgerow_refusal
        if refusal is not None:
            self._hedgerow_refusal = None
            self.cursor.close()
            if isinstance(refusal, SplitAccessError) and self._hedgerow_open is not None:
                record_refusal(refusal, self._hedgerow_open)
            raise refusal
        parent: Any = super()
        parent.pre_exec()


def record_refusal(refusal: SplitAccessError, opened: OpenScope) -> None:
    """Write a refusal to the access log of the open scope."""
    refuse(
        opened.access_log,
        Access(
            scope=opened.scope,
            table=refusal.table or "?",
            split=refusal.split,
            allowed=False,
            caller=opened.caller,
            reason=refusal.message,
        ),
    )


def _filled(
    parameters: Sequence[Mapping[str, Any]], facts: Facts, opened: OpenScope | None, include_deleted: object
) -> Any:
    claims = NO_CLAIMS if opened is None else opened.parameters
    if include_deleted is not None:
        claims = {**claims, INCLUDE_DELETED.key: include_deleted is True}
    if not facts.stamped:
        return [{**row, **claims} for row in parameters] if parameters else [claims]
    tenant = None if opened is None else opened.scope.tenant_id
    filled = []
    for row in parameters or ({},):
        full = {**row, **claims}
        for key in facts.stamped:
            if full.get(key) is None:
                full[key] = tenant
        filled.append(full)
    return filled


def _refusal(
    facts: Facts,
    opened: OpenScope | None,
    rows: Sequence[Mapping[str, Any]],
    expanded: Mapping[str, Sequence[str]],
) -> HedgerowError | None:
    if not facts.relations and not facts.checks:
        return None
    if opened is None:
        table = next(iter(facts.relations), facts.checks[0].table if facts.checks else None)
        return ScopeError(
            "the statement names a scoped relation, and the transaction has no open scope",
            remedy=NO_SCOPE_REMEDY,
            table=table,
        )
    scope = opened.scope
    for table, only in facts.relations.items():
        if only is not None and not scope.holds(only):
            return _split_refusal(only, table, opened)
    for check in facts.checks:
        for value in _values(check, facts, rows, expanded):
            if check.kind == "tenant":
                if value != scope.tenant_id:
                    return CrossTenantError(
                        f"a row of tenant {value!r} would be written",
                        remedy="leave the tenant out, it is stamped; or open a session for that tenant",
                        table=check.table,
                        scope=scope,
                    )
            elif value is not None and not scope.holds(value, artefact=check.artefact):
                return _split_refusal(str(getattr(value, "value", value)), check.table, opened)
    return None


def _values(
    check: Check, facts: Facts, rows: Sequence[Mapping[str, Any]], expanded: Mapping[str, Sequence[str]]
) -> Iterator[Any]:
    """What the parameter of a check holds in each row; the values of ``IN (...)`` one by one."""
    for name in facts.names.get(check.key, ()):
        for part in expanded.get(name, (name,)):
            for row in rows:
                if part in row:
                    yield row[part]


def _split_refusal(split: str, table: str, opened: OpenScope) -> SplitAccessError:
    return SplitAccessError(
        f"the split {split!r} is not open",
        remedy=f"open a session with Scope.evaluation({opened.scope.tenant_id!r}, {{{split!r}}}, purpose='...')"
        if split in ("test", "holdout")
        else f"add {split!r} to the splits of the scope",
        table=table,
        scope=opened.scope,
        split=split,
    )


def _raw_refusal(
    found: str | None, options: Mapping[str, Any], opened: OpenScope | None, sql: str
) -> RawSQLError | None:
    if found is None or options.get(INTERNAL) is _INTERNAL_KEY:
        return None
    reason = rawsql.reason_given(options)
    if reason is not None:
        rawsql.logger.warning("unscoped SQL (%s): %s", reason, sql)
        watch = None if opened is None or opened.on_unscoped is None else opened.on_unscoped()
        if watch is not None:
            watch()
        return None
    return RawSQLError(
        f"raw SQL is refused: it holds {found}",
        remedy="build the statement from models and constructs, pass names as bind parameters, or mark it with "
        "unscoped_sql('reason')",
        scope=None if opened is None else opened.scope,
    )
