"""Manifest of the predictions domain."""

from hedgerow.core.objects import Domain, Function, View, split_views

DOMAIN = Domain(
    name="predictions",
    purpose="Scores, the triggers sent because of them, and their explanations",
    functions=(
        Function("set_shap_audit_metadata", callers=None),
        Function("get_patient_explanations"),
        Function("get_explanation_audit"),
    ),
    views=(
        *split_views("ml_predictions", "triggers"),
        View("v_patient_explanation_history"),
        View("v_shap_api_performance"),
        View("v_feature_importance_trends"),
    ),
)
