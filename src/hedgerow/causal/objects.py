"""Manifest of the causal domain."""

from hedgerow.core.objects import Domain

DOMAIN = Domain(
    name="causal",
    purpose="Causal paths, the refutation tests that they went through, expert reviews, and the gate",
)
