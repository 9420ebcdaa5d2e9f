"""Vocabularies of the mlops domain."""

from enum import StrEnum

from hedgerow.core.types import pg_enum


@pg_enum("model_stage_enum")
class ModelStage(StrEnum):
    """Stage in the life of a registered model."""

    DEVELOPMENT = "development"
    STAGING = "staging"
    SHADOW = "shadow"  # scores beside the model in use, its scores are not acted on
    PRODUCTION = "production"
    ARCHIVED = "archived"
    DEPRECATED = "deprecated"
