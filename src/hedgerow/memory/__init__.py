"""What agents remember, searchable by meaning inside one tenant: episodes, procedures, and a cache that expires.

Comes in: the agents, and embeddings that the application computes. Goes out: the memories nearest to a question, and
daily figures about them.
"""

from hedgerow.memory.enums import CognitivePhase, MemoryImportance, MemoryType, ProcedureType
from hedgerow.memory.models import (
    CognitiveCycle,
    EpisodicMemory,
    MemoryStatistics,
    ProceduralMemory,
    SemanticMemory,
)

__all__ = [
    "CognitiveCycle",
    "CognitivePhase",
    "EpisodicMemory",
    "MemoryImportance",
    "MemoryStatistics",
    "MemoryType",
    "ProceduralMemory",
    "ProcedureType",
    "SemanticMemory",
]
