"""Manifest of the dspy domain."""

from hedgerow.core.objects import Domain

DOMAIN = Domain(
    name="dspy",
    purpose="Prompt optimisation: runs, evaluations, templates, training examples",
)
