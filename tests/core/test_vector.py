"""Embeddings: what is taken, what is refused, and what searches compare."""

from __future__ import annotations

import pickle
from random import Random
from typing import Any

import numpy as np
import pgvector
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from hedgerow.core.vector import DIMENSIONS, VectorError, VectorType, embedding
from hedgerow.memory import EpisodicMemory
from hedgerow.memory.repository import AsyncEpisodicMemoryRepository
from world import make_world

VALUE = [round(Random(1).uniform(-1, 1), 3) for _ in range(DIMENSIONS)]


def store(repository: Any, value: Any) -> Any:
    return repository.get_embedding(repository.store_episodic_memory("explainer", "remembered", embedding=value))


@pytest.mark.parametrize(
    "kind",
    [list, tuple, np.array, lambda v: np.array(v, dtype="f4"), lambda v: np.array(v, dtype="f2"), pgvector.Vector],
    ids=["list", "tuple", "float64", "float32", "float16", "pgvector"],
)
@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_what_goes_in_comes_out_as_a_list_of_floats(driver: str, kind: Any, module_world: Any) -> None:
    value = [0.5, -0.25] * (DIMENSIONS // 2)
    with module_world.repository(driver, AsyncEpisodicMemoryRepository, module_world.scope()) as repository:
        found = store(repository, kind(value))
        assert found == value
        assert type(found) is list
        assert type(found[0]) is float
        exact = embedding(np.random.default_rng(1).standard_normal(DIMENSIONS) * 1e-3)
        assert embedding(store(repository, exact.tolist())) == exact, "to the last bit"
        assert store(repository, None) is None


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
@pytest.mark.parametrize(
    ("value", "what"),
    [
        ([0.5], "1536 dimensions, not 1"),
        ([0.5] * (DIMENSIONS + 1), "1536 dimensions, not 1537"),
        ([], "1536 dimensions, not 0"),
        (np.zeros((1, DIMENSIONS)), "one axis, not 2"),
        ([*VALUE[:7], float("nan"), *VALUE[8:]], "position 7 is nan"),
        ([*VALUE[:9], float("-inf"), *VALUE[10:]], "position 9 is -inf"),
        ([float("inf"), float("-inf"), *VALUE[2:]], "position 0 is inf"),
        ([*VALUE[:-1], 1e39], "position 1535 is inf"),
        (np.full(DIMENSIONS, np.nan), "position 0 is nan"),
        ("x" * DIMENSIONS, "not str"),
        (b"x" * DIMENSIONS, "not bytes"),
        ({1, 2}, "not set"),
        (1.5, "not float"),
        ([None] * DIMENSIONS, "list of floats"),
        (["0.5"] * DIMENSIONS, "list of floats"),
        ([10**400] * DIMENSIONS, "list of floats"),
    ],
)
def test_what_is_no_embedding_is_refused_in_words(driver: str, value: Any, what: str, module_world: Any) -> None:
    with module_world.repository(driver, AsyncEpisodicMemoryRepository, module_world.scope()) as repository:
        # Not wrapped by SQLAlchemy, and a ValueError.
        with pytest.raises(VectorError, match=what) as refused:
            store(repository, value)
        with pytest.raises(ValueError, match="Remedy: "):
            repository.search_episodic_memories(value)
    assert str(pickle.loads(pickle.dumps(refused.value))) == str(refused.value)


def test_a_model_takes_arrays_and_is_loaded_without_them(module_world: Any) -> None:
    with module_world.session() as session:
        memory = EpisodicMemory(agent_name="explainer", content="seen", content_embedding=np.array(VALUE))
        session.add(memory)
        session.flush()
        session.expire_all()
        loaded = session.scalars(select(EpisodicMemory).where(EpisodicMemory.memory_id == memory.memory_id)).one()
        assert "content_embedding" not in loaded.__dict__, "it is loaded when it is asked for"
        assert loaded.content_embedding == pytest.approx(VALUE, rel=1e-6)
        assert len(loaded.search_embedding) == DIMENSIONS + 32


def test_values_are_compared_as_they_are_stored() -> None:
    kind = VectorType(3)
    assert kind.compare_values([0.1, 0.2, 0.3], np.array([0.1, 0.2, 0.3]))
    assert not kind.compare_values([0.1, 0.2, 0.3], [0.1, 0.2, 0.4])
    assert kind.compare_values(None, None)
    assert not kind.compare_values(None, [0.1, 0.2, 0.3])
    assert embedding((1, 2, 3), 3).tolist() == [1, 2, 3]


# --- app.search_embedding -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def module_world(module_database: Any) -> Any:
    return make_world(module_database)


def searched(world: Any, tenant: str, value: Any) -> Any:
    ((found,),) = world.admin("SELECT app.search_embedding(:t, CAST(:v AS vector))::text", t=tenant, v=value)
    return None if found is None else np.array(found.strip("[]").split(","), dtype="f8")


def test_what_searches_compare_is_the_direction_and_then_the_tenant(module_world: Any) -> None:
    unit = np.array(VALUE) / np.linalg.norm(VALUE)
    found = searched(module_world, "A", str(VALUE))
    assert found[:DIMENSIONS] == pytest.approx(unit, abs=1e-4)
    assert set(np.abs(found[DIMENSIONS:]).round(3)) == {0.177}, "32 signs of one length"
    assert np.linalg.norm(found[DIMENSIONS:]) == pytest.approx(1, abs=1e-3)
    # Neither length nor the limits of half precision (65504, 6e-8) matter.
    for factor in (1e30, 1e-30):
        scaled = searched(module_world, "A", str([v * factor for v in VALUE]))
        assert scaled == pytest.approx(found, abs=1e-3)


def test_tenants_differ_in_about_half_of_the_signs(module_world: Any) -> None:
    signs = [searched(module_world, f"TENANT_{n}", str(VALUE))[DIMENSIONS:] > 0 for n in range(60)]
    differ = [(a != b).sum() for n, a in enumerate(signs) for b in signs[:n]]
    assert np.mean(differ) == pytest.approx(16, abs=1)
    assert min(differ) >= 4


def test_no_direction_is_nothing_to_compare(module_world: Any) -> None:
    assert searched(module_world, "A", None) is None
    assert searched(module_world, "A", str([0] * DIMENSIONS)) is None
    assert searched(module_world, None, str(VALUE)) is None


def test_the_server_refuses_another_length_too(module_world: Any) -> None:
    with pytest.raises(DBAPIError) as refused:
        module_world.admin(
            "INSERT INTO episodic_memories (tenant_id, agent_name, content, content_embedding)"
            " VALUES ('WORLD_A', 'explainer', 'x', '[1,2]')"
        )
    assert refused.value.orig.sqlstate == "22000"
    with module_world.session() as session, pytest.raises(DBAPIError, match="1536 dimensions, not 2"):
        session.execute(text("SELECT * FROM search_episodic_memories('[1,2]')"))


@pytest.mark.parametrize("factor", [1, 1e30, 1e-30])
def test_similarity_is_the_cosine_whatever_the_length(module_world: Any, factor: float) -> None:
    one, other = np.array(VALUE), np.roll(VALUE, 1) + VALUE
    wanted = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
    for value, similarity in ((other, wanted), (one, 1), (-one, -1), (np.zeros(DIMENSIONS), None)):
        ((found,),) = module_world.admin(
            "SELECT app.cosine_similarity(CAST(:a AS vector), CAST(:b AS vector))",
            a=str((one * factor).tolist()),
            b=str((value / factor).tolist()),
        )
        assert found == (None if similarity is None else pytest.approx(similarity, abs=1e-5))
