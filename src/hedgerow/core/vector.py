"""Embeddings: the column type of a vector, and the column that similarity search reads instead of it.

What comes in: a list of floats, a NumPy array or a pgvector ``Vector``. What goes out: a list of floats, whatever
the driver. Values are stored as 32-bit floats. A vector of another length, or one that holds NaN or an infinity, is
refused before it reaches the server, by an error that names the position.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import Annotated, Any, Final, Protocol

import pgvector
from pgvector.sqlalchemy import HALFVEC, VECTOR
from sqlalchemy import Computed, Dialect
from sqlalchemy.exc import DontWrapMixin
from sqlalchemy.orm import MappedColumn, mapped_column
from sqlalchemy.types import TypeDecorator

from hedgerow.core.errors import HedgerowError
from hedgerow.core.objects import STORAGE_INFO

DIMENSIONS: Final = 1536
"""Length of every embedding."""

SEARCH_DIMENSIONS: Final = DIMENSIONS + 32
"""Length of what searches read: the embedding, and the signature of the tenant; see ``app.search_embedding``."""

SEARCHABLE_TABLE: Final = {"postgresql_with": {"fillfactor": 50, "toast_tuple_target": 4064}}
"""Options of a table with a :func:`search_column`.

Such a row takes more than a third of a page. One row a page leaves room for its next version beside it, so that
counting an access writes no index, and least of all the one over vectors (56 times as fast, measured). What else is
long goes out of line before the row outgrows half a page; otherwise all of its text would.
"""


class Array(Protocol):
    """What a NumPy array has, of which this package needs no more."""

    @property
    def ndim(self) -> int: ...

    def tolist(self) -> Any: ...


Embedding = Sequence[float] | Array
"""What is taken for an embedding: numbers in a list or tuple, or in a one-dimensional NumPy array."""


class VectorError(HedgerowError, ValueError, DontWrapMixin):
    """A value is not an embedding: another length, not numbers, NaN or an infinity."""


class _Parameter(pgvector.Vector):
    """A vector on its way to the server, as text of the nine digits that tell every 32-bit float from the next.

    pgvector writes all the digits of a 64-bit float: half as long again, and three times as slow to write.
    """

    def to_text(self) -> str:
        numbers = self.to_list()
        return f"[{','.join(['%.9g'] * len(numbers))}]" % tuple(numbers)


class VectorType(TypeDecorator[list[float]]):
    """``vector(n)`` of pgvector, checked on the way in and a list of floats on the way out.

    :param dimensions: the length of every value.
    """

    impl = VECTOR
    cache_ok = True
    comparator_factory = VECTOR.Comparator  # distances are written as methods of the column

    def __init__(self, dimensions: int = DIMENSIONS) -> None:
        super().__init__(dimensions)
        self.dimensions = dimensions

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else _Parameter(embedding(value, self.dimensions).tolist())

    def process_literal_param(self, value: Any, dialect: Dialect) -> Any:
        return self.process_bind_param(value, dialect)

    def compare_values(self, x: Any, y: Any) -> bool:
        if x is None or y is None:
            return x is y
        return embedding(x, self.dimensions) == embedding(y, self.dimensions)


Vector = Annotated[list[float], mapped_column(VectorType(DIMENSIONS), deferred=True)]
"""An embedding of 1536 dimensions. Loaded when it is asked for: it is twenty times as long as the rest of its row."""


def search_column(embedding: str) -> MappedColumn[Any]:
    """The column that similarity search reads in place of the column ``embedding``, which PostgreSQL keeps.

    The tenant's own scan and the index both compare ``app.search_embedding(tenant_id, <embedding>)``: half precision,
    in the row and not beside it. NULL, hence never found, where the embedding is NULL or zero.
    """
    return mapped_column(
        HALFVEC(SEARCH_DIMENSIONS),
        Computed(f"app.search_embedding(tenant_id, {embedding})", persisted=True),
        info={STORAGE_INFO: "PLAIN"},
        sort_order=2,
        # Asked for in searches, not in reads.
        deferred=True,
        comment=f"Half-precision unit vector of {embedding}, then the signature of the tenant; what searches compare",
    )


def embedding(value: Any, dimensions: int = DIMENSIONS) -> array[float]:
    """``value`` as 32-bit floats.

    :param value: a sequence of numbers, a one-dimensional NumPy array, or a pgvector ``Vector``.
    :raises VectorError: another length, not numbers, or a number that is not finite in 32 bits.
    """
    numbers = _numbers(value)
    if len(numbers) != dimensions:
        raise VectorError(
            f"An embedding has {dimensions} dimensions, not {len(numbers)}.",
            remedy="use the model that the stored embeddings come from",
        )
    # One sum tells whether any of them is not finite.
    if not math.isfinite(sum(numbers)):
        place, wrong = next((place, number) for place, number in enumerate(numbers) if not math.isfinite(number))
        raise VectorError(
            f"An embedding holds finite numbers of 32 bits, and the one at position {place} is {wrong}.",
            remedy="look at what computed it: a division by zero gives NaN, and 3.4e38 is the largest number",
        )
    return numbers


def _numbers(value: Any) -> array[float]:
    if isinstance(value, pgvector.Vector):
        value = value.to_list()
    if hasattr(value, "ndim"):
        if value.ndim != 1:
            raise VectorError(
                f"An embedding has one axis, not {value.ndim}.", remedy="pass one row, as in embeddings[0]"
            )
        value = value.tolist()
    if isinstance(value, str | bytes) or not isinstance(value, Sequence | array):
        raise VectorError(
            f"An embedding is a list of floats, not {type(value).__name__}.",
            remedy="pass a list of floats or a NumPy array",
        )
    try:
        return array("f", value if isinstance(value, list | tuple) else list(value))
    except (TypeError, OverflowError) as error:
        raise VectorError(
            f"An embedding is a list of floats: {error}.", remedy="pass a list of floats or a NumPy array"
        ) from None
