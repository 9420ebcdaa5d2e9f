"""Manifest of the kpi domain."""

from hedgerow.core.objects import Domain, Function, View, split_views

DOMAIN = Domain(
    name="kpi",
    purpose="Usage, metrics, data sources, annotations, pipelines and surveys, and the figures drawn from them",
    functions=(
        Function("data_quality_score", schema="app"),
        Function("calculate_data_quality_score", after=("data_quality_score",)),
        # No caller but the owner: data_sources belongs to every tenant at once, so no session may write it.
        Function("update_data_source_refresh", callers=None),
    ),
    views=(
        View("v_kpi_active_users"),
        View("v_kpi_active_users_current"),
        View("v_kpi_cross_source_match"),
        View("v_kpi_source_tracking_match"),
        View("v_kpi_stacking_lift"),
        View("v_kpi_data_lag"),
        View("v_kpi_label_quality"),
        View("v_kpi_time_to_release"),
        View("v_kpi_change_fail_rate"),
        View("v_kpi_intent_to_prescribe"),
        View("v_active_data_sources"),
        View("v_data_source_quality", after=("data_quality_score",)),
        View("v_primary_data_sources"),
        *split_views("business_metrics"),
    ),
)
