"""Training frames and online answers: what was known, in order, of the right type, and of nobody whom nobody opened."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text

from features.conftest import Store, day
from features.naive import Value, known
from hedgerow.core.errors import SplitAccessError
from hedgerow.core.repository import FilterError
from hedgerow.features import FeatureDefinition, FeatureGroup, FeatureStatus
from hedgerow.features.errors import MissingExtraError, UnknownFeatureError
from hedgerow.features.names import named
from hedgerow.features.store import AsyncFeatureStore, FeatureStore
from world import DATED, OPEN, OTHER, TENANT, patients, register

EVERY = ("train", "validation", "test", "holdout", "unassigned")


@pytest.fixture(params=["psycopg", "asyncpg"])
def driver(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def write(store: Store, *values: Any, splits: tuple[str, ...] = EVERY, tenant: str = TENANT) -> None:
    """In two sessions: what belongs to no split is not written by one that holds a sealed split."""
    of_patients = [value for value in values if value.entity_type == "patient"]
    of_others = [value for value in values if value.entity_type != "patient"]
    for some, opened in ((of_patients, splits), (of_others, OPEN)):
        with store.world.session(*opened, tenant=tenant) as session:
            for value in some:
                session.add(value)
                session.flush()
            session.commit()


def ask(store: Store, pairs: Any, features: Any = ("calls:numeric",), *splits: str, **more: Any) -> Any:
    with store.world.session(*splits) as session:
        return FeatureStore(session).training_frame(pairs, features, **more)


def numbers(store: Store, *moments: float, entity: str = "H1") -> list[Any]:
    """The numeric feature of an entity at moments."""
    return ask(store, [(entity, day(moment)) for moment in moments]).column("numeric").to_pylist()


# --- As it was known -------------------------------------------------------------------------------------------------


def test_a_value_is_known_from_its_computation_and_holds_to_its_end(clean: Store) -> None:
    write(clean, clean.value(1, 2, computed_at=day(4), valid_until=day(7)))
    tick = timedelta(microseconds=1) / timedelta(days=1)
    assert numbers(clean, 1, 3, 4 - tick, 4, 7 - tick, 7, 8) == [None, None, None, 1, 1, None, None]


def test_a_late_value_changes_nothing_that_was_known_before_it_came(clean: Store) -> None:
    """At day 7 everybody was told 1: that a later arrival shortened it was known to nobody."""
    write(clean, clean.value(1, 0), clean.value(2, 10), clean.value(3, 5, computed_at=day(20)))
    assert numbers(clean, 7, 10, 19, 20, 25) == [1, 2, 2, 2, 2]
    write(clean, clean.value(4, 12, computed_at=day(22)))
    assert numbers(clean, 7, 21, 22) == [1, 2, 4]


def test_a_correction_counts_from_the_moment_it_was_made(clean: Store) -> None:
    write(clean, clean.value(1, 0), clean.value(2, 0, computed_at=day(4)))
    assert numbers(clean, 3, 4) == [1, 2]


def test_an_end_that_has_passed_leaves_a_gap_and_no_older_value(clean: Store) -> None:
    write(clean, clean.value(1, 0), clean.value(2, 5, valid_until=day(8)))
    assert numbers(clean, 4, 6, 9) == [1, 2, None]


def test_invalid_and_deleted_values_were_never_there(clean: Store) -> None:
    write(clean, clean.value(1, 0), clean.value(2, 5, status="invalid"), clean.value(3, 10))
    assert numbers(clean, 6, 11) == [1, 3]
    clean.world.admin("DELETE FROM feature_values WHERE value = '3'")
    assert numbers(clean, 6, 11) == [1, 1]


def test_an_id_of_another_kind_of_entity_is_another_entity(clean: Store) -> None:
    write(clean, clean.value(1, 0), clean.value(2, 5, entity_type="pharmacy"))
    assert numbers(clean, 6) == [1]


def test_the_latest_view_would_have_leaked(clean: Store) -> None:
    """The reason for it all: the view knows what came after."""
    write(clean, clean.value(1, 0), clean.value(2, 10))
    (latest,) = clean.world.admin(
        "SELECT value FROM feature_values WHERE tenant_id = :t ORDER BY computed_at DESC LIMIT 1", t=TENANT
    )
    assert (latest.value, numbers(clean, 5)) == (2, [1])


MOMENTS = st.integers(0, 14)
HISTORIES = st.dictionaries(
    st.tuples(st.sampled_from(["numeric", "categorical"]), st.sampled_from(["X1", "X2"])),
    st.lists(
        st.builds(
            Value,
            computed_at=MOMENTS,
            valid_from=st.integers(0, 10),
            length=st.none() | st.none() | st.integers(1, 6),
            invalid=st.sampled_from([False] * 5 + [True]),
        ),
        max_size=7,
        unique_by=lambda value: value.computed_at,
    ),
    max_size=4,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    histories=HISTORIES,
    order=st.randoms(use_true_random=False),
    gone=st.sets(st.integers(0, 27), max_size=6),
    asked=st.lists(st.tuples(st.sampled_from(["X1", "X2", "nobody"]), st.integers(-1, 30)), min_size=1, max_size=25),
)
def test_a_frame_is_what_a_naive_replay_says(
    shared: Store, histories: Any, order: Any, gone: set[int], asked: list[tuple[str, int]]
) -> None:
    """Ties, gaps, late arrivals, corrections, retractions and deletions; moments between the days as well."""
    events = [(kind, entity, value) for (kind, entity), values in histories.items() for value in values]
    order.shuffle(events)
    pairs = [(entity, half / 2) for entity, half in asked]
    with shared.world.session() as session:
        rows = [
            shared.value(
                number if kind == "numeric" else str(number),
                entity=entity,
                feature_id=shared.id(kind),
                computed_at=day(value.computed_at),
                valid_from=day(value.valid_from),
                valid_until=None if value.length is None else day(value.valid_from + value.length),
                status="invalid" if value.invalid else "current",
            )
            for number, (kind, entity, value) in enumerate(events)
        ]
        for row in rows:
            session.add(row)
            session.flush()
        session.expire_all()
        for number, row in enumerate(rows):
            if number in gone:
                session.delete(row)
                session.flush()
        store = FeatureStore(session)
        frame = store.training_frame([(e, day(m)) for e, m in pairs], ["calls:numeric", "calls:categorical"])
        session.rollback()
    for kind in ("numeric", "categorical"):
        wanted = []
        for entity, moment in pairs:
            history = {n: v for n, (k, e, v) in enumerate(events) if (k, e) == (kind, entity) and n not in gone}
            found = known(history, moment)
            wanted.append(found if found is None or kind == "numeric" else str(found))
        assert frame.column(kind).to_pylist() == wanted
    assert frame.column("entity_id").to_pylist() == [entity for entity, _ in pairs]


def test_online_is_the_frame_of_this_moment(clean: Store, driver: str) -> None:
    now = datetime.now(UTC)
    write(
        clean,
        clean.value(1, 0),
        clean.value(2, 0, valid_from=now - timedelta(days=1), computed_at=now - timedelta(days=1)),
        clean.value(3, 0, valid_from=now + timedelta(days=1), computed_at=now),
        clean.value(4, 0, "H2", valid_from=now - timedelta(days=9), valid_until=now - timedelta(days=8)),
        clean.value(5, 0, "H3", valid_from=now - timedelta(days=9), computed_at=now + timedelta(hours=1)),
        clean.value("a", 0, "H1", feature_id=clean.id("categorical")),
    )
    names = {"n": "calls:numeric", "text": "calls:categorical"}
    entities = ["H2", "H1", "H3", "nobody"]
    with clean.world.repository(driver, AsyncFeatureStore, clean.world.scope()) as store:
        online = store.online_features(entities, names)
        frame = store.training_frame([(entity, datetime.now(UTC)) for entity in entities], names)
    assert online == {
        "H2": {"n": None, "text": None},
        "H1": {"n": 2, "text": "a"},
        "H3": {"n": None, "text": None},
        "nobody": {"n": None, "text": None},
    }
    rows = {row["entity_id"]: {"n": row["n"], "text": row["text"]} for row in frame.to_pylist()}
    assert rows == online
    assert list(online) == entities


def test_online_features_are_one_query(clean: Store) -> None:
    write(clean, clean.value(1, 0))
    with clean.world.session() as session:
        session.connection()
        asked: list[str] = []
        event.listen(clean.world.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
        store = FeatureStore(session)
        assert store.online_features(["H1", "H2"], ["calls:numeric", "calls:boolean"])["H1"]["numeric"] == 1
        assert len(asked) == 1
        assert store.online_features([], ["calls:numeric"]) == {}
        assert store.online_features(["H1"], []) == {"H1": {}}
        assert len(asked) == 1


# --- Shapes and types ------------------------------------------------------------------------------------------------

TYPED = {
    "numeric": (1.5, pa.float64(), 1.5),
    "categorical": ("é\n", pa.string(), "é\n"),
    "boolean": (False, pa.bool_(), False),
    "array": ([1, "a", None], pa.string(), '[1, "a", null]'),
    "json": ({"b": {"c": 1}}, pa.string(), '{"b": {"c": 1}}'),
    "embedding": ([1, 2.5], pa.list_(pa.float64()), [1.0, 2.5]),
}


def test_types_of_a_frame_and_of_an_answer(clean: Store, driver: str) -> None:
    write(
        clean,
        *(clean.value(value, 0, feature_id=clean.id(kind)) for kind, (value, _, _) in TYPED.items()),
        *(clean.value(None, 0, "null", feature_id=clean.id(kind)) for kind in TYPED),
    )
    names = [f"calls:{kind}" for kind in TYPED]
    pairs = [("null", day(1)), ("H1", day(1)), ("nobody", day(1))]
    with clean.world.repository(driver, AsyncFeatureStore, clean.world.scope()) as store:
        frame = store.training_frame(pairs, names)
        objects = store.training_frame(pairs, names, format="pandas")
        online = store.online_features(["H1", "null"], names)
    assert frame.schema.names == ["entity_id", "asked_at", *TYPED]
    assert frame.schema.field("asked_at").type == pa.timestamp("us", "UTC")
    for kind, (value, arrow, text_) in TYPED.items():
        assert frame.schema.field(kind).type == arrow
        assert frame.column(kind).to_pylist() == [None, text_, None]
        found = objects[kind].tolist()
        assert pd.isna(found[0])
        assert pd.isna(found[2])
        assert list(found[1]) == value if isinstance(value, list) else found[1] == value
        assert (online["H1"][kind], online["null"][kind]) == (value, None)


def test_an_embedding_of_large_whole_numbers_is_one_of_floats(clean: Store) -> None:
    """Arrow refuses a whole number beyond 2**53 as a float, and with it the frame."""
    write(clean, clean.value([2**60 + 1, 1], 0, feature_id=clean.id("embedding")))
    frame = ask(clean, [("H1", day(1))], ["calls:embedding"])
    assert frame.column("embedding").to_pylist() == [[float(2**60), 1.0]]
    with clean.world.session() as session:
        (found,) = FeatureStore(session).online_features(["H1"], ["calls:embedding"])["H1"].values()
    assert [type(number) for number in found] == [float, float]


def test_tables_and_frames_keep_what_came_along_and_their_order(clean: Store) -> None:
    write(clean, clean.value(1, 0), clean.value(2, 10), clean.value(3, 0, "H2"))
    given = {
        "label": [True, False, True, False],
        "asked_at": [day(11), day(1), day(5), day(-1)],
        "entity_id": ["H1", "H2", "H1", "H1"],
    }
    for table in (pa.table(given), pd.DataFrame(given)):
        frame = ask(clean, table, {"x": "calls:numeric"})
        assert frame.to_pydict() == {**{k: given[k] for k in ("entity_id", "asked_at", "label")}, "x": [2, 3, 1, None]}
    assert ask(clean, pd.DataFrame(given), format="pandas")["numeric"].isna().tolist() == [False] * 3 + [True]


def test_an_empty_frame_has_its_columns(clean: Store) -> None:
    frame = ask(clean, [])
    assert frame.num_rows == 0
    assert frame.schema.field("numeric").type == pa.float64()


def test_moments_are_cut_down_to_the_microsecond(clean: Store) -> None:
    """Rounded up, a nanosecond could reach what came after it."""
    write(clean, clean.value(1, 0))
    before_the_epoch = datetime(1960, 1, 1, tzinfo=UTC)
    write(clean, clean.value(2, 0, "H2", computed_at=before_the_epoch, valid_from=before_the_epoch))
    just_before = [pd.Timestamp(start) - pd.Timedelta(nanoseconds=1) for start in (day(0), before_the_epoch)]
    frame = pd.DataFrame({"entity_id": ["H1", "H2"], "asked_at": pd.Series(just_before, dtype="datetime64[ns, UTC]")})
    assert ask(clean, frame).column("numeric").to_pylist() == [None, None]


@pytest.mark.parametrize(
    ("pairs", "features", "more", "said"),
    [
        ([("H1", datetime(2024, 1, 1))], ["calls:numeric"], {}, "time zone"),
        ([("H1", "2024-01-01")], ["calls:numeric"], {}, "time zone"),
        (pd.DataFrame({"entity_id": ["H1"]}), ["calls:numeric"], {}, "0 columns asked_at"),
        (pd.DataFrame({"entity_id": ["H1"], "asked_at": [datetime(2024, 1, 1)]}), ["calls:numeric"], {}, "time zone"),
        (pa.table({"entity_id": [None], "asked_at": [day(0)]}), ["calls:numeric"], {}, "1 rows have no entity_id"),
        ([("H1", day(0))], [], {}, "needs a feature"),
        ([("H1", day(0))], "calls:numeric", {}, "one name, not several"),
        ([("H1", day(0))], [""], {}, "no name"),
        ([("H1", day(0))], ["calls:numeric", "labs:numeric"], {}, "called numeric"),
        ([("H1", day(0))], {"entity_id": "calls:numeric"}, {}, "called entity_id"),
        (
            [("H1", day(0))],
            {"a": "calls:numeric", "b": "labs:numeric"},
            {},
            "different kinds of entities: hcp, patient",
        ),
        ([("H1", day(0))], ["calls:numeric"], {"format": "csv"}, "no frames of 'csv'"),
        ([("H1", day(0))], ["calls:numeric"], {"outside": "ignore"}, "cannot be 'ignore'"),
    ],
)
def test_what_is_refused(clean: Store, pairs: Any, features: Any, more: Any, said: str) -> None:
    with pytest.raises(FilterError, match=said):
        ask(clean, pairs, features, **more)


@pytest.mark.parametrize("missing", ["pyarrow", "pandas"])
def test_without_the_extra_its_name_is_said(clean: Store, missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingExtraError, match=rf"{missing}.*hedgerow\[arrow\]") as refused:
        ask(clean, [("H1", day(0))], format="pandas" if missing == "pandas" else "arrow")
    assert isinstance(refused.value, ImportError)
    with clean.world.session() as session:
        assert FeatureStore(session).online_features(["H1"], ["calls:numeric"]) == {"H1": {"numeric": None}}


# --- Names -----------------------------------------------------------------------------------------------------------


def test_names_are_read() -> None:
    found = named({"1": "a", "2": "g:a@2", "3": "g:b:c", "4": "x@y"})
    assert [(n.group, n.feature, n.version) for n in found] == [
        (None, "a", None),
        ("g", "a", 2),
        ("g", "b:c", None),
        (None, "x@y", None),
    ]


@pytest.fixture
def versions(clean: Store) -> Iterator[dict[int, Any]]:
    """Feature ``aged`` of calls: version 1 deprecated, 2 and 3 active, 4 a draft; each with its number as value."""
    made = {}
    with clean.world.session() as session:
        states = (FeatureStatus.DEPRECATED, FeatureStatus.ACTIVE, FeatureStatus.ACTIVE, FeatureStatus.DRAFT)
        for number, status in enumerate(states, 1):
            feature = FeatureDefinition(
                group_id=clean.group(), feature_name="aged", data_type="numeric", version=number, status=status
            )
            session.add(feature)
            session.flush()
            made[number] = feature.feature_id
            session.add(clean.value(number, 0, feature_id=feature.feature_id))
            session.flush()
        session.commit()
    yield made
    clean.world.admin("DELETE FROM feature_values")
    clean.world.admin("DELETE FROM feature_definitions WHERE feature_name = 'aged'")


def test_a_name_means_the_newest_active_version_unless_it_says_another(clean: Store, versions: Any) -> None:
    names = {"newest": "aged", "one": "calls:aged@1", "four": "aged@4"}
    with clean.world.session() as session:
        answer = FeatureStore(session).online_features(["H1"], names)
    assert answer == {"H1": {"newest": 3, "one": 1, "four": 4}}
    (row,) = ask(clean, [("H1", day(1))], names).to_pylist()
    assert row == {"entity_id": "H1", "asked_at": day(1), "newest": 3, "one": 1, "four": 4}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("calls:nothing", "no feature 'calls:nothing' with an active version"),
        ("nogroup:numeric", "no feature"),
        ("calls:aged@9", "with a version"),
        ("numeric", "2 groups have"),
    ],
)
def test_a_name_that_means_nothing_or_too_much(clean: Store, versions: Any, name: str, said: str) -> None:
    with pytest.raises(UnknownFeatureError, match=said):
        ask(clean, [("H1", day(0))], [name])
    with clean.world.session() as session, pytest.raises(UnknownFeatureError, match=said):
        FeatureStore(session).online_features(["H1"], {"known": "calls:numeric", "asked": name})


def test_a_name_means_one_version_throughout(
    clean: Store, versions: dict[int, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one that becomes active while a frame is made is for the next frame."""
    meant = FeatureStore._meant

    def activate(*args: Any) -> Any:
        found = meant(*args)
        clean.world.admin("UPDATE feature_definitions SET status = 'active' WHERE feature_id = :f", f=versions[4])
        return found

    monkeypatch.setattr(FeatureStore, "_meant", activate)
    assert ask(clean, [("H1", day(1))], ["aged"]).column("aged").to_pylist() == [3]


def test_another_tenants_features_and_values_are_none(clean: Store) -> None:
    with clean.world.session(tenant=OTHER) as session:
        group = FeatureGroup(group_name="theirs", entity_type="hcp")
        session.add(group)
        session.flush()
        session.add(FeatureDefinition(feature_id=(only := uuid4()), group_id=group.group_id, feature_name="theirs",
                                      data_type="numeric", status="active"))  # fmt: skip
        session.flush()
        session.add(clean.value(5, 0, feature_id=only))
        session.add(clean.value(6, 0, feature_id=clean.id(tenant=OTHER)))
        session.commit()
        assert FeatureStore(session).online_features(["H1"], ["theirs:theirs", "calls:numeric"]) == {
            "H1": {"theirs": 5, "numeric": 6}
        }
    with pytest.raises(UnknownFeatureError):
        ask(clean, [("H1", day(1))], ["theirs:theirs"])
    assert numbers(clean, 1) == [None]


# --- Patients and their splits ---------------------------------------------------------------------------------------

LABS = ("labs:numeric",)


@pytest.fixture
def people(clean: Store) -> dict[str, str]:
    """One patient of each split, each with a value; two tenants have the same."""
    found = {split: patients(split, 1)[0] for split in EVERY[:4]}
    for tenant in (TENANT, OTHER):
        labs = {"feature_id": clean.id(group="labs", tenant=tenant), "entity_type": "patient"}
        write(clean, *(clean.value(n, 0, p, **labs) for n, p in enumerate(found.values())), tenant=tenant)
    return found


@pytest.mark.parametrize("opened", EVERY[:4])
def test_a_frame_holds_patients_of_open_splits_only(clean: Store, people: dict[str, str], opened: str) -> None:
    pairs = [(person, day(1)) for person in people.values()]
    kept = ask(clean, pairs, LABS, opened, outside="drop")
    assert kept.to_pylist() == [
        {"entity_id": people[opened], "asked_at": day(1), "numeric": list(people).index(opened)}
    ]
    with pytest.raises(SplitAccessError, match="does not hold 3 of the 4 asked rows"):
        ask(clean, pairs, LABS, opened)
    assert ask(clean, [(people[opened], day(1))], LABS, opened).num_rows == 1


def test_a_refusal_says_how_many_rows_lie_outside_and_why(store: Store) -> None:
    register(store.world, TENANT, DATED)
    found = {split: patients(split, 1, "W")[0] for split in ("train", "test", "holdout")}
    labs = {"feature_id": store.id(group="labs"), "entity_type": "patient"}
    early = datetime(2020, 1, 1, tzinfo=UTC)
    write(store, *(store.value(1, 0, p, computed_at=early, valid_from=early, **labs) for p in found.values()))
    pairs = [(person, datetime(2025, 6, 1, tzinfo=UTC)) for person in (*found.values(), found["holdout"], "stranger")]
    with pytest.raises(SplitAccessError) as refused:
        ask(store, [*pairs, (found["train"], early)], LABS, "train")
    assert (
        "does not hold 5 of the 6 asked rows: 2 of patients of the split 'holdout', 1 of patients of the split 'test', "
        "1 at moments outside of the window of the patient's split, 1 of patients who were never registered."
    ) in str(refused.value)
    assert refused.value.split == "holdout"
    kept = ask(store, [*pairs, (found["train"], early)], LABS, "train", outside="drop")
    assert kept.column("asked_at").to_pylist() == [early]


def test_a_refusal_is_logged(store: Store) -> None:
    person = patients("holdout", 1)[0]
    write(store, store.value(1, 0, person, feature_id=store.id(group="labs"), entity_type="patient"))
    for refused in (
        lambda: ask(store, [(person, day(1))], LABS, "train"),
        lambda: FeatureStore(store.world.session("train")).online_features([person], LABS),
    ):
        with pytest.raises(SplitAccessError, match="'holdout'") as error:
            refused()
        assert error.value.split == "holdout"
    logged = store.world.admin(
        "SELECT * FROM ml_split_access_log WHERE NOT allowed AND table_name = 'feature_values' AND tenant_id = :t",
        t=TENANT,
    )
    assert [row.requested_split for row in logged] == ["holdout", "holdout"]


def test_online_refuses_a_patient_of_a_closed_split(clean: Store, people: dict[str, str], driver: str) -> None:
    with clean.world.repository(driver, AsyncFeatureStore, clean.world.scope("train", "validation")) as store:
        both = [people["train"], people["validation"]]
        assert store.online_features(both, LABS) == {
            people["train"]: {"numeric": 0},
            people["validation"]: {"numeric": 1},
        }
        for closed in ("test", "holdout"):
            with pytest.raises(SplitAccessError, match=closed):
                store.online_features([*both, people[closed]], LABS)
    with clean.world.repository(driver, AsyncFeatureStore, clean.world.scope("test")) as store:
        assert store.online_features([people["test"]], LABS) == {people["test"]: {"numeric": 2}}


def test_a_patient_who_was_never_registered(clean: Store, people: dict[str, str]) -> None:
    """Online nothing is known about anybody unknown; a frame must not hold who may turn out to be of another split."""
    pairs = [("stranger", day(1)), (people["train"], day(1))]
    with clean.world.session("train") as session:
        assert FeatureStore(session).online_features(["stranger"], LABS) == {"stranger": {"numeric": None}}
    with pytest.raises(SplitAccessError, match="1 of patients who were never registered"):
        ask(clean, pairs, LABS, "train")
    assert ask(clean, pairs, LABS, "train", outside="drop").column("entity_id").to_pylist() == [people["train"]]


def test_ids_of_other_entities_have_no_split(clean: Store, people: dict[str, str]) -> None:
    """An HCP may have the id of a patient of the holdout."""
    write(clean, clean.value(7, 0, people["holdout"]))
    assert ask(clean, [(people["holdout"], day(1))], ["calls:numeric"], "train").column("numeric").to_pylist() == [7]


WINDOWS = {
    # split: (inside, outside) of the windows of the configuration DATED
    "train": (["2022-06-01", "2023-12-31"], ["2024-01-01", "2024-03-01", "2025-06-01"]),
    "validation": (["2024-01-08", "2024-06-30"], ["2023-06-01", "2024-01-07", "2024-07-01"]),
    "test": (["2024-07-08", "2024-12-31"], ["2024-07-07", "2025-01-01"]),
    "holdout": (["2025-01-08", "2031-01-01"], ["2023-06-01", "2025-01-07"]),
}


@pytest.mark.parametrize("split", WINDOWS)
def test_a_moment_lies_inside_the_window_of_the_patients_split(store: Store, split: str) -> None:
    """Or a train row would carry what became known only in the time of another split."""
    register(store.world, TENANT, DATED)
    (person,) = patients(split, 1, "W")
    labs = {"feature_id": store.id(group="labs"), "entity_type": "patient"}
    early = datetime(2020, 1, 1, tzinfo=UTC)
    write(store, store.value(1, 0, person, computed_at=early, valid_from=early, **labs))
    inside, outside = (
        [(person, datetime.fromisoformat(moment).replace(tzinfo=UTC)) for moment in moments]
        for moments in WINDOWS[split]
    )
    kept = ask(store, [*outside, *inside], LABS, split, outside="drop")
    assert [(row["entity_id"], row["asked_at"]) for row in kept.to_pylist()] == inside
    assert kept.column("numeric").to_pylist() == [1.0] * len(inside), "what is older than the window is known in it"
    for pair in outside:
        with pytest.raises(SplitAccessError, match="outside of the window"):
            ask(store, [pair], LABS, split)


def test_windows_are_half_open_to_the_microsecond_in_any_zone(store: Store) -> None:
    register(store.world, TENANT, DATED)
    (person,) = patients("train", 1, "W")
    write(store, store.value(1, 0, person, feature_id=store.id(group="labs"), entity_type="patient"))
    end = datetime(2024, 1, 1, tzinfo=UTC)
    with store.world.session("train") as session:
        session.execute(text("SET LOCAL TimeZone = 'Asia/Tokyo'"))
        found = FeatureStore(session).training_frame(
            [(person, end - timedelta(microseconds=1)), (person, end)], LABS, outside="drop"
        )
    assert found.num_rows == 1
