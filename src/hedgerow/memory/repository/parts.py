"""What the repositories of memories share: parameters that are checked, and the shape of what is found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, inspect, literal, select
from sqlalchemy.orm import DeclarativeBase, Session

from hedgerow.core.repository.filters import coerced
from hedgerow.core.vector import Embedding, VectorType

T = TypeVar("T", bound=DeclarativeBase)


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """A row that a similarity search found.

    :ivar row: the row.
    :ivar similarity: cosine of the angle between its embedding and the query, -1 to 1.
    """

    row: T
    similarity: float


@dataclass(frozen=True, slots=True)
class SimilarThing:
    """What a search by meaning found in one of several tables.

    :ivar id: its key, as text.
    :ivar similarity: cosine of the angle between its embedding and the query, above 0.5.
    :ivar source_table: the table that it is in.
    """

    id: str
    content: str
    similarity: float
    metadata: dict[str, Any]
    source_table: str


@dataclass(frozen=True, slots=True)
class MemoryEntity:
    """A row that a memory is about.

    :ivar entity_type: ``patient_journey``, ``hcp``, ``trigger``, ``causal_path`` or ``prediction``.
    :ivar entity_name: what to call it, to show.
    """

    entity_type: str
    entity_id: str
    entity_name: str | None
    entity_details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SearchedTable:
    """A table that the hybrid searches read.

    :ivar total_rows: rows that the scope sees.
    :ivar has_search_vector: whether it is searched by words.
    :ivar has_embedding_index: whether it can be searched by meaning through an index.
    """

    tbl_name: str
    total_rows: int
    has_search_vector: bool
    has_embedding_index: bool


def of_enum(value: Any, model: type[DeclarativeBase], column: str) -> ColumnElement[Any]:
    """A label of the vocabulary of a column, or NULL, as a parameter.

    :raises FilterError: the vocabulary has no such label.
    """
    known = None if value is None else coerced(model, column, value)
    return literal(known, inspect(model).local_table.c[column].type)


def identified(model: type[DeclarativeBase], column: str, value: Any) -> ColumnElement[Any]:
    """An id, or NULL, as a parameter; its text is read.

    :raises FilterError: it can be no id.
    """
    return literal(None if value is None else coerced(model, column, value), inspect(model).local_table.c[column].type)


def reread(session: Session, model: type[DeclarativeBase]) -> None:
    """Bring what the session holds of a table up to date: functions write past it.

    Only those rows: expiring everything would cost an asynchronous session all that it holds. A row that is gone is
    expired, so that it is an error to go on with it.
    """
    (key,) = (column for column in inspect(model).primary_key if column.name != "tenant_id")
    attribute = inspect(model).get_property_by_column(key).class_attribute
    held = {getattr(row, attribute.key): row for row in session.identity_map.values() if isinstance(row, model)}
    if not held:
        return
    found = session.scalars(
        select(model).where(attribute.in_(list(held))), execution_options={"populate_existing": True}
    )
    there = {getattr(row, attribute.key) for row in found}
    for id in held.keys() - there:
        session.expire(held[id])


def embedded(value: Embedding | None) -> ColumnElement[Any]:
    """An embedding as a parameter."""
    return literal(value, VectorType())
