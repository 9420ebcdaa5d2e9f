"""Questions about the cache of semantic knowledge."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Integer, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from hedgerow.core.repository import AsyncBaseRepository, BaseRepository, FilterError, awaiting, refusals
from hedgerow.core.repository.filters import coerced, count
from hedgerow.core.vector import Embedding
from hedgerow.memory.models import SemanticMemory
from hedgerow.memory.repository.parts import Found, embedded, reread


class SemanticMemoryRepository(BaseRepository[SemanticMemory]):
    """Keyed knowledge that expires."""

    model_class = SemanticMemory

    def put(
        self,
        key: str,
        value: Any,
        *,
        ttl_seconds: int | None = None,
        embedding: Embedding | None = None,
        source: str | None = None,
    ) -> SemanticMemory:
        """Store a value under a key and return the entry; what was there is replaced, and its hits stay counted.

        :param value: anything that JSON can say, except null.
        :param ttl_seconds: how long it holds, from the start of the transaction on; None for ever.
        :raises FilterError: a lifetime that is not above 0, no value or one that is no JSON, or a key that is too long.
        :raises VectorError: the embedding has another length or holds NaN or an infinity.
        """
        if value is None or (ttl_seconds is not None and ttl_seconds <= 0):
            raise FilterError("An entry has a value and lives for a while.", remedy="to end one, delete it")
        new = insert(SemanticMemory).values(
            key=key, value_json=value, ttl_seconds=ttl_seconds, embedding=embedding, source=source
        )
        stored = new.on_conflict_do_update(
            index_elements=["tenant_id", "key"],
            set_={
                **{name: new.excluded[name] for name in ("value_json", "ttl_seconds", "embedding", "source")},
                "created_at": func.now(),
            },
        ).returning(SemanticMemory)
        with refusals(self.session, self.table_name):
            return self.session.scalars(stored, execution_options={"populate_existing": True}).one()

    def get(self, key: str) -> SemanticMemory | None:
        """Return the entry of a key and count a hit; None where there is none, or it has expired.

        Safe under concurrency: every hit counts. A scope that holds test or holdout reads without counting.
        """
        statement = (
            update(SemanticMemory)
            .where(SemanticMemory.key == coerced(SemanticMemory, "key", key), _alive())
            .values(hit_count=SemanticMemory.hit_count + 1)
            .returning(SemanticMemory)
        )
        options = {"synchronize_session": False, "populate_existing": True}
        hit = self.session.scalars(statement, execution_options=options).first()
        return hit or self.first(self.select().where(SemanticMemory.key == key, _alive()))

    def search_semantic_memories(self, embedding: Embedding | None, limit: int = 10) -> list[Found[SemanticMemory]]:
        """Return the entries nearest to a query that have not expired, the nearest first; no hit is counted.

        :param embedding: of the question; None, or a zero vector, finds nothing.
        :raises FilterError: a negative limit.
        :raises VectorError: the embedding has another length or holds NaN or an infinity.
        """
        query = embedded(embedding)
        search = func.search_semantic_memories(query, count("limit", limit))
        found = search.table_valued("cache_id", with_ordinality="ordinality", name="found")
        statement = (
            select(SemanticMemory, func.app.cosine_similarity(SemanticMemory.embedding, query))
            .join(found, SemanticMemory.cache_id == found.c.cache_id)
            .order_by(found.c.ordinality)
        )
        return [Found(row, value) for row, value in self.session.execute(statement)]

    def delete_expired(self) -> int:
        """Delete the entries that have expired and return how many."""
        self._must_be_unsealed()
        statement = delete(SemanticMemory).where(SemanticMemory.expires_at <= func.now())
        gone = self.session.execute(statement.returning(SemanticMemory.cache_id)).all()
        return len(gone)

    def sync_hcp_patient_relationships_to_cache(self) -> int:
        """Write who treats whom, and who prescribes what, from treatment events into the cache; return how many.

        The cache knows no splits and is read by all of them, so only events of ``train`` and ``unassigned`` enter it.

        :raises SplitAccessError: the scope holds test or holdout.
        """
        self._must_be_unsealed()
        call = select(func.sync_hcp_patient_relationships_to_cache(type_=Integer))
        written: int = self.session.execute(call).scalar_one()
        reread(self.session, SemanticMemory)
        return written


def _alive() -> ColumnElement[bool]:
    return or_(SemanticMemory.expires_at.is_(None), SemanticMemory.expires_at > func.now())


class AsyncSemanticMemoryRepository(AsyncBaseRepository[SemanticMemory]):
    """:class:`SemanticMemoryRepository` over an asynchronous session."""

    sync_class = SemanticMemoryRepository
    put = awaiting(SemanticMemoryRepository.put)
    get = awaiting(SemanticMemoryRepository.get)
    search_semantic_memories = awaiting(SemanticMemoryRepository.search_semantic_memories)
    delete_expired = awaiting(SemanticMemoryRepository.delete_expired)
    sync_hcp_patient_relationships_to_cache = awaiting(SemanticMemoryRepository.sync_hcp_patient_relationships_to_cache)
