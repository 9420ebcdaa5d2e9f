"""Vocabularies of the dspy domain."""

from enum import StrEnum

from hedgerow.core.types import pg_enum


@pg_enum("dspy_optimization_phase")
class OptimizationPhase(StrEnum):
    """What a run is busy with; it may go round between sampling and validation as often as it needs."""

    INITIALIZATION = "initialization"  # never returned to
    SAMPLING = "sampling"
    EVALUATION = "evaluation"
    OPTIMIZATION = "optimization"
    VALIDATION = "validation"
    DEPLOYMENT = "deployment"  # never left


@pg_enum("optimization_status")
class OptimizationStatus(StrEnum):
    """How far a run is: pending, then running, then one of the three ends, which is final."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
