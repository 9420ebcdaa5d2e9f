"""Questions about metrics and about the use of the product."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import distinct_on

from hedgerow.core.repository import (
    AsyncBaseRepository,
    AsyncSplitAwareRepository,
    BaseRepository,
    FilterError,
    SplitAwareRepository,
    awaiting,
)
from hedgerow.core.scope import Split
from hedgerow.kpi.models import BusinessMetric, UserSession
from hedgerow.kpi.views import KpiActiveUsersCurrent
from hedgerow.patients.enums import Brand, Region


@dataclass(frozen=True, slots=True)
class SessionMetrics:
    """Use of the product in a time range.

    :ivar sessions: sessions that started in it.
    :ivar users: distinct users among them.
    :ivar mean_duration_seconds: mean of the sessions that say how long they were, None when none does.
    :ivar mean_pages_viewed: mean of the sessions that say how many pages were viewed, None when none does.
    """

    sessions: int
    users: int
    mean_duration_seconds: Decimal | None
    mean_pages_viewed: Decimal | None


class BusinessMetricRepository(SplitAwareRepository[BusinessMetric]):
    """Periodic KPI values; the sources' ``kpi_name`` is the column ``metric_name``."""

    model_class = BusinessMetric

    def get_by_kpi(self, metric_name: str, split: Split | str | None = None) -> list[BusinessMetric]:
        """Return every value of a metric, the newest first."""
        values = self.matching({"metric_name": metric_name}, split)
        return self.rows(values.order_by(BusinessMetric.metric_date.desc(), BusinessMetric.metric_id))

    def get_time_series(
        self,
        metric_name: str,
        start: date | None = None,
        end: date | None = None,
        *,
        brand: Brand | str | None = None,
        region: Region | str | None = None,
        split: Split | str | None = None,
    ) -> list[BusinessMetric]:
        """Return the values of a metric in the order of time.

        :param start: first day, None for no bound.
        :param end: last day, itself included; None for no bound.
        :param brand: of one brand only; None for all of them.
        :param region: of one region only; None for all of them.
        """
        chosen = {"metric_name": metric_name, "brand": brand, "region": region}
        values = self.matching({name: value for name, value in chosen.items() if value is not None}, split)
        if start is not None:
            values = values.where(BusinessMetric.metric_date >= start)
        if end is not None:
            values = values.where(BusinessMetric.metric_date <= end)
        return self.rows(values.order_by(BusinessMetric.metric_date, BusinessMetric.metric_id))

    def get_latest_snapshot(self, split: Split | str | None = None) -> list[BusinessMetric]:
        """Return the newest value of each metric, brand and region; of several on one day that with the last id."""
        what = (BusinessMetric.metric_name, BusinessMetric.brand, BusinessMetric.region)
        newest = (BusinessMetric.metric_date.desc(), BusinessMetric.metric_id.desc())
        return self.rows(self.select(split).ext(distinct_on(*what)).order_by(*what, *newest))


class UserSessionRepository(BaseRepository[UserSession]):
    """Application sessions of users."""

    model_class = UserSession

    def get_by_user(self, user_id: str) -> list[UserSession]:
        """Return every session of a user, the newest first."""
        sessions = self.matching({"user_id": user_id})
        return self.rows(sessions.order_by(UserSession.session_start.desc(), UserSession.id))

    def get_sessions_in_range(self, start: datetime, end: datetime) -> list[UserSession]:
        """Return the sessions that started at or after ``start`` and before ``end``, in the order of time.

        :raises FilterError: a time without a time zone, or an end before the start.
        """
        return self.rows(self._in_range(start, end).order_by(UserSession.session_start, UserSession.id))

    def get_active_user_counts(self) -> KpiActiveUsersCurrent:
        """Return the distinct users of the current month, week and day (UTC), zeros included."""
        return self.session.scalars(select(KpiActiveUsersCurrent)).one()

    def get_session_metrics(self, start: datetime, end: datetime) -> SessionMetrics:
        """Return the use of the product in a time range, bounded as :meth:`get_sessions_in_range`."""
        figures = self._in_range(start, end).with_only_columns(
            func.count(),
            func.count(UserSession.user_id.distinct()),
            func.avg(UserSession.session_duration_seconds),
            func.avg(UserSession.pages_viewed),
        )
        return SessionMetrics(*self.session.execute(figures).one())

    def _in_range(self, start: datetime, end: datetime) -> Select[UserSession]:
        if start.tzinfo is None or end.tzinfo is None:
            raise FilterError("A time without a time zone has no place in time.", remedy="give it one, such as UTC")
        if end < start:
            raise FilterError(f"The range ends at {end}, before it starts at {start}.", remedy="swap them")
        return self.select().where(UserSession.session_start >= start, UserSession.session_start < end)


class AsyncBusinessMetricRepository(AsyncSplitAwareRepository[BusinessMetric]):
    """:class:`BusinessMetricRepository` over an asynchronous session."""

    sync_class = BusinessMetricRepository
    get_by_kpi = awaiting(BusinessMetricRepository.get_by_kpi)
    get_time_series = awaiting(BusinessMetricRepository.get_time_series)
    get_latest_snapshot = awaiting(BusinessMetricRepository.get_latest_snapshot)


class AsyncUserSessionRepository(AsyncBaseRepository[UserSession]):
    """:class:`UserSessionRepository` over an asynchronous session."""

    sync_class = UserSessionRepository
    get_by_user = awaiting(UserSessionRepository.get_by_user)
    get_sessions_in_range = awaiting(UserSessionRepository.get_sessions_in_range)
    get_active_user_counts = awaiting(UserSessionRepository.get_active_user_counts)
    get_session_metrics = awaiting(UserSessionRepository.get_session_metrics)
