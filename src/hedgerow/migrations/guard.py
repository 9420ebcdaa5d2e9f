"""No data loss without consent: what a migration would destroy is counted, listed and refused.

Online, every statement of a migration passes :class:`DataLossGuard`: Alembic's operations and raw SQL alike. What a
revision would destroy is collected until its end and reported as a whole, and the transaction is rolled back. With
``--sql`` nothing can be counted now; each dropping statement is preceded by a block that counts and raises.
Rows that policies hide from the owner count as data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from alembic.operations import Operations, ops, toimpl
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, event

from hedgerow.core.objects import quote
from hedgerow.migrations.errors import DataLossError
from hedgerow.migrations.operations import run_sql

CONSENT: Final = "alembic -x allow-data-loss=true, or hedgerow db downgrade --allow-data-loss"
OPTION: Final = "data_loss_guard"
"""Name under which the guard hangs in the options of the migration context."""

_NAME = r'(?:"(?:[^"]|"")+"|[\w$]+)(?:\.(?:"(?:[^"]|"")+"|[\w$]+))?'
_NOISE: Final = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_LITERAL: Final = re.compile(r"\$(\w*)\$.*?\$\1\$|'(?:[^']|'')*'", re.DOTALL)
_DROP_TABLE: Final = re.compile(r"DROP\s+TABLE\s+(?:IF\s+EXISTS\s+)?(.+?)(?:\s+(?:CASCADE|RESTRICT))?$", re.I | re.S)
_TRUNCATE: Final = re.compile(
    r"TRUNCATE\s+(?:TABLE\s+)?(.+?)(?:\s+(?:RESTART|CONTINUE)\s+IDENTITY)?(\s+CASCADE|\s+RESTRICT)?$", re.I | re.S
)
_ALTER_TABLE: Final = re.compile(rf"ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?({_NAME})\s+(.+)$", re.I | re.S)
_DROP_COLUMN: Final = re.compile(
    rf"(?:^|,)\s*DROP\s+(?!CONSTRAINT\b)(?:COLUMN\s+)?(?:IF\s+EXISTS\s+)?({_NAME})\b", re.I
)
_CASCADING: Final = re.compile(r"DROP\s+(?:SCHEMA|TYPE|DOMAIN|EXTENSION|OWNED|SERVER)\b.*\bCASCADE$", re.I | re.S)
_HIDDEN: Final = re.compile(r"\b(DROP\s+TABLE|DROP\s+COLUMN|TRUNCATE)\b", re.I)


_REMADE: Final = {"app.scope_key": " WHERE key_id <> 'database'"}
"""Tables with a row that the way up makes anew: the key of scopes, which end with their transactions anyway."""


@dataclass(frozen=True, slots=True)
class Target:
    """Something that a statement destroys.

    :ivar table: the table, as the statement spells it; None where the statement does not say.
    :ivar column: the column, None for the whole table.
    :ivar statement: where the table is not known, the statement.
    """

    table: str | None
    column: str | None = None
    statement: str = ""

    @property
    def condition(self) -> str:
        """WHERE clause of the rows that would be lost."""
        if self.column:
            return f" WHERE {self.column} IS NOT NULL"
        return _REMADE.get(self.table or "", "")


def targets(statement: str) -> Iterator[Target]:
    """What the tables and columns are that a text of SQL statements would destroy.

    A DO block that speaks of dropping, and what CASCADE may reach, is a target of unknown extent.
    """
    text = _NOISE.sub(" ", statement)
    for part in _LITERAL.sub(lambda found: found[0].replace(";", " "), text).split(";"):
        bare = _LITERAL.sub("''", part).strip()
        if re.match(r"DO\b", bare, re.I):
            if _HIDDEN.search(part):
                yield Target(None, statement=part.strip())
        elif (found := _DROP_TABLE.match(bare)) or (found := _TRUNCATE.match(bare)):
            if found.re is _TRUNCATE and (found[2] or "").strip().upper() == "CASCADE":
                yield Target(None, statement=bare)
            for name in found[1].split(","):
                yield Target(re.sub(r"^\s*ONLY\s+|\s*\*?\s*$", "", name, flags=re.I).strip())
        elif found := _ALTER_TABLE.match(bare):
            for column in _DROP_COLUMN.finditer(found[2]):
                yield Target(found[1], column[1])
        elif _CASCADING.match(bare):
            yield Target(None, statement=bare)


class DataLossGuard:
    """Watches the statements of migrations.

    :param allowed: consent was given; nothing is counted or refused.
    """

    def __init__(self, *, allowed: bool) -> None:
        self.allowed = allowed
        self._losses: list[str] = []
        self._counting = False
        self._autocommit = False

    def watch(self, connection: Connection) -> AbstractContextManager[None]:
        """Watch ``connection`` inside of a ``with`` block."""
        return self._watching(connection)

    @contextmanager
    def _watching(self, connection: Connection) -> Iterator[None]:
        if self.allowed:
            yield
            return
        event.listen(connection, "before_cursor_execute", self._before)
        try:
            yield
        finally:
            event.remove(connection, "before_cursor_execute", self._before)

    def install(self, context: MigrationContext) -> None:
        """Report before a block outside of the transaction commits what came before it."""
        original = context.autocommit_block

        @contextmanager
        def guarded() -> Iterator[None]:
            self.conclude()
            with original():
                self._autocommit = True
                try:
                    yield
                finally:
                    self._autocommit = False

        context.autocommit_block = guarded  # type: ignore[method-assign]

    def conclude(self, **_: Any) -> None:
        """Raise for what was collected; called at the end of each revision, inside of its transaction.

        Raises:
            DataLossError: lists the tables and columns that hold data.
        """
        if not self._losses:
            return
        listed = "\n".join(f"  - {loss}" for loss in dict.fromkeys(self._losses))
        self._losses.clear()
        raise DataLossError(
            f"This migration would destroy data and is rolled back:\n{listed}\n",
            remedy=f"Save the data first, or consent: {CONSENT}",
        )

    def _before(
        self, connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> None:
        if self._counting:
            return
        self._counting = True
        try:
            for target in targets(statement):
                self._count(connection, target)
        finally:
            self._counting = False
        if self._autocommit:
            self.conclude()

    def _count(self, connection: Connection, target: Target) -> None:
        if target.table is None:
            self._losses.append(f"whatever this reaches: {' '.join(target.statement.split())[:200]}")
            return
        found = connection.exec_driver_sql(
            "SELECT relrowsecurity, relforcerowsecurity FROM pg_class "
            "WHERE oid = to_regclass(%s) AND relkind IN ('r', 'p') AND relpersistence <> 't'",
            (target.table,),
        ).one_or_none()
        if found is None:
            return
        hidden, forced = found
        where = target.condition
        if not self._autocommit:
            connection.exec_driver_sql(f"LOCK TABLE {target.table} IN ACCESS EXCLUSIVE MODE")
        if forced:
            connection.exec_driver_sql(f"ALTER TABLE {target.table} NO FORCE ROW LEVEL SECURITY")
        if hidden:
            # Where a policy would still hide rows, counting fails instead of finding none.
            connection.exec_driver_sql("SET row_security = off")
        rows = connection.exec_driver_sql(f"SELECT count(*) FROM {target.table}{where}").scalar_one()
        if hidden:
            connection.exec_driver_sql("SET row_security = on")
        if forced:
            connection.exec_driver_sql(f"ALTER TABLE {target.table} FORCE ROW LEVEL SECURITY")
        if rows:
            unit = "row" if rows == 1 else "rows"
            what = f"column {target.column} of table {target.table}" if target.column else f"table {target.table}"
            self._losses.append(f"{what}: {rows:,} {unit}")


def guard_sql(target: Target) -> str:
    """A block that raises when ``target`` holds data, for scripts that run later and elsewhere."""
    if target.table is None:
        body = f"    RAISE EXCEPTION 'This would destroy data of unknown extent: %', {quote(target.statement)}\n"
        return f"DO $guard$\nBEGIN\n{body}        USING HINT = {quote(_HINT)};\nEND\n$guard$;"
    where = target.condition
    what = f"column {target.column} of table {target.table}" if target.column else f"table {target.table}"
    return f"""DO $guard$
DECLARE
    v_forced boolean;
    v_rows bigint;
BEGIN
    SELECT relforcerowsecurity INTO v_forced FROM pg_class WHERE oid = to_regclass({quote(target.table)});
    IF NOT FOUND THEN
        RETURN;
    END IF;
    LOCK TABLE {target.table} IN ACCESS EXCLUSIVE MODE;
    -- Policies hold for the owner too; rows that they hide are data like any other.
    IF v_forced THEN
        ALTER TABLE {target.table} NO FORCE ROW LEVEL SECURITY;
    END IF;
    PERFORM set_config('row_security', 'off', true);
    EXECUTE {quote(f"SELECT count(*) FROM {target.table}{where}")} INTO v_rows;
    PERFORM set_config('row_security', 'on', true);
    IF v_forced THEN
        ALTER TABLE {target.table} FORCE ROW LEVEL SECURITY;
    END IF;
    IF v_rows > 0 THEN
        RAISE EXCEPTION 'This would destroy data: %, % rows', {quote(what)}, v_rows
            USING HINT = {quote(_HINT)};
    END IF;
END
$guard$;"""


_HINT: Final = "Save the data first, or write the script again with -x allow-data-loss=true."


def _emit(operations: Operations, statement: str) -> None:
    context = operations.migration_context
    guard = context.opts.get(OPTION)
    if context.as_sql and guard is not None and not guard.allowed:
        for target in targets(statement):
            run_sql(operations, guard_sql(target))


@Operations.implementation_for(ops.DropTableOp, replace=True)
def _drop_table(operations: Operations, operation: ops.DropTableOp) -> None:
    _emit(operations, f"DROP TABLE {_qualified(operation.schema, operation.table_name)}")
    toimpl.drop_table(operations, operation)


@Operations.implementation_for(ops.DropColumnOp, replace=True)
def _drop_column(operations: Operations, operation: ops.DropColumnOp) -> None:
    table = _qualified(operation.schema, operation.table_name)
    _emit(operations, f'ALTER TABLE {table} DROP COLUMN "{operation.column_name}"')
    toimpl.drop_column(operations, operation)


@Operations.implementation_for(ops.ExecuteSQLOp, replace=True)
def _execute(operations: Operations, operation: ops.ExecuteSQLOp) -> None:
    _emit(operations, str(operation.sqltext))
    toimpl.execute_sql(operations, operation)


def _qualified(schema: str | None, table: str) -> str:
    return f'"{schema}"."{table}"' if schema else f'"{table}"'
