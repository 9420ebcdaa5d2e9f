"""A mapping becomes a row, or an error that says which column does not fit and why.

What comes in: column names and values, as a program in front of the database has them. What goes out: the id of the
row. PostgreSQL names no column for a text that is too long or a number that is too large, hence the look before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
    insert,
)
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import QueryableAttribute, Session

from hedgerow.assistant.errors import InsertError, Problem, Reason
from hedgerow.core.base import Base
from hedgerow.core.repository import FilterError
from hedgerow.core.repository.filters import coerced, column, columns
from hedgerow.core.types import InvalidJSON, ValidatedJSON

_INT4: Final = range(-(2**31), 2**31)


def insert_mapping(session: Session, model: type[Base], data: Mapping[str, Any]) -> UUID:
    """Insert one row and return its ``id``; the mapping stays as it is.

    A value of None is stored as NULL; a column that is not mentioned takes its default. The insert runs in a
    savepoint, so that a refusal by the database undoes nothing else.

    :raises InsertError: the row does not fit the table.
    :raises CrossTenantError: it names another tenant.
    """
    table: Table = model.__table__  # type: ignore[assignment]
    values: dict[QueryableAttribute[Any], Any] = {}
    problems: list[Problem] = []
    for name, value in data.items():
        if name not in columns(model):
            problems.append(Problem(name, "unknown", f"There is no column {name!r}"))
            continue
        try:
            values[column(model, name)] = _fitting(model, name, value)
        except _Misfit as misfit:
            problems.append(misfit.problem)
        except FilterError as error:
            problems.append(Problem(name, "invalid", error.message.removesuffix(".")))
    given = {attribute.property.columns[0].name: value for attribute, value in values.items()}
    troubled = {problem.column for problem in problems}
    problems += (
        Problem(required.name, "missing", f"{required.name} needs a value")
        for required in table.columns
        if required.name not in troubled and _is_missing(required, given)
    )
    if problems:
        raise InsertError.of(table.name, *problems)
    # What the session still holds back is written outside of the savepoint: its errors are not about this row.
    session.flush()
    statement = insert(model).values(values).returning(column(model, "id"))
    try:
        with session.begin_nested():
            key: UUID = session.execute(statement).scalar_one()
    except (IntegrityError, DataError) as error:
        raise InsertError.of(table.name, *_told(table, error)) from error
    return key


class _Misfit(Exception):
    def __init__(self, column: str, reason: Reason, detail: str) -> None:
        self.problem = Problem(column, reason, detail)


def _fitting(model: type[Base], name: str, value: Any) -> Any:
    """The value as the column takes it."""
    kind = column(model, name).type
    if value is None:
        return None
    value = coerced(model, name, value)
    plain = kind.impl_instance if isinstance(kind, TypeDecorator) else kind
    if isinstance(plain, JSON):
        _check_json(name, kind, value)
    elif isinstance(plain, String) and plain.length is not None and len(value) > plain.length:
        raise _Misfit(name, "too_long", f"{name} has {len(value)} characters, {plain.length} are allowed")
    elif isinstance(plain, Integer) and not isinstance(plain, BigInteger) and value not in _INT4:
        raise _Misfit(name, "out_of_range", f"{name} is {value}, which is no 4-byte integer")
    elif isinstance(plain, Float):
        try:
            return float(value)
        except OverflowError:
            raise _Misfit(name, "out_of_range", f"{name} is larger than any floating-point number") from None
    return value


def _check_json(name: str, kind: Any, value: Any) -> None:
    try:
        if isinstance(kind, ValidatedJSON):
            value = kind.process_bind_param(value, None)  # type: ignore[arg-type]
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()
    except InvalidJSON as error:
        raise _Misfit(name, "invalid", f"{name}: {error.message.removesuffix('.')}") from None
    except UnicodeEncodeError:
        raise _Misfit(name, "invalid", f"{name} holds a lone surrogate") from None
    except (TypeError, ValueError) as error:
        raise _Misfit(name, "invalid", f"{name} is no JSON: {error}") from None
    if re.search(r"(?<!\\)(\\\\)*\\u0000", text):
        raise _Misfit(name, "invalid", f"{name} holds a NUL, which PostgreSQL does not store")


def _is_missing(column: Column[Any], given: Mapping[str, Any]) -> bool:
    if column.nullable:
        return False
    return given[column.name] is None if column.name in given else column.server_default is None


def _told(table: Table, error: IntegrityError | DataError) -> Iterator[Problem]:
    """What the server says about the row."""
    original: Any = error.orig
    # psycopg keeps the fields in diag, asyncpg on the error that SQLAlchemy's was made from.
    source = getattr(original, "diag", None) or original.__cause__ or original
    message = str(getattr(source, "message_primary", None) or source).splitlines()[0].rstrip(".")
    broken = getattr(source, "constraint_name", None)
    found = next((constraint for constraint in table.constraints if broken and constraint.name == broken), None)
    reason: Reason = "refused"
    names: list[str | None] = [getattr(source, "column_name", None) or None]
    if isinstance(found, UniqueConstraint | PrimaryKeyConstraint):
        reason = "duplicate"
    elif isinstance(found, ForeignKeyConstraint):
        reason = "no_such_row"
    if isinstance(found, CheckConstraint):
        words = set(re.findall(r"\w+", str(found.sqltext)))
        names = [own.name for own in table.columns if own.name in words] or names
    elif isinstance(found, ForeignKeyConstraint | PrimaryKeyConstraint | UniqueConstraint):
        names = [own.name for own in found.columns if own.name != "tenant_id"] or ["tenant_id"]
    for name in names:
        yield Problem(name, reason, f"{name or 'The row'}: {message}")
