"""Tables of the agents domain."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Index, Numeric, Table, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from hedgerow.agents.enums import (
    AgentName,
    AgentType,
    FeedbackType,
    LearningSignalType,
    MessageRole,
    Workstream,
)
from hedgerow.core.base import Base
from hedgerow.core.keys import tenant_fk
from hedgerow.core.mixins import Created, Reference, SplitAware, TenantOwned, WrittenUnsealed
from hedgerow.core.objects import Trigger, declare_trigger
from hedgerow.core.scope import Split
from hedgerow.core.types import EMPTY_LIST, EMPTY_OBJECT, bool_false, str20, str30, str50, str100, str255, uuid_pk
from hedgerow.core.vector import Vector


class AgentRegistry(Reference, Base):
    """The eleven agents, with their tier and the intents that they handle."""

    __tablename__ = "agent_registry"
    __table_args__ = (
        UniqueConstraint("agent_name"),
        CheckConstraint("tier BETWEEN 1 AND 5", name="tier"),
        Index(None, "tier"),
        Index(None, "is_active", postgresql_where=text("is_active")),
        Index(None, "intents", postgresql_using="gin"),
    )

    id: Mapped[uuid_pk]
    agent_name: Mapped[str100] = mapped_column(comment="A label of agent_type")
    tier: Mapped[int] = mapped_column(comment="1 coordinates, 5 explains and learns; the lowest is asked first")
    intents: Mapped[list[str] | None] = mapped_column(
        ARRAY(Text), comment="In upper case; * takes what nobody else does"
    )
    description: Mapped[str | None]
    config: Mapped[dict[str, Any] | None]
    is_active: Mapped[bool | None] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    priority_order: Mapped[int | None] = mapped_column(comment="Breaks ties inside a tier, the lowest first")


class AgentActivity(SplitAware, Created, TenantOwned, Base):
    """One unit of work done by an agent, and what it produced."""

    __tablename__ = "agent_activities"
    __event_time__ = ("activity_timestamp",)
    __table_args__ = (
        *tenant_fk("split_config_id", "ml_split_registry.split_config_id"),
        CheckConstraint("tier BETWEEN 1 AND 5", name="tier"),
        Index(None, "tenant_id", "agent_type"),
        Index(None, "search_vector", postgresql_using="gin"),
        Index(None, "tenant_id", "split_assignment", "split_config_id"),
        Index(None, "tenant_id", "tier"),
        Index(None, "tenant_id", "activity_timestamp"),
        Index(None, "tenant_id", "workstream"),
        Index(None, "tenant_id", "created_at"),
    )

    activity_id: Mapped[str30] = mapped_column(primary_key=True)
    agent_type: Mapped[AgentType | None]
    tier: Mapped[int | None] = mapped_column(comment="Tier of the agent at the time, 1 to 5")
    activity_timestamp: Mapped[datetime]
    activity_type: Mapped[str30 | None]
    workstream: Mapped[Workstream | None]
    processing_duration_ms: Mapped[int | None]
    input_data: Mapped[dict[str, Any] | None] = mapped_column(server_default=EMPTY_OBJECT)
    records_processed: Mapped[int | None]
    time_window: Mapped[str20 | None]
    analysis_results: Mapped[dict[str, Any] | None] = mapped_column(server_default=EMPTY_OBJECT)
    causal_paths_analyzed: Mapped[int | None]
    confidence_level: Mapped[Decimal | None] = mapped_column(Numeric(4, 3))
    recommendations: Mapped[list[Any] | None] = mapped_column(server_default=EMPTY_LIST)
    actions_initiated: Mapped[list[Any] | None] = mapped_column(server_default=EMPTY_LIST)
    impact_estimate: Mapped[Decimal | None] = mapped_column(Numeric(15, 2))
    roi_estimate: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    status: Mapped[str20 | None] = mapped_column(comment="For example completed, failed, pending")
    error_message: Mapped[str | None]
    resource_usage: Mapped[dict[str, Any] | None] = mapped_column(server_default=EMPTY_OBJECT)
    split_assignment: Mapped[Split] = mapped_column(server_default=text("'unassigned'"))
    split_config_id: Mapped[UUID | None]
    search_vector: Mapped[str | None] = mapped_column(
        TSVECTOR,
        sort_order=2,
        # Asked for in searches, not in reads.
        deferred=True,
        comment="Agent (A), kind of work and workstream (B), status and error (C) as English search terms; by trigger",
    )

    @classmethod
    def __describe_table__(cls, table: Table) -> None:
        # By trigger and not generated: the text of an enum label is not immutable.
        declare_trigger(
            table, Trigger("set_search_vector", "BEFORE INSERT OR UPDATE", "app.set_activity_search_vector()")
        )


class Conversation(WrittenUnsealed, Created, TenantOwned, Base):
    """One turn of a chat with the agents, kept for retrieval and for learning from feedback."""

    __tablename__ = "conversations"
    __table_args__ = (
        Index(None, "tenant_id", "session_id", "created_at"),
        Index(None, "tenant_id", "user_id"),
        Index(None, "tenant_id", "created_at"),
    )

    id: Mapped[uuid_pk]
    session_id: Mapped[str255] = mapped_column(comment="Groups the turns of one conversation")
    user_id: Mapped[str255 | None] = mapped_column(comment="Who asked, as the application names its users")
    agent_type: Mapped[AgentType | None] = mapped_column(comment="The agent that answered")
    role: Mapped[MessageRole]
    content: Mapped[str]
    content_embedding: Mapped[Vector | None] = mapped_column(
        comment="Embedding of content; turns without one match no search"
    )
    feedback_type: Mapped[FeedbackType | None] = mapped_column(comment="What the user thought of the turn")
    feedback_text: Mapped[str | None]
    # "metadata" is taken by SQLAlchemy: the attribute has another name than the column.
    details: Mapped[dict[str, Any]] = mapped_column("metadata", server_default=EMPTY_OBJECT)


class InvestigationHop(WrittenUnsealed, Created, TenantOwned, Base):
    """One step of a multi-hop investigation: from an entity, along a relationship, to another one.

    ``store_investigation_hop`` numbers the steps of an investigation from 1, without gap or duplicate.
    """

    __tablename__ = "investigation_hops"
    __table_args__ = (
        UniqueConstraint("tenant_id", "investigation_id", "hop_number"),
        CheckConstraint("hop_number > 0", name="hop_number"),
        CheckConstraint("confidence IS NULL OR confidence BETWEEN 0 AND 1", name="confidence"),
        Index(None, "tenant_id", "created_at"),
    )

    hop_id: Mapped[uuid_pk]
    investigation_id: Mapped[UUID] = mapped_column(
        comment="Groups the hops; by convention the cognitive cycle that investigates"
    )
    hop_number: Mapped[int] = mapped_column(comment="Place in the investigation, from 1")
    source_entity: Mapped[str255]
    target_entity: Mapped[str255 | None] = mapped_column(comment="NULL where the hop led nowhere")
    relationship: Mapped[str100 | None]
    evidence: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    confidence: Mapped[float | None] = mapped_column(comment="0 to 1")


class LearningSignal(WrittenUnsealed, Created, TenantOwned, Base):
    """Feedback or outcome that an agent can learn from."""

    __tablename__ = "learning_signals"
    __table_args__ = (
        Index("ix_learning_signals_unprocessed", "tenant_id", "created_at", postgresql_where=text("NOT processed")),
        Index(None, "tenant_id", "source_type", "source_id"),
    )

    signal_id: Mapped[uuid_pk]
    source_type: Mapped[str50] = mapped_column(comment="What the signal is about, for example conversation, activity")
    source_id: Mapped[UUID | None] = mapped_column(comment="Row that the signal is about, where there is one")
    signal_type: Mapped[LearningSignalType]
    signal_value: Mapped[float | None] = mapped_column(
        comment="How strong, in the unit of the source; higher is better"
    )
    context_json: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    agent_name: Mapped[AgentName | None] = mapped_column(comment="Who can learn from it; NULL for whoever asks")
    processed: Mapped[bool_false] = mapped_column(
        comment="Whether somebody has learnt from it; get_learning_signals hands out the others"
    )
