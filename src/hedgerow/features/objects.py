"""Manifest of the features domain."""

from hedgerow.core.objects import Domain

DOMAIN = Domain(
    name="features",
    purpose="The feature store: groups, definitions, values with their validity, freshness",
)
