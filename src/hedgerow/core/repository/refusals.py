"""What the database refuses, as errors of the package, in a transaction that goes on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.orm import Session

from hedgerow.core.repository.errors import FilterError, RepositoryError, RowNotFoundError
from hedgerow.core.server_errors import said, server_words
from hedgerow.core.session import ScopedSession

INVALID: Final = "22023"
MISSING: Final = "P0002"
NULL: Final = "23502"
NO_PARENT: Final = "23503"
TAKEN: Final = "23505"
CHECKED: Final = "23514"

_KINDS: Final[Mapping[str, type[RepositoryError]]] = {
    MISSING: RowNotFoundError,
    NO_PARENT: RowNotFoundError,
    NULL: FilterError,
    TAKEN: FilterError,
    CHECKED: FilterError,
}
_DATA_EXCEPTION: Final = "22"  # too long, out of range, no JSON, a character that PostgreSQL does not store


@contextmanager
def refusals(
    session: Session,
    table: str,
    kinds: Mapping[str, type[RepositoryError]] | None = None,
    parents: Mapping[str, str] | None = None,
) -> Iterator[None]:
    """Raise what the database refuses inside the block as an error of ours, and keep the transaction alive.

    It costs a savepoint: for writes, not for ordinary questions, whose arguments are checked before they are asked.

    :param table: the table that the caller asked for.
    :param kinds: SQLSTATE to error, where it is not the common one.
    :param parents: table to what a row of it is called, where a row that is referred to is missing.
    """
    # Flushes what the caller left to do: its errors are not about this block.
    savepoint = session.begin_nested()
    try:
        with savepoint:
            yield
    except DBAPIError as error:
        words = server_words(error)
        state, message = words.state or "", words.message
        kind = (kinds or {}).get(state) or _KINDS.get(state)
        if kind is None and (state.startswith(_DATA_EXCEPTION) or isinstance(error, DataError)):
            kind = FilterError
        if kind is None:
            raise
        remedy = words.hint or "give values that the columns can hold"
        if state == NO_PARENT:
            parent = re.search(r'table "(\w+)"', said(error.orig, "message_detail", "detail") or "")
            name = parent[1] if parent else "the table that it refers to"
            missing = (parents or {}).get(name, f"row of {name}")
            message, remedy = f"There is no such {missing} in the scope", "check its id, and the tenant of the scope"
        scope = session.scope if isinstance(session, ScopedSession) else None
        raise kind(f"{message}.", remedy=remedy, table=table, scope=scope) from error
