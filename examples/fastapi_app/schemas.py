"""What goes in and comes out over HTTP."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from hedgerow.assistant import AssistantMode, IntentCategory, InteractionOutcome
from hedgerow.assistant.shapes import Citation
from hedgerow.customers.enums import CustomerTier


class Out(BaseModel):
    """Read from a model's attributes."""

    model_config = ConfigDict(from_attributes=True)


class NewInteraction(BaseModel):
    """What the assistant was asked, and what it did. The tenant is not a field: the token says it."""

    model_config = ConfigDict(extra="forbid")

    assistant_mode: AssistantMode
    user_query: str
    outcome: InteractionOutcome
    session_id: str | None = None
    intent_name: str | None = None
    intent_category: IntentCategory | None = None
    response_text: str | None = None
    confidence_score: float | None = None
    processing_time_ms: int | None = None
    citations: list[Citation] | None = None


class InteractionOut(Out):
    """An interaction."""

    id: UUID
    timestamp: datetime | None
    assistant_mode: AssistantMode
    user_query: str
    outcome: InteractionOutcome
    confidence_score: float | None


class CustomerOut(Out):
    """A customer at risk."""

    id: UUID
    name: str
    arr: Decimal
    tier: CustomerTier | None
    health_score: int | None
    renewal_date: date | None
    active_signals: int


class NewAuditEntry(BaseModel):
    """What is to be sealed. Who did it is not a field: the token says it."""

    model_config = ConfigDict(extra="forbid")

    entity_type: Annotated[str, Field(min_length=1)]
    entity_id: Annotated[str, Field(min_length=1)]
    action: Annotated[str, Field(min_length=1)]
    payload: dict[str, Any] = {}


class AuditEntryOut(Out):
    """A sealed entry."""

    entry_id: UUID
    entity_type: str
    entity_id: str
    action: str
    actor_id: str | None


class Created(BaseModel):
    """Id of what was stored."""

    id: UUID
