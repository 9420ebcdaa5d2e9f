"""Rows that somebody tries to write: through the unit of work of a session, or in raw SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from hedgerow.core.wall import updatable_columns
from isolation.oracle import refusal


def write_one(session: Session, table: Table, which: ColumnElement[bool], act: str, known: str) -> None:
    """Change or delete a row of ``table`` in ``session``, and leave the flush to the caller.

    :param act: ``change``, of the first column that sessions may update, or ``delete``.
    :param known: ``loaded``, or ``expired`` as after a commit.
    """
    model, column = table.info["hedgerow.model"], table.c[updatable_columns(table)[0]]
    row = session.scalars(select(model).where(which)).first()
    assert row is not None, "there is nothing to write to"
    attribute = inspect(model).get_property_by_column(column).key
    value = getattr(row, attribute)
    if known == "expired":
        session.expire(row)
    if act == "delete":
        session.delete(row)
    else:
        setattr(row, attribute, value)
        flag_modified(row, attribute)


def attempt(connection: Connection, statement: str, **values: Any) -> Any:
    """How many rows it reached, or the SQLSTATE; nothing of it stays."""
    with connection.begin_nested() as savepoint:
        try:
            return connection.execute(text(statement), values).rowcount
        except DBAPIError as error:
            return refusal(error)
        finally:
            savepoint.rollback()
