"""Features of entities as they were known at each moment.

Comes in: definitions and values, in whatever order they arrive. Goes out: online features, and training frames that
hold what was known at each asked moment and no patient whom the scope does not hold.
"""

from hedgerow.features.enums import FeatureDataType, FeatureStatus, FeatureValueStatus
from hedgerow.features.models import FeatureDefinition, FeatureGroup, FeatureValue
from hedgerow.features.views import FeatureFreshness, FeatureValueLatest

__all__ = [
    "FeatureDataType",
    "FeatureDefinition",
    "FeatureFreshness",
    "FeatureGroup",
    "FeatureStatus",
    "FeatureValue",
    "FeatureValueLatest",
    "FeatureValueStatus",
]
