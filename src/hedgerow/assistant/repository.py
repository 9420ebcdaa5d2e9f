"""The assistant's client: writes what happened, and reads figures over it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Final, Self
from uuid import UUID

from sqlalchemy import TIMESTAMP, ColumnElement, String, cast, func, select
from sqlalchemy.exc import SQLAlchemyError

from hedgerow.assistant.enums import AssistantMode
from hedgerow.assistant.inserting import insert_mapping
from hedgerow.assistant.metrics import (
    AssistantMetrics,
    DayFigures,
    Figures,
    IntentFigures,
    InteractionSummary,
    ModeFigures,
    TriggerFigures,
)
from hedgerow.assistant.models import Escalation, Interaction, KnowledgeDocument
from hedgerow.assistant.views import AssistantMetricsDaily
from hedgerow.core.errors import HedgerowError
from hedgerow.core.repository import AsyncBaseRepository, BaseRepository, FilterError, awaiting

_LOG: Final = logging.getLogger("hedgerow.assistant")
_COLUMNS: Final = ("dimension", "key", *Figures.model_fields, "escalations")


@dataclass(frozen=True, slots=True)
class _Range:
    """Filters of the figures, read: both ends are inclusive instants."""

    mode: AssistantMode | None
    date_from: datetime | None
    date_to: datetime | None

    @classmethod
    def read(cls, filters: Mapping[str, Any] | None) -> Self:
        given = dict(filters or {})
        mode, since, until = (given.pop(name, None) for name in ("mode", "date_from", "date_to"))
        if given:
            raise FilterError(
                f"There is no filter {next(iter(given))!r}.", remedy="use one of mode, date_from, date_to"
            )
        try:
            mode = None if mode is None else AssistantMode(mode)
        except ValueError:
            raise FilterError(
                f"{mode!r} is not a mode of the assistant.", remedy=f"use one of {', '.join(AssistantMode)}"
            ) from None
        found = cls(mode, _instant("date_from", since, time.min), _instant("date_to", until, time.max))
        if found.date_from and found.date_to and found.date_to < found.date_from:
            raise FilterError(
                f"The range ends at {found.date_to}, before it starts at {found.date_from}.", remedy="swap them"
            )
        return found


class AssistantRepository(BaseRepository[Interaction]):
    """What the assistant was asked and what it did.

    The questions of every repository are about interactions; :class:`EscalationRepository` and
    :class:`KnowledgeDocumentRepository` ask them about the other two tables.
    """

    model_class = Interaction

    def test_connection(self) -> bool:
        """Tell whether interactions can be read: True for an empty table too, False for any error, which is logged.

        The session can be used afterwards.
        """
        try:
            with self.session.begin_nested():
                self.session.execute(select(Interaction.id).limit(1)).first()
        except (SQLAlchemyError, HedgerowError, OSError) as error:
            _LOG.warning("interactions cannot be read: %s", error)
            return False
        return True

    def insert_interaction(self, interaction_data: Mapping[str, Any]) -> UUID:
        """Store an interaction and return its id.

        :param interaction_data: column to value; ``assistant_mode``, ``user_query`` and ``outcome`` are required. It
            is not changed.
        :raises InsertError: says which columns do not fit, and why. Nothing else is undone.
        :raises CrossTenantError: it names another tenant.
        """
        return insert_mapping(self.session, Interaction, interaction_data)

    def insert_escalation(self, escalation_data: Mapping[str, Any]) -> UUID:
        """Store an escalation and return its id; ``trigger_type`` and ``escalation_reason`` are required.

        Without ``interaction_id`` it belongs to no interaction, and figures over interactions do not count it.

        :raises InsertError: as :meth:`insert_interaction`; also for an interaction that does not exist.
        :raises CrossTenantError: it names another tenant.
        """
        return insert_mapping(self.session, Escalation, escalation_data)

    def insert_knowledge_document(self, doc_data: Mapping[str, Any]) -> UUID:
        """Store a document of the knowledge base and return its id; ``openai_file_id`` and ``title`` are required.

        :raises InsertError: as :meth:`insert_interaction`; also for a file that the tenant has already.
        :raises CrossTenantError: it names another tenant.
        """
        return insert_mapping(self.session, KnowledgeDocument, doc_data)

    def get_metrics(self, filters: Mapping[str, Any] | None = None, *, newest: int = 100) -> AssistantMetrics:
        """Return figures over the interactions that match, aggregated by the database however many there are.

        :param filters: ``mode``; ``date_from`` and ``date_to``, both inclusive, on the time of the question. A bound
            is a day, which is a day of UTC and counts as a whole, an instant with a time zone, or either as ISO text.
            None stands for no bound. An interaction without a time lies in no range that has one.
        :param newest: how many of the newest interactions to list, 0 for none. The figures count all of them, and
            all come from one moment; the list is read after them.
        :raises FilterError: an unknown filter or mode, a time without a time zone, an end before the start, or a
            negative count.
        """
        chosen = _Range.read(filters)
        if newest < 0:
            raise FilterError(f"The newest {newest} interactions do not exist.", remedy="give 0 or more")
        arguments = (
            cast(chosen.mode, String),
            cast(chosen.date_from, TIMESTAMP(timezone=True)),
            cast(chosen.date_to, TIMESTAMP(timezone=True)),
        )
        found = func.app.assistant_metrics(*arguments).table_valued(*_COLUMNS, name="figures")
        rows = [dict(row) for row in self.session.execute(select(found)).mappings()]

        def figures(dimension: str) -> list[dict[str, Any]]:
            return [row for row in rows if row["dimension"] == dimension]

        (total,) = figures("total")
        return AssistantMetrics(
            **{name: total[name] for name in Figures.model_fields},
            date_from=chosen.date_from,
            date_to=chosen.date_to,
            escalations=total["escalations"] or 0,
            by_mode=tuple(ModeFigures(mode=row["key"], **row) for row in figures("mode")),
            by_intent=tuple(IntentFigures(intent_name=row["key"], **row) for row in figures("intent")),
            by_trigger=tuple(TriggerFigures(trigger_type=row["key"], **row) for row in figures("trigger")),
            by_day=tuple(DayFigures(day=row["key"], **row) for row in figures("day")),
            interactions=self._newest(chosen, newest) if newest else (),
        )

    def get_daily_metrics(self, filters: Mapping[str, Any] | None = None) -> list[AssistantMetricsDaily]:
        """Return the rows of ``v_assistant_metrics_daily`` in order of day and mode.

        :param filters: as :meth:`get_metrics`, except that a bound counts as the day of UTC that it lies on.
        :raises FilterError: as :meth:`get_metrics`.
        """
        chosen = _Range.read(filters)
        days = select(AssistantMetricsDaily).order_by(
            AssistantMetricsDaily.metric_date.nulls_last(), AssistantMetricsDaily.assistant_mode
        )
        if chosen.mode is not None:
            days = days.where(AssistantMetricsDaily.assistant_mode == chosen.mode)
        if chosen.date_from is not None:
            days = days.where(AssistantMetricsDaily.metric_date >= chosen.date_from.astimezone(UTC).date())
        if chosen.date_to is not None:
            days = days.where(AssistantMetricsDaily.metric_date <= chosen.date_to.astimezone(UTC).date())
        return list(self.session.scalars(days))

    def _newest(self, chosen: _Range, count: int) -> tuple[InteractionSummary, ...]:
        matching: list[ColumnElement[bool]] = []
        if chosen.mode is not None:
            matching.append(Interaction.assistant_mode == chosen.mode)
        if chosen.date_from is not None:
            matching.append(Interaction.timestamp >= chosen.date_from)
        if chosen.date_to is not None:
            matching.append(Interaction.timestamp <= chosen.date_to)
        columns = (getattr(Interaction, name) for name in InteractionSummary.model_fields)
        order = (Interaction.timestamp.desc().nulls_last(), Interaction.id)
        rows = self.session.execute(select(*columns).where(*matching).order_by(*order).limit(count))
        return tuple(InteractionSummary.model_validate(row) for row in rows)


class EscalationRepository(BaseRepository[Escalation]):
    """Escalations, with or without an interaction."""

    model_class = Escalation


class KnowledgeDocumentRepository(BaseRepository[KnowledgeDocument]):
    """Documents of the knowledge base."""

    model_class = KnowledgeDocument


class AsyncAssistantRepository(AsyncBaseRepository[Interaction]):
    """:class:`AssistantRepository` over an asynchronous session."""

    sync_class = AssistantRepository
    test_connection = awaiting(AssistantRepository.test_connection)
    insert_interaction = awaiting(AssistantRepository.insert_interaction)
    insert_escalation = awaiting(AssistantRepository.insert_escalation)
    insert_knowledge_document = awaiting(AssistantRepository.insert_knowledge_document)
    get_metrics = awaiting(AssistantRepository.get_metrics)
    get_daily_metrics = awaiting(AssistantRepository.get_daily_metrics)


class AsyncEscalationRepository(AsyncBaseRepository[Escalation]):
    """:class:`EscalationRepository` over an asynchronous session."""

    sync_class = EscalationRepository


class AsyncKnowledgeDocumentRepository(AsyncBaseRepository[KnowledgeDocument]):
    """:class:`KnowledgeDocumentRepository` over an asynchronous session."""

    sync_class = KnowledgeDocumentRepository


def _instant(name: str, bound: object, of_day: time) -> datetime | None:
    """A bound as an instant; of a day the first or the last one."""
    match _read(name, bound) if isinstance(bound, str) else bound:
        case None:
            return None
        case datetime() as moment:
            if moment.tzinfo is None:
                raise FilterError(
                    f"{name} {moment} has no time zone, and so no place in time.", remedy="give it one, such as UTC"
                )
            return moment
        case date() as day:
            return datetime.combine(day, of_day, UTC)
    raise FilterError(f"{name} is {type(bound).__name__}, neither a day nor a time.", remedy="give a date")


def _read(name: str, bound: str) -> date:
    for kind in (date, datetime):
        try:
            return kind.fromisoformat(bound)
        except ValueError:
            continue
    raise FilterError(f"{name} {bound!r} is neither a day nor a time.", remedy="write it as in 2025-01-31")
