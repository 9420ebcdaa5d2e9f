"""What the database offers, a repository offers: every function that sessions call, and every view."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from hedgerow import registry
from hedgerow.core.base import ViewBase

ROOT = Path(registry.__file__).parent
DECLARING = {"views.py", "models.py", "objects.py", "seed.py"}

OTHERWISE = {
    "is_admin": "policies ask it",
    "assign_patient_split": "the trigger of the registry; Python has splits.assignment",
    "calculate_chain_hash": "verification asks it; Python has audit.offline.entry_hash",
}
"""Functions that no repository calls, and who does."""

MISSING = {
    "calculate_data_quality_score",
    "get_explanation_audit",
    "get_patient_explanations",
    "v_feature_importance_trends",
    "v_patient_explanation_history",
    "v_shap_api_performance",
    "v_kpi_change_fail_rate",
    "v_active_data_sources",
    "v_data_source_quality",
    "v_primary_data_sources",
    "v_kpi_active_users",
    "v_kpi_cross_source_match",
    "v_kpi_data_lag",
    "v_kpi_intent_to_prescribe",
    "v_kpi_label_quality",
    "v_kpi_source_tracking_match",
    "v_kpi_stacking_lift",
    "v_kpi_time_to_release",
}
"""What is selected by its mapped class, or called by ``func``, for want of a question of a repository."""


def test_functions_and_views_are_reached_by_a_repository() -> None:
    domains = registry.domains()
    for name in registry.NAMES:
        if find_spec(f"hedgerow.{name}.views"):
            import_module(f"hedgerow.{name}.views")
    classes = {mapper.class_.__table__.name: mapper.class_ for mapper in ViewBase.registry.mappers}
    unreached = set()
    for domain in domains[1:]:
        asking = "".join(
            path.read_text("utf-8")
            for path in (ROOT / domain.name).rglob("*.py")
            if path.name not in DECLARING and path != ROOT / domain.name / "__init__.py"
        )
        public = [each for each in domain.functions if each.callers is not None and each.schema == "public"]
        unreached |= {each.name for each in public if not re.search(rf"\bfunc\.{each.name}\b", asking)}
        for view in domain.views:
            mapped = classes[view.name]
            # One question reaches the four views of each table with splits.
            if "hedgerow.split_of" not in mapped.__table__.info and not re.search(rf"\b{mapped.__name__}\b", asking):
                unreached.add(view.name)
    assert unreached == MISSING | OTHERWISE.keys()
