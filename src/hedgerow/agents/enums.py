"""Vocabularies of the agents domain."""

from enum import StrEnum

from hedgerow.core.types import check_enum, pg_enum


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


@pg_enum("learning_signal_type")
class LearningSignalType(StrEnum):
    """What a signal tells an agent about something that it did."""

    POSITIVE_FEEDBACK = "positive_feedback"  # somebody said that it was good
    NEGATIVE_FEEDBACK = "negative_feedback"
    IMPLICIT_ACCEPT = "implicit_accept"  # somebody acted on it, without a word
    IMPLICIT_REJECT = "implicit_reject"
    OUTCOME_SUCCESS = "outcome_success"  # what came of it
    OUTCOME_FAILURE = "outcome_failure"


@check_enum("message_role")
class MessageRole(StrEnum):
    """Who speaks in a turn of a conversation."""

    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"
    TOOL = "tool"


@check_enum("feedback_type")
class FeedbackType(StrEnum):
    """What a user thought of an answer."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
