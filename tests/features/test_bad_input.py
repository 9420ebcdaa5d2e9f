"""What nobody should give: an error of the package that says what to do, nothing stored, and a session that goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pandas as pd
import pyarrow as pa
import pytest
from sqlalchemy import select

from features.conftest import Store, day
from hedgerow.core.errors import HedgerowError
from hedgerow.features import FeatureDefinition, FeatureGroup, FeatureValue
from hedgerow.features.errors import FeatureInUseError
from hedgerow.features.repository import AsyncFeatureDefinitionRepository, AsyncFeatureGroupRepository
from hedgerow.features.store import AsyncFeatureStore, FeatureStore

NO_TEXT = (5, b"x", ["x"], "a\0b", "\ud800")
NO_ID = ("no uuid", None, 5, b"x", "", [1])
NO_ENTITY = (None, 1.5, True, b"x", ["x"], "a\0b", "\ud800")
NO_MOMENT = (
    datetime(2024, 1, 1),
    pd.NaT,
    pd.Timestamp("2024-01-01"),
    "2024-01-01",
    "now",
    "infinity",
    5,
    float("nan"),
    datetime.max.replace(tzinfo=UTC),
    datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
)
NO_JSON = (float("nan"), float("inf"), Decimal(1), {1}, object(), b"1", {"a": float("nan")})
CALLS = ["calls:numeric"]

Case = tuple[str, type[Any], Callable[[Any, Store], Any]]


def cases() -> Iterator[Case]:
    """Every argument of every method, with what it cannot be."""
    features, groups, values = AsyncFeatureDefinitionRepository, AsyncFeatureGroupRepository, AsyncFeatureStore

    def of(repository: type[Any], method: str, *args: Any, **more: Any) -> Case:
        """Arguments that are functions are given the store."""

        def call(target: Any, store: Store) -> Any:
            ready = [arg(store) if callable(arg) else arg for arg in args]
            return getattr(target, method)(*ready, **more)

        given = ["..." if callable(arg) else repr(arg) for arg in args] + [f"{k}={v!r}" for k, v in more.items()]
        return f"{method} {' '.join(given)[:60]}", repository, call

    for bad in NO_ID:
        yield of(features, "create_feature_definition", "n", bad, "numeric")
        yield of(features, "update_feature_status", bad, "active")
        yield of(features, "calculate_feature_freshness", bad)
        yield of(values, "get_feature_values", bad, "H1")
        yield of(values, "update", bad, {"status": "stale"})
    for bad in ("nope", None, 3, "NUMERIC"):
        yield of(features, "create_feature_definition", "n", Store.group, bad)
        yield of(features, "update_feature_status", Store.id, bad)
    for bad in NO_TEXT:
        yield of(features, "create_feature_definition", bad, Store.group, "numeric")
        yield of(features, "create_feature_definition", "n", Store.group, "numeric", bad)
        yield of(features, "create", lambda s, b=bad: FeatureDefinition(feature_name=b, group_id=s.group()))
        yield of(features, "get_by_group", bad)
        yield of(groups, "get_by_name", bad)
        yield of(groups, "get_by_tag", bad)
        yield of(groups, "create", lambda _, b=bad: FeatureGroup(group_name=b, entity_type="hcp"))
        yield of(values, "get_feature_values", Store.id, "H1", bad)
        yield of(values, "get_latest", "H1", bad)
        yield of(values, "get_entity_features", "H1", bad)
        yield of(values, "get_entity_features", "H1", None, bad)
        yield of(values, "online_features", ["H1"], [bad])
        yield of(values, "online_features", ["H1"], {"x": bad})
        yield of(values, "create", lambda s, b=bad: s.value(source_version=b))
        yield of(values, "bulk_insert_feature_values", lambda s, b=bad: [bulk(s, source_version=b)])
    for bad in NO_ENTITY:
        yield of(values, "get_feature_values", Store.id, bad)
        yield of(values, "get_latest", bad)
        yield of(values, "get_entity_features", bad)
        yield of(values, "online_features", ["H1", bad], CALLS)
        yield of(values, "training_frame", [(bad, day(1))], CALLS)
        yield of(values, "create", lambda s, b=bad: s.value(entity=b))
        yield of(values, "bulk_insert_feature_values", lambda s, b=bad: [bulk(s, entity_id=b)])
    for column in ("computed_at", "valid_from", "valid_until", "event_timestamp"):
        for bad in NO_MOMENT:
            yield of(values, "create", lambda s, b=bad, c=column: s.value(**{c: b}))
            yield of(values, "bulk_insert_feature_values", lambda s, b=bad, c=column: [bulk(s, **{c: b})])
    for bad in NO_MOMENT:
        yield of(values, "training_frame", [("H1", bad)], CALLS)
    for bad in NO_JSON:
        yield of(values, "create", lambda s, b=bad: s.value(b, feature_id=s.id("json")))
        yield of(values, "bulk_insert_feature_values", lambda s, b=bad: [bulk(s, value=b)])
    for bad in (None, 5, "abc", b"abc", [1], [None], ["x"], {"a": 1}, [[("feature_id", 1)]], [{1: 2}], [{}]):
        yield of(values, "bulk_insert_feature_values", bad)
    for bad in (None, 5, "H1", b"H1", {"H1": 1}, [["H1"]]):
        yield of(values, "online_features", bad, CALLS)
    for bad in (None, 5, "calls:numeric", b"x", [None], {"x": None}, {5: "calls:numeric"}, {"": "calls:numeric"}):
        yield of(values, "online_features", ["H1"], bad)
        yield of(values, "training_frame", [("H1", day(1))], bad)
    frame, table = pd.DataFrame, pa.table
    for bad in (
        None,
        5,
        "ab",
        ["H1"],
        [("H1",)],
        [("H1", day(1), 2)],
        {"H1": day(1)},
        frame(),
        frame({"entity_id": ["H1"], "asked_at": [day(1)], "x": [object()]}),
        frame({"entity_id": [1.5], "asked_at": [day(1)]}),
        frame({"entity_id": [["H1"]], "asked_at": [day(1)]}),
        frame({"entity_id": [b"\xff"], "asked_at": [day(1)]}),
        frame({"entity_id": ["H1", 1], "asked_at": [day(1)] * 2}),
        frame([["H1", day(1), day(2)]], columns=["entity_id", "asked_at", "asked_at"]),
        table([pa.array(["H1"]), pa.array(["H1"]), pa.array([day(1)])], ["entity_id", "entity_id", "asked_at"]),
        table({"entity_id": ["a\0b"], "asked_at": [day(1)]}),
        *(
            table({"entity_id": ["H1"], "asked_at": pa.array([moment], pa.timestamp(unit, "UTC"))})
            for moment, unit in ((2**60, "s"), (2**62, "us"), (-(2**61), "us"))
        ),
    ):
        yield of(values, "training_frame", bad, CALLS)
    yield of(groups, "create", lambda _: FeatureGroup(group_name="calls", entity_type="hcp"))
    yield of(groups, "create", lambda _: FeatureGroup(group_name="x" * 256, entity_type="hcp"))
    for tags in (5, "ab", [1]):
        yield of(groups, "create", lambda _, t=tags: FeatureGroup(group_name="new", entity_type="hcp", tags=t))
    yield of(groups, "update", Store.group, {"group_name": None})
    yield of(groups, "update", Store.group, {"group_name": "labs"})
    yield of(groups, "delete", Store.group)
    yield of(features, "create", lambda s: FeatureDefinition(feature_name="x", group_id=uuid4(), data_type="numeric"))
    yield of(features, "create", lambda s: FeatureDefinition(feature_name="x", group_id=s.group(), data_type="nope"))
    for updates in ({"freshness_sla_hours": 0}, {"freshness_sla_hours": 2**40}, {"version": 0}, {"status": "no"}, None):
        yield of(features, "update", Store.id, updates)
    yield of(values, "create", lambda s: s.value(status="nope"))
    yield of(values, "create", lambda s: s.value(valid_until=day(0)))
    yield of(values, "create", lambda s: s.value(feature_id=None))


def bulk(store: Store, **more: Any) -> dict[str, Any]:
    return {"feature_id": store.id(), "entity_id": "H1", "entity_type": "hcp", "value": 1, **more}


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
@pytest.mark.parametrize(("repository", "call"), [pytest.param(*case, id=name) for name, *case in cases()])
def test_bad_input_is_an_error_of_the_package(clean: Store, driver: str, repository: Any, call: Any) -> None:
    with clean.world.repository(driver, repository, clean.world.scope()) as target:
        with pytest.raises(HedgerowError) as refused:
            call(target, clean)
        assert "Remedy" in str(refused.value)
        assert target.session.scalars(select(FeatureValue)).all() == [], "the session goes on"
        target.session.rollback()
    assert clean.world.admin("SELECT FROM feature_values") == []


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_what_other_rows_belong_to_is_not_deleted(clean: Store, driver: str) -> None:
    with clean.world.session() as session:
        session.add(clean.value())
        session.commit()
    with clean.world.repository(driver, AsyncFeatureDefinitionRepository, clean.world.scope()) as features:
        with pytest.raises(FeatureInUseError):
            features.delete(clean.id())
        assert features.get_by_id(clean.id()).feature_name == "numeric"


def test_numbers_and_ids_are_entities_by_their_text(clean: Store) -> None:
    key = uuid4()
    with clean.world.session() as session:
        store = FeatureStore(session)
        store.bulk_insert_feature_values([bulk(clean, entity_id=7), bulk(clean, entity_id=key)])
        answer = store.online_features([7, key, "7"], CALLS)
        frame = store.training_frame([(7, datetime(2100, 1, 1, tzinfo=UTC))], CALLS)
    assert answer == {"7": {"numeric": 1}, str(key): {"numeric": 1}}
    assert frame.column("numeric").to_pylist() == [1]
