"""What :meth:`AssistantRepository.get_metrics` answers."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from hedgerow.assistant.enums import AssistantMode, IntentCategory, InteractionOutcome


class Figures(BaseModel):
    """Figures over some interactions.

    :ivar resolution_rate: share of resolved ones, 0 to 1; None where there are none, as is the next.
    :ivar escalation_rate: share of escalated ones, 0 to 1.
    :ivar average_confidence: 0 to 1, over those that state one; None where none does.
    :ivar p50_processing_time_ms: median milliseconds from question to answer, None where none is measured.
    :ivar p95_processing_time_ms: 95th percentile of the same.
    """

    model_config = ConfigDict(frozen=True)

    total_interactions: int
    resolved: int
    escalated: int
    resolution_rate: float | None
    escalation_rate: float | None
    average_confidence: float | None
    p50_processing_time_ms: float | None
    p95_processing_time_ms: float | None


class ModeFigures(Figures):
    """Figures over the interactions of one mode."""

    mode: AssistantMode


class IntentFigures(Figures):
    """Figures over the interactions with one intent, None for those without."""

    intent_name: str | None


class DayFigures(Figures):
    """Figures over the interactions of one day (UTC), None for those without a time."""

    day: date | None


class TriggerFigures(Figures):
    """Figures over the interactions that were escalated for one reason, once or several times.

    :ivar escalations: how often; at least ``total_interactions``.
    """

    trigger_type: str
    escalations: int


class InteractionSummary(BaseModel):
    """One interaction, without its texts."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: UUID
    timestamp: datetime | None
    assistant_mode: AssistantMode
    session_id: str | None
    intent_name: str | None
    intent_category: IntentCategory | None
    outcome: InteractionOutcome
    confidence_score: float | None
    processing_time_ms: int | None


class AssistantMetrics(Figures):
    """Figures over all interactions that match, together and divided.

    :ivar date_from: first instant of the range, None without.
    :ivar date_to: last instant of the range, itself included; None without.
    :ivar escalations: escalations of the matching interactions.
    :ivar by_mode: one entry for each mode that occurs.
    :ivar by_intent: one for each intent that occurs; the interactions without come last.
    :ivar by_trigger: one for each reason to escalate that occurs. An interaction may be in several.
    :ivar by_day: one for each day with interactions, in order; those without a time come last.
    :ivar interactions: the newest ones.
    """

    date_from: datetime | None
    date_to: datetime | None
    escalations: int
    by_mode: tuple[ModeFigures, ...]
    by_intent: tuple[IntentFigures, ...]
    by_trigger: tuple[TriggerFigures, ...]
    by_day: tuple[DayFigures, ...]
    interactions: tuple[InteractionSummary, ...]
