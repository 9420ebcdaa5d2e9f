"""Questions about prompt optimisation, and its steps: runs, their evaluations, prompts, training examples."""

from hedgerow.dspy.repository.prompts import (
    AgentMetrics,
    AsyncPromptTemplateRepository,
    AsyncTrainingExampleRepository,
    PromptTemplateRepository,
    TrainingExampleRepository,
)
from hedgerow.dspy.repository.runs import (
    AsyncEvaluationResultRepository,
    AsyncOptimizationRunRepository,
    EvaluationResultRepository,
    OptimizationRunRepository,
)

__all__ = [
    "AgentMetrics",
    "AsyncEvaluationResultRepository",
    "AsyncOptimizationRunRepository",
    "AsyncPromptTemplateRepository",
    "AsyncTrainingExampleRepository",
    "EvaluationResultRepository",
    "OptimizationRunRepository",
    "PromptTemplateRepository",
    "TrainingExampleRepository",
]
