"""Which relations are scoped, found by name, so that ``table("t")`` and reflected tables are scoped as well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import MetaData, Table
from sqlalchemy.sql.expression import TableClause
from sqlalchemy.sql.selectable import AliasedReturnsRows, FromClause

from hedgerow.core.predicate import SOFT_DELETE_INFO, ScopeRule, scope_rule

#: Key of ``Table.info`` that marks a table whose rows are never changed or deleted.
APPEND_ONLY_INFO: Final = "hedgerow.append_only"

_CATALOGUES: Final = frozenset({"pg_catalog", "information_schema"})


def folded(name: str) -> str:
    """Return an identifier as PostgreSQL would find it: without case, cut at 63 bytes.

    A quoted name in another case is another relation to the server; here it counts as the same.
    """
    return name.casefold().encode()[:63].decode(errors="ignore")


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One scoped relation.

    Attributes:
        name: its name in the database.
        table: the declared relation, which knows its columns.
        rule: how it is divided between scopes.
        append_only: whether its rows are never changed or deleted.
        soft_delete: whether deleting a row sets its ``deleted_at``, which hides it.
    """

    name: str
    table: TableClause
    rule: ScopeRule
    append_only: bool = False
    soft_delete: bool = False


@dataclass(slots=True, eq=False, weakref_slot=True)
class ScopeRegistry:
    """The scoped relations of some metadata collections.

    Tables that are declared after the registry was made are found too.

    Args:
        metadata: collections of tables and mapped views; a relation is scoped when its ``info`` holds a rule.
        names: further relations, such as views that are not mapped. They have no rule, so nothing can scope
            them: statements and raw text that name them are refused.
    """

    metadata: tuple[MetaData, ...]
    names: frozenset[str]
    _entries: dict[str, Entry] = field(default_factory=dict, repr=False)
    _seen: int = field(default=-1, repr=False)

    def __init__(self, *metadata: MetaData, names: Iterable[str] = ()) -> None:
        self.metadata = metadata
        self.names = frozenset(folded(name) for name in names)
        self._entries = {}
        self._seen = -1

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._index().values())

    def relation_names(self) -> frozenset[str]:
        """Every name that raw text must not mention, in lower case."""
        return self.names.union(self._index())

    def entry(self, relation: FromClause | None) -> Entry | None:
        """Return the entry of a table, or of the table behind an alias; ``None`` when it is not scoped."""
        while isinstance(relation, AliasedReturnsRows):
            element = relation.element
            relation = element if isinstance(element, FromClause) else None
        if not isinstance(relation, TableClause) or (relation.schema or "").casefold() in _CATALOGUES:
            return None
        known = self._index().get(folded(relation.name))
        if known is not None:
            return known
        rule = scope_rule(relation)
        return None if rule is None else _entry(relation, rule)

    def lacks_rule(self, relation: FromClause) -> bool:
        """Whether ``relation`` is known by name only, so that it cannot be restricted."""
        if not isinstance(relation, TableClause) or (relation.schema or "").casefold() in _CATALOGUES:
            return False
        return folded(relation.name) in self.names and self.entry(relation) is None

    def _index(self) -> dict[str, Entry]:
        seen = sum(len(collection.tables) for collection in self.metadata)
        if seen != self._seen:
            self._entries = {
                folded(table.name): _entry(table, rule)
                for collection in self.metadata
                for table in collection.tables.values()
                if (rule := scope_rule(table)) is not None
            }
            self._seen = seen
        return self._entries


def _entry(table: TableClause, rule: ScopeRule) -> Entry:
    info = table.info if isinstance(table, Table) else {}
    return Entry(
        name=table.name,
        table=table,
        rule=rule,
        append_only=bool(info.get(APPEND_ONLY_INFO)),
        soft_delete=bool(info.get(SOFT_DELETE_INFO)),
    )


def default_registry() -> ScopeRegistry:
    """Return the registry of the package's own tables and views."""
    from hedgerow.core.base import metadata, view_metadata
    from hedgerow.registry import domains

    domains()  # imports them all: a table that the application did not import is scoped, too
    return ScopeRegistry(metadata, view_metadata)
