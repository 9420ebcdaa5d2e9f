"""The feature store: write values, ask for them now, and ask for them as they were known.

Comes in: names of features, ``"group:feature"`` or ``"feature"`` where one group has it, with ``"@2"`` behind it for a
version; without one the newest active version is meant. Goes out: mappings, and frames of Arrow or pandas::

    store = FeatureStore(session)
    store.online_features(["PAT-1"], ["labs:haemoglobin"])  # {"PAT-1": {"haemoglobin": 13.1}}
    store.training_frame([("PAT-1", moment)], ["labs:haemoglobin"])  # what was known at that moment

A patient belongs to a split. One whom the scope does not hold is refused, never answered with NULL: a frame or an
answer with holes would look right and be wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Row,
    Text,
    Uuid,
    bindparam,
    cast,
    column,
    func,
    literal,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, aggregate_order_by
from sqlalchemy.sql.expression import TableValuedAlias
from sqlalchemy.sql.selectable import LateralFromClause

from hedgerow.core.access import Access, refuse
from hedgerow.core.errors import SplitAccessError
from hedgerow.core.repository import AsyncBaseRepository, FilterError, awaiting
from hedgerow.core.repository.contract import Key
from hedgerow.core.repository.filters import coerced
from hedgerow.core.types import ENUM_TYPES
from hedgerow.features import frames
from hedgerow.features.checking import CheckedRepository, id_of_entity, json_of, json_ready, several, text_of
from hedgerow.features.enums import FeatureDataType, FeatureValueStatus
from hedgerow.features.errors import UnknownFeatureError, refusals
from hedgerow.features.models import PATIENT, FeatureGroup, FeatureValue
from hedgerow.features.names import Named, named
from hedgerow.features.repository import reread_values
from hedgerow.features.views import FeatureValueLatest

if TYPE_CHECKING:
    import pandas
    import pyarrow

CURRENT_KEY: Final = "uq_feature_values_current"

Names = Sequence[str] | Mapping[str, str]
"""Names of features, or a mapping from the column that a feature shall have to its name."""


@dataclass(frozen=True, slots=True)
class EntityFeature:
    """The newest value of one feature of an entity."""

    feature_name: str
    group_name: str
    value: Any
    computed_at: datetime
    status: FeatureValueStatus


@dataclass(frozen=True, slots=True)
class _Feature:
    """A feature that a name was found to mean."""

    column: str
    feature_id: UUID
    data_type: FeatureDataType
    entity_type: str


class FeatureStore(CheckedRepository[FeatureValue]):
    """Values of features: history, online answers and training frames."""

    model_class = FeatureValue

    # --- Writing -----------------------------------------------------------------------------------------------

    def create(self, entity: FeatureValue) -> FeatureValue:
        """Insert a value and return it as stored, in its place in history: split, status and end are filled in.

        For many at once use :meth:`bulk_insert_feature_values`.

        :raises FeatureTypeError: the value is not of its feature's type.
        :raises FilterError: a column cannot hold its value, or the feature, entity and ``computed_at`` are there.
        :raises UnknownFeatureError: there is no such feature.
        :raises SplitAccessError: the scope does not hold the patient's split.
        """
        for _ in range(4):
            try:
                return super().create(entity)
            except FilterError as error:
                # Somebody else wrote the first value of the entity meanwhile: now it is there to be seen.
                if CURRENT_KEY not in str(getattr(error.__cause__, "orig", None)):
                    raise
        return super().create(entity)

    def bulk_insert_feature_values(self, values: Iterable[Mapping[str, Any]]) -> int:
        """Insert values, each into its place in history, and return how many are new; all or nothing.

        :param values: mappings with ``feature_id``, ``entity_id``, ``entity_type`` and ``value``; optional
            ``computed_at`` (now), ``valid_from`` (``computed_at``), ``valid_until``, ``event_timestamp`` and
            ``source_version``. They may come in any order, and late. One whose feature, entity and ``computed_at``
            are there already is skipped.
        :raises FilterError: a key is missing, a time has no time zone, or a value is not JSON.
        :raises FeatureTypeError: a value is not of its feature's type.
        :raises UnknownFeatureError: there is no such feature.
        :raises SplitAccessError: the scope does not hold a patient's split.
        """
        document = json_of([json_ready(value) for value in several(values, "values")])
        written: ColumnElement[Any] = func.bulk_insert_feature_values(literal(document, JSONB))
        with refusals(self.session, self.table_name):
            count: int = self.session.execute(select(written)).scalar_one()
        reread_values(self.session)
        return count

    def update(self, id: Key, updates: Mapping[str, Any]) -> FeatureValue:
        """Set columns of a value and return it; see :meth:`BaseRepository.update`.

        A ``valid_until`` becomes the stated end. The status ``invalid`` takes the value out of history, as if it had
        never been written; another one puts an invalid value back. When it holds and was known is written once.
        """
        if isinstance(updates, Mapping) and set(updates) & {"status", "valid_until", "stated_until"}:
            self._hold(id)
        return super().update(id, updates)

    def delete(self, id: Key) -> bool:
        """Delete a value and tell whether one went away; what it had superseded holds again."""
        self._hold(id)
        return super().delete(id)

    # --- Reading -----------------------------------------------------------------------------------------------

    def get_feature_values(
        self, feature_id: UUID | str, entity_id: str, entity_type: str | None = None
    ) -> list[FeatureValue]:
        """Return the history of a feature for an entity, the newest ``computed_at`` first.

        Stale, expired and invalid values are part of it; unknown ids have none.

        :param entity_type: needed where an id stands for entities of several types.
        """
        history = func.get_feature_values(
            literal(coerced(FeatureValue, "feature_id", feature_id), self.table.c.feature_id.type),
            id_of_entity(entity_id),
            text_of(FeatureValue, "entity_type", entity_type),
        )
        named_rows = history.table_valued("value_id", name="history")
        found = self.select().join(named_rows, FeatureValue.value_id == named_rows.c.value_id)
        newest = (FeatureValue.computed_at.desc(), FeatureValue.valid_from.desc(), FeatureValue.value_id)
        return self.rows(found.order_by(*newest))

    def get_latest(self, entity_id: str, entity_type: str | None = None) -> list[FeatureValueLatest]:
        """Return the newest value of each feature of an entity, from ``feature_values_latest``; not for training."""
        latest = select(FeatureValueLatest).where(FeatureValueLatest.entity_id == id_of_entity(entity_id))
        if entity_type is not None:
            kind = text_of(FeatureValueLatest, "entity_type", entity_type)
            latest = latest.where(FeatureValueLatest.entity_type == kind)
        order = (FeatureValueLatest.entity_type, FeatureValueLatest.feature_name, FeatureValueLatest.feature_id)
        return list(self.session.scalars(latest.order_by(*order), execution_options={"populate_existing": True}))

    def get_entity_features(
        self,
        entity_id: str,
        entity_type: str | None = None,
        group_name: str | None = None,
        *,
        include_stale: bool = True,
    ) -> list[EntityFeature]:
        """Return the newest value of each feature of an entity, by group and name.

        Of several versions of a feature the last one that has a value answers.

        :param group_name: of one group only.
        :param include_stale: False leaves out features whose newest value is not current.
        """
        function = func.get_entity_features(
            id_of_entity(entity_id),
            text_of(FeatureValue, "entity_type", entity_type),
            text_of(FeatureGroup, "group_name", group_name),
            bool(include_stale),
        )
        columns = ("feature_name", "group_name", column("value", JSONB), "computed_at", "status")
        rows = function.table_valued(*columns, name="known")
        return [
            EntityFeature(name, group, value, computed_at, FeatureValueStatus(status))
            for name, group, value, computed_at, status in self.session.execute(select(rows))
        ]

    def online_features(self, entities: Sequence[str], features: Names) -> dict[str, dict[str, Any]]:
        """Return what is known now about entities, in one query: entity to feature to value.

        It is what :meth:`training_frame` gives for this moment, the database's. Every asked entity and feature is in
        the answer; None where nothing is known or the known value has ended. How old a value is plays no part.

        :param features: names; all of them of groups of one entity type.
        :raises UnknownFeatureError: a name means no feature with an active version, or several.
        :raises FilterError: two features would have one column, or are about different kinds of entities; or an
            entity is none.
        :raises SplitAccessError: the scope does not hold the split of a patient; it is logged. A patient who was never
            registered is like any entity that nothing is known about.
        """
        asked = named(features)
        ids = list(dict.fromkeys(id_of_entity(entity) for entity in several(entities, "entities")))
        if not ids or not asked:
            return {entity: {} for entity in ids}
        resolved, outside = self._resolve(asked), self._outside(ids, None)
        known = self._column(resolved, ids, None)
        rows = self.session.execute(
            select(resolved, known.c.numbers, known.c.texts, outside.label("outside"))
            .join_from(resolved, known, true(), isouter=True)
            .order_by(resolved.c.place)
        ).all()
        meant = self._meant(asked, rows)
        if meant[0].entity_type == PATIENT:
            self._refuse(rows[0].outside, len(ids))
        columns = [frames.decoded(f.data_type, row.numbers or row.texts) for f, row in zip(meant, rows, strict=True)]
        return {
            entity: {f.column: values[place] for f, values in zip(meant, columns, strict=True)}
            for place, entity in enumerate(ids)
        }

    def training_frame(
        self,
        entity_times: frames.EntityTimes,
        features: Names,
        *,
        outside: Literal["refuse", "drop"] = "refuse",
        format: Literal["arrow", "pandas"] = "arrow",
    ) -> pyarrow.Table | pandas.DataFrame:
        """Return what was known about each entity at each moment: nothing computed later, nothing that had ended.

        One row for each pair, in their order, with the columns ``entity_id`` and ``asked_at``, then those that came
        along (labels, say), then the features: numeric ones as 64-bit floats, categorical ones as text, booleans,
        embeddings as lists of floats; arrays and JSON as JSON text in Arrow and as objects in pandas. NULL where
        nothing was known.

        Needs ``pip install 'hedgerow[arrow]'``.

        :param entity_times: pairs of an entity and a moment with a time zone; or an Arrow table or data frame with
            the columns ``entity_id`` and ``asked_at``.
        :param features: names; all of them of groups of one entity type.
        :param outside: what becomes of a patient whose split the scope does not hold or who was never registered, and
            of a moment outside of the window of the patient's split: ``refuse`` raises, ``drop`` leaves the row out.
        :raises SplitAccessError: such a patient or moment, unless dropped; it is logged.
        :raises UnknownFeatureError: a name means no feature with an active version, or several.
        :raises FilterError: two columns of one name, different kinds of entities, a moment without a time zone.
        :raises MissingExtraError: pyarrow is not installed, or pandas where a data frame is asked for.
        """
        frame = frames.Frame(entity_times)
        asked = named(features, taken=frame.names)
        if outside not in ("refuse", "drop"):
            raise FilterError(f"Rows outside of the scope cannot be {outside!r}.", remedy="use 'refuse' or 'drop'")
        frames.check(format)
        if not asked:
            raise FilterError("A frame needs a feature.", remedy="name one at least")
        found = self._resolve(asked)
        meant = self._meant(asked, self.session.execute(select(found).order_by(found.c.place)).all())
        if meant[0].entity_type == PATIENT and len(frame):
            gone = self.session.execute(select(self._outside(frame.entities, frame.moments))).scalar_one()
            if outside == "refuse":
                self._refuse(gone, len(frame))
            frame.drop([place - 1 for place, _, _ in gone or ()])
        if not len(frame):
            return frame.finished([(f.column, f.data_type, []) for f in meant], format)
        # Sorted, so that the values of an entity are looked up while they are at hand.
        frame.sort()
        # By id: a name may mean another version by now.
        resolved = _table(meant)
        known = self._column(resolved, frame.entities, frame.moments)
        rows = self.session.execute(
            select(known.c.numbers, known.c.texts).join_from(resolved, known, true()).order_by(resolved.c.place)
        )
        columns = [
            (f.column, f.data_type, numbers if f.data_type is FeatureDataType.NUMERIC else texts)
            for f, (numbers, texts) in zip(meant, rows, strict=True)
        ]
        return frame.finished(columns, format)

    # --- Inside ------------------------------------------------------------------------------------------------

    def _hold(self, id: Key) -> None:
        """Lock the history before a row of it, as writers do: in another order the two would deadlock."""
        is_row = self._identified(id)
        columns = (self.table.c[name] for name in ("tenant_id", "feature_id", "entity_type", "entity_id"))
        key = None if is_row is None else self.session.execute(select(*columns).where(is_row)).first()
        if key is not None:
            self.session.execute(select(func.app.lock_feature_history(*key).table_valued("value_id", name="newest")))

    def _resolve(self, asked: Sequence[Named]) -> TableValuedAlias:
        function = func.app.resolve_features(
            _array([name.group for name in asked], Text()),
            _array([name.feature for name in asked], Text()),
            _array([name.version for name in asked], Integer()),
        )
        return function.table_valued("place", "found", "feature_id", "data_type", "entity_type", name="meant")

    def _column(
        self, resolved: TableValuedAlias, entities: Sequence[str], moments: Sequence[datetime] | None
    ) -> LateralFromClause:
        function = func.app.feature_column(
            resolved.c.feature_id,
            resolved.c.data_type,
            resolved.c.entity_type,
            _array(entities, Text()),
            _array(moments, TIMESTAMP(timezone=True)),
        )
        return function.table_valued("numbers", "texts", name="known").lateral()

    def _outside(self, patients: Sequence[str], moments: Sequence[datetime] | None) -> ColumnElement[Any]:
        function = func.app.patients_outside(
            _array(patients, Text()), _array(moments, TIMESTAMP(timezone=True))
        ).table_valued("place", "split", "moment", name="outside")
        row = func.jsonb_build_array(function.c.place, function.c.split, function.c.moment)
        return select(func.jsonb_agg(aggregate_order_by(row, function.c.place), type_=JSONB)).scalar_subquery()

    def _meant(self, asked: Sequence[Named], rows: Sequence[Row[Any]]) -> list[_Feature]:
        for name, row in zip(asked, rows, strict=True):
            if row.found != 1:
                self._not_one(name, row.found)
        kinds = sorted({row.entity_type for row in rows})
        if len(kinds) > 1:
            raise FilterError(
                f"The features are about different kinds of entities: {', '.join(kinds)}.",
                remedy="ask for the features of each kind by themselves, and join what comes back",
                table=self.table_name,
            )
        return [
            _Feature(name.column, row.feature_id, FeatureDataType(row.data_type), row.entity_type)
            for name, row in zip(asked, rows, strict=True)
        ]

    def _not_one(self, name: Named, found: int) -> NoReturn:
        if found:
            raise UnknownFeatureError(
                f"{found} groups have a feature {name.text!r}.", remedy=f"say which: 'group:{name.text}'"
            )
        version = "a version" if name.version is not None else "an active version"
        raise UnknownFeatureError(
            f"There is no feature {name.text!r} with {version} of that name.",
            remedy="see feature_definitions; a version that is not active is named, as in 'group:feature@1'",
            table="feature_definitions",
        )

    def _refuse(self, gone: Sequence[tuple[int, str | None, bool]] | None, asked: int) -> None:
        """Refuse and log, if anything lies outside of the scope."""
        if not gone:
            return
        opened = self._opened()
        closed = Counter(split for _, split, moment in gone if split is not None and not moment)
        moments = sum(moment for _, _, moment in gone)
        strangers = sum(split is None for _, split, _ in gone)
        parts = [f"{count} of patients of the split {split!r}" for split, count in sorted(closed.items())]
        parts += [f"{moments} at moments outside of the window of the patient's split"] if moments else []
        parts += [f"{strangers} of patients who were never registered"] if strangers else []
        message = f"The scope does not hold {len(gone)} of the {asked} asked rows: {', '.join(parts)}."
        split = min(closed, default=None)
        refuse(opened.access_log, Access(opened.scope, self.table_name, split, False, opened.caller, message))
        raise SplitAccessError(
            message,
            remedy="ask for what the scope holds: take the pairs from rows of the same session, open a scope that "
            "holds the split, or leave the others out of a frame with outside='drop'",
            table=self.table_name,
            scope=opened.scope,
            split=split,
        )


class AsyncFeatureStore(AsyncBaseRepository[FeatureValue]):
    """:class:`FeatureStore` over an asynchronous session."""

    sync_class = FeatureStore
    create = awaiting(FeatureStore.create)
    update = awaiting(FeatureStore.update)
    delete = awaiting(FeatureStore.delete)
    bulk_insert_feature_values = awaiting(FeatureStore.bulk_insert_feature_values)
    get_feature_values = awaiting(FeatureStore.get_feature_values)
    get_latest = awaiting(FeatureStore.get_latest)
    get_entity_features = awaiting(FeatureStore.get_entity_features)
    online_features = awaiting(FeatureStore.online_features)
    training_frame = awaiting(FeatureStore.training_frame)


def _table(meant: Sequence[_Feature]) -> TableValuedAlias:
    """Features that names were found to mean, as :meth:`FeatureStore._resolve` gives them."""
    function = func.unnest(
        _array([feature.feature_id for feature in meant], Uuid()),
        _array([feature.data_type for feature in meant], ENUM_TYPES[FeatureDataType]),
        _array([feature.entity_type for feature in meant], Text()),
    )
    return function.table_valued(
        "feature_id", "data_type", "entity_type", with_ordinality="place", name="meant"
    ).render_derived()


def _array(values: Sequence[Any] | None, kind: Any) -> ColumnElement[Any]:
    return cast(bindparam(None, None if values is None else list(values), type_=ARRAY(kind)), ARRAY(kind))
