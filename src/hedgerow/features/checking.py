"""What callers give, as the columns take it, or an error before the database is asked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import ARRAY, ClauseElement, inspect
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase

from hedgerow.core.repository import BaseRepository, FilterError
from hedgerow.core.repository.contract import Key
from hedgerow.core.repository.filters import coerced, column, columns
from hedgerow.core.repository.refusals import NO_PARENT
from hedgerow.core.server_errors import server_words
from hedgerow.features.errors import FeatureInUseError, refusals
from hedgerow.features.models import FeatureValue

T = TypeVar("T", bound=DeclarativeBase)

#: PostgreSQL 18 tells RESTRICT from other foreign keys.
_REFERRED_TO: Final = frozenset({NO_PARENT, "23001"})


class CheckedRepository(BaseRepository[T]):
    """The rows of one table; what its columns cannot hold is an error of the package, and the session goes on."""

    def create(self, entity: T) -> T:
        """Insert ``entity`` and return it as stored; see :meth:`BaseRepository.create`.

        :raises FilterError: a column cannot hold its value, or the name is taken.
        :raises UnknownFeatureError: what it belongs to is not there.
        """
        if isinstance(entity, self.model_class):
            given = {name: value for name, value in inspect(entity).dict.items() if name in columns(self.model_class)}
            for name, value in fitting(self.model_class, given).items():
                setattr(entity, name, value)
        with refusals(self.session, self.table_name):
            return super().create(entity)

    def update(self, id: Key, updates: Mapping[str, Any]) -> T:
        """Set columns of a row and return it; see :meth:`BaseRepository.update`.

        :raises FilterError: an unknown column, one that cannot hold its value, or the name is taken.
        """
        if not isinstance(updates, Mapping):
            raise FilterError(f"{updates!r} says no columns.", remedy="give a mapping from column to value")
        values = fitting(self.model_class, updates)
        with refusals(self.session, self.table_name):
            return super().update(id, values)

    def delete(self, id: Key) -> bool:
        """Delete a row and tell whether one went away; see :meth:`BaseRepository.delete`.

        :raises FeatureInUseError: other rows belong to it.
        """
        # Flushes what the caller left to do: its errors are not about this row.
        savepoint = self.session.begin_nested()
        try:
            with savepoint:
                return super().delete(id)
        except IntegrityError as error:
            if server_words(error).state not in _REFERRED_TO:
                raise
            raise FeatureInUseError(
                "Other rows belong to it.", remedy="delete those first, or archive the feature", table=self.table_name
            ) from error


def fitting(model: type[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Values as their columns take them: the text of ids, enums and times is read. None stays, and SQL does.

    :raises FilterError: an unknown column, or a value that its column cannot hold.
    """
    return {
        name: value if value is None or isinstance(value, ClauseElement) else _fitting(model, name, value)
        for name, value in given.items()
    }


def text_of(model: type[Any], name: str, value: Any) -> str | None:
    """Text for a column, None for none.

    :raises FilterError: it is no text, or none that PostgreSQL stores.
    """
    return None if value is None else str(coerced(model, name, value))


def id_of_entity(value: Any) -> str:
    """The id of an entity; numbers and UUIDs are ids by their text.

    :raises FilterError: it is None or another thing that is no id.
    """
    text = str(value) if isinstance(value, int | UUID) and not isinstance(value, bool) else value
    return str(coerced(FeatureValue, "entity_id", text))


def several(values: Any, what: str) -> Iterable[Any]:
    """Refuse what is one thing where several are asked for: the letters of a text are no entities.

    :raises FilterError: it is text, a mapping, or nothing that one goes through.
    """
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise FilterError(f"{values!r} is not several {what}.", remedy=f"put {what} into a list")
    return values


def json_of(value: Any) -> Any:
    """A value as JSON has it.

    :raises FilterError: JSON has no such value.
    """
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise FilterError(
            f"A value is not JSON: {error}.",
            remedy="give text, truth values, lists, mappings, None, or numbers other than NaN, infinity and Decimal",
            table=FeatureValue.__tablename__,
        ) from error


def json_ready(value: Any) -> dict[Any, Any]:
    """A value of a bulk as JSON takes it; keys that are no columns are for the database to refuse."""
    if not isinstance(value, Mapping):
        raise FilterError(f"{value!r} is no mapping.", remedy="give feature_id, entity_id, entity_type and value")
    known = fitting(FeatureValue, {key: item for key, item in value.items() if key in columns(FeatureValue)})
    texts = {
        key: item.isoformat() if isinstance(item, datetime) else str(item) if isinstance(item, UUID) else item
        for key, item in known.items()
    }
    return {**value, **texts}


def _fitting(model: type[Any], name: str, value: Any) -> Any:
    kind = column(model, name).type
    if isinstance(kind, JSONB):
        json_of(value)
    if name == "entity_id":
        return id_of_entity(value)
    if isinstance(kind, ARRAY) and not (isinstance(value, list | tuple) and all(isinstance(v, str) for v in value)):
        raise FilterError(f"{value!r} is not a list of texts.", remedy=f"give {name} as a list of texts")
    return coerced(model, name, value)
