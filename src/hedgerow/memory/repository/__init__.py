"""Repositories of memories, synchronous and asynchronous.

Embeddings come from the application: a list of 1536 floats or a NumPy array. Similarity is the cosine, from -1 to 1.
"""

from hedgerow.memory.repository.episodic import AsyncEpisodicMemoryRepository, EpisodicMemoryRepository
from hedgerow.memory.repository.figures import (
    AsyncCognitiveCycleRepository,
    AsyncMemoryStatisticsRepository,
    CognitiveCycleRepository,
    CognitiveMetrics,
    MemoryStatisticsRepository,
)
from hedgerow.memory.repository.parts import Found, MemoryEntity, SearchedTable, SimilarThing
from hedgerow.memory.repository.procedural import (
    AsyncProceduralMemoryRepository,
    ProceduralMemoryRepository,
    RelevantProcedure,
)
from hedgerow.memory.repository.semantic import AsyncSemanticMemoryRepository, SemanticMemoryRepository

__all__ = [
    "AsyncCognitiveCycleRepository",
    "AsyncEpisodicMemoryRepository",
    "AsyncMemoryStatisticsRepository",
    "AsyncProceduralMemoryRepository",
    "AsyncSemanticMemoryRepository",
    "CognitiveCycleRepository",
    "CognitiveMetrics",
    "EpisodicMemoryRepository",
    "Found",
    "MemoryEntity",
    "MemoryStatisticsRepository",
    "ProceduralMemoryRepository",
    "RelevantProcedure",
    "SearchedTable",
    "SemanticMemoryRepository",
    "SimilarThing",
]
