"""Turns of conversations: who said what, what users thought of it, and what they asked before."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from hedgerow.agents import Conversation, FeedbackType, MessageRole
from hedgerow.agents.repository import AsyncConversationRepository
from hedgerow.core.repository import FilterError, RowNotFoundError
from hedgerow.core.vector import DIMENSIONS, VectorError
from world import OTHER, TENANT, World, make_world

WHEN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def vector(seed: int) -> list[float]:
    random = Random(seed)
    return [random.uniform(-1, 1) for _ in range(DIMENSIONS)]


def cosine(one: list[float], other: list[float]) -> float:
    dot = sum(a * b for a, b in zip(one, other, strict=True))
    return dot / math.sqrt(sum(a * a for a in one) * sum(b * b for b in other))


@pytest.fixture(scope="module")
def world(module_database: Any) -> World:
    world = make_world(module_database)
    for tenant in (TENANT, OTHER):
        with world.session(tenant=tenant) as session:
            for number in range(20):
                session.add(
                    Conversation(
                        session_id=f"s{number % 2}",
                        user_id=f"u{number % 3}",
                        role="assistant" if number % 5 == 4 else "user",
                        content=f"{tenant} {number}",
                        # The other tenant's turns are the nearest of all; one here has no direction, one no embedding.
                        content_embedding=[0.0] * DIMENSIONS
                        if number == 6
                        else None
                        if number == 7
                        else vector(1000 if tenant == OTHER else number),
                        feedback_type={0: "positive", 3: "negative", 4: "positive"}.get(number),
                        created_at=WHEN - timedelta(minutes=number),
                    )
                )
            session.commit()
    return world


@pytest.fixture(params=["psycopg", "asyncpg"])
def turns(world: World, request: pytest.FixtureRequest) -> Iterator[Any]:
    with world.repository(request.param, AsyncConversationRepository, world.scope()) as repository:
        yield repository


def said(found: list[Conversation]) -> list[int]:
    """Numbers of the turns; fails for a turn of the other tenant."""
    for turn in found:
        assert turn.content.startswith(f"{TENANT} ")
    return [int(turn.content.removeprefix(f"{TENANT} ")) for turn in found]


def test_a_session_is_read_in_the_order_of_speech(turns: Any) -> None:
    assert said(turns.get_by_session("s1")) == [19, 17, 15, 13, 11, 9, 7, 5, 3, 1]
    assert turns.get_by_session("unknown") == []


def test_a_user_is_read_from_the_newest(turns: Any) -> None:
    assert said(turns.get_by_user("u0")) == [0, 3, 6, 9, 12, 15, 18]
    assert turns.get_by_user("unknown") == []


def test_with_feedback(turns: Any) -> None:
    assert said(turns.get_with_feedback()) == [0, 3, 4]
    assert said(turns.get_with_feedback(FeedbackType.POSITIVE)) == [0, 4]
    assert said(turns.get_with_feedback("negative")) == [3]
    with pytest.raises(FilterError):
        turns.get_with_feedback("lukewarm")


def test_feedback_is_given_once_a_turn_and_may_change(turns: Any, world: World) -> None:
    (turn,) = [turn for turn in turns.get_by_session("s0") if turn.content.endswith(" 8")]
    assert turns.give_feedback(turn.id, "negative", "Too long").feedback_text == "Too long"
    changed = turns.give_feedback(str(turn.id), FeedbackType.POSITIVE)
    assert (changed.feedback_type, changed.feedback_text) == (FeedbackType.POSITIVE, None)
    (theirs,) = world.admin("SELECT id FROM conversations WHERE content = :c", c=f"{OTHER} 8")
    for unknown in (uuid4(), theirs.id):
        with pytest.raises(RowNotFoundError):
            turns.give_feedback(unknown, "positive")
    with pytest.raises(ValueError):
        turns.give_feedback(turn.id, "lukewarm")


@pytest.mark.parametrize("top_k", [0, 1, 5, 50])
def test_similar_queries_are_the_nearest_of_the_tenants_own(turns: Any, top_k: int) -> None:
    """Against the same search in Python: users' turns with a direction, the most similar first."""
    asked = vector(1000)
    expected = {n: cosine(asked, vector(n)) for n in range(20) if n % 5 != 4 and n not in (6, 7)}
    found = turns.get_similar_queries(asked, top_k)
    assert said([hit.conversation for hit in found]) == sorted(expected, key=lambda n: -expected[n])[:top_k]
    for hit in found:
        (number,) = said([hit.conversation])
        assert hit.similarity == pytest.approx(expected[number], abs=1e-6)


def test_the_other_tenants_nearest_are_theirs(world: World) -> None:
    with world.repository("psycopg", AsyncConversationRepository, world.scope(tenant=OTHER)) as theirs:
        found = theirs.get_similar_queries(vector(1000), 50)
    assert len(found) == 14
    assert {hit.conversation.tenant_id for hit in found} == {OTHER}
    assert found[0].similarity == pytest.approx(1)


@pytest.mark.parametrize(
    "embedding",
    [
        [0.1] * (DIMENSIONS - 1),
        [],
        [math.nan] + [0.1] * (DIMENSIONS - 1),
        [math.inf] + [0.1] * (DIMENSIONS - 1),
    ],
    ids=["short", "empty", "nan", "infinite"],
)
def test_what_is_no_embedding_is_refused(turns: Any, embedding: list[float]) -> None:
    with pytest.raises(VectorError):
        turns.get_similar_queries(embedding)


@pytest.mark.parametrize("embedding", [None, [0.0] * DIMENSIONS, [1e-46] * DIMENSIONS], ids=["none", "zero", "tiny"])
def test_what_has_no_direction_finds_nothing(turns: Any, embedding: list[float] | None) -> None:
    assert turns.get_similar_queries(embedding) == []


def test_a_turn_with_half_an_embedding_is_refused(turns: Any) -> None:
    with pytest.raises(VectorError, match="1536 dimensions, not 3"):
        turns.create(Conversation(session_id="s", role="user", content="x", content_embedding=[1.0, 2.0, 3.0]))


def test_a_negative_number_of_neighbours_is_refused(turns: Any) -> None:
    with pytest.raises(FilterError):
        turns.get_similar_queries(vector(1), -1)


def test_embeddings_are_stored_as_given_and_read_on_request(world: World) -> None:
    with world.session() as session:
        turn = session.scalars(select(Conversation).where(Conversation.content == f"{TENANT} 2")).one()
        assert "content_embedding" not in turn.__dict__
        assert turn.content_embedding == pytest.approx(vector(2), abs=1e-6)
        assert turn.details == {}
        assert turn.role is MessageRole.USER


@pytest.mark.parametrize(("column", "value"), [("role", "narrator"), ("feedback_type", "lukewarm")])
def test_vocabularies_hold(world: World, column: str, value: str) -> None:
    row = {"session_id": "s", "role": "user", "content": "x"} | {column: value}
    with pytest.raises(IntegrityError, match="check constraint"):
        world.admin(
            f"INSERT INTO conversations (tenant_id, {', '.join(row)})"
            f" VALUES ('{TENANT}', {', '.join(f':{name}' for name in row)})",
            **row,
        )
    assert world.admin("SELECT count(*) FROM conversations WHERE tenant_id = :t", t=TENANT)[0][0] == 20


def test_a_new_turn_has_its_tenant_time_and_details(turns: Any, world: World) -> None:
    stored = turns.create(Conversation(session_id="new", role=MessageRole.TOOL, content="{}", details={"rows": 3}))
    assert (stored.tenant_id, stored.details, stored.feedback_type) == (TENANT, {"rows": 3}, None)
    assert stored.created_at.tzinfo is not None
    assert world.session().execute(text("SELECT 1")).scalar() == 1
