"""The declarative base: one metadata, one naming convention, comments that reach PostgreSQL."""

from __future__ import annotations

import inspect
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Date, Double, Integer, MetaData, Numeric, String, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.orm import DeclarativeBase

from hedgerow.core.types import (
    bigint,
    str2,
    str10,
    str20,
    str30,
    str50,
    str63,
    str64,
    str100,
    str200,
    str255,
)

NAMING = {
    # All columns take part in a name: every key leads with tenant_id, so its first column tells nothing.
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}

metadata = MetaData(naming_convention=NAMING)
"""Every table that hedgerow owns. Views live in :data:`view_metadata`, since nothing creates them as tables."""

view_metadata = MetaData()
"""The relations behind mapped views."""

TYPES: dict[Any, Any] = {
    str: Text(),
    int: Integer(),
    bool: Boolean(),
    float: Double(),
    Decimal: Numeric(),
    date: Date(),
    datetime: TIMESTAMP(timezone=True),
    UUID: PG_UUID(as_uuid=True),
    dict[str, Any]: JSONB(none_as_null=True),
    list[Any]: JSONB(none_as_null=True),
    bigint: BigInteger(),
    str2: String(2),
    str10: String(10),
    str20: String(20),
    str30: String(30),
    str50: String(50),
    str63: String(63),
    str64: String(64),
    str100: String(100),
    str200: String(200),
    str255: String(255),
}


def summary(cls: type) -> str | None:
    """First paragraph of a class's own docstring as one line, or None when it has none."""
    doc = cls.__dict__.get("__doc__")
    return " ".join(inspect.cleandoc(doc).split("\n\n")[0].split()) if doc else None


class Base(DeclarativeBase):
    """Base of every mapped table. The docstring of a model becomes the comment of its table."""

    metadata = metadata
    type_annotation_map = TYPES

    __app_privileges__: ClassVar[tuple[str, ...]] = ("SELECT", "INSERT", "UPDATE", "DELETE")
    """What the role of application sessions may do with the table; see :mod:`hedgerow.core.wall`."""

    __app_fixed__: ClassVar[tuple[str, ...]] = ()
    """Columns that application sessions write with a new row and never change, besides key, tenant and split."""

    __auditor_reads__: ClassVar[bool] = False
    """Whether auditors read the table: the audit trail and the logs."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        table = cls.__dict__.get("__table__")
        if isinstance(table, Table):
            table.comment = table.comment or summary(cls)
            table.info["hedgerow.model"] = cls
            for trait in cls.__mro__:
                describe = trait.__dict__.get("__describe_table__")
                if describe is not None:
                    describe.__func__(cls, table)


class ViewBase(DeclarativeBase):
    """Base of every mapped view. Read-only: nothing grants a write on it.

    A view has no primary key; a model names the columns that identify a row with ``primary_key=True``.
    """

    metadata = view_metadata
    type_annotation_map = TYPES

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        table = cls.__dict__.get("__table__")
        if isinstance(table, Table):
            table.info["hedgerow.model"] = cls
            table.info["hedgerow.view"] = True
