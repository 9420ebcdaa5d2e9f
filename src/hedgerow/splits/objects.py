"""Manifest of the splits domain."""

from hedgerow.core.objects import Domain, Function
from hedgerow.core.roles import GRANTED

DOMAIN = Domain(
    name="splits",
    purpose="Which split each patient is in, when each split may look, and who opened a sealed one",
    functions=(
        Function("require_opening", schema="app", callers=None),
        Function("open_scope", schema="app", callers=GRANTED, after=("require_opening",)),
        Function("holdout_budget_of", schema="app", callers=None),
        Function("request_opening", schema="app", after=("holdout_budget_of",)),
        Function("assign_split", schema="app"),
        Function("register_patient", schema="app", after=("assign_split",)),
        Function("stamp_patient_split", schema="app", callers=None, after=("register_patient",)),
        Function("assign_patient_split"),
        Function("get_preprocessing_stats"),
        Function("get_split_boundaries"),
        Function("run_leakage_audit", after=("assign_patient_split",)),
    ),
)
