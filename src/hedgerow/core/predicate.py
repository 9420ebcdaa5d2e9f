"""The one definition of "inside the scope": a rule per relation, rendered for both locks.

What comes in: a relation (table or view), its :class:`ScopeRule`, and the claims of a scope as SQL
expressions. What goes out: one row-local boolean expression. The filter (lock 1) passes bind parameters as
claims, the wall (lock 2) passes reader functions such as ``app.current_tenant()``. Neither writes a predicate
of its own, so the two locks cannot drift apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    TIMESTAMP,
    Boolean,
    Date,
    Integer,
    String,
    TypeDecorator,
    and_,
    case,
    cast,
    func,
    literal_column,
    null,
    or_,
    true,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import AliasedReturnsRows, FromClause
from sqlalchemy.types import NullType, TypeEngine

from hedgerow.core.errors import RuleError
from hedgerow.core.scope import FLOW

#: Key of ``Table.info`` that holds the :class:`ScopeRule` of a table or mapped view.
SCOPE_INFO: Final = "hedgerow.scope"

#: Key of ``Table.info`` that marks a table whose rows are deleted by setting their :data:`DELETED_AT`.
SOFT_DELETE_INFO: Final = "hedgerow.soft_delete"
DELETED_AT: Final = "deleted_at"
#: The splits in the order of the array of windows, which is that of time. Their windows come first; then, in the same
#: order, one for what was computed on each, which later scopes read.
WINDOWED: Final = tuple(split.value for split in FLOW)
#: The same splits, those first that most rows are in.
COMMON_FIRST: Final = ("train", "test", "validation", "holdout", "unassigned")

#: Names of the six window bounds, in the order in which ``app.open_scope`` returns them.
BOUNDS: Final = (
    "train_until",
    "validation_from",
    "validation_until",
    "test_from",
    "test_until",
    "holdout_from",
)


@dataclass(frozen=True, slots=True)
class ScopeRule:
    """How a relation is divided between scopes.

    Attributes:
        tenant_column: column that names the owning tenant.
        split_column: column that holds the split of a row, or ``None`` where the relation knows no splits.
        event_time: columns, coalesced in this order, that say when the row happened; empty where the relation
            has no event time. Only meaningful together with ``split_column`` or ``only_split``.
        only_split: the single split that a view shows (``v_holdout_...``); reading it needs that split in scope.
        artefact: the rows are no records of a split but were computed on it (a model, an explanation): they are
            shown to scopes that hold that split or a later one.
        shared: a row without a tenant is every tenant's to read and no tenant's to write.
        partial: rows without a split belong to the whole tenant and are shown to every scope of it; without this they
            are shown to none.
    """

    tenant_column: str = "tenant_id"
    split_column: str | None = None
    event_time: tuple[str, ...] = ()
    only_split: str | None = None
    artefact: bool = False
    shared: bool = False
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Claims:
    """What a scope claims, as SQL expressions: bind parameters for the filter, reader functions for the wall.

    Attributes:
        tenant: the tenant id, text.
        windows: when each split, and what was computed on it, may be looked into: ``tstzrange[]`` in the order of
            :data:`WINDOWED`, twice; NULL where it is closed.
        tied: the windows lie below two subscripts that only the id of their tenant leads to. For claims that a
            statement reads one after the other: if the scope changes in between, the tenant of one scope must not meet
            the splits of another.
    """

    tenant: ColumnElement[Any]
    windows: ColumnElement[Any]
    tied: bool = False


def scope_rule(relation: FromClause) -> ScopeRule | None:
    """Return the rule of ``relation``, looking through aliases; ``None`` when it belongs to no tenant."""
    while isinstance(relation, AliasedReturnsRows):
        element = relation.element
        if not isinstance(element, FromClause):
            return None
        relation = element
    rule = getattr(relation, "info", {}).get(SCOPE_INFO)
    return rule if isinstance(rule, ScopeRule) else None


def event_time(relation: FromClause, rule: ScopeRule) -> ColumnElement[datetime]:
    """Return the moment a row happened as ``timestamptz``; a DATE counts from midnight UTC.

    The server's time zone never enters: two sessions with different ``TimeZone`` settings see the same rows.
    """
    moments = [_moment(_column(relation, name)) for name in rule.event_time]
    return moments[0] if len(moments) == 1 else func.coalesce(*moments)


def scope_predicate(relation: FromClause, rule: ScopeRule, claims: Claims) -> ColumnElement[bool]:
    """Return "this row of ``relation`` is inside the scope".

    Row-local (no sub-select on another table), and closed when in doubt: a NULL tenant, split or event time
    makes it NULL, which hides the row; but for the split of a ``partial`` rule, whose NULL says that there is none.

    Raises:
        RuleError: the rule names a column that the relation does not have.
    """
    tenant = _column(relation, rule.tenant_column)
    if rule.shared:
        # Still closed without a tenant: NULL equals nothing.
        tenant = func.coalesce(tenant, claims.tenant)
    held: list[ColumnElement[bool]] = []
    split = None if rule.split_column is None else _column(relation, rule.split_column)
    if split is not None or rule.only_split is not None:
        # One claim says which splits are open and when: a closed one has no window, and nothing lies in none.
        window = _window(tenant, split, rule, claims)
        if rule.event_time:
            inside = event_time(relation, rule).op("<@", is_comparison=True, return_type=Boolean())(window)
            # The planner believes that hardly anything lies in a range, and of two locks that hardly anything of that
            # is left; of what is not NULL it believes that it is nearly everything, as the rows of a tenant are.
            window = case((inside, true()))
        held.append(window.is_not(None))
    if rule.partial and split is not None:
        held = [or_(split.is_(None), and_(*held))]
    return and_(tenant == claims.tenant, *held)


class Place(ColumnElement[Any]):
    """One element of an array, ``(array)[place]``, of one dimension or of several."""

    inherit_cache = False

    def __init__(self, array: ColumnElement[Any], *places: ColumnElement[Any]) -> None:
        self.array, self.places, self.type = array, places, NullType()

    def self_group(self, against: Any = None) -> Place:
        return self  # binds more closely than any operator


@compiles(Place)
def _render_place(element: Place, compiler: Any, **kw: Any) -> str:
    places = (f"[{compiler.process(place, **kw)}]" for place in element.places)
    return f"({compiler.process(element.array, **kw)})" + "".join(places)


def _window(
    tenant: ColumnElement[Any], split: ColumnElement[Any] | None, rule: ScopeRule, claims: Claims
) -> ColumnElement[Any]:
    """When a row may be looked into; NULL for one whose split is closed, or one that nobody knows."""
    # Who asks for one split asks for that, and not for what later ones may read of it.
    first = 1 + len(WINDOWED) if rule.artefact and rule.only_split is None else 1
    places: dict[str, ColumnElement[Any]] = {
        name: literal_column(str(place), Integer()) for place, name in enumerate(WINDOWED, first)
    }
    path = _path(tenant) if claims.tied else ()
    if rule.only_split is not None:
        return Place(claims.windows, *path, places[rule.only_split])
    assert split is not None
    if path:
        # Named once, for each mention of a claim of the wall is a sub-select of its own.
        return Place(claims.windows, *path, _of_split(split, places))
    # A place that does not depend on the row is looked up while the statement is planned.
    return _of_split(split, {name: Place(claims.windows, place) for name, place in places.items()})


def _of_split(split: ColumnElement[Any], values: dict[str, ColumnElement[Any]]) -> ColumnElement[Any]:
    """The value for the split of a row; asked in the order of what most rows are."""
    # ELSE is said, since CASE without it is NULL as well, and so is an element that is not there.
    return case(*((split == _label(name), values[name]) for name in COMMON_FIRST), else_=null())


def _path(tenant: ColumnElement[Any]) -> tuple[ColumnElement[Any], ...]:
    """Where in the array of windows those of the tenant of a row are: 31 bits of a hash of its id, and 31 others.

    ``app.current_windows`` puts them there.
    """
    lower = func.hashtext(tenant).op(">>")(literal_column("1"))
    upper = func.hashtextextended(tenant, literal_column("0")).op(">>")(literal_column("33"))
    return lower, cast(upper, Integer)


def _moment(column: ColumnElement[Any]) -> ColumnElement[datetime]:
    # A date has no zone: read it as midnight UTC. (`date::timestamptz` would read it in the session's zone.) An offset
    # of none is UTC, and costs half of what the look-up of a zone by its name costs for every row.
    if isinstance(_plain_type(column), Date):
        zone: ColumnElement[Any] = literal_column("INTERVAL '0'")
        return cast(column, TIMESTAMP).op("AT TIME ZONE", return_type=TIMESTAMP(timezone=True))(zone)
    return column


def _plain_type(column: ColumnElement[Any]) -> TypeEngine[Any]:
    return column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type


def _column(relation: FromClause, name: str) -> ColumnElement[Any]:
    for column in relation.c:
        if getattr(column, "name", None) == name:
            return column
    raise RuleError(
        f"the scope rule names column {name!r}, which the relation does not have",
        remedy="declare the column, or correct the ScopeRule of the relation",
        table=getattr(relation, "name", None),
    )


def _label(name: str) -> ColumnElement[str]:
    # Constants of ours, rendered inline so that policies hold no parameters.
    return literal_column(f"'{name}'", String)
