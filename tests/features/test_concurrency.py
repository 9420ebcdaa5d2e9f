"""Writers at once, over connections of their own: histories stay whole, versions have no gaps."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any

import pytest
from sqlalchemy import select, text

from features.conftest import Store, day
from features.naive import Value, arranged
from hedgerow.features import FeatureValue
from hedgerow.features.repository import FeatureDefinitionRepository
from hedgerow.features.store import FeatureStore

WRITERS = 8


def at_once(work: Callable[[int], Any], writers: int = WRITERS) -> list[Any]:
    """Run ``work`` in threads that start together; an error in one of them is raised."""
    barrier = Barrier(writers)

    def run(number: int) -> Any:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(writers) as pool:
        return list(pool.map(run, range(writers)))


def moments(number: int) -> tuple[int, int]:
    """Start and computation of value ``number``: starts jump about, so that most arrive late, and some tie."""
    return (number * 37) % 50, 100 + number


def expected(numbers: Any) -> list[tuple[Any, ...]]:
    values = {n: Value(computed_at=moments(n)[1], valid_from=moments(n)[0]) for n in numbers}
    found = arranged(values)
    order = sorted(values, key=lambda n: moments(n))
    return [(n, moments(n)[0], *found[n]) for n in order]


def document(store: Store, number: int) -> dict[str, Any]:
    start, computed = moments(number)
    return {
        "feature_id": store.id(),
        "entity_id": "H1",
        "entity_type": "hcp",
        "value": number,
        "valid_from": day(start),
        "computed_at": day(computed),
    }


def test_writers_of_one_entity_through_the_function(store: Store) -> None:
    """The first value included, which has no row to wait for."""

    def work(writer: int) -> None:
        for turn in range(8):
            with store.world.session() as session:
                assert FeatureStore(session).bulk_insert_feature_values([document(store, turn * WRITERS + writer)]) == 1
                session.commit()

    at_once(work)
    assert store.history() == expected(range(8 * WRITERS))


def test_writers_of_one_entity_through_the_repository(store: Store) -> None:
    def work(writer: int) -> None:
        for turn in range(6):
            start, computed = moments(turn * WRITERS + writer)
            with store.world.session() as session:
                value = store.value(turn * WRITERS + writer, valid_from=day(start), computed_at=day(computed))
                FeatureStore(session).create(value)
                session.commit()

    at_once(work)
    assert store.history() == expected(range(6 * WRITERS))


def test_bulk_writers_of_the_same_entities_in_other_orders(store: Store) -> None:
    """Each writes twenty entities in one call; sorted by key they wait for one another and do not deadlock."""

    def work(writer: int) -> int:
        entities = [f"E{(writer * 7 + place * 3) % 20}" for place in range(20)]
        values = [{**document(store, writer), "entity_id": entity} for entity in dict.fromkeys(entities)]
        with store.world.session() as session:
            written = FeatureStore(session).bulk_insert_feature_values(values)
            session.commit()
        return written

    assert at_once(work) == [20] * WRITERS
    for entity in range(20):
        assert store.history(entity=f"E{entity}") == expected(range(WRITERS))


def test_writers_and_those_who_take_away(store: Store) -> None:
    """Odd values are deleted while even ones arrive around them."""
    with store.world.session() as session:
        FeatureStore(session).bulk_insert_feature_values([document(store, n) for n in range(1, 2 * WRITERS * 3, 2)])
        session.commit()

    def work(writer: int) -> None:
        for turn in range(6):
            number = turn // 2 * WRITERS + writer
            with store.world.session() as session:
                if turn % 2:
                    rows = session.scalars(select(FeatureValue).where(FeatureValue.entity_id == "H1"))
                    gone = next(row for row in rows if row.value == 2 * number + 1)
                    assert FeatureStore(session).delete(gone.value_id)
                else:
                    FeatureStore(session).bulk_insert_feature_values([document(store, 2 * number)])
                session.commit()

    at_once(work)
    assert store.history() == expected(range(0, 2 * WRITERS * 3, 2))


def test_a_writer_waits_for_the_history_and_not_for_others(store: Store) -> None:
    """While one transaction holds an entity, another entity is written at once and the same one only afterwards."""
    with store.world.session() as session:
        FeatureStore(session).bulk_insert_feature_values([document(store, 0)])
        session.commit()
    done = Event()

    def second() -> None:
        with store.world.session() as session:
            FeatureStore(session).bulk_insert_feature_values([document(store, 2)])
            session.commit()
        done.set()

    with ThreadPoolExecutor(1) as pool, store.world.session() as first:
        FeatureStore(first).bulk_insert_feature_values([document(store, 1)])
        waiting = pool.submit(second)
        with store.world.session() as other:
            other.execute(text("SET LOCAL lock_timeout = '5s'"))
            FeatureStore(other).bulk_insert_feature_values([{**document(store, 1), "entity_id": "H2"}])
            other.commit()
        assert not done.wait(0.3)
        first.commit()
        waiting.result(timeout=30)
    assert store.history() == expected(range(3))


def test_ageing_does_not_bring_back_what_is_retracted_meanwhile(store: Store) -> None:
    """It has read the value before it waits for whoever retracts it."""
    with store.world.session() as session:
        made = FeatureStore(session).create(store.value(1, 0))
        session.commit()
        value_id = made.value_id

    def age() -> None:
        with store.world.session() as session:
            FeatureDefinitionRepository(session).update_feature_freshness()
            session.commit()

    with ThreadPoolExecutor(1) as pool, store.world.session() as first:
        FeatureStore(first).update(value_id, {"status": "invalid"})
        ageing = pool.submit(age)
        waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        while not store.world.admin(waiting):
            assert not ageing.done()
        first.commit()
        ageing.result(timeout=30)
    assert store.history() == [(1, 0, None, "invalid")]


def test_versions_have_neither_gaps_nor_doubles(store: Store) -> None:
    def work(_: int) -> list[int]:
        made = []
        for _ in range(5):
            with store.world.session() as session:
                feature = FeatureDefinitionRepository(session).create_feature_definition(
                    "contested", store.group(), "numeric"
                )
                made.append(feature.version)
                session.commit()
        return made

    versions = sorted(version for made in at_once(work) for version in made)
    assert versions == list(range(1, 5 * WRITERS + 1))


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_under_stricter_isolation_a_lost_race_is_an_error_and_never_a_broken_history(store: Store, level: str) -> None:
    def work(writer: int) -> bool:
        from sqlalchemy.exc import DBAPIError

        with store.world.session() as session:
            session.connection(execution_options={"isolation_level": level})
            try:
                session.add(store.value(writer, writer))
                session.commit()
            except DBAPIError:
                return False
        return True

    with store.world.session() as session:
        session.add(store.value(99, -1))
        session.commit()
    won = at_once(work)
    history = store.history()
    assert len(history) == 1 + sum(won)
    ends = [end for _, _, end, _ in history]
    assert ends == [*(start for _, start, _, _ in history[1:]), None]
    assert [status for _, _, _, status in history].count("current") == 1
