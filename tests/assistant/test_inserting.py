"""What the client stores, and what it refuses: the error says which column, and why."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.pool import NullPool

from hedgerow import CrossTenantError, Scope, open_session
from hedgerow.assistant import Citation, Escalation, InsertError, Interaction, KnowledgeDocument
from hedgerow.assistant.repository import (
    AssistantRepository,
    AsyncEscalationRepository,
    EscalationRepository,
    KnowledgeDocumentRepository,
)
from hedgerow.core.engine import build_engine
from world import OTHER, TENANT, World

LEAST = {"assistant_mode": "customer", "user_query": "When are you open?", "outcome": "resolved"}


def problems(error: InsertError) -> list[tuple[str | None, str]]:
    return [(problem.column, problem.reason) for problem in error.problems]


def test_only_three_columns_are_required_and_the_others_have_their_defaults(assistant: Any) -> None:
    given = dict(LEAST)
    key = assistant.insert_interaction(given)
    assert isinstance(key, UUID)
    assert given == LEAST, "the mapping stays as it is"
    stored = assistant.get_by_id(key)
    assert stored.tenant_id == TENANT
    assert stored.timestamp == stored.created_at is not None
    assert stored.step_1_intent_completed is stored.step_6_escalation_triggered is False
    assert stored.citations is stored.confidence_score is stored.session_id is None


def test_every_column_is_stored_as_given(assistant: Any) -> None:
    key = uuid4()
    asked = datetime(2025, 3, 1, 12, tzinfo=UTC)
    given: dict[str, Any] = LEAST | {
        "id": str(key),
        "timestamp": "2025-03-01T13:00:00+01:00",
        "session_id": "s" * 255,
        "intent_name": "opening_hours",
        "intent_category": "automatable",
        "classification_reason": "because",
        "step_1_intent_completed": True,
        "step_2_routing_decision": "answer",
        "step_3_retrieval_performed": True,
        "step_4_response_generated": True,
        "step_5_confidence_score": 1,
        "step_6_escalation_triggered": None,
        "confidence_score": 0.5,
        "escalation_reason": None,
        "response_text": "At nine [1].",
        "citations": [{"number": 1, "source": "Opening hours", "url": None, "page": 4}],
        "retrieved_chunks_count": 0,
        "processing_time_ms": 2**31 - 1,
        "created_at": None,
    }
    assert assistant.insert_interaction(given) == key
    stored = assistant.get_by_id(key)
    assert stored.timestamp == asked
    assert stored.created_at is None, "None is NULL and not the default"
    assert stored.step_6_escalation_triggered is None
    assert stored.citations == [Citation(number=1, source="Opening hours", url=None, page=4)]
    untouched = given.keys() - {"id", "timestamp", "citations"}
    assert {name: getattr(stored, name) for name in untouched} == {name: given[name] for name in untouched}


@pytest.mark.parametrize(
    ("change", "column", "reason", "says"),
    [
        ({"assistant_mode": "robot"}, "assistant_mode", "invalid", "'robot' is not a valid AssistantMode"),
        ({"intent_category": "other"}, "intent_category", "invalid", "IntentCategory"),
        ({"outcome": "open"}, "outcome", "invalid", "InteractionOutcome"),
        ({"outcome": None}, "outcome", "missing", "needs a value"),
        ({"user_query": 5}, "user_query", "invalid", "it is int, not str"),
        ({"user_query": "a\0b"}, "user_query", "invalid", "no NUL"),
        ({"question": "?"}, "question", "unknown", "no column 'question'"),
        ({"intent_name": "x" * 101}, "intent_name", "too_long", "101 characters, 100 are allowed"),
        ({"session_id": "x" * 256}, "session_id", "too_long", "256 characters, 255"),
        ({"processing_time_ms": 2**31}, "processing_time_ms", "out_of_range", "4-byte"),
        ({"processing_time_ms": -1}, "processing_time_ms", "refused", "ck_interactions_processing_time_ms"),
        ({"processing_time_ms": 1.5}, "processing_time_ms", "invalid", "it is float, not int"),
        ({"retrieved_chunks_count": -1}, "retrieved_chunks_count", "refused", "ck_interactions_retrieved"),
        ({"confidence_score": 1.01}, "confidence_score", "refused", "ck_interactions_confidence_score"),
        ({"confidence_score": float("nan")}, "confidence_score", "refused", "ck_interactions_confidence_score"),
        ({"confidence_score": 10**400}, "confidence_score", "out_of_range", "floating-point"),
        ({"step_5_confidence_score": -0.1}, "step_5_confidence_score", "refused", "ck_interactions_step_5"),
        ({"confidence_score": "high"}, "confidence_score", "invalid", "it is str, not int or float"),
        ({"confidence_score": True}, "confidence_score", "invalid", "a truth value, not a number"),
        ({"step_1_intent_completed": "yes"}, "step_1_intent_completed", "invalid", "it is str, not bool"),
        ({"timestamp": "2025-01-01T00:00:00"}, "timestamp", "invalid", "no time zone"),
        ({"id": "seven"}, "id", "invalid", "'seven' is not a value of id"),
        ({"id": None}, "id", "missing", "needs a value"),
        ({"citations": [{"number": 0, "source": "s"}]}, "citations", "invalid", r"0\.number"),
        ({"citations": [{"number": 1, "source": "a\0b"}]}, "citations", "invalid", "NUL"),
        ({"citations": {"number": 1}}, "citations", "invalid", "valid list"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_column_that_does_not_fit_is_named(
    assistant: Any, change: dict[str, Any], column: str, reason: str, says: str
) -> None:
    with pytest.raises(InsertError, match=says) as refused:
        assistant.insert_interaction(LEAST | change)
    assert (refused.value.column, refused.value.reason) == (column, reason)
    assert refused.value.table == "interactions"
    assert column in str(refused.value)
    assert assistant.count() == 0
    assert assistant.insert_interaction(LEAST), "the session goes on"


def test_everything_that_is_wrong_is_said_at_once(assistant: Any) -> None:
    with pytest.raises(InsertError) as refused:
        assistant.insert_interaction({"outcome": "open", "intent_name": "x" * 200, "nonsense": 1})
    assert problems(refused.value) == [
        ("outcome", "invalid"),
        ("intent_name", "too_long"),
        ("nonsense", "unknown"),
        ("assistant_mode", "missing"),
        ("user_query", "missing"),
    ]
    again = pickle.loads(pickle.dumps(refused.value))
    assert (str(again), again.problems) == (str(refused.value), refused.value.problems)


def test_a_key_that_is_taken_is_said(assistant: Any) -> None:
    key = assistant.insert_interaction(LEAST)
    with pytest.raises(InsertError, match="duplicate key") as refused:
        assistant.insert_interaction(LEAST | {"id": key})
    assert problems(refused.value) == [("id", "duplicate")]


def test_what_was_stored_before_a_refusal_stands(world: World) -> None:
    with world.session() as session:
        client = AssistantRepository(session)
        kept = client.insert_interaction(LEAST)
        pending = Interaction(**LEAST)
        session.add(pending)
        with pytest.raises(InsertError):
            client.insert_interaction(LEAST | {"confidence_score": 2})
        session.commit()
        assert {kept, pending.id} == set(session.scalars(select(Interaction.id)))
        session.delete(session.get_one(Interaction, (TENANT, kept)))
        session.delete(pending)
        session.commit()


def test_another_objects_error_is_not_taken_for_the_rows(world: World) -> None:
    with world.session() as session:
        session.add(Interaction(**LEAST, confidence_score=7))
        with pytest.raises(Exception, match="ck_interactions_confidence_score") as failed:
            AssistantRepository(session).insert_interaction(LEAST)
        assert not isinstance(failed.value, InsertError)


def test_escalations(assistant: Any) -> None:
    interaction = assistant.insert_interaction(LEAST | {"outcome": "escalated"})
    reason = {"trigger_type": "low_confidence", "escalation_reason": "0.41"}
    linked = assistant.insert_escalation(reason | {"interaction_id": str(interaction)})
    alone = assistant.insert_escalation(reason | {"trigger_type": "something else"})
    assert isinstance(linked, UUID)
    assert linked != alone
    for change, column, why in (
        ({"interaction_id": uuid4()}, "interaction_id", "no_such_row"),
        ({"interaction_id": "seven"}, "interaction_id", "invalid"),
        ({"trigger_type": "x" * 51}, "trigger_type", "too_long"),
        ({"escalation_reason": None}, "escalation_reason", "missing"),
    ):
        with pytest.raises(InsertError) as refused:
            assistant.insert_escalation(reason | change)
        assert problems(refused.value) == [(column, why)]
        assert refused.value.table == "escalations"


def test_knowledge_documents(assistant: Any) -> None:
    document = {"openai_file_id": "file-1", "title": "Fees"}
    assert isinstance(assistant.insert_knowledge_document(document | {"metadata": {"pages": 3}}), UUID)
    for change, column, why in (
        ({}, "openai_file_id", "duplicate"),
        ({"title": None}, "title", "missing"),
        ({"content_type": "secret"}, "content_type", "invalid"),
        ({"metadata": {"share": float("nan")}}, "metadata", "invalid"),
        ({"metadata": {"path": "C:\\u0000"}, "openai_file_id": "file-2", "title": None}, "title", "missing"),
        ({"metadata": {"nul": "\0"}}, "metadata", "invalid"),
        ({"metadata": {"half": "\ud800"}}, "metadata", "invalid"),
        ({"metadata": {"set": {1}}}, "metadata", "invalid"),
    ):
        with pytest.raises(InsertError) as refused:
            assistant.insert_knowledge_document(document | change)
        assert problems(refused.value) == [(column, why)]


def test_a_foreign_interaction_is_as_unknown_as_none(world: World) -> None:
    with world.session(tenant=OTHER) as session:
        theirs = AssistantRepository(session).insert_interaction(LEAST)
        session.commit()
        with world.session() as own, pytest.raises(InsertError) as refused:
            AssistantRepository(own).insert_escalation(
                {"trigger_type": "t", "escalation_reason": "r", "interaction_id": theirs}
            )
        assert problems(refused.value) == [("interaction_id", "no_such_row")]
        session.delete(session.get_one(Interaction, (OTHER, theirs)))
        session.commit()


def test_the_same_file_belongs_to_two_tenants(world: World) -> None:
    for tenant in (TENANT, OTHER):
        with world.session(tenant=tenant) as session:
            AssistantRepository(session).insert_knowledge_document({"openai_file_id": "shared", "title": tenant})
            session.commit()
    with world.session() as session:
        titles = [document.title for document in KnowledgeDocumentRepository(session).get_many({})]
    assert world.admin("SELECT count(*) FROM knowledge_documents")[0][0] == 2, "there is something to leak"
    assert titles == [TENANT]
    world.admin("DELETE FROM knowledge_documents")


@pytest.mark.parametrize("method", ["insert_interaction", "insert_escalation", "insert_knowledge_document"])
def test_a_row_for_another_tenant_is_refused(assistant: Any, method: str) -> None:
    rows: dict[str, dict[str, Any]] = {
        "insert_interaction": LEAST,
        "insert_escalation": {"trigger_type": "t", "escalation_reason": "r"},
        "insert_knowledge_document": {"openai_file_id": "f", "title": "t"},
    }
    insert = getattr(assistant, method)
    with pytest.raises(CrossTenantError):
        insert(rows[method] | {"tenant_id": OTHER})
    assert insert(rows[method] | {"tenant_id": TENANT})


def test_the_connection_is_tested(assistant: Any) -> None:
    assert assistant.test_connection() is True, "without any row, too"


def test_a_table_that_cannot_be_read_is_no_connection(database: Any, caplog: pytest.LogCaptureFixture) -> None:
    with database.admin() as admin:
        admin.execute(text("INSERT INTO tenant (id, name) VALUES ('T', 'T')"))
        admin.execute(text("ALTER TABLE interactions RENAME TO away"))
        with open_session(Scope("T"), engine=database.scoped_engine()) as session:
            client = AssistantRepository(session)
            assert client.test_connection() is False
            admin.execute(text("ALTER TABLE away RENAME TO interactions"))
            assert client.test_connection() is True, "the session goes on"
    assert "interactions cannot be read" in caplog.text


def test_no_server_is_no_connection(database: Any) -> None:
    engine = build_engine("postgresql://nobody@127.0.0.1:1/none?connect_timeout=2", poolclass=NullPool)
    with open_session(Scope("T"), engine=engine) as session:
        assert AssistantRepository(session).test_connection() is False


def test_an_unknown_tenant_is_no_connection(world: World) -> None:
    with world.session(tenant="NOBODY") as session:
        assert AssistantRepository(session).test_connection() is False


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_the_other_tables_have_their_repositories(world: World, driver: str) -> None:
    with world.repository(driver, AsyncEscalationRepository, world.scope()) as repository:
        stored = repository.create(Escalation(trigger_type="t", escalation_reason="r"))
        assert repository.get_by_id(stored.id) is stored
        assert repository.delete(stored.id)
    with world.session() as session:
        assert EscalationRepository(session).count() == 0
        document = KnowledgeDocument(openai_file_id="f", title="t", metadata_={"a": 1})
        assert KnowledgeDocumentRepository(session).create(document).metadata_ == {"a": 1}
