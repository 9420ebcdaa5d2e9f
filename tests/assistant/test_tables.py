"""Tables of the assistant domain: keys, cascades, checks, and the traps of the system that they describe."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import delete, func, select, text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import selectinload

from hedgerow.assistant import Citation, Escalation, EscalationTrigger, Interaction, KnowledgeDocument
from hedgerow.core.types import InvalidJSON
from planting import planting, refused
from world import OTHER, TENANT, World

LEAST = {"assistant_mode": "customer", "user_query": "?", "outcome": "escalated"}


def escalated(number: int) -> Interaction:
    reasons = [Escalation(trigger_type=EscalationTrigger.HUMAN_ONLY, escalation_reason="r") for _ in range(number)]
    return Interaction(**LEAST, escalations=reasons)


@pytest.mark.parametrize("how", ["object", "statement", "raw"])
def test_escalations_go_with_their_interaction(world: World, how: str) -> None:
    with world.session() as session:
        goes, stays = escalated(2), escalated(1)
        alone = Escalation(trigger_type="t", escalation_reason="r")
        session.add_all([goes, stays, alone])
        session.flush()
        left = {alone.id, stays.escalations[0].id}
        if how == "object":
            session.delete(goes)
            session.flush()
        elif how == "statement":
            session.execute(delete(Interaction).where(Interaction.id == goes.id))
        else:
            session.commit()
            world.admin("DELETE FROM interactions WHERE id = :id", id=goes.id)
        session.expire_all()
        assert set(session.scalars(select(Escalation.id))) == left
        session.rollback()
    world.admin("DELETE FROM interactions")
    world.admin("DELETE FROM escalations")


def test_the_cascade_stays_in_the_tenant(world: World) -> None:
    """Two tenants with an interaction of the same id, as a copied database has them."""
    key = "00000000-0000-4000-8000-000000000001"
    with planting(world.database, triggers=True) as connection:
        for tenant in (TENANT, OTHER):
            connection.execute(
                text(
                    "INSERT INTO interactions (tenant_id, id, assistant_mode, user_query, outcome)"
                    " VALUES (:t, :k, 'banker', '?', 'escalated')"
                ),
                {"t": tenant, "k": key},
            )
            connection.execute(
                text(
                    "INSERT INTO escalations (tenant_id, interaction_id, trigger_type, escalation_reason)"
                    " VALUES (:t, :k, 't', 'r')"
                ),
                {"t": tenant, "k": key},
            )
        connection.execute(text("DELETE FROM interactions WHERE tenant_id = :t"), {"t": TENANT})
        assert list(connection.scalars(text("SELECT tenant_id FROM escalations"))) == [OTHER]


def test_an_escalation_knows_its_interaction(world: World) -> None:
    with world.session() as session:
        session.add(escalated(2))
        session.flush()
        session.expunge_all()
        loaded = session.scalars(select(Interaction).options(selectinload(Interaction.escalations))).one()
        assert [escalation.interaction for escalation in loaded.escalations] == [loaded, loaded]


def test_an_escalation_cannot_refer_to_another_tenants_interaction(world: World) -> None:
    with world.session(tenant=OTHER) as session:
        theirs = escalated(0)
        session.add(theirs)
        session.commit()
        with world.session() as own:
            own.add(Escalation(interaction_id=theirs.id, trigger_type="t", escalation_reason="r"))
            with pytest.raises(IntegrityError, match="fk_escalations_tenant_id_interaction_id"):
                own.flush()
        session.delete(theirs)
        session.commit()


GOOD = [
    None,
    [],
    [{"number": 1, "source": "s"}],
    [{"number": 2, "source": "s", "url": None}, {"number": 1, "source": "s", "url": "https://x"}],
    [{"number": 1, "source": "s", "page": 3}],
]
BAD: list[Any] = [
    {},
    "text",
    7,
    [1],
    [None],
    [[]],
    [[{"number": 1, "source": "s"}]],
    [{}],
    [{"number": 1}],
    [{"source": "s"}],
    [{"number": 0, "source": "s"}],
    [{"number": -1, "source": "s"}],
    [{"number": 1.5, "source": "s"}],
    [{"number": "1", "source": "s"}],
    [{"number": True, "source": "s"}],
    [{"number": [1], "source": "s"}],
    [{"number": None, "source": "s"}],
    [{"number": 1, "source": ""}],
    [{"number": 1, "source": None}],
    [{"number": 1, "source": ["s"]}],
    [{"number": 1, "source": "s", "url": 7}],
    [{"number": 1, "source": "s", "url": ["https://x"]}],
    [{"number": 1, "source": "s"}, {"number": 2}],
]


@pytest.mark.parametrize("citations", GOOD, ids=str)
def test_citations_are_kept(world: World, citations: Any) -> None:
    with world.session() as session:
        interaction = Interaction(**LEAST, citations=citations)
        session.add(interaction)
        session.flush()
        session.expire(interaction)
        assert interaction.citations == (None if citations is None else [Citation(**c) for c in citations])
    with planting(world.database, triggers=True) as connection:
        _insert(connection, citations)


@pytest.mark.parametrize("citations", BAD, ids=str)
def test_citations_of_another_shape_are_refused(world: World, citations: Any) -> None:
    """By Python, and by the database for whoever writes past it: the two agree on every case."""
    with world.session() as session:
        session.add(Interaction(**LEAST, citations=citations))
        with pytest.raises(StatementError) as error:
            session.flush()
        assert isinstance(error.value.orig, InvalidJSON)
    with planting(world.database, triggers=True) as connection, refused(connection, "23514"):
        _insert(connection, citations)


def test_a_json_null_is_no_citation(world: World) -> None:
    with planting(world.database, triggers=True) as connection, refused(connection, "23514"):
        _insert(connection, None, null="CAST('null' AS jsonb)")


def _insert(connection: Any, citations: Any, null: str = "NULL") -> None:
    value = null if citations is None else "CAST(:c AS jsonb)"
    connection.execute(
        text(
            "INSERT INTO interactions (tenant_id, assistant_mode, user_query, outcome, citations)"
            f" VALUES (:t, 'banker', '?', 'resolved', {value})"
        ),
        {"t": TENANT, "c": json.dumps(citations)},
    )


def test_what_says_the_same_twice_may_disagree(world: World) -> None:
    """Two times, two confidences, and an escalation step that nothing ties to the outcome: kept as the sources say."""
    with world.session() as session:
        interaction = Interaction(
            assistant_mode="customer",
            user_query="?",
            outcome="resolved",
            step_6_escalation_triggered=True,
            confidence_score=0.9,
            step_5_confidence_score=0.2,
        )
        session.add(interaction)
        session.flush()
        session.execute(text("SELECT 1"))
        assert interaction.timestamp == interaction.created_at


def test_a_moment_that_never_comes_is_refused(world: World) -> None:
    with planting(world.database, triggers=True) as connection:
        for moment in ("infinity", "-infinity"):
            with refused(connection, "23514"):
                connection.execute(
                    text(
                        "INSERT INTO interactions (tenant_id, assistant_mode, user_query, outcome, timestamp)"
                        " VALUES (:t, 'banker', '?', 'resolved', :m)"
                    ),
                    {"t": TENANT, "m": moment},
                )


def test_a_file_is_loaded_once(world: World) -> None:
    with world.session() as session:
        session.add_all([KnowledgeDocument(openai_file_id="f", title=title) for title in "ab"])
        with pytest.raises(IntegrityError, match="uq_knowledge_documents_tenant_id_openai_file_id"):
            session.flush()


def test_the_unique_key_serves_as_the_index_of_file_ids(world: World) -> None:
    """The sources listed a second index with the same columns."""
    found = world.admin(
        "SELECT indexname FROM pg_indexes WHERE tablename = 'knowledge_documents' AND indexdef LIKE '%openai_file_id%'"
    )
    assert len(found) == 1


@pytest.mark.parametrize("column", ["timestamp", "created_at"])
def test_a_range_of_time_is_read_from_an_index(world: World, column: str) -> None:
    with planting(world.database, triggers=True) as connection:
        connection.execute(
            text(
                "INSERT INTO interactions (tenant_id, assistant_mode, user_query, outcome, timestamp, created_at)"
                " SELECT :t, 'banker', '?', 'resolved', now() - n * interval '1 hour', now() - n * interval '1 hour'"
                " FROM generate_series(1, 5000) AS n"
            ),
            {"t": TENANT},
        )
        connection.execute(text("ANALYZE interactions"))
        recent = f"SELECT id FROM interactions WHERE tenant_id = '{TENANT}' AND {column} > now() - interval '1 day'"
        plan = "\n".join(connection.scalars(text("EXPLAIN (COSTS OFF) " + recent)))
        assert f"ix_interactions_tenant_id_{column}" in plan


def test_seeded_figures_are_plausible(seeded: Any) -> None:
    from hedgerow import Scope, open_session
    from hedgerow.assistant.repository import AssistantRepository

    with open_session(Scope("TEST_TENANT_001"), engine=seeded.scoped_engine()) as session:
        metrics = AssistantRepository(session).get_metrics()
        orphans = session.scalar(select(func.count()).where(Escalation.interaction_id.is_(None)))
        assert 0.4 < (metrics.resolution_rate or 0) < 0.9
        assert {group.trigger_type for group in metrics.by_trigger} == {*EscalationTrigger}
        assert metrics.escalations > metrics.escalated > 0, "some were escalated twice"
        assert orphans
