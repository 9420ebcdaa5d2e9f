"""Frames of Arrow and pandas: the only part of the feature store that needs them.

Comes in: pairs of entities and moments, and columns as the database gives them. Goes out: an Arrow table or a data
frame in the order of the pairs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from hedgerow.core.repository import FilterError
from hedgerow.features.checking import id_of_entity, several
from hedgerow.features.enums import FeatureDataType
from hedgerow.features.errors import MissingExtraError

if TYPE_CHECKING:
    import pandas
    import pyarrow

EntityTimes: TypeAlias = "Iterable[tuple[str, datetime]] | pyarrow.Table | pandas.DataFrame"

ENTITY: Final = "entity_id"
MOMENT: Final = "asked_at"

_REMEDY: Final = "pip install 'hedgerow[arrow]'"


def needed(module: str) -> Any:
    """Import a module that the extra brings.

    :raises MissingExtraError: it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtraError(f"Training frames need {module}, which is not installed.", remedy=_REMEDY) from error


def check(format: str) -> None:
    """Refuse a format that there is not, before anything is asked.

    :raises FilterError: it is neither ``arrow`` nor ``pandas``.
    :raises MissingExtraError: what it needs is not installed.
    """
    if format not in ("arrow", "pandas"):
        raise FilterError(f"There are no frames of {format!r}.", remedy="use 'arrow' or 'pandas'")
    needed("pyarrow" if format == "arrow" else "pandas")


class Frame:
    """The asked pairs, and whatever came along with them.

    :raises FilterError: a column is missing, an entity or moment is, or a moment has no time zone.
    """

    def __init__(self, entity_times: EntityTimes) -> None:
        self._pa = needed("pyarrow")
        self._compute = needed("pyarrow.compute")
        table = self._table(entity_times)
        self._rest = table.drop_columns([ENTITY, MOMENT])
        self._entities = self._ids(self._filled(table, ENTITY))
        self._moments = self._in_time(self._filled(table, MOMENT))
        self._order: Any = None

    def __len__(self) -> int:
        return len(self._entities)

    @property
    def names(self) -> list[str]:
        """Columns that the finished frame has besides the features."""
        return [ENTITY, MOMENT, *self._rest.column_names]

    @property
    def entities(self) -> list[str]:
        return list(self._entities.to_pylist())

    @property
    def moments(self) -> list[datetime]:
        return list(self._moments.to_pylist())

    def drop(self, places: Sequence[int]) -> None:
        """Leave rows out, by place from 0."""
        if not places:
            return
        gone = self._pa.array(places, self._pa.int64())
        all_places = self._pa.array(range(len(self)), self._pa.int64())
        kept = self._compute.invert(self._compute.is_in(all_places, value_set=gone))
        self._rest = self._rest.filter(kept)
        self._entities, self._moments = self._entities.filter(kept), self._moments.filter(kept)

    def sort(self) -> None:
        """Put the pairs in the order of entity and moment, until the frame is finished."""
        pairs = self._pa.table({ENTITY: self._entities, MOMENT: self._moments})
        places = self._compute.sort_indices(pairs, sort_keys=[(ENTITY, "ascending"), (MOMENT, "ascending")])
        self._entities, self._moments = self._entities.take(places), self._moments.take(places)
        self._order = self._compute.sort_indices(places)

    def finished(self, columns: Iterable[tuple[str, FeatureDataType, Sequence[Any]]], format: str) -> Any:
        """The frame with its features, in the order in which the pairs were asked."""
        entities, moments = self._asked(self._entities), self._asked(self._moments)
        names, arrays = [ENTITY, MOMENT], [entities, moments]
        for name in self._rest.column_names:
            names.append(name)
            arrays.append(self._rest.column(name))
        objects: dict[str, list[Any]] = {}
        for name, data_type, values in columns:
            names.append(name)
            arrays.append(self._asked(self._pa.array(self._values(data_type, values), self._type(data_type))))
            if data_type in (FeatureDataType.ARRAY, FeatureDataType.JSON):
                objects[name] = arrays[-1].to_pylist()
        table = self._pa.table(arrays, names=names)
        if format == "arrow":
            return table
        frame = table.to_pandas()
        for name, texts in objects.items():
            frame[name] = [None if text is None else json.loads(text) for text in texts]
        return frame

    def _asked(self, values: Any) -> Any:
        return values if self._order is None else values.take(self._order)

    def _table(self, entity_times: EntityTimes) -> Any:
        if isinstance(entity_times, self._pa.Table):
            table = entity_times
        elif type(entity_times).__module__.partition(".")[0] == "pandas":
            try:
                table = self._pa.Table.from_pandas(entity_times, preserve_index=False)
            except (self._pa.ArrowException, ValueError, TypeError, OverflowError) as error:
                raise FilterError(
                    f"Arrow takes no such data frame: {error}.", remedy="mend or drop the column"
                ) from error
        else:
            pairs = [_pair(pair) for pair in several(entity_times, "pairs of an entity and a moment")]
            stamp = self._pa.timestamp("us", "UTC")
            table = self._pa.table(
                {
                    ENTITY: self._pa.array([entity for entity, _ in pairs], self._pa.string()),
                    MOMENT: self._pa.array([moment for _, moment in pairs], stamp),
                }
            )
        for name in (ENTITY, MOMENT):
            if (found := table.column_names.count(name)) != 1:
                raise FilterError(f"There are {found} columns {name}.", remedy=f"name one {ENTITY}, one {MOMENT}")
        return table.combine_chunks()

    def _filled(self, table: Any, name: str) -> Any:
        column = table.column(name).combine_chunks()
        if column.null_count:
            raise FilterError(f"{column.null_count} rows have no {name}.", remedy="leave them out")
        return column

    def _ids(self, column: Any) -> Any:
        types, kind = self._pa.types, column.type
        kind = kind.value_type if types.is_dictionary(kind) else kind
        texts = column.cast(self._pa.string()) if types.is_integer(kind) or types.is_null(kind) else column
        if not (types.is_string(kind) or types.is_large_string(kind) or texts is not column):
            raise FilterError(f"Entities are not {kind}.", remedy=f"give {ENTITY} as text")
        texts = texts.cast(self._pa.string())
        if texts.null_count:  # of a dictionary that holds one
            raise FilterError(f"{texts.null_count} rows have no {ENTITY}.", remedy="leave them out")
        if any("\0" in text for text in texts.to_pylist()):
            raise FilterError(
                "The id of an entity holds a NUL.", remedy="PostgreSQL stores none: there is no such entity"
            )
        return texts

    def _in_time(self, column: Any) -> Any:
        if not (self._pa.types.is_timestamp(column.type) and column.type.tz):
            raise FilterError(
                "A moment without a time zone has no place in time.", remedy=f"give {MOMENT} a time zone, such as UTC"
            )
        # Downwards to the microsecond, which is the grain of the database: nothing later becomes known by it. A cast
        # alone goes towards 1970, which is upwards before it.
        instants = column.cast(self._pa.timestamp(column.type.unit, "UTC"))
        if column.type.unit == "ns":
            instants = self._compute.floor_temporal(instants, unit="microsecond")
        try:
            moments = instants.cast(self._pa.timestamp("us", "UTC"))
            ends = self._compute.min_max(moments.cast(self._pa.int64())).as_py().values()
        except self._pa.ArrowException as error:
            raise FilterError(f"A moment is out of time: {error}.", remedy=_YEARS) from error
        if any(end is not None and not _FIRST <= end <= _LAST for end in ends):
            raise FilterError("A moment is out of time.", remedy=_YEARS)
        return moments

    def _type(self, data_type: FeatureDataType) -> Any:
        match data_type:
            case FeatureDataType.NUMERIC:
                return self._pa.float64()
            case FeatureDataType.BOOLEAN:
                return self._pa.bool_()
            case FeatureDataType.EMBEDDING:
                return self._pa.list_(self._pa.float64())
            case _:
                return self._pa.string()

    def _values(self, data_type: FeatureDataType, values: Sequence[Any]) -> Sequence[Any]:
        if data_type in (FeatureDataType.ARRAY, FeatureDataType.JSON):
            # JSON null is no value, as in every other type.
            return [None if text == "null" else text for text in values]
        return decoded(data_type, values)


def decoded(data_type: FeatureDataType, values: Sequence[Any]) -> Sequence[Any]:
    """Values of one feature as Python has them, from what ``app.feature_column`` gives; JSON null is None."""
    match data_type:
        case FeatureDataType.NUMERIC | FeatureDataType.CATEGORICAL:
            return values
        case FeatureDataType.BOOLEAN:
            return [_TRUTH.get(text) for text in values]
        case FeatureDataType.EMBEDDING:
            # Floats, whole numbers too: Arrow refuses one beyond 2**53 as a float.
            return [None if text is None else json.loads(text, parse_int=float) for text in values]
        case _:
            return [None if text is None else json.loads(text) for text in values]


def _pair(pair: Any) -> tuple[str, datetime]:
    if isinstance(pair, str | bytes) or not isinstance(pair, Sequence) or len(pair) != 2:
        raise FilterError(f"{pair!r} is no pair.", remedy="give pairs of an entity and a moment")
    entity, moment = pair
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise FilterError(
            f"{moment!r} is no moment with a time zone.", remedy="give a datetime with tzinfo, such as UTC"
        )
    try:
        return id_of_entity(entity), moment.astimezone(UTC)
    except OverflowError:
        raise FilterError(f"{moment!r} is out of time.", remedy=_YEARS) from None


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST: Final = (datetime(1, 1, 2, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_LAST: Final = (datetime(9999, 12, 30, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_YEARS: Final = "give moments of the years 1 to 9999"

_TRUTH: Final = {"true": True, "false": False}
