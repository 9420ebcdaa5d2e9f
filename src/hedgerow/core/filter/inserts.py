"""How rows get their tenant: absent, it is stamped; present, it must be the scope's; so must the split."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

from sqlalchemy import cast, column, select, table
from sqlalchemy.sql import coercions, roles
from sqlalchemy.sql.elements import BindParameter, ColumnClause, ColumnElement
from sqlalchemy.sql.expression import FromClause, Select
from sqlalchemy.types import NullType, Text
from sqlalchemy.util import immutabledict

from hedgerow.core.errors import RawSQLError
from hedgerow.core.filter.facts import Check
from hedgerow.core.filter.opened import SPLITS, TENANT
from hedgerow.core.filter.registry import Entry

if TYPE_CHECKING:
    from hedgerow.core.filter.compiler import FilterCompiler

#: Starts the text that a server-side check fails to read as a number; the error translation looks for it.
ALARM: Final = "hedgerow refused "


class WrittenValue(ColumnElement[Any]):
    """A tenant or a split that a statement writes, to be compared with the scope."""

    __visit_name__ = "hedgerow_value"
    inherit_cache = False

    def __init__(self, element: ColumnElement[Any], kind: Literal["tenant", "split"], entry: Entry, type_: Any) -> None:
        self.element, self.kind, self.entry, self.type = element, kind, entry, type_

    def self_group(self, against: Any = None) -> WrittenValue:
        return self


def checked_expression(compiler: FilterCompiler, value: WrittenValue, **kw: Any) -> str:
    """Render an expression whose value only the server knows, so that a foreign value raises there.

    The expression is evaluated once. What raises is a cast of text that holds the value, so that the planner
    cannot evaluate it ahead of time.
    """
    expression = compiler.process(value.element, **kw)
    type_ = compiler.dialect.type_compiler_instance.process(value.type)
    if value.kind == "tenant":
        inside = f"v.x = {compiler.process(TENANT)}"
    else:
        inside = f"CAST(v.x AS TEXT) = ANY ({compiler.process(SPLITS)})"
    alarm = compiler.render_literal_value(f"{ALARM}{value.kind} ", Text())
    return (
        f"(SELECT CASE WHEN v.x IS NULL OR {inside} THEN v.x"
        f" ELSE CAST(CAST(CAST(concat({alarm}, v.x) AS INTEGER) AS TEXT) AS {type_}) END"
        f" FROM (SELECT CAST({expression} AS {type_}) AS x OFFSET 0) AS v)"
    )


def stamp(compiler: FilterCompiler, statement: Any, target: Any, entry: Entry, *, toplevel: bool) -> Any:
    """Return ``statement``, an INSERT into ``target``, with the scope's tenant and checked values."""
    rule = entry.rule
    if not _has(target, rule.tenant_column):
        statement, target = _with_tenant_column(statement, target, rule.tenant_column)
    if statement.select is not None:
        return _stamp_select(statement, target, entry)
    if statement._multi_values:
        return _stamp_rows(statement, target, entry)
    values = dict(statement._values or {})
    named = {column_name(statement, target, key): key for key in values}
    passed = frozenset(compiler.column_keys or ())
    for kind, name in _guarded(entry):
        if kind == "split" and not _has(target, name):
            continue
        to = _column(target, name)
        check = Check(kind, entry.name, to.key)
        if name in named:
            value = values[named[name]]
            if isinstance(value, BindParameter):
                compiler.hedgerow.checks.append(Check(kind, entry.name, value.key))
            else:
                values[named[name]] = _wrapped(value, kind, entry, to)
        elif kind == "split":
            # From the parameters, or from a default of the column that is computed here.
            compiler.hedgerow.checks.append(check)
        elif not toplevel or compiler.column_keys is None:
            values[to] = TENANT
        elif to.key in passed:
            compiler.hedgerow.checks.append(check)
            compiler.hedgerow.stamped.add(to.key)
        else:
            # As though the caller had passed it with each row: batches, sentinels and defaults then work.
            compiler.column_keys = [*compiler.column_keys, to.key]
            compiler.hedgerow.stamped.add(to.key)
    if values:
        statement = statement._clone()
        statement._values = immutabledict(values)
    return statement


def _stamp_rows(statement: Any, target: Any, entry: Entry) -> Any:
    rows: list[dict[Any, Any]] = []
    for parameter_sets in statement._multi_values:
        for row in parameter_sets:
            values = dict(row) if isinstance(row, Mapping) else dict(zip(target.c, row, strict=False))
            named = {column_name(statement, target, key): key for key in values}
            for kind, name in _guarded(entry):
                if name in named and values[named[name]] is not None:
                    values[named[name]] = _wrapped(values[named[name]], kind, entry, _column(target, name))
                elif kind == "tenant":
                    values[named.get(name, _column(target, name))] = TENANT
            rows.append(values)
    statement = statement._clone()
    statement._multi_values = (rows,)
    return statement


def _stamp_select(statement: Any, target: Any, entry: Entry) -> Any:
    names: list[str] = list(statement._select_names)
    source = statement.select
    known = [column_name(statement, target, name) for name in names]
    guarded = {written: kind for kind, written in _guarded(entry)}
    tenant = entry.rule.tenant_column
    statement = statement._clone()
    if not guarded.keys() & set(known) and isinstance(source, Select):
        statement.select = source.add_columns(TENANT)
        statement._select_names = [*names, _column(target, tenant).key]
        return statement
    if isinstance(source, Select) and any(getattr(c, "is_literal", False) for c in source.selected_columns):
        # Text has no name that the enclosing select could refer to.
        source = source.with_only_columns(
            *(c.label(None) if getattr(c, "is_literal", False) else c for c in source.selected_columns)
        )
    rows = source.subquery()
    columns = list(rows.c)
    if len(columns) != len(names):
        raise RawSQLError(
            "INSERT FROM SELECT takes its rows from text whose columns are not known",
            remedy="name them, as in text(...).columns(...), or build the select from constructs",
            table=entry.name,
        )
    chosen: list[ColumnElement[Any]] = []
    for source_column, known_name in zip(columns, known, strict=True):
        to = _column(target, known_name) if known_name is not None else source_column
        value: ColumnElement[Any] = source_column
        if isinstance(source_column.type, NullType):
            value = cast(source_column, to.type)
        if known_name is not None and known_name in guarded:
            value = WrittenValue(value, guarded[known_name], entry, to.type)
        chosen.append(value)
    if tenant not in known:
        chosen.append(TENANT)
        names.append(_column(target, tenant).key)
    statement.select = select(*chosen).select_from(rows)
    statement._select_names = names
    return statement


def written_keys(statement: Any, column_keys: Iterable[str] | None) -> list[Any]:
    """Return what an UPDATE sets: keys of its values and of the parameters it is executed with."""
    values = statement._values or ()
    return [
        *(values.keys() if isinstance(values, Mapping) else (key for key, _ in values)),
        *(column_keys or ()),
    ]


def column_name(statement: Any, target: FromClause, key: Any) -> str | None:
    """Return the database name of the column that a key of VALUES or SET means, ``None`` for an expression."""
    if not isinstance(key, str):
        return key_name(key)
    for known in target.c:
        if key == known.key or key == getattr(known, "name", None):
            return str(known.name)
    mapper = getattr(statement._propagate_attrs.get("plugin_subject"), "mapper", None)
    if mapper is not None and key in mapper.attrs:
        return next((str(c.name) for c in getattr(mapper.attrs[key], "columns", ())), key)
    return key


def key_name(key: Any) -> str | None:
    """Return the column name that a key of SET means: a name, a column, or a part of one (``array[1]``)."""
    if isinstance(key, str):
        return key
    element: Any = coercions.expect(roles.DMLColumnRole, key)
    while element is not None and not isinstance(element, ColumnClause):
        element = getattr(element, "left", None)
    return None if element is None else str(element.name)


def is_excluded(value: Any, name: str) -> bool:
    """Whether ``value`` is ``EXCLUDED.<name>``, which was stamped already."""
    return isinstance(value, ColumnClause) and value.name == name and getattr(value.table, "name", None) == "excluded"


def _guarded(entry: Entry) -> list[tuple[Literal["tenant", "split"], str]]:
    guarded: list[tuple[Literal["tenant", "split"], str]] = [("tenant", entry.rule.tenant_column)]
    if entry.rule.split_column is not None:
        guarded.append(("split", entry.rule.split_column))
    return guarded


def _wrapped(value: Any, kind: Literal["tenant", "split"], entry: Entry, to: ColumnClause[Any]) -> WrittenValue:
    if not isinstance(value, ColumnElement):
        if hasattr(value, "__clause_element__") or hasattr(value, "self_group"):
            value = coercions.expect(roles.ExpressionElementRole, value)
        else:
            value = BindParameter(None, value, type_=to.type, unique=True)
    elif isinstance(value, BindParameter) and isinstance(value.type, NullType):
        value = value._with_binary_element_type(to.type)
    return WrittenValue(value, kind, entry, to.type)


def _has(target: FromClause, name: str) -> bool:
    return any(getattr(c, "name", None) == name for c in target.c)


def _column(target: FromClause, name: str) -> Any:
    return next(c for c in target.c if getattr(c, "name", None) == name)


def _with_tenant_column(statement: Any, target: Any, name: str) -> tuple[Any, Any]:
    # A lightweight table() that leaves the tenant out: write through one that has it.
    full = table(target.name, *(column(c.name, c.type) for c in target.c), column(name), schema=target.schema)
    statement = statement._clone()
    statement.table = full
    return statement, full
