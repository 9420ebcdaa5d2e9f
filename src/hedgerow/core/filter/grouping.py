"""GROUP BY over restricted relations: which columns follow from a grouped primary key."""

from __future__ import annotations

from typing import Any

from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import ClauseElement, ColumnClause, ColumnElement
from sqlalchemy.sql.expression import FromClause

from hedgerow.core.filter.registry import ScopeRegistry


def dependent_columns(select: Any, registry: ScopeRegistry) -> list[ColumnElement[Any]]:
    """Return the columns that a select uses ungrouped and that depend on a primary key it groups by."""
    grouped: dict[Any, set[str]] = {}
    for clause in select._group_by_clauses:
        if isinstance(clause, ColumnClause) and clause.table is not None:
            grouped.setdefault(clause.table, set()).add(clause.name)
    keyed = {}
    for relation, names in grouped.items():
        entry = registry.entry(relation)
        key = None if entry is None else getattr(entry.table, "primary_key", None)
        if key and {column.name for column in key} <= names:
            keyed[relation] = names
    if not keyed:
        return []
    sources: list[ClauseElement] = [
        *_selected(select),
        *getattr(select, "_having_criteria", ()),
        *select._order_by_clauses,
    ]
    dependent: list[ColumnElement[Any]] = []
    for source in sources:
        for element in visitors.iterate(source):
            if not isinstance(element, ColumnClause):
                continue
            grouped_by = keyed.get(element.table)
            if grouped_by is not None and element.name not in grouped_by:
                grouped_by.add(element.name)
                dependent.append(element)
    return dependent


def _selected(select: Any) -> list[ClauseElement]:
    columns: list[ClauseElement] = []
    for column in getattr(select, "_raw_columns", ()):
        columns.extend(column.c if isinstance(column, FromClause) else (column,))
    return columns
