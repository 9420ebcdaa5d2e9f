"""Manifest of the features domain."""

from hedgerow.core.objects import Domain, Function, View

DOMAIN = Domain(
    name="features",
    purpose="The feature store: groups, definitions, values with their validity, freshness",
    functions=(
        Function("feature_value_end", schema="app"),
        Function("feature_value_status", schema="app"),
        Function("lock_feature_history", schema="app"),
        Function("place_feature_value", schema="app", callers=None),
        Function("restate_feature_value", schema="app", callers=None),
        Function("hold_feature_history", schema="app", callers=None),
        Function("reopen_feature_history", schema="app", callers=None),
        Function("notify_feature_update", callers=None),
        Function("cascade_status_change", callers=None),
        Function("create_feature_definition"),
        Function("update_feature_status"),
        Function("bulk_insert_feature_values"),
        Function("get_feature_values"),
        Function("get_entity_features"),
        Function("calculate_feature_freshness"),
        Function("update_feature_freshness"),
        Function("resolve_features", schema="app"),
        Function("patients_outside", schema="app"),
        Function("feature_column", schema="app"),
    ),
    views=(View("feature_values_latest"), View("feature_freshness_monitor")),
)
