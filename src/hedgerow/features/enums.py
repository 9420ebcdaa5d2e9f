"""Vocabularies of the features domain."""

from enum import StrEnum

from hedgerow.core.types import pg_enum


@pg_enum("feature_data_type")
class FeatureDataType(StrEnum):
    """What the values of a feature are; a value of another type is refused when it is written."""

    NUMERIC = "numeric"  # a JSON number; read as a 64-bit float
    CATEGORICAL = "categorical"  # text
    BOOLEAN = "boolean"
    ARRAY = "array"  # of anything
    JSON = "json"  # anything at all
    EMBEDDING = "embedding"  # an array of numbers


@pg_enum("feature_status")
class FeatureStatus(StrEnum):
    """Life of a feature: from draft to active to deprecated; archived from anywhere, and for ever."""

    DRAFT = "draft"
    ACTIVE = "active"
    DEPRECATED = "deprecated"
    ARCHIVED = "archived"


@pg_enum("feature_value_status")
class FeatureValueStatus(StrEnum):
    """Where a value stands: whether it is the newest of its feature and entity, and how old it is."""

    CURRENT = "current"  # the newest of its feature and entity, of which there is one at most
    STALE = "stale"  # superseded, or older than the target for freshness
    EXPIRED = "expired"  # older than twice the target, or of an archived feature
    INVALID = "invalid"  # wrong: it counts as never written, whenever one asks
