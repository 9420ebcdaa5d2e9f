"""Which enum types, tables, columns, indexes and constraints a revision changes: the part that is Alembic's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from alembic.autogenerate import produce_migrations
from alembic.operations import MigrateOperation, ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import SchemaItem

from hedgerow.core.base import metadata
from hedgerow.migrations.catalogue import Catalogue, Difference, Key
from hedgerow.migrations.errors import MigrationError
from hedgerow.migrations.operations import AddEnumValueOp, CreateEnumOp, DropEnumOp, DropEnumValueOp, EnumOp

_LABEL = re.compile(r"'((?:[^']|'')*)'")


def labels(definition: str | None) -> list[str]:
    """The values of an enum type as the catalogue lists them."""
    return [label.replace("''", "'") for label in _LABEL.findall(definition or "")]


def enum_operations(differences: Iterable[Difference]) -> Iterator[tuple[EnumOp, EnumOp]]:
    """Each change of an enum type, with the one that takes it back."""
    for difference in differences:
        if difference.key.kind != "enum":
            continue
        name, wanted, there = difference.key.name, labels(difference.expected), labels(difference.actual)
        if not there:
            yield CreateEnumOp(name, wanted), DropEnumOp(name)
        elif not wanted:
            yield DropEnumOp(name), CreateEnumOp(name, there)
        else:
            yield from _value_operations(name, wanted, there)


def _value_operations(name: str, wanted: list[str], there: list[str]) -> Iterator[tuple[EnumOp, EnumOp]]:
    if [value for value in wanted if value in there] != [value for value in there if value in wanted]:
        raise MigrationError(
            f"The values of {name} are declared in another order than the database has them, which PostgreSQL cannot "
            f"change.",
            remedy="Declare them in the database's order, or write the revision by hand",
        )
    for place, value in enumerate(there):
        if value not in wanted:
            yield DropEnumValueOp(name, value), _added(name, value, there, place)
    for place, value in enumerate(wanted):
        if value not in there:
            yield _added(name, value, wanted, place), DropEnumValueOp(name, value)


def _added(name: str, value: str, values: list[str], place: int) -> AddEnumValueOp:
    if place == 0:
        return AddEnumValueOp(name, value, before=values[1])
    return AddEnumValueOp(name, value, after=values[place - 1])


class TableOperations:
    """The operations that bring the tables of a database to their declaration, and the context to render them.

    :param connection: the database before.
    :param tables: the declared tables in question.
    :param differences: what the catalogues say; Alembic's findings that are not among them are dropped, and what
        Alembic does not see (checks, predicates and options of indexes) is added from them.
    :param every: whether tables that are not declared are to be dropped.
    """

    def __init__(
        self, connection: Connection, tables: Iterable[Table], differences: Iterable[Difference], *, every: bool
    ) -> None:
        self.tables = {table.name: table for table in tables}
        self.differences = {difference.key: difference for difference in differences}
        self.every = every
        self.context = MigrationContext.configure(
            connection=connection,
            opts={
                "target_metadata": metadata,
                "include_object": self._include,
                "compare_type": True,
                "compare_server_default": True,
                "version_table_schema": None,
            },
        )
        produced = produce_migrations(self.context, metadata)
        assert produced.upgrade_ops is not None
        self.up: list[MigrateOperation] = list(self._wanted(produced.upgrade_ops.ops))
        self.down: list[MigrateOperation] = [operation.reverse() for operation in reversed(self.up)]
        for forth, back in self._unseen():
            self.up.append(forth)
            self.down.insert(0, back)

    def disturbed(self, before: Catalogue) -> frozenset[Key]:
        """Columns whose type changes or that go away, with their table or alone: nothing may need them meanwhile."""
        return frozenset(
            key
            for key, difference in self.differences.items()
            if key.kind == "column"
            and key in before
            and (
                difference.expected is None
                or _column_type(difference.expected) != _column_type(difference.actual or "")
            )
        )

    def _include(self, item: SchemaItem, name: str | None, kind: str, reflected: bool, other: Any) -> bool:
        if kind == "table":
            if name in self.tables:
                return any(key for key in self.differences if _speaks_of(key, str(name)))
            return reflected and self.every
        if kind == "index":
            return Key("index", _stored(name)) in self.differences
        return True

    def _wanted(self, operations: Iterable[MigrateOperation]) -> Iterator[MigrateOperation]:
        for operation in operations:
            if isinstance(operation, ops.ModifyTableOps):
                yield from self._wanted(operation.ops)
            elif self._real(operation):
                if isinstance(operation, ops.CreateTableOp):
                    # What the package notes on a table is for the package, and not for the revision.
                    operation.info.clear()
                yield operation

    def _real(self, operation: MigrateOperation) -> bool:
        """Whether the catalogues differ where Alembic sees a difference."""
        table = getattr(operation, "table_name", "")
        match operation:
            case ops.CreateIndexOp() | ops.DropIndexOp():
                return Key("index", _stored(operation.index_name)) in self.differences
            case ops.AlterColumnOp():
                column = f"{table}.{operation.column_name}"
                keys = {Key("column", column), Key("comment", f"column {column}")}
                return not keys.isdisjoint(self.differences)
            case ops.AddConstraintOp() | ops.DropConstraintOp():
                name = getattr(operation, "constraint_name", None)
                return Key("constraint", f"{table}.{_stored(name)}") in self.differences
            case ops.CreateTableCommentOp() | ops.DropTableCommentOp():
                return Key("comment", f"table {table}") in self.differences
            case _:
                return True

    def _unseen(self) -> Iterator[tuple[MigrateOperation, MigrateOperation]]:
        """Checks, and indexes that differ in what Alembic does not compare."""
        seen = {_stored(o.index_name) for o in self.up if isinstance(o, ops.CreateIndexOp | ops.DropIndexOp)}
        created = {operation.table_name for operation in self.up if isinstance(operation, ops.CreateTableOp)}
        for key, difference in self.differences.items():
            if key.kind == "index" and key.name not in seen and difference.change == "changed":
                yield from self._index(key.name, difference)
            elif key.kind == "constraint" and "CHECK" in (difference.expected or difference.actual or ""):
                table, _, name = key.name.rpartition(".")
                if table not in created and table in self.tables:
                    yield from self._check(table, name, difference)

    def _index(self, name: str, difference: Difference) -> Iterator[tuple[MigrateOperation, MigrateOperation]]:
        index = next(index for table in self.tables.values() for index in table.indexes if _stored(index.name) == name)
        drop = ops.ExecuteSQLOp(f"DROP INDEX {name}")
        # The order counts on both ways: the way down reads its half from the end.
        yield drop, ops.ExecuteSQLOp(str(difference.actual))
        yield ops.CreateIndexOp.from_index(index), drop

    def _check(
        self, table: str, name: str, difference: Difference
    ) -> Iterator[tuple[MigrateOperation, MigrateOperation]]:
        def add(definition: str) -> MigrateOperation:
            return ops.ExecuteSQLOp(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")

        drop = ops.ExecuteSQLOp(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        if difference.actual is not None:
            yield drop, add(difference.actual)
        if difference.expected is not None:
            yield add(difference.expected), drop


def _stored(name: Any) -> str:
    """A name as the database has it: generated ones are cut to the length that PostgreSQL keeps."""
    preparer = postgresql.dialect().identifier_preparer  # type: ignore[no-untyped-call]
    return str(preparer.truncate_and_render_index_name(name))


def _column_type(definition: str) -> str:
    return re.split(r" (?:NOT NULL|DEFAULT|GENERATED|IDENTITY)\b", definition.partition(" ")[2], maxsplit=1)[0]


def _speaks_of(key: Key, table: str) -> bool:
    match key.kind:
        case "table":
            return key.name == table
        case "column" | "constraint":
            return key.name.partition(".")[0] == table
        case "index":
            return True
        case "comment":
            return key.name == f"table {table}" or key.name.startswith(f"column {table}.")
        case _:
            return False
