"""Values of programs, examples and optimizers as JSON that PostgreSQL stores."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import PydanticSerializationError, to_jsonable_python

import dspy
from hedgerow.integrations.dspy.errors import NotAProgramError


def plain(value: Any) -> Any:
    """``value`` as JSON data: models and dates as Pydantic writes them, what is no number as None.

    Characters that PostgreSQL cannot store (NUL, lone surrogates) become the replacement character.

    :raises NotAProgramError: it holds an object that has no JSON form.
    """
    return _storable(_json(value))


def described(value: Any) -> Any:
    """:func:`plain`, with objects that have no JSON form as Python shows them: for what is only looked at."""
    return _storable(to_jsonable_python(value, fallback=lambda each: _opened(each, repr)))


def document(value: Any) -> str:
    """``value`` as JSON text that :func:`json.loads` reads back exactly, non-finite numbers included.

    :raises NotAProgramError: it holds an object that has no JSON form.
    """
    data = _json(value)
    text = json.dumps(data, indent=2, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(data, indent=2)
    return text


def _json(value: Any) -> Any:
    try:
        return to_jsonable_python(value, fallback=lambda each: _opened(each, _refused))
    except (PydanticSerializationError, RecursionError, ValueError) as error:
        raise NotAProgramError(
            f"Something in it has no JSON form: {error}.",
            remedy="let programs, demos and examples hold text, numbers, lists, mappings and Pydantic models",
        ) from error


def _opened(value: Any, otherwise: Callable[[Any], Any]) -> Any:
    return dict(value.items()) if isinstance(value, dspy.Example) else otherwise(value)


def _refused(value: Any) -> Any:
    raise ValueError(f"{type(value).__module__}.{type(value).__qualname__}")


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return "".join("\ufffd" if char == "\0" or "\ud800" <= char <= "\udfff" else char for char in value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_storable(key): _storable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_storable(item) for item in value]
    return value
