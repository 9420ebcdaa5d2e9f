"""The semantic cache: what it serves, how long, how often, and what enters it from treatment events."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hedgerow.core.errors import SplitAccessError
from hedgerow.core.repository import FilterError, ReadOnlyError
from hedgerow.memory.repository import AsyncSemanticMemoryRepository, SemanticMemoryRepository
from memory.vectors import angle
from world import OTHER, TENANT, World, patients


@pytest.fixture
def cache(world: World, driver: str) -> Any:
    with world.repository(driver, AsyncSemanticMemoryRepository, world.scope()) as repository:
        yield repository


@pytest.mark.parametrize("value", [{"a": [1, None]}, [1, "two"], "text", 1.5, 0, False, {}, [], ""], ids=str)
def test_a_value_comes_back_as_it_was(cache: Any, value: Any) -> None:
    assert cache.put("k", value).value_json == value
    assert cache.get("k").value_json == value


def test_an_entry_holds_as_long_as_it_says(cache: Any) -> None:
    entry = cache.put("k", 1, ttl_seconds=90, embedding=angle(0), source="a test")
    assert entry.expires_at - entry.created_at == timedelta(seconds=90)
    assert (entry.tenant_id, entry.source, entry.hit_count) == (TENANT, "a test", 0)
    assert cache.put("for ever", 1).expires_at is None
    longest = cache.put("long", 1, ttl_seconds=2**31 - 1)
    assert longest.expires_at - longest.created_at == timedelta(seconds=2**31 - 1)


def test_lifetime_and_end_cannot_disagree(world: World, cache: Any) -> None:
    entry = cache.put("k", 1, ttl_seconds=90)
    with pytest.raises(ReadOnlyError, match="expires_at"):
        cache.update(entry.cache_id, {"expires_at": entry.created_at})
    changed = cache.update(entry.cache_id, {"ttl_seconds": 10})
    assert changed.expires_at - changed.created_at == timedelta(seconds=10)
    with pytest.raises(DBAPIError, match="expires_at"):
        world.admin("UPDATE semantic_memory_cache SET expires_at = now()")


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Australia/Lord_Howe"])
def test_a_lifetime_has_no_time_zone(world: World, zone: str) -> None:
    with world.session() as session:
        session.execute(text(f"SET LOCAL TIME ZONE '{zone}'"))
        repository = SemanticMemoryRepository(session)
        for day in ("2026-03-07 12:00+00", "2026-10-31 12:00+00"):
            entry = repository.put(day, 1, ttl_seconds=86_400)
            moment = session.scalar(text("SELECT CAST(:d AS timestamptz)"), {"d": day})
            row = repository.update(entry.cache_id, {"created_at": moment})
            assert row.expires_at.timestamp() - row.created_at.timestamp() == 86_400


def test_what_has_expired_behaves_as_absent(world: World, cache: Any) -> None:
    for key, ttl in (("over", 60), ("alive", 7_200), ("for ever", None)):
        cache.put(key, 1, ttl_seconds=ttl)
    cache.session.commit()
    world.admin("UPDATE semantic_memory_cache SET created_at = created_at - INTERVAL '1 hour'")
    assert cache.get("over") is None
    assert cache.get("alive").hit_count == cache.get("for ever").hit_count == 1
    assert cache.get("nothing") is None
    assert world.admin("SELECT hit_count FROM semantic_memory_cache WHERE key = 'over'") == [(0,)]
    assert cache.delete_expired() == 1
    assert cache.delete_expired() == 0
    assert cache.put("over", 2, ttl_seconds=60).value_json == 2, "a new value lives anew"
    assert cache.get("over").value_json == 2


def test_a_new_value_replaces_the_old_one_and_keeps_the_hits(world: World, cache: Any) -> None:
    first = cache.put("k", 1, ttl_seconds=5, embedding=angle(0), source="one")
    for _ in range(3):
        assert cache.get("k") is not None
    second = cache.put("k", 2)
    assert second.cache_id == first.cache_id
    assert (second.value_json, second.ttl_seconds, second.source, second.hit_count) == (2, None, None, 3)
    assert cache.search_semantic_memories(angle(0)) == [], "the embedding was of the old value"
    assert cache.count() == 1


@pytest.mark.parametrize(("value", "lifetime"), [(None, None), (1, 0), (1, -1)])
def test_what_cannot_be_put(cache: Any, value: Any, lifetime: int | None) -> None:
    with pytest.raises(FilterError, match="has a value and lives for a while"):
        cache.put("k", value, ttl_seconds=lifetime)


def test_hits_at_once_are_all_counted(world: World) -> None:
    with world.session() as session:
        SemanticMemoryRepository(session).put("k", 1)
        session.commit()
    start = threading.Barrier(8, timeout=30)

    def hit(_: int) -> None:
        start.wait()
        for _ in range(10):
            with world.session() as session:
                assert SemanticMemoryRepository(session).get("k") is not None
                session.commit()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(hit, range(8)))
    assert world.admin("SELECT hit_count FROM semantic_memory_cache") == [(80,)]


def test_the_same_key_in_another_tenant_is_another_entry(world: World) -> None:
    for tenant in (TENANT, OTHER):
        with world.session(tenant=tenant) as session:
            SemanticMemoryRepository(session).put("k", tenant)
            session.commit()
    with world.session() as session:
        assert SemanticMemoryRepository(session).get("k").value_json == TENANT
    assert world.admin("SELECT sum(hit_count) FROM semantic_memory_cache") == [(0,)], "that session did not commit"


# --- who treats whom ----------------------------------------------------------------------------------------------


def treat(world: World, *events: tuple[str, str | None, str, str | None], tenant: str = TENANT) -> None:
    """Store treatment events: patient, prescriber, kind and brand."""
    for hcp in ("H1", "H2"):
        sql = "INSERT INTO hcp_profiles (tenant_id, hcp_id) VALUES (:t, :h) ON CONFLICT DO NOTHING"
        world.admin(sql, t=tenant, h=hcp)
    for patient, hcp, kind, brand in events:
        world.admin(
            "INSERT INTO treatment_events (tenant_id, treatment_event_id, patient_id, hcp_id, event_date, event_type,"
            " brand) VALUES (:t, left(gen_random_uuid()::text, 30), :p, :h, '2024-01-01', CAST(:k AS event_type),"
            " CAST(:b AS brand_type))",
            t=tenant,
            p=patient,
            h=hcp,
            k=kind,
            b=brand,
        )


def test_relations_of_train_enter_the_cache_and_are_all_counted(world: World, driver: str) -> None:
    (one, two), (sealed,) = patients("train", 2), patients("test", 1)
    (later,) = patients("validation", 1)
    treat(
        world,
        (one, "H1", "prescription", "Kisqali"),
        (one, "H1", "lab_test", "Kisqali"),
        (two, "H2", "consultation", "Kisqali"),
        (two, None, "prescription", "Kisqali"),
        (two, "H1", "prescription", None),
        (later, "H2", "prescription", "Fabhalta"),
        (sealed, "H2", "prescription", "Remibrutinib"),
    )
    treat(world, (one, "H2", "prescription", "Fabhalta"), tenant=OTHER)
    wanted = {
        f"patient:{one}|TREATED_BY|hcp:H1": {"patient_id": one, "relation": "TREATED_BY", "hcp_id": "H1", "events": 2},
        f"patient:{two}|TREATED_BY|hcp:H1": {"patient_id": two, "relation": "TREATED_BY", "hcp_id": "H1", "events": 1},
        f"patient:{two}|TREATED_BY|hcp:H2": {"patient_id": two, "relation": "TREATED_BY", "hcp_id": "H2", "events": 1},
        "hcp:H1|PRESCRIBES|brand:Kisqali": {
            "hcp_id": "H1", "relation": "PRESCRIBES", "brand": "Kisqali", "events": 1
        },
    }  # fmt: skip
    # Not even who sees more writes more: the cache is read from train, too. An evaluation writes nothing.
    for splits in ((), ("train", "validation")):
        with world.repository(driver, AsyncSemanticMemoryRepository, world.scope(*splits)) as cache:
            assert cache.sync_hcp_patient_relationships_to_cache() == 4, "both kinds are counted"
            cache.session.commit()
    for splits in (("test",), ("train", "validation", "test", "holdout", "unassigned")):
        with (
            world.repository(driver, AsyncSemanticMemoryRepository, world.scope(*splits)) as cache,
            pytest.raises(SplitAccessError, match="very scope of the tenant"),
        ):
            cache.sync_hcp_patient_relationships_to_cache()
    stored = world.admin("SELECT tenant_id, key, value_json, source, expires_at FROM semantic_memory_cache")
    assert {row.key: row.value_json for row in stored} == wanted
    assert {(row.tenant_id, row.source, row.expires_at) for row in stored} == {(TENANT, "data_layer_sync", None)}


def test_a_second_sync_changes_values_and_keeps_hits(world: World) -> None:
    (one,) = patients("train", 1)
    treat(world, (one, "H1", "lab_test", None))
    with world.session() as session:
        cache = SemanticMemoryRepository(session)
        key = f"patient:{one}|TREATED_BY|hcp:H1"
        assert cache.sync_hcp_patient_relationships_to_cache() == 1
        assert cache.get(key).value_json["events"] == 1
        session.commit()
        treat(world, (one, "H1", "lab_test", None))
        assert cache.sync_hcp_patient_relationships_to_cache() == 1
        session.expire_all()
        entry = cache.get(key)
        assert (entry.value_json["events"], entry.hit_count) == (2, 2)


def test_no_events_no_entries(world: World) -> None:
    with world.session() as session:
        assert SemanticMemoryRepository(session).sync_hcp_patient_relationships_to_cache() == 0
