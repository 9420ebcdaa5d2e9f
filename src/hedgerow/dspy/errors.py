"""What the dspy domain refuses, and how the database's own words become those errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from hedgerow.core.repository import FilterError, RepositoryError, RowNotFoundError
from hedgerow.core.session import ScopedSession


class RunTransitionError(RepositoryError, ValueError):
    """A run was to take a step that its life cycle does not have; the remedy says which steps there are."""


class PromptVersionError(RepositoryError, ValueError):
    """A stored version of a prompt was to be changed, or a version named that is not the next one."""


INVALID: Final = "22023"
MISSING: Final = "P0002"
_NO_PARENT: Final = "23503"

_COMMON: Final[Mapping[str, type[RepositoryError]]] = {
    MISSING: RowNotFoundError,
    INVALID: FilterError,
    _NO_PARENT: RowNotFoundError,
    "22001": FilterError,  # too long
    "22P02": FilterError,  # no JSON, such as NaN
    "22P05": FilterError,  # a character that PostgreSQL does not store
    "23502": FilterError,  # NULL
    "23505": FilterError,  # there already
    "23514": FilterError,  # a CHECK
}


@contextmanager
def refusals(session: Session, table: str, kinds: Mapping[str, type[RepositoryError]] | None = None) -> Iterator[None]:
    """Raise what the database refuses inside the block as an error of ours, and keep the transaction alive.

    :param table: the table that the caller asked for.
    :param kinds: SQLSTATE to error, where it is not the common one.
    """
    # Flushes what the caller left to do: its errors are not about this block.
    savepoint = session.begin_nested()
    try:
        with savepoint:
            yield
    except DBAPIError as error:
        state = _said(error, "sqlstate")
        kind = (kinds or {}).get(state or "") or _COMMON.get(state or "")
        if kind is None:
            raise
        message = _said(error, "message_primary", "message") or "The database refused it"
        remedy = _said(error, "message_hint", "hint") or "give values that the columns can hold"
        if state == _NO_PARENT:
            constraint = _said(error, "constraint_name") or ""
            missing = "prompt template" if "prompt_template_id" in constraint else "run"
            message, remedy = f"There is no such {missing} in the scope", "check its id, and the tenant of the scope"
        scope = session.scope if isinstance(session, ScopedSession) else None
        raise kind(f"{message}.", remedy=remedy, table=table, scope=scope) from error


def _said(error: DBAPIError, *names: str) -> str | None:
    """A field of the server's error: psycopg keeps them in ``diag``, asyncpg on the error that it was made from."""
    original = error.orig
    for source in (getattr(original, "diag", None), getattr(original, "__cause__", None), original):
        for name in names:
            value = getattr(source, name, None)
            if isinstance(value, str) and value:
                return value
    return None
