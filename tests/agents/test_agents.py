"""The eleven agents, who is asked for an intent, and the activities that they leave behind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.orm import Session

from hedgerow.agents import AgentActivity, AgentRegistry, AgentRoute, AgentType, Workstream
from hedgerow.agents.reference import AGENTS

TENANT, OTHER = "AGENTS_A", "AGENTS_B"
WHEN = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
ROLES = ("admin", "app")
SPLITS = ("train", "validation", "test", "holdout", "unassigned")


def scope(connection: Connection, *splits: str, tenant: str = TENANT) -> None:
    connection.execute(
        text("SELECT * FROM app.open_scope(:tenant, NULL, CAST(:splits AS text[]), 'test of agents')"),
        {"tenant": tenant, "splits": list(splits or ("train", "unassigned"))},
    )


def act(connection: Connection, activity: str, **values: Any) -> None:
    row = {"tenant_id": TENANT, "activity_id": activity, "activity_timestamp": WHEN, "split_assignment": "train"}
    row |= values
    connection.execute(
        text(f"INSERT INTO agent_activities ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})"), row
    )


def expected_agent(intent: str) -> str:
    """The rule, spelt out a second time over the reference data."""
    named = [agent for agent in AGENTS if intent.upper() in agent.intents]
    asked = named or [agent for agent in AGENTS if "*" in agent.intents]
    return min(asked, key=lambda a: (a.tier, a.priority_order, a.agent.value)).agent.value


def route(connection: Connection, intent: str | None) -> list[tuple[str, int]]:
    rows = connection.execute(text("SELECT agent_name, tier FROM route_intent_to_agent(:intent)"), {"intent": intent})
    return [(row.agent_name, row.tier) for row in rows]


@pytest.fixture(scope="module")
def db(module_database: Any) -> Any:
    with module_database.admin() as admin:
        for tenant in (TENANT, OTHER):
            admin.execute(text("INSERT INTO tenant (id, name) VALUES (:t, :t)"), {"t": tenant})
    return module_database


@pytest.fixture
def admin(db: Any) -> Iterator[Connection]:
    with db.engine("admin").connect() as connection:
        yield connection


@pytest.fixture(params=ROLES)
def reader(admin: Connection, request: pytest.FixtureRequest) -> Iterator[Connection]:
    """The transaction of ``admin``, read as superuser and as an application session."""
    scope(admin)

    def read_as_session() -> None:
        if request.param == "app":
            admin.execute(text("SET LOCAL ROLE hedgerow_app"))

    admin.info["read"] = read_as_session
    yield admin
    admin.info.pop("read")


def test_the_registry_holds_the_eleven_agents(admin: Connection) -> None:
    rows = {row.agent_name: row for row in admin.execute(select(AgentRegistry.__table__))}
    assert set(rows) == {agent.value for agent in AgentType}
    for agent in AGENTS:
        found = dict(rows[agent.agent.value]._mapping)
        assert found.pop("config") is None
        assert found == agent.row()


def test_sessions_only_read_the_registry(db: Any) -> None:
    with db.engine("app").connect() as session:
        assert session.scalar(text("SELECT count(*) FROM agent_registry")) == len(AgentType)
        with pytest.raises(ProgrammingError, match="permission denied"):
            session.execute(text("UPDATE agent_registry SET is_active = false"))


@pytest.mark.parametrize("intent", sorted({intent for agent in AGENTS for intent in agent.intents}))
def test_every_intent_reaches_its_agent(reader: Connection, intent: str) -> None:
    reader.info["read"]()
    tiers = {agent.agent.value: agent.tier for agent in AGENTS}
    for spelling in (intent, intent.lower(), intent.title()):
        assert route(reader, spelling) == [(expected_agent(intent), tiers[expected_agent(intent)])]


def test_the_wildcard_is_asked_only_when_nobody_names_the_intent(reader: Connection) -> None:
    reader.info["read"]()
    assert route(reader, "CAUSAL") == [("causal_impact", 2)]
    assert route(reader, "OPTIMIZE") == [("heterogeneous_optimizer", 2)], "the lower tier of two"
    for unknown in ("SING", "", " causal"):
        assert route(reader, unknown) == [("orchestrator", 1)]
    assert route(reader, None) == []


def test_inactive_agents_are_not_asked(reader: Connection) -> None:
    reader.execute(text("UPDATE agent_registry SET is_active = false WHERE agent_name = 'heterogeneous_optimizer'"))
    reader.execute(text("UPDATE agent_registry SET is_active = NULL WHERE agent_name IN ('orchestrator', 'explainer')"))
    reader.info["read"]()
    assert route(reader, "OPTIMIZE") == [("resource_optimizer", 4)]
    assert route(reader, "EXPLAIN") == [], "without a wildcard nobody takes the rest"
    assert route(reader, "SING") == []


def test_ties_go_by_tier_then_priority_then_name(reader: Connection) -> None:
    reader.execute(text("UPDATE agent_registry SET intents = '{SING,NULL}', tier = 3, priority_order = NULL"))
    reader.info["read"]()
    assert route(reader, "sing") == [("causal_impact", 3)], "the first by name"
    reader.execute(text("RESET ROLE"))
    reader.execute(text("UPDATE agent_registry SET priority_order = 7 WHERE agent_name = 'explainer'"))
    reader.info["read"]()
    assert route(reader, "sing") == [("explainer", 3)], "no priority_order comes last"
    reader.execute(text("RESET ROLE"))
    reader.execute(text("UPDATE agent_registry SET tier = 2 WHERE agent_name = 'orchestrator'"))
    reader.info["read"]()
    assert route(reader, "sing") == [("orchestrator", 2)]


def test_a_tier_is_one_to_five(admin: Connection) -> None:
    for tier in (0, 6):
        with pytest.raises(IntegrityError, match="check constraint"), admin.begin_nested():
            admin.execute(text("UPDATE agent_registry SET tier = :tier"), {"tier": tier})
        with pytest.raises(IntegrityError, match="check constraint"), admin.begin_nested():
            act(admin, "a", tier=tier)


def test_routing_lists_active_agents_and_their_intents(reader: Connection) -> None:
    for agent, intents in (("explainer", None), ("feedback_learner", []), ("drift_monitor", ["DRIFT", "DRIFT", None])):
        reader.execute(
            text("UPDATE agent_registry SET intents = :intents WHERE agent_name = :agent"),
            {"intents": intents, "agent": agent},
        )
    reader.execute(text("UPDATE agent_registry SET is_active = false WHERE agent_name = 'health_score'"))
    reader.info["read"]()
    rows = reader.execute(text("SELECT * FROM v_agent_routing")).all()
    changed = {"explainer": (), "feedback_learner": (), "drift_monitor": ("DRIFT",), "health_score": ()}
    expected = [
        (agent.agent.value, agent.tier, agent.description, intent)
        for agent in sorted(AGENTS, key=lambda a: (a.tier, a.agent.value))
        for intent in sorted(changed.get(agent.agent.value, agent.intents))
    ]
    assert [tuple(row) for row in rows] == expected
    assert ("orchestrator", 1, AGENTS[0].description, "*") in expected
    with Session(reader) as session:
        mapped = session.scalars(select(AgentRoute)).all()
        assert {(m.agent_name, m.tier, m.description, m.intent) for m in mapped} == set(expected)


def test_activities_are_found_by_what_they_say(reader: Connection) -> None:
    """app.set_activity_search_vector keeps the search column, whatever the caller writes into it."""
    act(reader, "by agent", agent_type="causal_impact", status="completed")
    act(reader, "by kind", agent_type="explainer", activity_type="causal report", workstream="WS2")
    act(reader, "by error", agent_type="explainer", status="failed", error_message="No causal paths were found")
    act(reader, "unrelated")
    reader.info["read"]()

    def search(words: str) -> list[str]:
        query = func.websearch_to_tsquery("english", words)
        rank = func.ts_rank(AgentActivity.search_vector, query)
        found = select(AgentActivity.activity_id).where(AgentActivity.search_vector.bool_op("@@")(query))
        return list(reader.scalars(found.order_by(rank.desc())))

    assert search("causal") == ["by agent", "by kind", "by error"]
    assert search("a path") == ["by error"]
    assert search("ws2") == ["by kind"]
    assert search("nothing of the sort") == []
    reader.execute(
        text(
            "UPDATE agent_activities SET error_message = NULL, search_vector = 'forged' WHERE activity_id = 'by error'"
        )
    )
    assert search("a path") == []
    assert search("forged") == []


def test_activity_context(reader: Connection) -> None:
    act(
        reader,
        "a1",
        agent_type="gap_analyzer",
        tier=2,
        activity_type="analysis",
        workstream="WS1",
        status="completed",
        confidence_level=0.875,
        impact_estimate=12.5,
        recommendations='["call", {"visit": 2}, null]',
    )
    act(reader, "a2", recommendations=None)
    act(reader, "a3", recommendations='{"not": "an array"}')
    act(reader, "sealed", split_assignment="holdout")
    act(reader, "theirs", tenant_id=OTHER)
    reader.execute(text("SET LOCAL TIME ZONE 'Asia/Kathmandu'"))
    reader.info["read"]()

    def context(activity: str | None) -> Any:
        return reader.scalar(text("SELECT get_agent_activity_context(:activity)"), {"activity": activity})

    assert context("a1") == {
        "activity_id": "a1",
        "agent_type": "gap_analyzer",
        "tier": 2,
        "activity_timestamp": "2026-03-01T23:30:00.000000Z",
        "activity_type": "analysis",
        "workstream": "WS1",
        "status": "completed",
        "error_message": None,
        "confidence_level": 0.875,
        "impact_estimate": 12.5,
        "roi_estimate": None,
        "recommendation_count": 3,
    }
    assert context("a2")["recommendation_count"] == 0
    for absent in ("unknown", "sealed", "theirs", None):
        assert context(absent) == {}
    with pytest.raises(DBAPIError, match="non-array"):
        context("a3")


@pytest.mark.parametrize(
    ("view", "split"),
    [
        ("v_train_agent_activities", "train"),
        ("v_validation_agent_activities", "validation"),
        ("v_test_agent_activities", "test"),
        ("v_holdout_agent_activities", "holdout"),
    ],
)
def test_split_views_of_activities(reader: Connection, view: str, split: str) -> None:
    for each in SPLITS:
        act(reader, each, split_assignment=each)
    scope(reader, *SPLITS)
    reader.info["read"]()
    assert list(reader.scalars(text(f"SELECT activity_id FROM {view}"))) == [split]


@pytest.mark.parametrize(("name", "enum"), [("agent_type", AgentType), ("workstream_type", Workstream)])
def test_enum_labels(admin: Connection, name: str, enum: Any) -> None:
    labels = admin.scalar(text(f"SELECT enum_range(NULL::{name})::text[]"))
    assert labels == [member.value for member in enum]
