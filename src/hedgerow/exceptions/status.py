"""What the events of an exception say about its status: the rule that the database keeps, once more in Python.

The status is that of the newest event that says anything about it, and ``open`` without one. Of events at the same
moment, as those of one transaction are, the one furthest along counts. So the status follows from the set of events
and not from the order in which they arrive: a replayed log gives the same status whatever comes first.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from types import MappingProxyType
from typing import Final, Protocol

from hedgerow.exceptions.enums import ExceptionEventType, ExceptionStatus

STATUS_OF_EVENT: Final = MappingProxyType(
    {
        ExceptionEventType.EXCEPTION_CREATED: ExceptionStatus.OPEN,
        ExceptionEventType.EXCEPTION_NORMALIZED: ExceptionStatus.ANALYZING,
        ExceptionEventType.TRIAGE_COMPLETED: ExceptionStatus.ANALYZING,
        ExceptionEventType.POLICY_EVALUATED: ExceptionStatus.ANALYZING,
        ExceptionEventType.LLM_DECISION_PROPOSED: ExceptionStatus.ANALYZING,
        ExceptionEventType.RESOLUTION_SUGGESTED: ExceptionStatus.ANALYZING,
        ExceptionEventType.EXCEPTION_ESCALATED: ExceptionStatus.ESCALATED,
        ExceptionEventType.RESOLUTION_APPROVED: ExceptionStatus.RESOLVED,
    }
)
"""Events that say something about the status; all others, known or not, leave it as it is."""

_ORDER: Final = (
    ExceptionStatus.OPEN,
    ExceptionStatus.ANALYZING,
    ExceptionStatus.ESCALATED,
    ExceptionStatus.RESOLVED,
)
"""From the start of the handling to its end."""


class Event(Protocol):
    """What the rule looks at."""

    event_type: str
    created_at: datetime


def derived_status(events: Iterable[Event]) -> ExceptionStatus:
    """The status that follows from the events of one exception, in whatever order they come."""
    said = (
        (event.created_at, _ORDER.index(STATUS_OF_EVENT[ExceptionEventType(event.event_type)]))
        for event in events
        if event.event_type in STATUS_OF_EVENT
    )
    return _ORDER[max(said, default=(None, 0))[1]]
