"""What the server said about a statement, over either driver."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy.exc import DBAPIError


class ServerWords(NamedTuple):
    """The fields of a server's error that a person needs.

    Attributes:
        state: SQLSTATE; None for an error of the driver itself.
        message: the message, on one line.
        hint: what to do, where the server says so.
    """

    state: str | None
    message: str
    hint: str | None


def server_words(error: DBAPIError) -> ServerWords:
    """Return what the server said."""
    original = error.orig
    return ServerWords(
        said(original, "sqlstate", "pgcode"),
        said(original, "message_primary", "message") or str(original).partition("\n")[0],
        said(original, "message_hint", "hint"),
    )


def said(original: BaseException | None, *names: str) -> str | None:
    """Return the first field that is there: psycopg keeps them in ``diag``, asyncpg on the error it was made from.

    Args:
        original: the driver's error.
        names: what psycopg and asyncpg call the field.
    """
    for source in (getattr(original, "diag", None), getattr(original, "__cause__", None), original):
        for name in names:
            value = getattr(source, name, None)
            if isinstance(value, str) and value:
                return value
    return None
