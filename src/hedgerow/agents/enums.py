"""Vocabularies of the agents domain."""

from enum import StrEnum

from hedgerow.core.types import pg_enum


@pg_enum("agent_type")
class AgentType(StrEnum):
    """The eleven agents that answer questions; agent_registry describes each."""

    ORCHESTRATOR = "orchestrator"
    CAUSAL_IMPACT = "causal_impact"
    GAP_ANALYZER = "gap_analyzer"
    HETEROGENEOUS_OPTIMIZER = "heterogeneous_optimizer"
    EXPERIMENT_DESIGNER = "experiment_designer"
    DRIFT_MONITOR = "drift_monitor"
    HEALTH_SCORE = "health_score"
    PREDICTION_SYNTHESIZER = "prediction_synthesizer"
    RESOURCE_OPTIMIZER = "resource_optimizer"
    EXPLAINER = "explainer"
    FEEDBACK_LEARNER = "feedback_learner"


@pg_enum("workstream_type")
class Workstream(StrEnum):
    """Workstream that an activity belongs to."""

    WS1 = "WS1"
    WS2 = "WS2"
    WS3 = "WS3"


@pg_enum("agent_name_type")
class AgentName(StrEnum):
    """Every agent that remembers and learns: the eleven of agent_type, then the seven of tier 0."""

    ORCHESTRATOR = "orchestrator"
    CAUSAL_IMPACT = "causal_impact"
    GAP_ANALYZER = "gap_analyzer"
    HETEROGENEOUS_OPTIMIZER = "heterogeneous_optimizer"
    EXPERIMENT_DESIGNER = "experiment_designer"
    DRIFT_MONITOR = "drift_monitor"
    HEALTH_SCORE = "health_score"
    PREDICTION_SYNTHESIZER = "prediction_synthesizer"
    RESOURCE_OPTIMIZER = "resource_optimizer"
    EXPLAINER = "explainer"
    FEEDBACK_LEARNER = "feedback_learner"
    SCOPE_DEFINER = "scope_definer"
    DATA_PREPARER = "data_preparer"
    MODEL_SELECTOR = "model_selector"
    MODEL_TRAINER = "model_trainer"
    FEATURE_ANALYZER = "feature_analyzer"
    MODEL_DEPLOYER = "model_deployer"
    OBSERVABILITY_CONNECTOR = "observability_connector"
