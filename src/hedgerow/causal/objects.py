"""Manifest of the causal domain."""

from hedgerow.core.objects import Domain, Function, View, split_views

DOMAIN = Domain(
    name="causal",
    purpose="Causal paths, the refutation tests that they went through, expert reviews, and the gate",
    functions=(
        Function("is_dag_approved"),
        Function("get_validation_gate"),
        Function("get_validation_confidence"),
        Function("hybrid_fulltext_search"),
        Function("can_use_estimate", after=("get_validation_gate", "is_dag_approved")),
    ),
    views=(
        *split_views("causal_paths"),
        View("v_causal_validation_chain"),
        View("v_validation_summary"),
        View("v_blocked_estimates"),
        View("v_active_expert_approvals"),
        View("v_pending_expert_reviews"),
    ),
)
