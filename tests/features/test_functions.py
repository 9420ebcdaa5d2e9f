"""Functions, triggers and views of the feature store, by their SQL names and by their repository methods."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from features.conftest import Store, day
from hedgerow.core.errors import SplitAccessError
from hedgerow.core.open_scope import ISSUE_SCOPE, issuing_parameters
from hedgerow.core.repository import FilterError, RowNotFoundError
from hedgerow.features import FeatureGroup, FeatureStatus, FeatureValueStatus
from hedgerow.features.errors import FeatureStatusError, FeatureTypeError, UnknownFeatureError
from hedgerow.features.repository import AsyncFeatureDefinitionRepository, AsyncFeatureGroupRepository
from hedgerow.features.store import AsyncFeatureStore
from planting import become_session, planting
from world import OTHER, TENANT, patients

EVERY = ("train", "validation", "test", "holdout", "unassigned")


@pytest.fixture(params=["psycopg", "asyncpg"])
def driver(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def db(clean: Store) -> Iterator[Connection]:
    """A superuser's transaction, rolled back: now() stands still in it."""
    with planting(clean.world.database, triggers=True) as connection:
        connection.execute(ISSUE_SCOPE, issuing_parameters(TENANT))
        yield connection


def put(db: Connection, store: Store, value: Any = 1, age: str = "0", entity: str = "H1", **more: Any) -> Any:
    """Insert a value that was computed, and holds, since an interval ago."""
    given = {"tenant_id": TENANT, "feature_id": store.id(), "entity_id": entity, "entity_type": "hcp", **more}
    columns = ", ".join(given)
    return db.scalar(
        text(f"""INSERT INTO feature_values ({columns}, value, computed_at, valid_from)
                 VALUES ({", ".join(f":{name}" for name in given)}, CAST(:value AS jsonb),
                         now() - CAST(:age AS interval), now() - CAST(:age AS interval)) RETURNING value_id"""),
        {**given, "value": json.dumps(value), "age": age},
    )


def state(call: Any) -> str:
    with pytest.raises(DBAPIError) as refused:
        call()
    return str(refused.value.orig.sqlstate)  # type: ignore[union-attr]


# --- create_feature_definition ---------------------------------------------------------------------------------------


def test_versions_count_up_as_drafts(clean: Store, driver: str) -> None:
    with clean.world.repository(driver, AsyncFeatureDefinitionRepository, clean.world.scope()) as repository:
        made = [repository.create_feature_definition("fresh", clean.group(), "numeric", "x + 1") for _ in range(3)]
        assert [(f.version, f.status, f.computation_logic) for f in made] == [
            (n, FeatureStatus.DRAFT, "x + 1") for n in (1, 2, 3)
        ]
        other = repository.create_feature_definition("fresh", clean.group("labs"), "json")
        assert (other.version, other.computation_logic) == (1, None)
        repository.session.rollback()


def test_a_feature_needs_a_name_and_a_group_of_its_tenant(clean: Store, driver: str) -> None:
    with clean.world.repository(driver, AsyncFeatureDefinitionRepository, clean.world.scope()) as repository:
        for blank in ("", " \n\t"):
            with pytest.raises(FilterError, match="needs a name"):
                repository.create_feature_definition(blank, clean.group(), "numeric")
        for group in (uuid4(), clean.group(tenant=OTHER)):
            with pytest.raises(UnknownFeatureError):
                repository.create_feature_definition("x", group, "numeric")


def test_the_states_of_refused_definitions(db: Connection, clean: Store) -> None:
    call = "SELECT create_feature_definition(:n, :g, 'numeric')"
    for name, group, wanted in ((None, clean.group(), "22023"), (" ", clean.group(), "22023"), ("x", uuid4(), "23503")):
        with db.begin_nested() as savepoint:
            assert state(lambda n=name, g=group: db.execute(text(call), {"n": n, "g": g})) == wanted
            savepoint.rollback()


# --- update_feature_status, cascade_status_change --------------------------------------------------------------------

MOVES = {
    "draft": {"active", "archived"},
    "active": {"deprecated", "archived"},
    "deprecated": {"archived"},
    "archived": set(),
}


@pytest.mark.parametrize("start", MOVES)
def test_a_feature_moves_on_and_never_back(clean: Store, driver: str, start: str) -> None:
    with clean.world.repository(driver, AsyncFeatureDefinitionRepository, clean.world.scope()) as repository:
        for end in MOVES:
            feature = repository.create_feature_definition("moving", clean.group(), "numeric")
            for step in {"draft": [], "active": ["active"], "deprecated": ["active", "deprecated"]}.get(
                start, ["archived"]
            ):
                repository.update_feature_status(feature.feature_id, step)
            if end == start or end in MOVES[start]:
                assert repository.update_feature_status(feature.feature_id, end).status == end
            else:
                with pytest.raises(FeatureStatusError, match=f"from {start} to {end}"):
                    repository.update_feature_status(feature.feature_id, end)
        repository.session.rollback()


def test_an_unknown_feature_has_no_status(clean: Store, driver: str) -> None:
    with clean.world.repository(driver, AsyncFeatureDefinitionRepository, clean.world.scope()) as repository:
        for unknown in (uuid4(), clean.id(tenant=OTHER)):
            with pytest.raises(RowNotFoundError):
                repository.update_feature_status(unknown, "archived")


def test_the_same_status_again_changes_nothing(db: Connection, clean: Store) -> None:
    before = db.scalar(text("SELECT xmin::text FROM feature_definitions WHERE feature_id = :f"), {"f": clean.id()})
    db.execute(text("SELECT update_feature_status(:f, 'active')"), {"f": clean.id()})
    after = db.scalar(text("SELECT xmin::text FROM feature_definitions WHERE feature_id = :f"), {"f": clean.id()})
    assert before == after
    assert state(lambda: db.execute(text("SELECT update_feature_status(:f, NULL)"), {"f": clean.id()})) == "22023"


@pytest.mark.parametrize(
    ("status", "then"),
    [
        ("deprecated", {"current": "stale", "stale": "stale", "expired": "expired", "invalid": "invalid"}),
        ("archived", {"current": "expired", "stale": "expired", "expired": "expired", "invalid": "invalid"}),
    ],
)
def test_values_follow_their_feature_in_every_split(store: Store, status: str, then: dict[str, str]) -> None:
    """Also those that the session which archives it does not see."""
    labs = {"feature_id": store.id(group="labs"), "entity_type": "patient"}
    people = {split: patients(split, 1)[0] for split in ("train", "test", "holdout")}
    with store.world.session(*EVERY) as session:
        for person in people.values():
            session.add(store.value(1, 0, person, **labs))
            session.flush()
            session.add(store.value(2, 5, person, **labs))
            session.flush()
        session.add(store.value(3, 1, people["test"], status="invalid", **labs))
        session.add(store.value(3, 2, people["test"], status="expired", **labs))
        session.commit()
    with store.world.session() as session:
        session.add(store.value(4, 0))
        session.commit()
    query = "SELECT value_id, status FROM feature_values WHERE feature_id = :f"
    before = {row.value_id: row.status for row in store.world.admin(query, f=store.id(group="labs"))}
    assert set(before.values()) == set(then)
    with store.world.session("train") as session:
        session.execute(
            text("SELECT update_feature_status(:f, CAST(:s AS feature_status))"),
            {"f": store.id(group="labs"), "s": status},
        )
        assert session.scalar(text("SELECT app.current_splits()")) == ["train"], "narrow again"
        session.commit()
    after = {row.value_id: row.status for row in store.world.admin(query, f=store.id(group="labs"))}
    assert after == {key: then[was] for key, was in before.items()}
    assert store.history() == [(4, 0, None, "current")], "another feature"


def test_going_back_revives_nothing(db: Connection, clean: Store) -> None:
    put(db, clean)
    for status in ("deprecated", "active"):
        db.execute(
            text("UPDATE feature_definitions SET status = CAST(:s AS feature_status) WHERE feature_id = :f"),
            {"s": status, "f": clean.id()},
        )
    assert db.scalar(text("SELECT status::text FROM feature_values")) == "stale"


# --- bulk_insert_feature_values --------------------------------------------------------------------------------------


def item(store: Store, value: Any = 1, at: float = 0, **more: Any) -> dict[str, Any]:
    return {
        "feature_id": store.id(),
        "entity_id": "H1",
        "entity_type": "hcp",
        "value": value,
        "computed_at": day(at),
        **more,
    }


def test_bulk_puts_each_value_into_its_place(clean: Store, driver: str) -> None:
    with clean.world.repository(driver, AsyncFeatureStore, clean.world.scope()) as store:
        assert store.bulk_insert_feature_values([]) == 0
        late = item(clean, 3, 20, valid_from=day(5))
        assert store.bulk_insert_feature_values([item(clean, 2, 10), late, item(clean, 1, 0)]) == 3
        more = [item(clean, 9, 10), item(clean, None, 30, valid_until=day(40), source_version="v1"), item(clean, 8, 30)]
        assert store.bulk_insert_feature_values(more) == 1, "duplicates are skipped, the first of a call stays"
        store.session.commit()
    assert clean.history() == [
        (1, 0, 5, "stale"),
        (3, 5, 10, "stale"),
        (2, 10, 30, "stale"),
        (None, 30, 40, "current"),
    ]


def test_bulk_is_all_or_nothing(clean: Store, driver: str) -> None:
    (sealed,) = patients("holdout", 1)
    broken: list[tuple[type[Exception], dict[str, Any]]] = [
        (FilterError, {k: v for k, v in item(clean).items() if k != "value"}),
        (FilterError, {k: v for k, v in item(clean).items() if k != "entity_id"}),
        (FilterError, item(clean, entity_type=None)),
        (FilterError, item(clean, valid_til=day(3))),
        (FilterError, item(clean, tenant_id=OTHER)),
        (FilterError, item(clean, status="stale")),
        (FilterError, item(clean, feature_id="no uuid")),
        (FilterError, item(clean, computed_at="yesterday-ish")),
        (FilterError, item(clean, computed_at=datetime(2024, 1, 1))),
        (FilterError, item(clean, float("nan"))),
        (FilterError, item(clean, valid_until=day(-1))),
        (FeatureTypeError, item(clean, "text")),
        (UnknownFeatureError, item(clean, feature_id=uuid4())),
        (UnknownFeatureError, item(clean, feature_id=clean.id(tenant=OTHER))),
        (SplitAccessError, item(clean, feature_id=clean.id(group="labs"), entity_type="patient", entity_id=sealed)),
    ]
    with clean.world.repository(driver, AsyncFeatureStore, clean.world.scope()) as store:
        for error, bad in broken:
            with pytest.raises(error):
                store.bulk_insert_feature_values([item(clean, 1, 0), bad])
        store.session.commit()
    assert clean.history() == []


def test_bulk_refuses_what_is_no_array_of_objects(db: Connection) -> None:
    for wrong in (None, "null", "{}", "1", '"[]"', "[1]", "[[]]", "[null]", '[{}, "x"]'):
        with db.begin_nested() as savepoint:
            call = text("SELECT bulk_insert_feature_values(CAST(:v AS jsonb))")
            assert state(lambda w=wrong, c=call: db.execute(c, {"v": w})) == "22023"
            savepoint.rollback()
    assert state(lambda: db.execute(text("SELECT bulk_insert_feature_values('[{}]')"))) == "23502"


def test_bulk_defaults_are_now_and_the_zone_is_utc(db: Connection, clean: Store) -> None:
    db.execute(text("SET LOCAL TimeZone = 'Asia/Tokyo'"))
    db.execute(text("SET LOCAL DateStyle = 'SQL, DMY'"))
    base = {"feature_id": str(clean.id()), "entity_id": "H1", "entity_type": "hcp", "value": 1}
    values = [base, {**base, "entity_id": "H2", "computed_at": "2024-02-03 04:05:06"}]
    assert db.scalar(text("SELECT bulk_insert_feature_values(CAST(:v AS jsonb))"), {"v": json.dumps(values)}) == 2
    db.execute(text("SET LOCAL DateStyle = 'ISO'"))
    first, second = db.execute(text("SELECT *, now() AS now FROM feature_values ORDER BY entity_id"))
    assert first.computed_at == first.valid_from == first.now
    assert second.computed_at == second.valid_from == datetime(2024, 2, 3, 4, 5, 6, tzinfo=UTC)


# --- get_feature_values, get_entity_features, feature_values_latest ---------------------------------------------------


def test_history_is_newest_first_and_tells_types_apart(clean: Store, driver: str) -> None:
    with clean.world.session() as session:
        session.add_all([clean.value(1, 0), clean.value(9, 1, status="invalid"), clean.value(2, 2)])
        session.add(clean.value(7, 3, entity_type="pharmacy"))
        session.flush()
        session.add(clean.value(4, 1, computed_at=day(8)))
        session.commit()
    with clean.world.repository(driver, AsyncFeatureStore, clean.world.scope()) as store:
        found = store.get_feature_values(clean.id(), "H1", "hcp")
        assert [(v.value, v.status) for v in found] == [
            (4, "stale"),
            (2, "current"),
            (9, "invalid"),
            (1, "stale"),
        ]
        assert [v.value for v in store.get_feature_values(clean.id(), "H1")] == [4, 7, 2, 9, 1]
        assert store.get_feature_values(uuid4(), "H1") == store.get_feature_values(clean.id(), "nobody") == []


def test_latest_goes_by_computation_and_skips_invalid_ones(db: Connection, clean: Store) -> None:
    put(db, clean, 1, "10 days")
    put(db, clean, 2, "5 days", status="invalid")
    put(db, clean, 3, "4 hours", entity="ended", valid_until=datetime.now(UTC) - timedelta(hours=1))
    put(db, clean, 4, "-4 hours", entity="ahead")
    put(db, clean, 5, "0", entity="now")
    put(db, clean, 6, "1 hour", entity="ending", valid_until=db.scalar(text("SELECT now()")))
    rows = {r.entity_id: r for r in db.execute(text("SELECT * FROM feature_values_latest"))}
    assert {e: (r.value, r.is_current, r.feature_name) for e, r in rows.items()} == {
        "H1": (1, True, "numeric"),
        "ended": (3, False, "numeric"),
        "ahead": (4, False, "numeric"),
        "now": (5, True, "numeric"),
        "ending": (6, False, "numeric"),
    }


def test_a_late_value_is_the_latest_and_not_current(clean: Store, driver: str) -> None:
    with clean.world.session() as session:
        for value in (clean.value(1, 0), clean.value(2, 10), clean.value(3, 5, computed_at=day(20))):
            session.add(value)
            session.flush()
        session.commit()
    with clean.world.repository(driver, AsyncFeatureStore, clean.world.scope()) as store:
        ((latest,),) = (store.get_latest("H1"),)
        assert (latest.value, latest.is_current) == (3, False)
        assert store.get_latest("H1", "patient") == []


def test_features_of_an_entity(clean: Store, driver: str) -> None:
    with clean.world.repository(driver, AsyncFeatureDefinitionRepository, clean.world.scope()) as features:
        second = features.create_feature_definition("numeric", clean.group(), "numeric")
        features.update_feature_status(second.feature_id, "active")
        third = features.create_feature_definition("numeric", clean.group(), "numeric")
        assert third.version == 3, "has no value, so the second answers"
        version = second.feature_id
        group = FeatureGroup(group_name="visits", entity_type="hcp")
        features.session.add(group)
        features.session.flush()
        other = features.create_feature_definition("json", group.group_id, "json").feature_id
        features.session.commit()
    with clean.world.session() as session:
        session.add_all([clean.value(1, 3), clean.value(2, 0, feature_id=version)])
        session.add(clean.value(5, 0, feature_id=version, entity_type="pharmacy"))
        session.add(clean.value("old", 0, feature_id=clean.id("categorical"), status="stale"))
        session.add(clean.value({"a": 1}, 0, feature_id=other))
        session.commit()
    with clean.world.repository(driver, AsyncFeatureStore, clean.world.scope()) as store:
        every = store.get_entity_features("H1")
        assert [(f.group_name, f.feature_name, f.value, f.status) for f in every] == [
            ("calls", "categorical", "old", FeatureValueStatus.STALE),
            ("calls", "numeric", 2, FeatureValueStatus.CURRENT),
            ("calls", "numeric", 5, FeatureValueStatus.CURRENT),
            ("visits", "json", {"a": 1}, FeatureValueStatus.CURRENT),
        ]
        fresh = store.get_entity_features("H1", "hcp", "calls", include_stale=False)
        assert [f.value for f in fresh] == [2]
        assert store.get_entity_features("H1", "patient") == store.get_entity_features("nobody") == []
    clean.world.admin("DELETE FROM feature_values")
    clean.world.admin("DELETE FROM feature_definitions WHERE version > 1 OR feature_id = :f", f=other)
    clean.world.admin("DELETE FROM feature_groups WHERE group_name = 'visits'")


# --- Freshness -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "hours", "stale"),
    [("24 hours", 24.0, False), ("24 hours 1 second", 24.0, True), ("0", 0.0, False), ("-3 hours", 0.0, False)],
)
def test_freshness_against_the_target(db: Connection, clean: Store, age: str, hours: float, stale: bool) -> None:
    put(db, clean, 1, age)
    put(db, clean, 1, "30 days", entity="H2")
    put(db, clean, 1, "0", entity="H3", status="invalid")
    row = db.execute(text("SELECT * FROM feature_freshness_monitor WHERE feature_id = :f"), {"f": clean.id()}).one()
    assert (row.feature_name, row.group_name, row.freshness_sla_hours) == ("numeric", "calls", 24)
    assert (round(row.hours_since_update, 2), row.is_stale, row.entity_count) == (hours, stale, 2)
    said = db.scalar(text("SELECT calculate_feature_freshness(:f)"), {"f": clean.id()})
    assert said["hours_since_update"] == row.hours_since_update
    assert (said["is_stale"], said["entity_count"], said["freshness_sla_hours"]) == (stale, 2, 24)
    assert datetime.fromisoformat(said["last_computed_at"]) == row.last_computed_at


def test_a_feature_without_values_has_no_entities_and_is_stale(db: Connection, clean: Store) -> None:
    """Counting the empty row of an outer join would make it one entity."""
    put(db, clean, 1, "0", status="invalid")
    row = db.execute(text("SELECT * FROM feature_freshness_monitor WHERE feature_id = :f"), {"f": clean.id()}).one()
    assert (row.last_computed_at, row.hours_since_update, row.is_stale, row.entity_count) == (None, None, True, 0)
    said = db.scalar(text("SELECT calculate_feature_freshness(:f)"), {"f": clean.id()})
    assert said == {
        "feature_id": str(clean.id()),
        "freshness_sla_hours": 24,
        "last_computed_at": None,
        "hours_since_update": None,
        "is_stale": True,
        "entity_count": 0,
    }


def test_the_monitor_leaves_archived_features_out(clean: Store, driver: str) -> None:
    with clean.world.repository(driver, AsyncFeatureDefinitionRepository, clean.world.scope()) as features:
        assert {f.feature_id for f in features.get_freshness_monitor(stale_only=True)} >= {clean.id()}
        features.update_feature_status(clean.id(), "archived")
        assert clean.id() not in {f.feature_id for f in features.get_freshness_monitor()}
        assert features.calculate_feature_freshness(clean.id())["entity_count"] == 0
        assert features.calculate_feature_freshness(uuid4()) is None
        features.session.rollback()


AGES = {
    "24 hours": "current",
    "24 hours 1 second": "stale",
    "48 hours": "stale",
    "48 hours 1 second": "expired",
    "-1 hour": "current",
}


@pytest.mark.parametrize("age", AGES)
@pytest.mark.parametrize("was", ["current", "stale", "expired"])
def test_values_age(db: Connection, clean: Store, age: str, was: str) -> None:
    put(db, clean, 1, age, status=was)
    put(db, clean, 1, age, entity="H2", status="invalid")
    db.execute(text("SELECT update_feature_freshness()"))
    assert db.execute(text("SELECT status FROM feature_values ORDER BY entity_id")).scalars().all() == [
        AGES[age],
        "invalid",
    ]


def test_what_is_superseded_never_becomes_current(db: Connection, clean: Store) -> None:
    put(db, clean, 1, "3 hours")
    put(db, clean, 2, "2 hours")
    put(db, clean, 3, "1 hour", status="invalid")
    db.execute(text("SELECT update_feature_freshness()"))
    found = db.execute(text("SELECT status FROM feature_values ORDER BY computed_at")).scalars().all()
    assert found == ["stale", "current", "invalid"]


def test_the_newest_holds_longest_and_need_not_be_the_last_to_be_computed(db: Connection, clean: Store) -> None:
    """Neither a late value nor one of another kind of entity with the same id keeps it from being current."""
    put(db, clean, 2, "2 hours", status="stale")
    db.execute(
        text("""INSERT INTO feature_values
                       (tenant_id, feature_id, entity_id, entity_type, value, computed_at, valid_from)
                SELECT tenant_id, feature_id, entity_id, kind, '3', now() - interval '1 hour', now() - age
                  FROM feature_values,
                       (VALUES ('hcp', interval '3 hours'), ('pharmacy', interval '1 hour')) AS late (kind, age)""")
    )
    db.execute(text("SELECT update_feature_freshness()"))
    found = db.execute(text("SELECT value::int, entity_type, status::text FROM feature_values")).all()
    assert sorted(map(tuple, found)) == [(2, "hcp", "current"), (3, "hcp", "stale"), (3, "pharmacy", "current")]


@pytest.mark.parametrize(("status", "best"), [("deprecated", "stale"), ("archived", "expired"), ("draft", "current")])
def test_no_age_revives_the_values_of_a_retired_feature(db: Connection, clean: Store, status: str, best: str) -> None:
    db.execute(
        text("UPDATE feature_definitions SET status = CAST(:s AS feature_status) WHERE feature_id = :f"),
        {"s": status, "f": clean.id()},
    )
    put(db, clean)
    db.execute(text("SELECT update_feature_freshness()"))
    assert db.scalar(text("SELECT status::text FROM feature_values")) == best


def test_ageing_reaches_every_split_and_no_other_tenant(store: Store, driver: str) -> None:
    person = patients("holdout", 1)[0]
    labs = {"entity_type": "patient", "computed_at": day(0), "valid_from": day(0)}
    for tenant in (TENANT, OTHER):
        with store.world.session(*EVERY, tenant=tenant) as session:
            session.add(store.value(1, 0, person, feature_id=store.id(group="labs", tenant=tenant), **labs))
            session.commit()
    with store.world.repository(driver, AsyncFeatureDefinitionRepository, store.world.scope("train")) as features:
        features.update_feature_freshness()
        features.session.commit()
    found = store.world.admin("SELECT tenant_id, status::text FROM feature_values ORDER BY tenant_id")
    assert [tuple(row) for row in found] == [(TENANT, "expired"), (OTHER, "current")]


# --- notify_feature_update -------------------------------------------------------------------------------------------


def test_a_notification_tells_a_listener_of_another_tenant_nothing(clean: Store) -> None:
    """Channels belong to the database: whoever is connected hears everything that is said on them."""
    secret = {"entity": "H-SECRET", "source_version": "secret-build"}
    with psycopg.connect(
        clean.world.database.url("app").set(drivername="postgresql").render_as_string(hide_password=False),
        autocommit=True,
    ) as listener:
        listener.execute("LISTEN feature_update")
        with clean.world.session() as session:
            for number in range(50):
                session.add(clean.value(number, number, **secret))
                session.flush()
            session.commit()
        heard = [(n.channel, n.payload) for n in listener.notifies(timeout=5, stop_after=2)]
        heard += [(n.channel, n.payload) for n in listener.notifies(timeout=0.2)]
    assert {channel for channel, _ in heard} == {"feature_update"}
    said = [json.loads(payload) for _, payload in heard]
    # 50 inserts and 49 updates, folded: not even how many there were is told.
    assert sorted(said, key=str) == sorted(
        [{"operation": o, "feature_id": str(clean.id())} for o in ("INSERT", "UPDATE")], key=str
    )
    assert all(len(payload) < 8000 for _, payload in heard)


# --- Nothing crosses -------------------------------------------------------------------------------------------------

ANSWERS = (
    "SELECT value_id::text FROM get_feature_values(:f, 'H1')",
    "SELECT value::text FROM get_entity_features('H1')",
    "SELECT value::text FROM feature_values_latest",
    "SELECT feature_id::text FROM feature_freshness_monitor WHERE feature_id = :f",
    "SELECT calculate_feature_freshness(:f)::text",
    "SELECT feature_id::text FROM app.resolve_features(ARRAY['calls'], ARRAY['secret'], ARRAY[NULL::int])",
    "SELECT numbers[1]::text FROM app.feature_column(:f, 'numeric', 'hcp', ARRAY['H1'], NULL)",
    "SELECT app.feature_value_end(:owner, :f, 'hcp', 'H1', '2000-01-01Z', '2000-01-01Z', NULL)::text",
    "SELECT value_id::text FROM app.lock_feature_history(:owner, :f, 'hcp', 'H1')",
)


@pytest.mark.parametrize("sql", ANSWERS, ids=lambda sql: sql.partition("FROM ")[2][:40] or sql[:40])
@pytest.mark.parametrize("wall", [True, False], ids=["wall", "functions alone"])
def test_nothing_answers_another_tenant(sql: str, wall: bool, clean: Store) -> None:
    """Asked by the owner's tenant there is an answer; asked by the other one there is none.

    Without the wall, as a superuser, the functions and views name the tenant themselves; what takes the tenant as an
    argument serves triggers, and is held by the wall alone.
    """
    if not wall and ":owner" in sql:
        pytest.skip("takes the tenant as an argument")
    with planting(clean.world.database, triggers=True) as connection:
        connection.execute(ISSUE_SCOPE, issuing_parameters(TENANT))
        feature = connection.scalar(
            text("""INSERT INTO feature_definitions (tenant_id, feature_name, group_id, data_type, status)
                    VALUES (:t, 'secret', :g, 'numeric', 'active') RETURNING feature_id"""),
            {"t": TENANT, "g": clean.group()},
        )
        put(connection, clean, 42, "1 hour", feature_id=feature)
        seen = {}
        for tenant in (TENANT, OTHER):
            with connection.begin_nested() as savepoint:
                if wall:
                    become_session(connection)
                connection.execute(text("SELECT app.open_scope(:t, NULL, ARRAY['train'], NULL)"), {"t": tenant})
                found = connection.scalars(text(sql), {"f": feature, "owner": TENANT}).all()
                seen[tenant] = [answer for answer in found if answer is not None]
                savepoint.rollback()
    assert seen[TENANT], "there is nothing to leak"
    assert seen[OTHER] == []


def test_a_patient_of_the_same_id_of_another_tenant_is_no_patient_of_this_one(clean: Store) -> None:
    """Asked as a superuser: the function names the tenant itself."""
    (person,) = patients("holdout", 1)
    with planting(clean.world.database, triggers=True) as connection:
        for tenant in (TENANT, OTHER):
            connection.execute(ISSUE_SCOPE, issuing_parameters(tenant))
            feature = clean.id(group="labs", tenant=tenant)
            put(connection, clean, entity=person, feature_id=feature, entity_type="patient", tenant_id=tenant)
        connection.execute(text("SELECT app.open_scope(:t, NULL, ARRAY['train'], NULL)"), {"t": TENANT})
        found = connection.execute(text("SELECT * FROM app.patients_outside(ARRAY[:p], NULL)"), {"p": person}).all()
    assert [tuple(row) for row in found] == [(1, "holdout", False)]


SPLIT_ANSWERS = (
    "SELECT value_id::text FROM feature_values WHERE entity_id = :p",
    "SELECT value_id::text FROM get_feature_values(:f, :p)",
    "SELECT value::text FROM get_entity_features(:p)",
    "SELECT value::text FROM feature_values_latest WHERE entity_id = :p",
    "SELECT 'one' FROM feature_freshness_monitor WHERE feature_id = :f AND entity_count > 0",
    "SELECT 'one' WHERE calculate_feature_freshness(:f) ->> 'entity_count' <> '0'",
    "SELECT numbers[1]::text FROM app.feature_column(:f, 'numeric', 'patient', ARRAY[:p], NULL)",
)


@pytest.mark.parametrize("sql", SPLIT_ANSWERS, ids=lambda sql: sql.partition("FROM ")[2][:40] or sql[:40])
@pytest.mark.parametrize("wall", [True, False], ids=["wall", "functions alone"])
def test_nothing_answers_a_scope_without_the_patients_split(sql: str, wall: bool, clean: Store) -> None:
    if not wall and "FROM feature_values WHERE" in sql:
        pytest.skip("a bare SELECT as superuser has neither wall nor filter")
    person = patients("holdout", 1)[0]
    with planting(clean.world.database, triggers=True) as connection:
        connection.execute(ISSUE_SCOPE, issuing_parameters(TENANT))
        feature = clean.id(group="labs")
        put(connection, clean, 42, "1 hour", person, feature_id=feature, entity_type="patient")
        seen = {}
        for splits in (("holdout",), ("train", "validation", "unassigned"), ("test",)):
            with connection.begin_nested() as savepoint:
                if wall:
                    become_session(connection)
                connection.execute(
                    text("SELECT app.open_scope(:t, NULL, CAST(:s AS text[]), 'a test')"),
                    {"t": TENANT, "s": list(splits)},
                )
                found = connection.scalars(text(sql), {"f": feature, "p": person}).all()
                seen[splits] = [answer for answer in found if answer is not None]
                savepoint.rollback()
    assert seen.pop(("holdout",)), "there is nothing to leak"
    assert not any(seen.values())


# --- Repositories ----------------------------------------------------------------------------------------------------


def test_groups_and_their_features(clean: Store, driver: str) -> None:
    with clean.world.repository(driver, AsyncFeatureGroupRepository, clean.world.scope()) as groups:
        assert groups.get_by_name("labs").entity_type == "patient"
        assert groups.get_by_name("nothing") is None
        groups.update(groups.get_by_name("labs").group_id, {"tags": ["daily", "clinical"]})
        assert [group.group_name for group in groups.get_by_tag("daily")] == ["labs"]
        assert groups.get_by_tag("hourly") == []
        groups.session.rollback()
    with clean.world.repository(driver, AsyncFeatureDefinitionRepository, clean.world.scope()) as features:
        assert [f.feature_name for f in features.get_by_group("labs")] == [
            "array",
            "boolean",
            "categorical",
            "embedding",
            "json",
            "numeric",
        ]
        assert features.get_by_group("nothing") == []
        features.create_feature_definition("numeric", clean.group("labs"), "numeric")
        assert [f.version for f in features.get_by_group("labs") if f.feature_name == "numeric"] == [2, 1]
        features.session.rollback()


def test_a_feature_with_values_and_a_group_with_features_stay(clean: Store) -> None:
    with clean.world.session() as session:
        session.add(clean.value())
        session.commit()
    for table, key in (("feature_definitions", "feature_id"), ("feature_groups", "group_id")):
        with clean.world.database.admin() as connection, pytest.raises(IntegrityError):
            connection.execute(
                text(f"DELETE FROM {table} WHERE {key} = :k"),
                {"k": clean.id() if key == "feature_id" else clean.group()},
            )
