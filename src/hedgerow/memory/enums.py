"""Vocabularies of the memory domain."""

from enum import StrEnum

from hedgerow.core.types import pg_enum


@pg_enum("memory_importance")
class MemoryImportance(StrEnum):
    """How much a memory matters when it competes for space; declared from the highest, which is how it sorts."""

    CRITICAL = "critical"  # never pruned
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    TRIVIAL = "trivial"  # the first to be pruned


@pg_enum("memory_type")
class MemoryType(StrEnum):
    """What kind of thing an agent remembers."""

    EXPERIENCE = "experience"
    FACT = "fact"
    PROCEDURE = "procedure"
    CONTEXT = "context"
    FEEDBACK = "feedback"


@pg_enum("procedure_type")
class ProcedureType(StrEnum):
    """What a procedure is good for."""

    TOOL_SEQUENCE = "tool_sequence"
    QUERY_PATTERN = "query_pattern"
    ANALYSIS_WORKFLOW = "analysis_workflow"
    ERROR_RECOVERY = "error_recovery"


@pg_enum("cognitive_phase")
class CognitivePhase(StrEnum):
    """Phase of an agent's thinking, in the order in which they follow one another."""

    PERCEPTION = "perception"
    ATTENTION = "attention"
    ENCODING = "encoding"
    RETRIEVAL = "retrieval"
    DECISION = "decision"
    ACTION = "action"
