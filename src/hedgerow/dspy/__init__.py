"""How prompts are optimised, with what result, and which prompt is in use.

Comes in: the agents, and runs of an optimizer (:mod:`hedgerow.integrations.dspy` records those of the library DSPy).
Goes out: the active prompt of an agent module, and the examples to train it on.
"""

from hedgerow.dspy.enums import OptimizationPhase, OptimizationStatus
from hedgerow.dspy.models import EvaluationResult, OptimizationRun, PromptTemplate, TrainingExample

__all__ = [
    "EvaluationResult",
    "OptimizationPhase",
    "OptimizationRun",
    "OptimizationStatus",
    "PromptTemplate",
    "TrainingExample",
]
