"""Routing of intents, and what agents did."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import pytest

from hedgerow.agents.models import AgentActivity
from hedgerow.agents.repository import (
    AgentActivityRepository,
    AgentRegistryRepository,
    AsyncAgentActivityRepository,
    AsyncAgentRegistryRepository,
)
from hedgerow.core.repository import FilterError, RowNotFoundError
from world import OTHER, TENANT, World, make_world


@pytest.fixture(scope="module")
def world(module_database: Any) -> World:
    world = make_world(module_database)
    now = datetime.now(UTC)
    for tenant in (TENANT, OTHER):
        with world.session("train", "test", "unassigned", tenant=tenant) as session:
            for number, (agent, split, hours) in enumerate(
                [
                    ("explainer", "train", 1),
                    ("explainer", "unassigned", 30),
                    ("explainer", "test", 2),
                    ("drift_monitor", "train", 3),
                    ("drift_monitor", "train", -1),
                ]
            ):
                session.add(
                    AgentActivity(
                        activity_id=f"A{number}",
                        agent_type=agent,
                        tier=5 if agent == "explainer" else 3,
                        split_assignment=split,
                        activity_timestamp=now - timedelta(hours=hours),
                        analysis_results=None if number == 1 else {} if number == 3 else {"finding": number},
                    )
                )
            session.commit()
    return world


@pytest.fixture(params=["psycopg", "asyncpg"])
def agents(world: World, request: pytest.FixtureRequest) -> Iterator[Any]:
    with world.repository(request.param, AsyncAgentRegistryRepository, world.scope()) as repository:
        yield repository


@pytest.fixture(params=["psycopg", "asyncpg"])
def activities(world: World, request: pytest.FixtureRequest) -> Iterator[Any]:
    with world.repository(request.param, AsyncAgentActivityRepository, world.scope()) as repository:
        yield repository


def names(found: list[Any]) -> list[str]:
    return [agent.agent_name for agent in found]


class Intent(StrEnum):
    FORECAST = "FORECAST"


@pytest.mark.parametrize(
    ("intent", "agent"),
    [
        ("CAUSAL", "causal_impact"),
        ("causal", "causal_impact"),
        ("OPTIMIZE", "heterogeneous_optimizer"),
        (Intent.FORECAST, "prediction_synthesizer"),
        ("NOBODY NAMES THIS", "orchestrator"),
        ("*", "orchestrator"),
        ("", "orchestrator"),
    ],
)
def test_routing_goes_to_the_lowest_tier_and_to_the_wildcard_last(agents: Any, intent: str, agent: str) -> None:
    assert agents.route_intent_to_agent(intent).agent_name == agent


def test_by_intent_without_the_wildcard(agents: Any) -> None:
    assert names(agents.get_by_intent("optimize")) == ["heterogeneous_optimizer", "resource_optimizer"]
    assert agents.get_by_intent("NOBODY NAMES THIS") == []
    assert names(agents.get_by_intent("*")) == ["orchestrator"]


@pytest.mark.parametrize("tier", [-1, 0, 6, 10**12])
def test_tiers_that_do_not_exist_are_empty(agents: Any, activities: Any, tier: int) -> None:
    assert agents.get_by_tier(tier) == []
    assert activities.get_by_tier(tier) == []


def test_by_tier_in_the_order_in_which_they_are_asked(agents: Any) -> None:
    assert names(agents.get_by_tier(2)) == ["causal_impact", "gap_analyzer", "heterogeneous_optimizer"]


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_inactive_agents_are_left_out_and_ties_are_broken(driver: str, database: Any) -> None:
    world = make_world(database)
    with world.repository(driver, AsyncAgentRegistryRepository, world.scope()) as agents:
        world.admin("UPDATE agent_registry SET is_active = NULL WHERE agent_name = 'heterogeneous_optimizer'")
        assert names(agents.get_by_intent("OPTIMIZE")) == ["resource_optimizer"]
        assert agents.route_intent_to_agent("OPTIMIZE").agent_name == "resource_optimizer"
        assert "heterogeneous_optimizer" not in names(agents.get_by_tier(2))
        world.admin("UPDATE agent_registry SET tier = 2, priority_order = NULL WHERE agent_name <> 'orchestrator'")
        world.admin(
            "UPDATE agent_registry SET intents = ARRAY['TIE'] WHERE agent_name IN ('explainer', 'drift_monitor')"
        )
        assert agents.route_intent_to_agent("TIE").agent_name == "drift_monitor"
        world.admin("UPDATE agent_registry SET priority_order = 99 WHERE agent_name = 'explainer'")
        assert agents.route_intent_to_agent("TIE").agent_name == "explainer", "an agent without order comes last"
        world.admin("UPDATE agent_registry SET is_active = false WHERE '*' = ANY (intents)")
        with pytest.raises(LookupError, match="No active agent handles the intent 'SOMETHING'"):
            agents.route_intent_to_agent("SOMETHING")
        with pytest.raises(RowNotFoundError):
            agents.route_intent_to_agent("*")


def ids(found: list[Any]) -> list[str]:
    return [activity.activity_id for activity in found]


def test_activities_the_newest_first(activities: Any) -> None:
    assert ids(activities.get_by_agent("explainer")) == ["A0", "A1"], "A2 is of the sealed test split"
    assert ids(activities.get_by_agent("explainer", "train")) == ["A0"]
    assert ids(activities.get_by_tier(3)) == ["A4", "A3"]
    assert activities.get_by_agent("feedback_learner") == []
    with pytest.raises(FilterError, match="'nobody' is not a valid AgentType"):
        activities.get_by_agent("nobody")


def test_analysis_results_without_what_found_nothing(activities: Any) -> None:
    assert activities.get_analysis_results("explainer") == [{"finding": 0}]
    assert activities.get_analysis_results("drift_monitor") == [{"finding": 4}]


def test_recent_activities(activities: Any) -> None:
    assert ids(activities.get_recent_activities(24)) == ["A0", "A3"], "what lies ahead is not recent"
    assert ids(activities.get_recent_activities(31)) == ["A0", "A3", "A1"]
    assert ids(activities.get_recent_activities(31, "unassigned")) == ["A1"]
    assert activities.get_recent_activities(0) == []
    with pytest.raises(FilterError, match="The last -1 hours do not exist"):
        activities.get_recent_activities(-1)


def test_routing_says_who_handles_what(world: World) -> None:
    for driver in ("psycopg", "asyncpg"):
        with world.repository(driver, AsyncAgentRegistryRepository, world.scope()) as agents:
            routes = agents.get_routing()
        assert (routes[0].agent_name, routes[0].intent) == ("orchestrator", "*")
        assert [route.tier for route in routes] == sorted(route.tier for route in routes)
        assert {(route.agent_name, route.intent) for route in routes} >= {("causal_impact", "WHAT_IF")}


def test_the_context_of_an_activity_and_of_none(world: World) -> None:
    for tenant in (TENANT, OTHER):
        world.admin(
            "INSERT INTO agent_activities (tenant_id, activity_id, activity_timestamp, recommendations, status)"
            " VALUES (:t, 'CTX-1', now(), '[1, 2]', :t), (:t, 'CTX-2', now(), '5', 'odd') ON CONFLICT DO NOTHING",
            t=tenant,
        )
    for driver in ("psycopg", "asyncpg"):
        with world.repository(driver, AsyncAgentActivityRepository, world.scope()) as activities:
            context = activities.get_activity_context("CTX-1")
            assert (context["recommendation_count"], context["status"]) == (2, TENANT)
            assert activities.get_activity_context("unknown") == {}
            with pytest.raises(FilterError, match="array length"):
                activities.get_activity_context("CTX-2")
            assert activities.get_activity_context("CTX-1") == context, "the transaction goes on"


@pytest.mark.parametrize("hours", [float("nan"), -1])
def test_hours_that_do_not_exist(world: World, hours: float) -> None:
    with world.session() as session, pytest.raises(FilterError, match="do not exist"):
        AgentActivityRepository(session).get_recent_activities(hours)


def test_more_hours_than_there_were_are_all_of_them(world: World) -> None:
    with world.session() as session:
        activities = AgentActivityRepository(session)
        assert len(activities.get_recent_activities(float("inf"))) == len(activities.get_recent_activities(1e7))


@pytest.mark.parametrize("intent", [5, "a\0b"])
def test_what_is_no_intent(world: World, intent: Any) -> None:
    with world.session() as session:
        agents = AgentRegistryRepository(session)
        for ask in (agents.get_by_intent, agents.route_intent_to_agent):
            with pytest.raises(FilterError):
                ask(intent)
