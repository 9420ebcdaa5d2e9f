"""Rows as the text that COPY reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from types import NoneType
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Table, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB

from hedgerow.seeding.plan import Row, SeedError

_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_VOLATILE: Final = ("now()", "gen_random_uuid()", "clock_timestamp()", "current_timestamp", "random()")


def columns_of(table: Table, row: Row) -> tuple[str, ...]:
    """The columns that a row writes, checked against the table.

    Raises:
        SeedError: the row writes a column that it may not, or leaves one to the clock or to chance.
    """
    for name in row:
        if name not in table.columns or name == "tenant_id" or table.columns[name].computed is not None:
            raise SeedError(f"A seed writes {name}, which is not for it to write.", table=table.name)
    for column in table.columns:
        default = column.server_default
        text = str(getattr(default, "arg", "")).lower()
        if column.name not in row and any(word in text for word in _VOLATILE):
            raise SeedError(
                f"A seed leaves {column.name} to its default {text}, so that no two databases would be the same.",
                table=table.name,
                remedy="write the column",
            )
    return tuple(row)


def encoded(table: Table, columns: Sequence[str], rows: Iterable[Row]) -> tuple[bytes, int]:
    """The rows as COPY text, and how many they are.

    Raises:
        SeedError: a row has other columns than the first one.
    """
    kinds, encoders = _KINDS, [(name, _encoder(table, name)) for name in columns]
    width, lines = len(columns), []
    for row in rows:
        if len(row) != width:
            raise SeedError(f"A seed row has {len(row)} columns, the first one had {width}.", table=table.name)
        # One call a value: this line takes half of the time that rows take.
        lines.append(
            "\t".join(
                [
                    encode(row[name]) if encode else (kinds.get(type(value := row[name])) or _member)(value)
                    for name, encode in encoders
                ]
            )
        )
    lines.append("")
    return "\n".join(lines).encode(), len(lines) - 1


def _encoder(table: Table, name: str) -> Callable[[Any], str] | None:
    """The encoder of a column that needs one of its own; None where the type of each value decides."""
    kind = table.columns[name].type
    if isinstance(kind, TypeDecorator):
        kind = kind.impl_instance
    if isinstance(kind, JSONB):
        return _json
    return _array if isinstance(kind, ARRAY) else None


def _escaped(text: str) -> str:
    # What needs an escape is not printable, but for the backslash; most text needs none.
    return text if text.isprintable() and "\\" not in text else text.translate(_ESCAPES)


_KINDS: Final[dict[type, Callable[[Any], str]]] = {
    NoneType: lambda _: "\\N",
    str: _escaped,
    bool: lambda value: "t" if value else "f",
    int: str,
    float: repr,
    Decimal: str,
    UUID: lambda value: str(value.hex),
    date: date.isoformat,
    datetime: datetime.isoformat,
}


def _member(value: Any) -> str:
    """A member of a vocabulary, which is text of a type of its own."""
    return _escaped(str(value))


_to_json: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def _json(value: Any) -> str:
    return "\\N" if value is None else _escaped(_to_json(value))


def _array(values: Sequence[str] | None) -> str:
    if values is None:
        return "\\N"
    quoted = ('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values)
    return _escaped("{" + ",".join(quoted) + "}")
