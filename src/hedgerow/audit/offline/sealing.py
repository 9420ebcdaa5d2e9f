"""How an entry is sealed, in Python: the same hashes as ``calculate_chain_hash``.

The *canonical text* of a value is JSON without choices: ``", "`` and ``": "`` between the parts, keys by their length
in UTF-8 and then by their bytes, characters as themselves but for ``\\"``, ``\\\\`` and controls, numbers without
exponent and with the decimals they were given (``1e2`` is ``100``; ``1.0`` is not ``1``). So PostgreSQL prints jsonb.

    payload_hash = sha256(canonical text of the payload)
    entry_hash   = sha256(previous_hash or GENESIS, line feed, canonical text of the other fields)
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from json.encoder import encode_basestring as _quoted
from typing import Any, Final

VERSION: Final = 1
GENESIS: Final = "GENESIS"
# In canonical order: entry_hash covers these and previous_hash.
ENVELOPE: Final = (
    "action", "version", "actor_id", "chain_id", "entry_id", "entity_id", "tenant_id", "actor_type", "entity_type",
    "payload_hash", "created_at_us", "sequence_number",
)  # fmt: skip
FIELDS: Final = {*ENVELOPE, "payload", "previous_hash", "entry_hash"}
_PLAIN: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")
# What PostgreSQL holds: digits before and after the point.
_MOST_DIGITS, _MOST_DECIMALS = 131_072, 16_383

Entry = Mapping[str, Any]


class Number(str):
    """A JSON number, as it was written."""

    __slots__ = ()


def canonical(value: Any) -> str:
    """The canonical text of a JSON value: None, bool, int, float, Decimal, str, list, tuple, or dict with str keys.

    :raises TypeError: it is none of these.
    :raises ValueError: a number that is not finite, or larger than PostgreSQL holds.
    """
    known = _PRINTERS.get(type(value))
    if known is not None:
        return known(value)
    # Members of enumerations, named tuples and their like.
    for kind, print_ in _PRINTERS.items():
        if kind is not Number and isinstance(value, kind):
            return print_(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def _integer(value: int) -> str:
    # Python refuses to print integers of more than 4,300 digits; decimals have no such limit.
    return str(int(value)) if value.bit_length() < 10_000 else _number(format(Decimal(value), "f"))


def _items(value: Iterable[Any]) -> str:
    return "[" + ", ".join([canonical(item) for item in value]) + "]"


def _members(value: Mapping[str, Any]) -> str:
    try:
        keys = sorted(value, key=_key) if len(value) > 1 else value
        return "{" + ", ".join([f"{_quoted(key)}: {canonical(value[key])}" for key in keys]) + "}"
    except (TypeError, AttributeError):
        if all(isinstance(key, str) for key in value):
            raise
        raise TypeError("a key of a JSON object is text") from None


def _key(key: str) -> tuple[int, bytes]:
    data = key.encode()
    return len(data), data


def _number(text: str) -> str:
    if not _PLAIN.fullmatch(text):
        number = Decimal(text)
        if not number.is_finite():
            raise ValueError(f"{text} is not a JSON number")
        exponent = number.as_tuple().exponent
        if number.adjusted() > _MOST_DIGITS or (isinstance(exponent, int) and exponent < -_MOST_DECIMALS):
            raise ValueError("a number has more digits than PostgreSQL holds")
        text = format(number, "f")
    return text if text[0] != "-" or text.strip("-0.") else text[1:]  # there is no negative zero


_PRINTERS: Final[dict[type, Callable[[Any], str]]] = {
    str: _quoted,
    bool: lambda value: "true" if value else "false",
    int: _integer,
    dict: _members,
    list: _items,
    type(None): lambda value: "null",
    Number: _number,
    float: lambda value: _number(repr(float(value))),
    Decimal: lambda value: _number(str(value)),
    tuple: _items,
}


def payload_hash(payload: Any) -> str:
    """Hash of a payload, lower-case hexadecimal."""
    return hashlib.sha256(canonical(payload).encode()).hexdigest()


def entry_hash(entry: Entry, previous_hash: str | None) -> str:
    """Hash of an entry that has the fields of :data:`ENVELOPE`, following one with ``previous_hash``."""
    return entry_digest(entry, previous_hash).hex()


def entry_digest(entry: Entry, previous_hash: str | None) -> bytes:
    """The bytes of :func:`entry_hash`."""
    fields = ", ".join([f'"{name}": {canonical(entry[name])}' for name in ENVELOPE])
    return hashlib.sha256(f"{GENESIS if previous_hash is None else previous_hash}\n{{{fields}}}".encode()).digest()


def decoded(line: str) -> dict[str, Any]:
    """A line as an object whose numbers with a point or an exponent keep their digits.

    :raises ValueError: it is not a JSON object, or names a key twice.
    """
    try:
        found = _decode(line)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValueError as error:
        # Python refuses to read integers of more than 4,300 digits.
        if isinstance(error, json.JSONDecodeError) or "integer" not in str(error):
            raise
        found = _decode_long(line)
    if not isinstance(found, dict):
        raise ValueError("it is not an object")
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("it names a key twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _long(text: str) -> int | Number:
    return int(text) if len(text) < 1000 else Number(text)


_decode: Final = json.JSONDecoder(parse_float=Number, parse_constant=_no_constant, object_pairs_hook=_object).decode
_decode_long: Final = json.JSONDecoder(
    parse_float=Number, parse_int=_long, parse_constant=_no_constant, object_pairs_hook=_object
).decode
