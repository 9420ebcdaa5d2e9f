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
from collections.abc import Mapping
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
    if isinstance(value, Number):
        return _number(value)
    if isinstance(value, str):
        return _quoted(value)
    if value is None or value is True or value is False:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        # Python refuses to print integers of more than 4,300 digits; decimals have no such limit.
        return str(int(value)) if value.bit_length() < 10_000 else _number(format(Decimal(value), "f"))
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("a key of a JSON object is text")
        keys = sorted(value, key=_key) if len(value) > 1 else value
        return "{" + ", ".join([f"{_quoted(key)}: {canonical(value[key])}" for key in keys]) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join([canonical(item) for item in value]) + "]"
    if isinstance(value, (float, Decimal)):
        return _number(repr(float(value)) if isinstance(value, float) else str(value))
    raise TypeError(f"{type(value).__name__} is not JSON")


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


def payload_hash(payload: Any) -> str:
    """Hash of a payload, lower-case hexadecimal."""
    return hashlib.sha256(canonical(payload).encode()).hexdigest()


def entry_hash(entry: Entry, previous_hash: str | None) -> str:
    """Hash of an entry that has the fields of :data:`ENVELOPE`, following one with ``previous_hash``."""
    return entry_digest(entry, previous_hash).hex()


def entry_digest(entry: Entry, previous_hash: str | None) -> bytes:
    fields = ", ".join([f'"{name}": {canonical(entry[name])}' for name in ENVELOPE])
    return hashlib.sha256(f"{GENESIS if previous_hash is None else previous_hash}\n{{{fields}}}".encode()).digest()


def decoded(line: str | bytes) -> dict[str, Any]:
    """A line as an object whose numbers with a point or an exponent keep their digits.

    :raises ValueError: it is not a JSON object, or names a key twice.
    """
    try:
        found = json.loads(line, parse_float=Number, parse_constant=_no_constant, object_pairs_hook=_object)
    except ValueError as error:
        if "int" not in str(error) or isinstance(error, (json.JSONDecodeError, UnicodeDecodeError)):
            raise
        found = json.loads(line, parse_float=Number, parse_int=Number, object_pairs_hook=_object)
        found = {key: int(value) if key in _COUNTS else value for key, value in found.items()}
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("it is not an object")
    return found


_COUNTS: Final = {"version", "sequence_number", "created_at_us"}


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("it names a key twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
