"""Tables of the assistant domain."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hedgerow.assistant.enums import AssistantMode, IntentCategory, InteractionOutcome, KnowledgeContentType
from hedgerow.assistant.shapes import Citation
from hedgerow.core.base import Base
from hedgerow.core.keys import tenant_fk, tenant_relationship
from hedgerow.core.mixins import TenantOwned, WrittenUnsealed
from hedgerow.core.types import ValidatedJSON, str50, str100, str255, uuid_pk

# The shape of Citation once more, for writers that do not come through Python. An array of arrays is told in strict
# mode, since lax mode looks at the elements; a missing key in lax mode, since strict mode calls it unknown. The type
# of a value is asked before the value, for the same reason.
CITATIONS = """jsonb_typeof(citations) = 'array'
    AND NOT jsonb_path_exists(citations, 'strict $[*] ? (@.type() != "object")')
    AND NOT jsonb_path_exists(citations, 'lax $[*] ? (!(
        @.number.type() == "number" && @.number >= 1 && @.number.floor() == @.number
        && @.source.type() == "string" && @.source != ""
        && (!exists(@.url) || @.url.type() == "string" || @.url.type() == "null")))')"""


class Interaction(WrittenUnsealed, TenantOwned, Base):
    """One question to the banking assistant and how the pipeline handled it."""

    __tablename__ = "interactions"
    __table_args__ = (
        CheckConstraint(" ".join(CITATIONS.split()), name="citations"),
        # NaN is greater than every number to PostgreSQL, so that these keep it out of every average.
        CheckConstraint("confidence_score BETWEEN 0 AND 1", name="confidence_score"),
        CheckConstraint("step_5_confidence_score BETWEEN 0 AND 1", name="step_5_confidence_score"),
        CheckConstraint("retrieved_chunks_count >= 0", name="retrieved_chunks_count"),
        CheckConstraint("processing_time_ms >= 0", name="processing_time_ms"),
        # An infinite moment lies on no day.
        CheckConstraint('isfinite("timestamp")', name="timestamp"),
        Index(None, "tenant_id", "timestamp"),
        Index(None, "tenant_id", "assistant_mode"),
        Index(None, "tenant_id", "intent_name"),
        Index(None, "tenant_id", "outcome"),
        Index(None, "tenant_id", "session_id"),
        Index(None, "tenant_id", "created_at"),
    )

    id: Mapped[uuid_pk]
    timestamp: Mapped[datetime | None] = mapped_column(
        server_default=func.now(), comment="When the question was asked; what ranges and days of figures go by"
    )
    assistant_mode: Mapped[AssistantMode]
    session_id: Mapped[str255 | None] = mapped_column(comment="Conversation id of the model provider")
    user_query: Mapped[str]
    intent_name: Mapped[str100 | None]
    intent_category: Mapped[IntentCategory | None]
    classification_reason: Mapped[str | None]
    step_1_intent_completed: Mapped[bool | None] = mapped_column(server_default=text("false"))
    step_2_routing_decision: Mapped[str50 | None]
    step_3_retrieval_performed: Mapped[bool | None] = mapped_column(server_default=text("false"))
    step_4_response_generated: Mapped[bool | None] = mapped_column(server_default=text("false"))
    step_5_confidence_score: Mapped[float | None] = mapped_column(
        comment="0 to 1, as the step found it; figures use it where confidence_score is NULL"
    )
    step_6_escalation_triggered: Mapped[bool | None] = mapped_column(
        server_default=text("false"), comment="What the step decided; outcome says how it ended, and figures use that"
    )
    outcome: Mapped[InteractionOutcome]
    confidence_score: Mapped[float | None] = mapped_column(comment="0 to 1, of the answer as a whole")
    escalation_reason: Mapped[str | None]
    response_text: Mapped[str | None]
    citations: Mapped[list[Citation] | None] = mapped_column(
        ValidatedJSON(list[Citation]), comment="Array of {number, source, url}; the url may be missing or null"
    )
    retrieved_chunks_count: Mapped[int | None]
    processing_time_ms: Mapped[int | None] = mapped_column(comment="Milliseconds from question to answer")
    created_at: Mapped[datetime | None] = mapped_column(server_default=func.now(), comment="When the row was written")

    escalations: Mapped[list[Escalation]] = tenant_relationship(
        "Escalation.interaction_id",
        "Interaction.id",
        back_populates="interaction",
        order_by="Escalation.created_at, Escalation.id",
        # The foreign key cascades.
        passive_deletes="all",
    )


class Escalation(WrittenUnsealed, TenantOwned, Base):
    """Escalation raised by an interaction, for analytics; goes away with its interaction."""

    __tablename__ = "escalations"
    __table_args__ = (
        *tenant_fk("interaction_id", "interactions.id", ondelete="CASCADE"),
        Index(None, "tenant_id", "trigger_type"),
        Index(None, "tenant_id", "created_at"),
    )

    id: Mapped[uuid_pk]
    interaction_id: Mapped[UUID | None] = mapped_column(comment="NULL for one that no interaction raised")
    trigger_type: Mapped[str50] = mapped_column(comment="For example human_only, low_confidence, insufficient_evidence")
    escalation_reason: Mapped[str]
    created_at: Mapped[datetime | None] = mapped_column(server_default=func.now())

    interaction: Mapped[Interaction | None] = tenant_relationship(
        "Escalation.interaction_id", "Interaction.id", back_populates="escalations"
    )


class KnowledgeDocument(WrittenUnsealed, TenantOwned, Base):
    """Registry of documents loaded into the assistant knowledge base."""

    __tablename__ = "knowledge_documents"
    __table_args__ = (
        # Per tenant: a key over all tenants would tell one of them what another has loaded.
        UniqueConstraint("tenant_id", "openai_file_id"),
        Index(None, "tenant_id", "content_type"),
    )

    id: Mapped[uuid_pk]
    openai_file_id: Mapped[str255] = mapped_column(comment="Id of the file at the model provider")
    title: Mapped[str]
    source_url: Mapped[str | None]
    content_type: Mapped[KnowledgeContentType | None]
    topic_collection: Mapped[str100 | None]
    ingested_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    # The attribute cannot be called metadata: declarative models have one already.
    metadata_: Mapped[dict[str, Any] | None] = mapped_column("metadata", JSONB(none_as_null=True))
