"""Manifest of the patients domain."""

from hedgerow.core.objects import Domain, split_views

DOMAIN = Domain(
    name="patients",
    purpose="Patient journeys, clinical events, prescribers and population totals",
    views=split_views("patient_journeys", "treatment_events"),
)
