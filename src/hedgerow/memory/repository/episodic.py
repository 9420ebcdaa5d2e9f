"""Questions about what agents experienced."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import nullcontext
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, Integer, func, literal, select, update
from sqlalchemy.dialects.postgresql import JSONB

from hedgerow.agents.enums import AgentName
from hedgerow.core.repository import AsyncBaseRepository, BaseRepository, FilterError, awaiting, refusals
from hedgerow.core.repository.filters import coerced, count
from hedgerow.core.vector import Embedding
from hedgerow.memory.enums import MemoryImportance, MemoryType
from hedgerow.memory.models import EpisodicMemory, MemoryStatistics
from hedgerow.memory.repository.parts import (
    Found,
    MemoryEntity,
    SearchedTable,
    SimilarThing,
    embedded,
    identified,
    of_enum,
    reread,
)


class EpisodicMemoryRepository(BaseRepository[EpisodicMemory]):
    """What agents experienced."""

    model_class = EpisodicMemory

    def store_episodic_memory(
        self,
        agent: AgentName | str,
        content: str,
        *,
        session_id: UUID | None = None,
        importance: MemoryImportance | str = MemoryImportance.MEDIUM,
        memory_type: MemoryType | str = MemoryType.EXPERIENCE,
        context: Mapping[str, Any] | None = None,
        embedding: Embedding | None = None,
    ) -> UUID:
        """Store a memory of an agent and return its id.

        :param session_id: conversation that it comes from.
        :param context: JSON object; the ids of rows that the memory is about go under ``hcp_id``, ``trigger_id`` and
            the like, see :meth:`get_memory_e2i_ids`.
        :param embedding: of ``content``; without it no search finds the memory.
        :raises FilterError: no content or blank content, an unknown agent, importance or kind, or a context that is
            no JSON.
        :raises VectorError: the embedding has another length or holds NaN or an infinity.
        """
        said = coerced(EpisodicMemory, "content", content)
        if not said.strip():
            raise FilterError("A memory says something.", remedy="give content that is not blank")
        stored = func.store_episodic_memory(
            of_enum(agent, EpisodicMemory, "agent_name"),
            identified(EpisodicMemory, "session_id", session_id),
            said,
            of_enum(importance, EpisodicMemory, "importance"),
            of_enum(memory_type, EpisodicMemory, "memory_type"),
            literal(dict(context or {}), JSONB),
            embedded(embedding),
            type_=EpisodicMemory.memory_id.type,
        )
        with refusals(self.session, self.table_name):
            memory_id: UUID = self.session.execute(select(stored)).scalar_one()
        return memory_id

    def search_episodic_memories(
        self, embedding: Embedding | None, agent: AgentName | str | None = None, limit: int = 10
    ) -> list[Found[EpisodicMemory]]:
        """Return the memories nearest to a query, the nearest first.

        Exact for a tenant or agent of up to 5,000 memories, through the index beyond; see docs/domains/memory.md.
        Recalling is not counted: hand what was used to :meth:`count_access`.

        :param embedding: of the question; None, or a zero vector, finds nothing.
        :param agent: of one agent only; None for all of them.
        :param limit: 0 gives an empty list.
        :raises FilterError: an unknown agent, or a negative limit.
        :raises VectorError: the embedding has another length or holds NaN or an infinity.
        """
        agent_name = of_enum(agent, EpisodicMemory, "agent_name")
        query = embedded(embedding)
        return self._found(func.search_episodic_memories(query, agent_name, count("limit", limit)), query)

    def get_related_memories(self, memory_id: UUID, limit: int = 10) -> list[Found[EpisodicMemory]]:
        """Return the memories nearest to a given one, the nearest first, whatever agent they are of.

        :param memory_id: an unknown one, or one without an embedding, has no relatives.
        :raises FilterError: a negative limit.
        """
        known = _id(memory_id)
        own = select(EpisodicMemory.content_embedding).where(EpisodicMemory.memory_id == known).scalar_subquery()
        return self._found(func.get_related_memories(known, count("limit", limit)), own)

    def get_embedding(self, memory_id: UUID) -> list[float] | None:
        """Return the embedding of a memory, None where it has none or is not in the scope."""
        statement = select(EpisodicMemory.content_embedding).where(EpisodicMemory.memory_id == _id(memory_id))
        return self.session.execute(statement).scalar()

    def count_access(self, memory_ids: Collection[UUID]) -> int:
        """Note that memories were recalled just now and return how many there are; ids not in the scope count not."""
        self._must_be_unsealed()
        ids = [coerced(EpisodicMemory, "memory_id", memory_id) for memory_id in memory_ids]
        held = (
            select(EpisodicMemory.memory_id)
            .where(EpisodicMemory.memory_id.in_(ids))
            # In one order, so that two callers do not wait for each other.
            .order_by(EpisodicMemory.memory_id)
            .with_for_update()
            .cte("held")
        )
        accessed = len(self.session.execute(_accessed(held)).all())
        reread(self.session, EpisodicMemory)
        return accessed

    def consolidate_memories(self, agent: AgentName | str | None = None, threshold_days: int = 30) -> int:
        """Mark memories older than a number of days as consolidated and return how many; 0 when called again.

        :param agent: of one agent; None for all of them.
        :param threshold_days: days of 24 hours; exactly that old is not older.
        :raises FilterError: an unknown agent, or a negative threshold.
        """
        self._must_be_unsealed()
        agent_name = of_enum(agent, EpisodicMemory, "agent_name")
        days = count("threshold", threshold_days)
        call = select(func.consolidate_memories(agent_name, days, type_=Integer))
        consolidated: int = self.session.execute(call).scalar_one()
        self._reread()
        return consolidated

    def prune_memories(self, agent: AgentName | str, max_count: int) -> int:
        """Delete memories of an agent until so many are left, and return how many were deleted.

        The least important go first, then the least recalled, then the oldest. Critical ones are never deleted, so
        that more than ``max_count`` may be left.

        :raises FilterError: an unknown agent, or a negative count.
        """
        self._must_be_unsealed()
        if agent is None:
            raise FilterError("Pruning without an agent would be the whole tenant.", remedy="call it for each agent")
        agent_name = of_enum(agent, EpisodicMemory, "agent_name")
        kept = count("number of memories to keep", max_count)
        pruned: int = self.session.execute(select(func.prune_memories(agent_name, kept, type_=Integer))).scalar_one()
        self._reread()
        return pruned

    def get_memory_e2i_ids(self, memory_id: UUID) -> list[tuple[str, str]]:
        """Return type and id of the rows that a memory is about, as its context names them."""
        pairs = func.get_memory_e2i_ids(_id(memory_id)).table_valued("entity_type", "entity_id", name="pairs")
        return [(row.entity_type, row.entity_id) for row in self.session.execute(select(pairs))]

    def get_memory_entity_context(self, memory_id: UUID) -> list[MemoryEntity]:
        """Return the rows that a memory is about and the scope sees, each with a name and details."""
        entities = func.get_memory_entity_context(_id(memory_id)).table_valued(
            *MemoryEntity.__dataclass_fields__, with_ordinality="ordinality", name="entities"
        )
        found = self.session.execute(select(entities).order_by(entities.c.ordinality))
        return [MemoryEntity(*row[:4]) for row in found]

    def get_search_stats(self) -> list[SearchedTable]:
        """Return the tables that the hybrid searches read, with the rows that the scope sees in each."""
        stats = func.get_search_stats().table_valued(*SearchedTable.__dataclass_fields__, name="stats")
        return [SearchedTable(*row) for row in self.session.execute(select(stats))]

    def hybrid_vector_search(
        self, embedding: Embedding | None, limit: int = 20, filters: Mapping[str, Any] | None = None
    ) -> list[SimilarThing]:
        """Return memories and procedures whose similarity to a query is above 0.5, the most similar first.

        :param filters: ``brand``, ``region``, ``agent_name``, ``date_from`` and ``date_to`` (ISO 8601, both included);
            they apply to memories only.
        :raises FilterError: a negative limit, or a filter that does not exist or cannot be read.
        :raises VectorError: the embedding has another length or holds NaN or an infinity.
        """
        hits = func.hybrid_vector_search(
            embedded(embedding), count("limit", limit), literal(dict(filters or {}), JSONB)
        ).table_valued(
            "id", "content", "similarity", "metadata", "source_table", name="hits", with_ordinality="ordinality"
        )
        # Without filters there is nothing that the function could refuse.
        with refusals(self.session, self.table_name) if filters else nullcontext():
            found = self.session.execute(select(hits).order_by(hits.c.ordinality)).all()
        return [SimilarThing(*row[:5]) for row in found]

    def _reread(self) -> None:
        reread(self.session, EpisodicMemory)
        reread(self.session, MemoryStatistics)

    def _found(self, search: Any, query: Any) -> list[Found[EpisodicMemory]]:
        found = search.table_valued("memory_id", with_ordinality="ordinality", name="found")
        similarity = func.app.cosine_similarity(EpisodicMemory.content_embedding, query)
        statement = (
            select(EpisodicMemory, similarity)
            .join(found, EpisodicMemory.memory_id == found.c.memory_id)
            .order_by(found.c.ordinality)
        )
        return [Found(row, value) for row, value in self.session.execute(statement)]


def _id(memory_id: UUID | None) -> Any:
    return identified(EpisodicMemory, "memory_id", memory_id)


def _accessed(held: CTE) -> Any:
    return (
        update(EpisodicMemory)
        .where(EpisodicMemory.memory_id.in_(select(held.c.memory_id)))
        .values(access_count=EpisodicMemory.access_count + 1, accessed_at=func.now())
        .returning(EpisodicMemory.memory_id)
        .execution_options(synchronize_session=False)
    )


class AsyncEpisodicMemoryRepository(AsyncBaseRepository[EpisodicMemory]):
    """:class:`EpisodicMemoryRepository` over an asynchronous session."""

    sync_class = EpisodicMemoryRepository
    store_episodic_memory = awaiting(EpisodicMemoryRepository.store_episodic_memory)
    search_episodic_memories = awaiting(EpisodicMemoryRepository.search_episodic_memories)
    get_related_memories = awaiting(EpisodicMemoryRepository.get_related_memories)
    get_embedding = awaiting(EpisodicMemoryRepository.get_embedding)
    count_access = awaiting(EpisodicMemoryRepository.count_access)
    consolidate_memories = awaiting(EpisodicMemoryRepository.consolidate_memories)
    prune_memories = awaiting(EpisodicMemoryRepository.prune_memories)
    get_memory_e2i_ids = awaiting(EpisodicMemoryRepository.get_memory_e2i_ids)
    get_memory_entity_context = awaiting(EpisodicMemoryRepository.get_memory_entity_context)
    get_search_stats = awaiting(EpisodicMemoryRepository.get_search_stats)
    hybrid_vector_search = awaiting(EpisodicMemoryRepository.hybrid_vector_search)
