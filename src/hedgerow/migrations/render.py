"""How operations on tables are written into a revision: readable, typed, and without the package's own types."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from alembic.autogenerate import render
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy import ARRAY, CheckConstraint, Enum, MetaData, Table, TypeDecorator
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from hedgerow.core.base import metadata
from hedgerow.core.types import TextEnum


def render_operations(context: MigrationContext, operations: Iterable[MigrateOperation], imports: set[str]) -> str:
    """Python statements of ``operations``, one below the other; what they need is added to ``imports``."""
    autogenerate = AutogenContext(
        context,
        opts={
            "sqlalchemy_module_prefix": "sa.",
            "alembic_module_prefix": "op.",
            "user_module_prefix": None,
            "render_as_batch": False,
            "render_item": render_item,
        },
    )
    autogenerate.imports = imports
    return "\n".join(render.render_op_text(autogenerate, operation) for operation in _flat(operations))


def render_item(kind: str, item: Any, context: AutogenContext) -> str | Literal[False]:
    """Alembic's hook: types and checks as a revision should say them."""
    if kind == "type":
        return _type(item, context)
    if kind == "check" and isinstance(item, CheckConstraint):
        # Alembic leaves out the checks of enums, for which the type would speak; here the column is plain VARCHAR.
        text = context.migration_context.impl.render_ddl_sql_expr(item.sqltext)
        return f"sa.CheckConstraint({text!r}, name=op.f({_check_name(item)!r}))"
    return False


def _check_name(check: CheckConstraint) -> str:
    # Alembic hands over a copy outside of our metadata. The checks of enums lose their full name on the way.
    preparer = postgresql.dialect().identifier_preparer  # type: ignore[no-untyped-call]
    table = metadata.tables.get(check.table.name)
    if table is None:
        # A table that the revision drops: the database told its name.
        return str(check.name)
    declared = table.constraints
    names = {str(preparer.format_constraint(c)) for c in declared if isinstance(c, CheckConstraint)}
    if str(check.name) in names:
        return str(check.name)
    named = CheckConstraint("true", name=str(check.name))
    Table(check.table.name, MetaData(naming_convention=metadata.naming_convention)).append_constraint(named)
    return str(preparer.format_constraint(named))


def _type(type_: TypeEngine[Any], context: AutogenContext) -> str | Literal[False]:
    if isinstance(type_, TypeDecorator):
        type_ = type_.impl_instance
    if isinstance(type_, Enum):
        if isinstance(type_, TextEnum):
            return "sa.Text()"
        if not type_.native_enum:
            return f"sa.String({type_.length})"
        context.imports.add("from sqlalchemy.dialects import postgresql")
        # The type is created by op.create_enum; its values are said there and nowhere else.
        return f"postgresql.ENUM(name={type_.name!r}, create_type=False)"
    if isinstance(type_, ARRAY):
        context.imports.add("from sqlalchemy.dialects import postgresql")
        return f"postgresql.ARRAY({render._repr_type(type_.item_type, context)})"
    if isinstance(type_, postgresql.JSONB):
        context.imports.add("from sqlalchemy.dialects import postgresql")
        return "postgresql.JSONB()"
    if type(type_).__module__.startswith("pgvector."):
        context.imports.add("import pgvector.sqlalchemy")
        return f"pgvector.sqlalchemy.{type(type_).__name__}({getattr(type_, 'dim', None)})"
    return False


def _flat(operations: Iterable[MigrateOperation]) -> Iterable[MigrateOperation]:
    for operation in operations:
        if isinstance(operation, ops.ModifyTableOps):
            yield from _flat(operation.ops)
        else:
            yield operation


def format_revision(path: Path) -> None:
    """Format a revision with ruff, where it is installed."""
    if find_spec("ruff") is not None:
        for arguments in (["check", "--fix", "--select=I,F401"], ["format"]):
            subprocess.run([sys.executable, "-m", "ruff", *arguments, "--quiet", str(path)], check=True)
