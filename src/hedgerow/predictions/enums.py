"""Vocabularies of the predictions domain."""

from enum import StrEnum

from hedgerow.core.types import pg_enum


@pg_enum("priority_type")
class Priority(StrEnum):
    """How soon something wants attention; declared from the most to the least urgent, which is how it sorts."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@pg_enum("prediction_type")
class PredictionType(StrEnum):
    """What a score is about."""

    TRIGGER = "trigger"
    PROPENSITY = "propensity"
    RISK = "risk"
    CHURN = "churn"
    NEXT_BEST_ACTION = "next_best_action"


@pg_enum("shap_analysis_type")
class ShapAnalysisType(StrEnum):
    """What a SHAP analysis explains, and when."""

    GLOBAL = "global"
    LOCAL = "local"
    INTERACTION = "interaction"
    SUMMARY = "summary"  # with segment_name set, the analysis of a segment
    LOCAL_REALTIME = "local_realtime"  # one entity, on request; carries the audit fields of the request
