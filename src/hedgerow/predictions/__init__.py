"""What models say about patients: scores, the triggers sent to prescribers because of them, and explanations.

Comes in: patients with their split, prescribers, registered models. Goes out: what KPIs count and agents cite.
"""

from hedgerow.predictions.enums import PredictionType, Priority, ShapAnalysisType
from hedgerow.predictions.models import EngagementTrigger, Prediction, ShapAnalysis
from hedgerow.predictions.shapes import FeatureAttribution, RankMetrics
from hedgerow.predictions.views import FeatureImportanceTrend, PatientExplanationHistory, ShapApiPerformance

__all__ = [
    "EngagementTrigger",
    "FeatureAttribution",
    "FeatureImportanceTrend",
    "PatientExplanationHistory",
    "Prediction",
    "PredictionType",
    "Priority",
    "RankMetrics",
    "ShapAnalysis",
    "ShapAnalysisType",
    "ShapApiPerformance",
]
