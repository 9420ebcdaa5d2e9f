"""Manifest of the mlops domain."""

from hedgerow.core.objects import Domain, Function, View

DOMAIN = Domain(
    name="mlops",
    purpose="Experiments, registered models, and the champion of each experiment",
    functions=(
        Function("ensure_single_champion", callers=None),
        Function("get_latest_model"),
    ),
    views=(View("v_champion_models"),),
)
