"""Manifest of the agents domain."""

from hedgerow.core.objects import Domain, Function, View, split_views

DOMAIN = Domain(
    name="agents",
    purpose="The agents, the routing of intents to them, and the work they did",
    functions=(
        Function("set_activity_search_vector", schema="app", callers=None),
        Function("get_agent_activity_context"),
        Function("route_intent_to_agent"),
    ),
    views=(*split_views("agent_activities"), View("v_agent_routing")),
)
