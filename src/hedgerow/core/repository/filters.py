"""From ``{"column": value}`` to SQL: names are the model's, values are of the column's type, or it is an error."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    JSON,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Enum,
    Float,
    Integer,
    Numeric,
    String,
    TypeDecorator,
    Uuid,
    inspect,
    or_,
)
from sqlalchemy.orm import QueryableAttribute
from sqlalchemy.types import TypeEngine

from hedgerow.core.repository.errors import FilterError

_SEVERAL = (list, tuple, set, frozenset)


def columns(model: type[Any]) -> Mapping[str, QueryableAttribute[Any]]:
    """The columns of a model by their database name, and by the name of the attribute where that differs."""
    return _columns(cast(Hashable, model))


@lru_cache
def _columns(model: Any) -> Mapping[str, QueryableAttribute[Any]]:
    found: dict[str, QueryableAttribute[Any]] = {}
    for attribute in inspect(model).column_attrs:
        value = getattr(model, attribute.key)
        found[attribute.key] = value
        found.setdefault(attribute.columns[0].name, value)
    return found


def column(model: type[Any], name: str) -> QueryableAttribute[Any]:
    """The column called ``name``.

    :raises FilterError: the model has none; the message names those that it has.
    """
    known = columns(model)
    if name not in known:
        raise FilterError(
            f"There is no column {name!r}.", remedy=f"use one of {', '.join(sorted(known))}", table=table_name(model)
        )
    return known[name]


def condition(model: type[Any], name: str, value: Any) -> ColumnElement[bool]:
    """One filter as SQL: equality, IS NULL for None, IN for a list, tuple or set.

    A list is a single value for an array or JSON column.

    :raises FilterError: unknown column, or a value that the column cannot hold.
    """
    target = column(model, name)
    kind = _plain(target.type)
    if value is None:
        return target.is_(None)
    if isinstance(value, _SEVERAL) and not isinstance(kind, ARRAY | JSON):
        given = [coerced(model, name, item) for item in value if item is not None]
        return or_(target.in_(given), target.is_(None)) if None in value else target.in_(given)
    equal: ColumnElement[bool] = target == coerced(model, name, value)
    return equal


def coerced(model: type[Any], name: str, value: Any) -> Any:
    """``value`` as the type of a column; the text of an id, an enum, a date or a time is read.

    :raises FilterError: the column can never hold such a value.
    """
    kind = _plain(column(model, name).type)
    try:
        return _coerced(kind, value)
    except (ValueError, TypeError) as error:
        raise FilterError(
            f"{value!r} is not a value of {name}: {error}.",
            remedy="give a value of the column's type",
            table=table_name(model),
        ) from None


def count(name: str, value: int) -> int:
    """A number that cannot be negative, nor too large for a column of integers.

    :raises FilterError: it is.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise FilterError(f"The {name} {value!r} is not a count.", remedy="give 0 or more")
    return value


def table_name(model: type[Any]) -> str:
    """Name of the table or view of a model."""
    return str(inspect(model).local_table.name)


def _plain(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    return kind.impl_instance if isinstance(kind, TypeDecorator) else kind


def _coerced(kind: TypeEngine[Any], value: Any) -> Any:
    match kind:
        case Uuid():
            return value if isinstance(value, UUID) else UUID(_typed(value, str))
        case Enum() if kind.enum_class is not None:
            return kind.enum_class(value)
        case String():
            return _storable(_typed(value, str))
        case DateTime():
            moment = datetime.fromisoformat(value) if isinstance(value, str) else _typed(value, datetime)
            if kind.timezone and moment.tzinfo is None:
                # The server would read it in the session's time zone, whatever that is.
                raise ValueError("it has no time zone")
            return moment
        case Date():
            if isinstance(value, datetime):
                raise ValueError("it is a time, not a day")
            return date.fromisoformat(value) if isinstance(value, str) else _typed(value, date)
        case Boolean():
            return _typed(value, bool)
        case Integer() if not isinstance(value, bool):
            return _typed(value, int)
        case Numeric() | Float() if not isinstance(value, bool):
            return _typed(value, (int, float, Decimal))
        case Integer() | Numeric() | Float():
            raise TypeError("it is a truth value, not a number")
        case _:
            return value


def _typed(value: Any, expected: type[Any] | tuple[type[Any], ...]) -> Any:
    if not isinstance(value, expected):
        names = expected if isinstance(expected, tuple) else (expected,)
        raise TypeError(f"it is {type(value).__name__}, not {' or '.join(kind.__name__ for kind in names)}")
    return value


def _storable(value: str) -> str:
    if "\0" in value:
        raise ValueError("PostgreSQL stores no NUL")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("it holds a lone surrogate") from None
    return value
