"""Questions about what features there are, how far each one is in its life, and how fresh."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, Uuid, cast, func, literal, select, type_coerce
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from hedgerow.core.repository import AsyncBaseRepository, awaiting
from hedgerow.core.repository.filters import coerced
from hedgerow.core.types import ENUM_TYPES
from hedgerow.features.checking import CheckedRepository, text_of
from hedgerow.features.enums import FeatureDataType, FeatureStatus
from hedgerow.features.errors import INVALID, FeatureStatusError, refusals
from hedgerow.features.models import FeatureDefinition, FeatureGroup, FeatureValue
from hedgerow.features.views import FeatureFreshness


class FeatureGroupRepository(CheckedRepository[FeatureGroup]):
    """Named sets of features."""

    model_class = FeatureGroup

    def get_by_name(self, group_name: str) -> FeatureGroup | None:
        """Return the group of a name, None when there is none."""
        return self.first(self.matching({"group_name": coerced(FeatureGroup, "group_name", group_name)}))

    def get_by_tag(self, tag: str) -> list[FeatureGroup]:
        """Return the groups that carry a tag, by name."""
        tags, wanted = type_coerce(FeatureGroup.tags, ARRAY(Text)), coerced(FeatureGroup, "group_name", tag)
        return self.rows(self.select().where(tags.contains([wanted])).order_by(FeatureGroup.group_name))


class FeatureDefinitionRepository(CheckedRepository[FeatureDefinition]):
    """Features, each in versions."""

    model_class = FeatureDefinition

    def get_by_group(self, group_name: str) -> list[FeatureDefinition]:
        """Return every version of every feature of a group, by name, the newest version first."""
        wanted = coerced(FeatureGroup, "group_name", group_name)
        of_group = FeatureDefinition.group.has(FeatureGroup.group_name == wanted)
        return self.rows(self._by_name(self.select().where(of_group)))

    def create_feature_definition(
        self,
        name: str,
        group_id: UUID | str,
        data_type: FeatureDataType | str,
        logic: str | None = None,
    ) -> FeatureDefinition:
        """Create version 1 of a feature as draft, or its next version where the group has the name, and return it.

        Versions have neither gaps nor doubles, however many create them at once. Older versions stay as they are.

        :param logic: how it is computed, in whatever language.
        :raises FilterError: the name is blank, or one of them is of another type.
        :raises UnknownFeatureError: there is no such group.
        """
        self._must_be_unsealed()
        created: ColumnElement[Any] = func.create_feature_definition(
            text_of(FeatureDefinition, "feature_name", name),
            literal(coerced(FeatureDefinition, "group_id", group_id), Uuid()),
            cast(coerced(FeatureDefinition, "data_type", data_type), ENUM_TYPES[FeatureDataType]),
            text_of(FeatureDefinition, "computation_logic", logic),
        )
        with refusals(self.session, self.table_name):
            feature_id = self.session.execute(select(created)).scalar_one()
        return self._reloaded(feature_id)

    def update_feature_status(self, feature_id: UUID | str, status: FeatureStatus | str) -> FeatureDefinition:
        """Move a feature on and return it; the same status again changes nothing.

        draft goes to active, active to deprecated, anything to archived. Of a deprecated feature the current values
        become stale, of an archived one current and stale values expired, those of every split included.

        :raises FeatureStatusError: another move.
        :raises FilterError: there is no such status, or the id is none.
        :raises RowNotFoundError: there is no such feature.
        """
        self._must_be_unsealed()
        wanted = cast(coerced(FeatureDefinition, "status", status), ENUM_TYPES[FeatureStatus])
        known: UUID = coerced(FeatureDefinition, "feature_id", feature_id)
        moved: ColumnElement[Any] = func.update_feature_status(literal(known, Uuid()), wanted)
        with refusals(self.session, self.table_name, {INVALID: FeatureStatusError}):
            self.session.execute(select(moved))
        reread_values(self.session)
        return self._reloaded(known)

    def calculate_feature_freshness(self, feature_id: UUID | str) -> dict[str, Any] | None:
        """Return how fresh a feature is, an archived one too; None when it is unknown.

        Keys: ``feature_id``, ``freshness_sla_hours``, ``last_computed_at`` (ISO 8601, UTC), ``hours_since_update``,
        ``is_stale``, ``entity_count``; they count the values that the scope holds.
        """
        known = literal(coerced(FeatureDefinition, "feature_id", feature_id), Uuid())
        found: ColumnElement[Any] = func.calculate_feature_freshness(known)
        answer: dict[str, Any] | None = self.session.execute(select(found)).scalar_one()
        return answer

    def get_freshness_monitor(self, *, stale_only: bool = False) -> list[FeatureFreshness]:
        """Return the freshness of every feature that is not archived, by group and name."""
        order = (FeatureFreshness.group_name, FeatureFreshness.feature_name, FeatureFreshness.feature_id)
        statement = select(FeatureFreshness).order_by(*order)
        if stale_only:
            statement = statement.where(FeatureFreshness.is_stale)
        # What it says changes by the minute: what the session has read before is read again.
        return list(self.session.scalars(statement, execution_options={"populate_existing": True}))

    def update_feature_freshness(self) -> None:
        """Age all values of the tenant by the database's clock: current, stale, expired.

        For a job that runs now and then. Values of every split are aged, whatever the scope holds.
        """
        aged: ColumnElement[Any] = func.update_feature_freshness()
        self.session.flush()
        self.session.execute(select(aged))
        reread_values(self.session)

    def _by_name(self, statement: Select[FeatureDefinition]) -> Select[FeatureDefinition]:
        return statement.order_by(
            FeatureDefinition.group_id, FeatureDefinition.feature_name, FeatureDefinition.version.desc()
        )

    def _reloaded(self, feature_id: UUID) -> FeatureDefinition:
        statement = self.select().where(FeatureDefinition.feature_id == feature_id)
        return self.session.scalars(statement, execution_options={"populate_existing": True}).one()


class AsyncFeatureGroupRepository(AsyncBaseRepository[FeatureGroup]):
    """:class:`FeatureGroupRepository` over an asynchronous session."""

    sync_class = FeatureGroupRepository
    get_by_name = awaiting(FeatureGroupRepository.get_by_name)
    get_by_tag = awaiting(FeatureGroupRepository.get_by_tag)


class AsyncFeatureDefinitionRepository(AsyncBaseRepository[FeatureDefinition]):
    """:class:`FeatureDefinitionRepository` over an asynchronous session."""

    sync_class = FeatureDefinitionRepository
    get_by_group = awaiting(FeatureDefinitionRepository.get_by_group)
    create_feature_definition = awaiting(FeatureDefinitionRepository.create_feature_definition)
    update_feature_status = awaiting(FeatureDefinitionRepository.update_feature_status)
    calculate_feature_freshness = awaiting(FeatureDefinitionRepository.calculate_feature_freshness)
    get_freshness_monitor = awaiting(FeatureDefinitionRepository.get_freshness_monitor)
    update_feature_freshness = awaiting(FeatureDefinitionRepository.update_feature_freshness)


def reread_values(session: Session) -> None:
    """Read the values that the session holds once more: the database has changed them behind its back.

    Read and not expired, since an expired object of an asynchronous session cannot be looked at.
    """
    ids = [known.value_id for known in session.identity_map.values() if isinstance(known, FeatureValue)]
    if ids:
        statement = select(FeatureValue).where(FeatureValue.value_id.in_(ids))
        session.execute(statement, execution_options={"populate_existing": True}).all()
