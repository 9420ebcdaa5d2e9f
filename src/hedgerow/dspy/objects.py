"""Manifest of the dspy domain."""

from hedgerow.core.objects import Domain, Function

DOMAIN = Domain(
    name="dspy",
    purpose="Prompt optimisation: runs, evaluations, templates, training examples",
    functions=(
        Function("guard_dspy_run", callers=None),
        Function("keep_dspy_prompt_versions", callers=None),
        Function("create_dspy_optimization_run"),
        Function("update_dspy_optimization_status"),
        Function("store_dspy_evaluation_result"),
        Function("get_dspy_prompt_template"),
        Function("get_dspy_training_examples"),
        Function("archive_dspy_run"),
        Function("get_dspy_agent_metrics"),
    ),
)
