"""Manifest of the agents domain."""

from hedgerow.core.objects import Domain, Function, View, split_views

DOMAIN = Domain(
    name="agents",
    purpose="The agents, the routing of intents to them, the work they did, and what they learn from",
    functions=(
        Function("set_activity_search_vector", schema="app", callers=None),
        Function("get_agent_activity_context"),
        Function("route_intent_to_agent"),
        Function("store_investigation_hop"),
        Function("get_learning_signals"),
    ),
    views=(*split_views("agent_activities"), View("v_agent_routing")),
)
