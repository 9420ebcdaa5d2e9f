"""Operations that revisions use beyond Alembic's own, without importing anything from the package.

``op.apply_snapshot("0007_x")`` and its three companions run the frozen SQL of a revision; ``op.create_enum``,
``op.drop_enum``, ``op.add_enum_value`` and ``op.drop_enum_value`` treat enum types. All of them work online and
with ``--sql``. Importing this module, which env.py does, registers them.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, Operations

from hedgerow.core.objects import quote
from hedgerow.migrations.errors import MigrationError

SNAPSHOTS = "snapshots"
CLEAR, DOWN, RESTORE = "clear.sql", "down.sql", "restore.sql"
"""Files of a snapshot beside the numbered ones, see :class:`SnapshotOp`."""

_RAW = {"no_parameters": True}


class SnapshotOp(MigrateOperation):
    """Run a part of the frozen SQL of a revision.

    :param revision: the revision whose folder below ``alembic/snapshots`` is meant.

    =================== ================== ==========================================================
    operation           files              what they do
    =================== ================== ==========================================================
    ``clear_snapshot``   ``clear.sql``      on the way up, before tables change: drop what changes
    ``apply_snapshot``   ``NN_*.sql``       on the way up, after tables changed: create, in name order
    ``revert_snapshot``  ``down.sql``       on the way down, first: drop what the revision created
    ``restore_snapshot`` ``restore.sql``    on the way down, last: create what the revision had dropped
    =================== ================== ==========================================================
    """

    operation: ClassVar[str]

    def __init__(self, revision: str) -> None:
        self.revision = revision

    @classmethod
    def run(cls, operations: Operations, revision: str) -> None:
        """Run this part of the snapshot of ``revision``."""
        operations.invoke(cls(revision))

    def files(self, folder: Path) -> list[Path]:
        """The files of the part, in order."""
        raise NotImplementedError


@Operations.register_operation("apply_snapshot", "run")
class ApplySnapshotOp(SnapshotOp):
    """Create the objects of a revision."""

    operation = "apply_snapshot"

    def files(self, folder: Path) -> list[Path]:
        return sorted(folder.glob("[0-9][0-9]*_*.sql"))


@Operations.register_operation("revert_snapshot", "run")
class RevertSnapshotOp(SnapshotOp):
    """Drop the objects of a revision."""

    operation = "revert_snapshot"

    def files(self, folder: Path) -> list[Path]:
        return [folder / DOWN]


@Operations.register_operation("clear_snapshot", "run")
class ClearSnapshotOp(SnapshotOp):
    """Drop the objects that a revision changes or ends, before it touches tables."""

    operation = "clear_snapshot"

    def files(self, folder: Path) -> list[Path]:
        return [folder / CLEAR]


@Operations.register_operation("restore_snapshot", "run")
class RestoreSnapshotOp(SnapshotOp):
    """Create the objects again that a revision had dropped."""

    operation = "restore_snapshot"

    def files(self, folder: Path) -> list[Path]:
        return [folder / RESTORE]


@Operations.implementation_for(ApplySnapshotOp)
@Operations.implementation_for(RevertSnapshotOp)
@Operations.implementation_for(ClearSnapshotOp)
@Operations.implementation_for(RestoreSnapshotOp)
def _run_snapshot(operations: Operations, operation: SnapshotOp) -> None:
    script = operations.migration_context.script
    if script is None:
        raise MigrationError("Snapshots are files beside the revisions, and this context has none.")
    folder = Path(script.dir) / SNAPSHOTS / operation.revision
    files = operation.files(folder)
    if not files or not all(file.is_file() for file in files):
        raise MigrationError(
            f"The frozen SQL of revision {operation.revision} for {operation.operation} is missing in {folder}.",
            remedy="Restore the folder from version control",
        )
    for file in files:
        run_sql(operations, file.read_text("utf-8"))


class RowsOp(MigrateOperation):
    """Insert or delete the reference rows of a table that come with a revision.

    :param revision: the revision whose folder below ``alembic/snapshots`` is meant.
    :param table: the table; the files are ``rows_<table>.sql`` and ``rows_<table>_down.sql``.
    """

    operation: ClassVar[str]
    suffix: ClassVar[str]

    def __init__(self, revision: str, table: str) -> None:
        self.revision, self.table = revision, table

    @property
    def file(self) -> str:
        """Name of the file."""
        return f"rows_{self.table}{self.suffix}.sql"

    @classmethod
    def run(cls, operations: Operations, revision: str, table: str) -> None:
        """Insert or delete the rows of ``table`` that come with ``revision``."""
        operations.invoke(cls(revision, table))


@Operations.register_operation("insert_rows", "run")
class InsertRowsOp(RowsOp):
    """Insert reference rows."""

    operation, suffix = "insert_rows", ""


@Operations.register_operation("delete_rows", "run")
class DeleteRowsOp(RowsOp):
    """Delete reference rows that nobody changed; changed and added ones stay, for the guard to find."""

    operation, suffix = "delete_rows", "_down"


@Operations.implementation_for(InsertRowsOp)
@Operations.implementation_for(DeleteRowsOp)
def _run_rows(operations: Operations, operation: RowsOp) -> None:
    script = operations.migration_context.script
    if script is None:
        raise MigrationError("Reference rows are files beside the revisions, and this context has none.")
    run_sql(operations, (Path(script.dir) / SNAPSHOTS / operation.revision / operation.file).read_text("utf-8"))


@renderers.dispatch_for(InsertRowsOp)
@renderers.dispatch_for(DeleteRowsOp)
def _render_rows(context: AutogenContext, operation: RowsOp) -> str:
    return f"op.{operation.operation}(revision, {operation.table!r})"


def run_sql(operations: Operations, sql: str) -> None:
    """Run statements as they stand: neither ``:name`` nor ``%`` means anything in them."""
    context = operations.migration_context
    if context.as_sql:
        context.impl.static_output(sql.rstrip())
    elif context.connection is not None:
        context.connection.exec_driver_sql(sql, execution_options=_RAW)


class EnumOp(MigrateOperation):
    """An operation on an enum type; renders itself as a call with its arguments."""

    operation: ClassVar[str]
    arguments: tuple[Any, ...]

    def sql(self) -> str:
        """The statements of the operation."""
        raise NotImplementedError


@Operations.register_operation("create_enum")
class CreateEnumOp(EnumOp):
    """Create an enum type."""

    operation = "create_enum"

    def __init__(self, name: str, values: Sequence[str]) -> None:
        self.name, self.values = name, tuple(values)
        self.arguments = (name, list(values))

    @classmethod
    def create_enum(cls, operations: Operations, name: str, values: Sequence[str]) -> None:
        """Create the enum type ``name`` with ``values`` in this order."""
        operations.invoke(cls(name, values))

    def sql(self) -> str:
        return f"CREATE TYPE {self.name} AS ENUM (\n    " + ",\n    ".join(map(quote, self.values)) + "\n);"

    def reverse(self) -> DropEnumOp:
        return DropEnumOp(self.name)


@Operations.register_operation("drop_enum")
class DropEnumOp(EnumOp):
    """Drop an enum type."""

    operation = "drop_enum"

    def __init__(self, name: str) -> None:
        self.name = name
        self.arguments = (name,)

    @classmethod
    def drop_enum(cls, operations: Operations, name: str) -> None:
        """Drop the enum type ``name``; refused by PostgreSQL while a column has it."""
        operations.invoke(cls(name))

    def sql(self) -> str:
        return f"DROP TYPE {self.name};"


@Operations.register_operation("add_enum_value")
class AddEnumValueOp(EnumOp):
    """Add a value to an enum type."""

    operation = "add_enum_value"

    def __init__(self, name: str, value: str, *, before: str | None = None, after: str | None = None) -> None:
        self.name, self.value, self.before, self.after = name, value, before, after
        self.arguments = (name, value)

    @classmethod
    def add_enum_value(
        cls, operations: Operations, name: str, value: str, *, before: str | None = None, after: str | None = None
    ) -> None:
        """Add ``value`` to the enum type ``name``, at its end or before or after another value.

        The value can be stored from the next revision on: PostgreSQL does not allow its use in the transaction
        that adds it.
        """
        operations.invoke(cls(name, value, before=before, after=after))

    def sql(self) -> str:
        place = f" BEFORE {quote(self.before)}" if self.before else f" AFTER {quote(self.after)}" if self.after else ""
        return f"ALTER TYPE {self.name} ADD VALUE {quote(self.value)}{place};"

    def reverse(self) -> DropEnumValueOp:
        return DropEnumValueOp(self.name, self.value)


@Operations.register_operation("drop_enum_value")
class DropEnumValueOp(EnumOp):
    """Take a value out of an enum type."""

    operation = "drop_enum_value"

    def __init__(self, name: str, value: str) -> None:
        self.name, self.value = name, value
        self.arguments = (name, value)

    @classmethod
    def drop_enum_value(cls, operations: Operations, name: str, value: str) -> None:
        """Take ``value`` out of the enum type ``name`` by rebuilding the type and all that depends on it.

        Fails with SQLSTATE 23503 (foreign_key_violation) and says where, while rows hold the value: there is
        nothing that it could be turned into.
        """
        operations.invoke(cls(name, value))

    def sql(self) -> str:
        template = resources.files("hedgerow.migrations").joinpath("sql", "drop_enum_value.sql").read_text("utf-8")
        return template.replace("{type}", quote(self.name)).replace("{value}", quote(self.value))


@Operations.implementation_for(CreateEnumOp)
@Operations.implementation_for(DropEnumOp)
@Operations.implementation_for(AddEnumValueOp)
@Operations.implementation_for(DropEnumValueOp)
def _run_enum(operations: Operations, operation: EnumOp) -> None:
    run_sql(operations, operation.sql())


@renderers.dispatch_for(CreateEnumOp)
@renderers.dispatch_for(DropEnumOp)
@renderers.dispatch_for(AddEnumValueOp)
@renderers.dispatch_for(DropEnumValueOp)
def _render_enum(context: AutogenContext, operation: EnumOp) -> str:
    places = [f"{name}={value!r}" for name in ("before", "after") if (value := getattr(operation, name, None))]
    return f"op.{operation.operation}({', '.join([*map(repr, operation.arguments), *places])})"


@renderers.dispatch_for(ApplySnapshotOp)
@renderers.dispatch_for(RevertSnapshotOp)
@renderers.dispatch_for(ClearSnapshotOp)
@renderers.dispatch_for(RestoreSnapshotOp)
def _render_snapshot(context: AutogenContext, operation: SnapshotOp) -> str:
    return f"op.{operation.operation}(revision)"
