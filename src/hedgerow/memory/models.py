"""Tables of the memory domain."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Computed, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hedgerow.agents.enums import AgentName
from hedgerow.core.base import Base
from hedgerow.core.mixins import Created, TenantOwned, WrittenUnsealed
from hedgerow.core.types import EMPTY_OBJECT, bool_false, bool_true, str50, str100, str255, uuid_pk
from hedgerow.core.vector import SEARCHABLE_TABLE, Vector, search_column
from hedgerow.memory.enums import CognitivePhase, MemoryImportance, MemoryType, ProcedureType

ZERO: Final = text("0")


def search_index() -> Index:
    """The approximate index over the search column, for tenants that are too large to be compared row by row."""
    return Index(
        None,
        "search_embedding",
        postgresql_using="hnsw",
        postgresql_with={"m": 16, "ef_construction": 64},
        postgresql_ops={"search_embedding": "halfvec_cosine_ops"},
    )


class EpisodicMemory(WrittenUnsealed, Created, TenantOwned, Base):
    """What an agent experienced, searchable by meaning."""

    __tablename__ = "episodic_memories"
    __table_args__ = (
        CheckConstraint(r"content ~ '\S'", name="content"),
        CheckConstraint("access_count >= 0", name="access_count"),
        CheckConstraint("decay_factor >= 0 AND decay_factor <= 1", name="decay_factor"),
        Index(None, "tenant_id", "agent_name", "created_at"),
        Index(None, "tenant_id", "session_id"),
        Index(None, "tenant_id", "created_at"),
        # Counts and finds what a search may find, of one agent, without reading rows.
        Index(
            "ix_episodic_memories_searchable",
            "tenant_id",
            "agent_name",
            "memory_id",
            postgresql_where=text("search_embedding IS NOT NULL"),
        ),
        search_index(),
        SEARCHABLE_TABLE,
    )

    memory_id: Mapped[uuid_pk]
    agent_name: Mapped[AgentName]
    session_id: Mapped[UUID | None] = mapped_column(comment="Conversation that it comes from, where there was one")
    content: Mapped[str] = mapped_column(comment="Text as the agent would recall it")
    content_embedding: Mapped[Vector | None] = mapped_column(
        comment="Embedding of content, 1536 dimensions; rows without one never match a search"
    )
    importance: Mapped[MemoryImportance] = mapped_column(server_default=text("'medium'"))
    memory_type: Mapped[MemoryType] = mapped_column(server_default=text("'experience'"))
    context_json: Mapped[dict[str, Any]] = mapped_column(
        server_default=EMPTY_OBJECT, comment="May name brand, region, and rows: patient_journey_id, hcp_id, trigger_id"
    )
    accessed_at: Mapped[datetime | None] = mapped_column(comment="When it was last recalled")
    access_count: Mapped[int] = mapped_column(server_default=ZERO, comment="How often it was recalled")
    decay_factor: Mapped[float] = mapped_column(server_default=text("1.0"), comment="1 when fresh, 0 when faded")
    is_consolidated: Mapped[bool_false]
    search_embedding: Mapped[Any | None] = search_column("content_embedding")


class ProceduralMemory(WrittenUnsealed, Created, TenantOwned, Base):
    """Reusable action sequence with its success record."""

    __tablename__ = "procedural_memories"
    __table_args__ = (
        UniqueConstraint("tenant_id", "agent_name", "procedure_name"),
        CheckConstraint(r"procedure_name ~ '\S'", name="procedure_name"),
        CheckConstraint("jsonb_typeof(steps_json) = 'array' AND steps_json <> '[]'", name="steps_json"),
        CheckConstraint("success_rate BETWEEN 0 AND 1", name="success_rate"),
        CheckConstraint("execution_count >= 0", name="execution_count"),
        Index(None, "tenant_id", "agent_name", "procedure_type"),
        Index(None, "tenant_id", "created_at"),
    )

    procedure_id: Mapped[uuid_pk]
    procedure_name: Mapped[str255]
    procedure_type: Mapped[ProcedureType] = mapped_column(server_default=text("'tool_sequence'"))
    agent_name: Mapped[AgentName]
    steps_json: Mapped[list[Any]] = mapped_column(comment="What to do, in order; not empty")
    success_rate: Mapped[float] = mapped_column(server_default=ZERO, comment="Share of executions that succeeded")
    execution_count: Mapped[int] = mapped_column(server_default=ZERO)
    avg_duration_ms: Mapped[int | None] = mapped_column(comment="Mean over the executions")
    preconditions_json: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    postconditions_json: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    last_executed_at: Mapped[datetime | None]
    trigger_embedding: Mapped[Vector | None] = mapped_column(
        comment="Embedding of what calls for the procedure, 1536 dimensions"
    )
    trigger_pattern: Mapped[str | None] = mapped_column(comment="What calls for the procedure, in words")
    detected_intent: Mapped[str50 | None] = mapped_column(comment="Intent that the procedure serves")
    applicable_brands: Mapped[list[str]] = mapped_column(
        ARRAY(Text), server_default=text("'{all}'"), comment="Brands that it is good for; all stands for any"
    )
    is_active: Mapped[bool_true] = mapped_column(comment="Inactive procedures are not found")


class SemanticMemory(WrittenUnsealed, Created, TenantOwned, Base):
    """Key and value cache of semantic knowledge with expiry."""

    __tablename__ = "semantic_memory_cache"
    __table_args__ = (
        UniqueConstraint("tenant_id", "key"),
        CheckConstraint("ttl_seconds IS NULL OR ttl_seconds > 0", name="ttl_seconds"),
        CheckConstraint("hit_count >= 0", name="hit_count"),
        Index(None, "tenant_id", "expires_at"),
        Index(None, "tenant_id", "created_at"),
        # Counts what a search may find without reading rows.
        Index(
            "ix_semantic_memory_cache_searchable",
            "tenant_id",
            "expires_at",
            postgresql_where=text("search_embedding IS NOT NULL"),
        ),
        search_index(),
        SEARCHABLE_TABLE,
    )

    cache_id: Mapped[uuid_pk]
    key: Mapped[str255]
    value_json: Mapped[Any] = mapped_column(JSONB(none_as_null=True))
    embedding: Mapped[Vector | None] = mapped_column(comment="Embedding of what the value says, 1536 dimensions")
    source: Mapped[str100 | None] = mapped_column(comment="Where the value comes from")
    ttl_seconds: Mapped[int | None] = mapped_column(comment="Seconds that the value holds; NULL for ever")
    # Computed, so that it cannot disagree with ttl_seconds. In UTC, where a day has 24 hours: immutable.
    expires_at: Mapped[datetime | None] = mapped_column(
        Computed(
            "((created_at AT TIME ZONE 'UTC'::text) + ((ttl_seconds)::double precision * '00:00:01'::interval))"
            " AT TIME ZONE 'UTC'::text",
            persisted=True,
        ),
        comment="created_at and ttl_seconds later; from then on the entry behaves as absent. NULL for never",
    )
    hit_count: Mapped[int] = mapped_column(server_default=ZERO, comment="How often the key was served")
    search_embedding: Mapped[Any | None] = search_column("embedding")


class CognitiveCycle(WrittenUnsealed, Created, TenantOwned, Base):
    """One phase of an agent's thinking cycle with cost and result."""

    __tablename__ = "cognitive_cycles"
    __table_args__ = (
        CheckConstraint("duration_ms IS NULL OR duration_ms >= 0", name="duration_ms"),
        CheckConstraint("token_count IS NULL OR token_count >= 0", name="token_count"),
        Index(None, "tenant_id", "agent_name", "phase", "created_at"),
        Index(None, "tenant_id", "session_id"),
        Index(None, "tenant_id", "created_at"),
    )

    cycle_id: Mapped[uuid_pk]
    session_id: Mapped[UUID | None]
    agent_name: Mapped[AgentName]
    phase: Mapped[CognitivePhase]
    input_context: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    processing_result: Mapped[dict[str, Any] | None]
    duration_ms: Mapped[int | None]
    token_count: Mapped[int | None] = mapped_column(comment="Tokens that language models were paid for")


class MemoryStatistics(WrittenUnsealed, TenantOwned, Base):
    """Daily memory figures per agent."""

    __tablename__ = "memory_statistics"
    __table_args__ = (
        # One row without an agent a day, too.
        UniqueConstraint("tenant_id", "agent_name", "stat_date", postgresql_nulls_not_distinct=True),
        CheckConstraint("cache_hit_rate IS NULL OR cache_hit_rate BETWEEN 0 AND 1", name="cache_hit_rate"),
        Index(None, "tenant_id", "stat_date"),
    )

    stat_id: Mapped[uuid_pk]
    agent_name: Mapped[AgentName | None] = mapped_column(comment="NULL for all agents together")
    stat_date: Mapped[date] = mapped_column(comment="Day, UTC")
    episodic_count: Mapped[int] = mapped_column(server_default=ZERO, comment="Memories at the end of the day")
    procedural_count: Mapped[int] = mapped_column(server_default=ZERO, comment="Procedures at the end of the day")
    semantic_cache_count: Mapped[int] = mapped_column(
        server_default=ZERO, comment="Cache entries at the end of the day; they belong to no agent"
    )
    avg_retrieval_ms: Mapped[float | None] = mapped_column(comment="For the application to fill")
    cache_hit_rate: Mapped[float | None] = mapped_column(comment="0 to 1; for the application to fill")
    consolidation_count: Mapped[int] = mapped_column(server_default=ZERO, comment="Memories consolidated on the day")
    pruned_count: Mapped[int] = mapped_column(server_default=ZERO, comment="Memories pruned on the day")
