"""What the repositories of the dspy domain share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam
from sqlalchemy.types import TypeEngine

from hedgerow.agents.enums import AgentName
from hedgerow.core.base import Base
from hedgerow.core.repository import BaseRepository, FilterError, RowNotFoundError
from hedgerow.core.repository.contract import Key
from hedgerow.core.repository.filters import coerced
from hedgerow.core.types import ENUM_TYPES

T = TypeVar("T", bound=Base)

FRESH: Final = {"populate_existing": True}
"""Functions and triggers write past the session, so what it holds of a row is read anew."""


class Rows(BaseRepository[T]):
    """What the repositories of this domain share."""

    def _fresh(self, id: UUID) -> T:
        row = self.session.scalars(self.select().where(self._key == id), execution_options=FRESH).one_or_none()
        if row is None:
            raise self._unknown(id)
        return row

    def _id(self, id: Key) -> UUID:
        """The id of a row, which may not exist; what can be no id cannot either."""
        try:
            value: UUID = coerced(self.model_class, self.primary_key, id)
        except FilterError:
            raise self._unknown(id) from None
        return value

    def _unknown(self, id: object) -> RowNotFoundError:
        return RowNotFoundError(
            f"There is no row {str(id)!r} in the scope.",
            remedy="check the id, and the tenant of the scope",
            table=self.table_name,
        )


def typed(value: Any, kind: TypeEngine[Any]) -> ColumnElement[Any]:
    return bindparam(None, value, type_=kind)


def enum_value(model: type[Base], column: str, value: str) -> ColumnElement[Any]:
    member = coerced(model, column, value)
    return typed(member, ENUM_TYPES[type(member)])


def agent_value(model: type[Base], agent: AgentName | str) -> ColumnElement[Any]:
    return enum_value(model, "agent_name", agent)


def json_object(what: str, value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if value is not None and not isinstance(value, Mapping):
        raise FilterError(f"The {what} are a JSON object, not {type(value).__name__}.", remedy="give a mapping")
    return None if value is None else dict(value)
