"""Annotated column types: each carries its policy (length, server default), so that models read like tables."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, TypeAdapter, ValidationError
from sqlalchemy import Dialect, Enum, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import mapped_column
from sqlalchemy.types import TypeDecorator

from hedgerow.core.errors import HedgerowError

bigint = Annotated[int, "bigint"]
str2 = Annotated[str, 2]
str10 = Annotated[str, 10]
str20 = Annotated[str, 20]
str30 = Annotated[str, 30]
str50 = Annotated[str, 50]
str63 = Annotated[str, 63]
str64 = Annotated[str, 64]
str100 = Annotated[str, 100]
str200 = Annotated[str, 200]
str255 = Annotated[str, 255]

uuid_pk = Annotated[UUID, mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))]
"""Random UUID key, drawn by the server: behind a tenant prefix time-ordered ids buy nothing and bloat the index."""

utc_now = Annotated[datetime, mapped_column(server_default=func.now())]
"""TIMESTAMPTZ that the server fills with the start of the transaction."""

bool_true = Annotated[bool, mapped_column(server_default=text("true"))]
bool_false = Annotated[bool, mapped_column(server_default=text("false"))]

EMPTY_OBJECT = text("'{}'")
EMPTY_LIST = text("'[]'")
"""Server defaults of JSONB columns."""

E = TypeVar("E", bound=type[StrEnum])

NATIVE_ENUMS: dict[str, type[StrEnum]] = {}
"""Enum types that exist in the database, by their database name."""

ENUM_TYPES: dict[type[StrEnum], Enum] = {}
"""The column type of each vocabulary."""


def _values(enum: type[StrEnum]) -> list[str]:
    return [member.value for member in enum]


def pg_enum(name: str) -> Callable[[E], E]:
    """Declare a :class:`~enum.StrEnum` as the native PostgreSQL type ``name``; its values are stored, not its names."""

    def declare(cls: E) -> E:
        NATIVE_ENUMS[name] = cls
        ENUM_TYPES[cls] = Enum(cls, name=name, values_callable=_values, metadata=_metadata())
        _register(cls)
        return cls

    return declare


class TextEnum(Enum):
    """A vocabulary that is stored as TEXT with a CHECK list."""

    def _resolve_for_python_type(self, *args: Any, **kwargs: Any) -> Any:
        # An annotation would make a plain Enum of it.
        return self.copy()  # type: ignore[no-untyped-call]


@compiles(TextEnum, "postgresql")
def _as_text(type_: TextEnum, compiler: Any, **kw: Any) -> str:
    return "TEXT"


def check_enum(name: str, *, length: int | None = 20) -> Callable[[E], E]:
    """Declare a :class:`~enum.StrEnum` as ``VARCHAR(length)`` with a CHECK list named after the column that uses it.

    :param length: None for TEXT.
    """

    def declare(cls: E) -> E:
        options: dict[str, Any] = {"values_callable": _values, "native_enum": False, "create_constraint": True}
        ENUM_TYPES[cls] = (
            TextEnum(cls, name=name, **options) if length is None else Enum(cls, name=name, length=length, **options)
        )
        _register(cls)
        return cls

    return declare


def _metadata() -> Any:
    from hedgerow.core.base import metadata

    return metadata


def _register(cls: type[StrEnum]) -> None:
    from hedgerow.core.base import Base, ViewBase

    for base in (Base, ViewBase):
        base.registry.update_type_annotation_map({cls: ENUM_TYPES[cls]})


class InvalidJSON(HedgerowError):
    """A JSONB value does not have the documented shape of its column."""


class ValidatedJSON(TypeDecorator[Any]):
    """JSONB whose documented shape is a Pydantic model or type, validated on the way in and on the way out.

    :param shape: the Pydantic model, or any type that a :class:`pydantic.TypeAdapter` understands.

    Values may be given as an instance or as plain data; they come back as instances of ``shape``.
    A value of another shape raises :class:`InvalidJSON`, which names the offending key.
    """

    impl = JSONB
    cache_ok = True

    def __init__(self, shape: Any) -> None:
        super().__init__(none_as_null=True)
        self.shape = shape
        self._adapter: TypeAdapter[Any] = TypeAdapter(shape)

    def _validate(self, value: Any, direction: str) -> Any:
        try:
            return self._adapter.validate_python(value)
        except ValidationError as error:
            name = getattr(self.shape, "__name__", str(self.shape))
            where = "; ".join(f"{'.'.join(map(str, item['loc'])) or 'value'}: {item['msg']}" for item in error.errors())
            raise InvalidJSON(
                f"A JSON value {direction} does not have the shape {name}: {where}.",
                remedy=f"Give a {name}, or plain data that it accepts.",
            ) from error

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None:
            return None
        return self._adapter.dump_python(self._validate(value, "to be stored"), mode="json", exclude_unset=True)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else self._validate(value, "read from the database")

    def compare_values(self, x: Any, y: Any) -> bool:
        return bool(x == y)


class Document(BaseModel):
    """Base of the documented JSONB shapes: immutable, and unknown keys are kept (their numbers must be numbers)."""

    model_config = {"frozen": True, "extra": "allow"}
