"""Questions about the splits of a tenant: the configuration, its windows, the audits, and who opened what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, bindparam, func, select

from hedgerow.core.repository import AsyncBaseRepository, BaseRepository, RowNotFoundError, awaiting
from hedgerow.core.scope import Split
from hedgerow.splits.enums import LeakageSeverity, SplitStrategy
from hedgerow.splits.models import PatientSplitAssignment, SplitAccessLog, SplitConfig


@dataclass(frozen=True, slots=True)
class SplitBoundary:
    """One split of a configuration.

    :ivar start_date: first day of its window in UTC; None where the configuration has no date boundaries.
    :ivar end_date: last day of its window; for holdout the last day of the data, the window itself stays open.
    :ivar patient_count: patients registered for it under the configuration.
    """

    split: Split
    start_date: date | None
    end_date: date | None
    patient_count: int


@dataclass(frozen=True, slots=True)
class FeatureStats:
    """Statistics of one feature on the training split; None where one was not computed."""

    feature_name: str
    mean: Decimal | None
    std: Decimal | None
    min: Decimal | None
    max: Decimal | None


@dataclass(frozen=True, slots=True)
class LeakageFinding:
    """Outcome of one leakage check; a failed one is critical, a passed one info."""

    check_type: str
    passed: bool
    severity: LeakageSeverity
    details: str


class SplitConfigRepository(BaseRepository[SplitConfig]):
    """The split configurations of the tenant: read here, written by ``register_split_config``."""

    model_class = SplitConfig

    def get_active(self) -> SplitConfig | None:
        """Return the active configuration, None when none was registered."""
        return self.first(self.matching({"is_active": True}))

    def get_by_name(self, config_name: str) -> SplitConfig | None:
        """Return the configuration of a name, None when there is none."""
        return self.first(self.matching({"config_name": config_name}))

    def boundaries(self, split_config_id: UUID | str | None = None) -> list[SplitBoundary]:
        """Return window and number of patients of the four splits, in the order of time.

        :param split_config_id: None for the active configuration; an unknown one has no splits.
        """
        config = self.get_active() if split_config_id is None else self.get_by_id(split_config_id)
        if config is None:
            return []
        dated = config.split_strategy is not SplitStrategy.PATIENT_STRATIFIED
        function = func.get_split_boundaries(_uuid(config.split_config_id)).table_valued(
            "split_name", "start_date", "end_date", "patient_count", name="boundary"
        )
        boundaries = {
            Split(name): SplitBoundary(Split(name), start if dated else None, end if dated else None, patients)
            for name, start, end, patients in self.session.execute(select(function))
        }
        return [boundaries[split] for split in Split if split in boundaries]

    def preprocessing_stats(self, split_config_id: UUID | str | None = None) -> list[FeatureStats]:
        """Return the statistics of each feature, by name; none when no preprocessing metadata was stored.

        :param split_config_id: None for the active configuration.
        """
        config = self.get_active() if split_config_id is None else self.get_by_id(split_config_id)
        if config is None:
            return []
        function = func.get_preprocessing_stats(_uuid(config.split_config_id)).table_valued(
            "feature_name", "mean_value", "std_value", "min_value", "max_value", name="stats"
        )
        return [FeatureStats(*row) for row in self.session.execute(select(function).order_by("feature_name"))]

    def leakage_audit(self, split_config_id: UUID | str | None = None) -> list[LeakageFinding]:
        """Run the three leakage checks and return their outcome; each is recorded in ``ml_leakage_audit``.

        They count over every split of the tenant, whatever the scope holds; the caller commits the record.

        :param split_config_id: None for the active configuration.
        :raises RowNotFoundError: there is no such configuration, or none is active.
        """
        config = self.get_active() if split_config_id is None else self.get_by_id(split_config_id)
        if config is None:
            raise RowNotFoundError(
                f"There is no split configuration {split_config_id or '(active)'}.",
                remedy="register one: hedgerow splits configure TENANT",
                table=self.table_name,
            )
        function = func.run_leakage_audit(_uuid(config.split_config_id)).table_valued(
            "check_type", "passed", "severity", "details", name="finding"
        )
        rows = self.session.execute(select(function))
        return [LeakageFinding(kind, passed, LeakageSeverity(severity), text) for kind, passed, severity, text in rows]


class PatientSplitRepository(BaseRepository[PatientSplitAssignment]):
    """The split of each patient."""

    model_class = PatientSplitAssignment

    def split_of(self, patient_id: str) -> Split | None:
        """Return the split that a patient is registered for, None for a patient never seen."""
        assignment = self.first(self.matching({"patient_id": patient_id}))
        return None if assignment is None else assignment.assigned_split

    def register(self, patient_id: str) -> Split:
        """Return the split of a patient; one never seen is registered by the rule of the active configuration.

        Writing a patient's rows does it too, so this is for those who need the split before the first row.
        """
        registered: ColumnElement[Any] = func.app.register_patient(func.app.current_tenant(), patient_id)
        assigned = registered.table_valued("assigned_split", name="registered")
        return Split(self.session.execute(select(assigned)).scalar_one())

    def count_by_split(self) -> dict[Split, int]:
        """Return how many patients of the tenant are registered for each split, splits without any included."""
        statement = select(PatientSplitAssignment.assigned_split, func.count()).group_by(
            PatientSplitAssignment.assigned_split
        )
        found = dict(self.session.execute(statement).all())
        return {split: found.get(split, 0) for split in Split}


class SplitAccessRepository(BaseRepository[SplitAccessLog]):
    """Who opened a sealed split, and who was refused."""

    model_class = SplitAccessLog

    def access_log(
        self, *, split: Split | str | None = None, refused_only: bool = False, limit: int = 100
    ) -> list[SplitAccessLog]:
        """Return the newest entries first.

        :param split: only what was asked about this split.
        :param refused_only: leave out what was allowed.
        :param limit: the most entries to return.
        """
        filters: dict[str, Any] = {"allowed": False} if refused_only else {}
        if split is not None:
            filters["requested_split"] = Split(split)
        return self.rows(self._newest(self.matching(filters)).limit(limit))

    def _newest(self, statement: Select[SplitAccessLog]) -> Select[SplitAccessLog]:
        return statement.order_by(SplitAccessLog.accessed_at.desc(), SplitAccessLog.access_id)


class AsyncSplitConfigRepository(AsyncBaseRepository[SplitConfig]):
    """:class:`SplitConfigRepository` over an asynchronous session."""

    sync_class = SplitConfigRepository
    get_active = awaiting(SplitConfigRepository.get_active)
    get_by_name = awaiting(SplitConfigRepository.get_by_name)
    boundaries = awaiting(SplitConfigRepository.boundaries)
    preprocessing_stats = awaiting(SplitConfigRepository.preprocessing_stats)
    leakage_audit = awaiting(SplitConfigRepository.leakage_audit)


class AsyncPatientSplitRepository(AsyncBaseRepository[PatientSplitAssignment]):
    """:class:`PatientSplitRepository` over an asynchronous session."""

    sync_class = PatientSplitRepository
    split_of = awaiting(PatientSplitRepository.split_of)
    register = awaiting(PatientSplitRepository.register)
    count_by_split = awaiting(PatientSplitRepository.count_by_split)


class AsyncSplitAccessRepository(AsyncBaseRepository[SplitAccessLog]):
    """:class:`SplitAccessRepository` over an asynchronous session."""

    sync_class = SplitAccessRepository
    access_log = awaiting(SplitAccessRepository.access_log)


def _uuid(value: UUID) -> ColumnElement[UUID]:
    return bindparam(None, value, type_=Uuid())
