"""Plain SQL in a scope: what tests of triggers and functions ask a connection."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

from isolation.oracle import open_scope
from world import TENANT


def enter(connection: Connection, tenant: str = TENANT, *splits: str) -> None:
    """Open a scope for the transaction, without hedgerow's filter; of the train split unless others are named."""
    open_scope(connection, tenant, splits or ("train",), "a test in plain SQL", as_administrator=False)


def ask(connection: Connection, sql: str, **values: Any) -> list[Any]:
    """The rows of a statement, none for one that returns none."""
    result = connection.execute(text(sql), values)
    return list(result) if result.returns_rows else []


def one(connection: Connection, sql: str, **values: Any) -> Any:
    """The only row of a statement."""
    (row,) = ask(connection, sql, **values)
    return row
