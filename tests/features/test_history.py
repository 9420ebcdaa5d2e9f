"""Values land in their place in history, whatever order they come in, and leave it without a gap."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError, IntegrityError

from features.conftest import Store, day, days
from features.naive import Value, arranged
from hedgerow.core.embedded.bootstrap import SESSION
from hedgerow.core.errors import SplitAccessError
from hedgerow.core.repository import FilterError, ReadOnlyError
from hedgerow.features import FeatureStatus, FeatureValue, FeatureValueStatus
from hedgerow.features.errors import FeatureTypeError, UnknownFeatureError
from hedgerow.features.repository import FeatureDefinitionRepository, FeatureGroupRepository
from hedgerow.features.store import FeatureStore
from planting import planting
from world import TENANT, patients


def write(store: Store, *values: FeatureValue) -> None:
    with store.world.session() as session:
        for value in values:
            session.add(value)
            session.flush()
        session.commit()


def the(session: Any, value: Any, entity: str = "H1") -> FeatureValue:
    """The one row of an entity that has the value."""
    (found,) = (
        row
        for row in session.scalars(select(FeatureValue).where(FeatureValue.entity_id == entity))
        if row.value == value
    )
    return found


def test_a_newer_value_closes_the_one_before(clean: Store) -> None:
    write(clean, clean.value(1, 0), clean.value(2, 10))
    assert clean.history() == [(1, 0, 10, "stale"), (2, 10, None, "current")]


def test_a_late_value_lands_between_its_neighbours(clean: Store) -> None:
    write(clean, clean.value(1, 0), clean.value(2, 10), clean.value(3, 5, computed_at=day(20)))
    assert clean.history() == [(1, 0, 5, "stale"), (3, 5, 10, "stale"), (2, 10, None, "current")]


def test_a_late_value_before_all_others(clean: Store) -> None:
    write(clean, clean.value(1, 10), clean.value(2, 3, computed_at=day(20)))
    assert clean.history() == [(2, 3, 10, "stale"), (1, 10, None, "current")]


def test_a_correction_supersedes_for_the_same_start(clean: Store) -> None:
    write(clean, clean.value(1, 0), clean.value(2, 0, computed_at=day(4)))
    assert clean.history() == [(1, 0, 4, "stale"), (2, 0, None, "current")]


def test_a_late_correction_is_no_newest_value(clean: Store) -> None:
    write(clean, clean.value(1, 0), clean.value(2, 10), clean.value(3, 0, computed_at=day(20)))
    assert clean.history() == [(1, 0, 10, "stale"), (3, 0, 10, "stale"), (2, 10, None, "current")]


def test_a_stated_end_stays_and_a_later_start_cuts_it(clean: Store) -> None:
    write(clean, clean.value(1, 0, valid_until=day(7)), clean.value(2, 10))
    assert clean.history() == [(1, 0, 7, "stale"), (2, 10, None, "current")]
    write(clean, clean.value(3, 5, computed_at=day(20)))
    assert clean.history() == [(1, 0, 5, "stale"), (3, 5, 10, "stale"), (2, 10, None, "current")]


def remove(store: Store, value: Any) -> None:
    with store.world.session() as session:
        session.delete(the(session, value))
        session.commit()


def test_deleting_reopens_up_to_the_own_stated_end(clean: Store) -> None:
    write(clean, clean.value(1, 0, valid_until=day(7)), clean.value(3, 5), clean.value(2, 10))
    remove(clean, 3)
    assert clean.history() == [(1, 0, 7, "stale"), (2, 10, None, "current")]


def test_deleting_the_newest_makes_the_one_before_current(clean: Store) -> None:
    write(clean, clean.value(1, 0), clean.value(2, 10))
    remove(clean, 2)
    assert clean.history() == [(1, 0, None, "current")]


def test_deleting_a_correction_lets_what_it_corrected_hold_again(clean: Store) -> None:
    write(clean, clean.value(1, 0), clean.value(2, 0, computed_at=day(4)))
    remove(clean, 2)
    assert clean.history() == [(1, 0, None, "current")]


def test_deleting_all_of_an_entity_in_one_statement(clean: Store) -> None:
    write(clean, *(clean.value(n, n) for n in range(6)), clean.value(9, 0, "H2"))
    with clean.world.session() as session:
        session.execute(FeatureValue.__table__.delete().where(FeatureValue.entity_id == "H1"))
        session.commit()
    assert clean.history() == []
    assert clean.history(entity="H2") == [(9, 0, None, "current")]


def test_an_invalid_value_counts_as_never_written(clean: Store) -> None:
    write(clean, clean.value(1, 0), clean.value(2, 10), clean.value(8, 4, status="invalid"))
    assert clean.history()[0] == (1, 0, 10, "stale")
    with clean.world.session() as session:
        newest = the(session, 2)
        newest.status = FeatureValueStatus.INVALID
        session.commit()
    assert clean.history()[0] == (1, 0, None, "current")
    with clean.world.session() as session:
        newest = the(session, 2)
        newest.status = FeatureValueStatus.CURRENT
        session.commit()
    assert clean.history()[::2] == [(1, 0, 10, "stale"), (2, 10, None, "current")]


def test_a_revived_value_that_is_no_longer_the_newest_is_stale(clean: Store) -> None:
    write(clean, clean.value(1, 0), clean.value(2, 5, status="invalid"), clean.value(3, 10))
    with clean.world.session() as session:
        the(session, 2).status = FeatureValueStatus.CURRENT
        session.commit()
    assert clean.history() == [(1, 0, 5, "stale"), (2, 5, 10, "stale"), (3, 10, None, "current")]


def test_an_end_given_later_is_a_stated_one(clean: Store) -> None:
    write(clean, clean.value(1, 0), clean.value(2, 10))
    with clean.world.session() as session:
        first = the(session, 1)
        first.valid_until = day(30)
        session.commit()
        session.refresh(first)
        assert (days(first.valid_until), days(first.stated_until)) == (10, 30), "what superseded it comes first"
        first.valid_until = day(4)
        session.commit()
    remove(clean, 2)
    assert clean.history() == [(1, 0, 4, "current")]


@pytest.mark.parametrize(("status", "reopened"), [("deprecated", "stale"), ("archived", "expired")])
def test_what_is_reopened_follows_its_feature(store: Store, status: str, reopened: str) -> None:
    write(store, store.value(1, 0), store.value(2, 10))
    with store.world.session() as session:
        FeatureDefinitionRepository(session).update_feature_status(store.id(), status)
        session.commit()
    remove(store, 2)
    assert store.history() == [(1, 0, None, reopened)]


@pytest.mark.parametrize(("status", "at_best"), [("deprecated", "stale"), ("archived", "expired")])
def test_nothing_is_current_where_its_feature_is_retired(store: Store, status: str, at_best: str) -> None:
    """Neither what is written then nor what is put back or made current by hand."""
    with store.world.session() as session:
        FeatureDefinitionRepository(session).update_feature_status(store.id(), status)
        session.commit()
    write(store, store.value(1, 0), store.value(2, 10, status="invalid"))
    assert store.history() == [(1, 0, None, at_best), (2, 10, None, "invalid")]
    for value in (2, 2):
        with store.world.session() as session:
            FeatureStore(session).update(the(session, value).value_id, {"status": "current"})
            session.commit()
        assert store.history() == [(1, 0, 10, at_best), (2, 10, None, at_best)]


def test_what_is_not_the_newest_never_becomes_current(clean: Store) -> None:
    """With an older one as current, every later value would meet the unique index for ever."""
    write(clean, clean.value(1, 0), clean.value(2, 10))
    with clean.world.session() as session:
        values = FeatureStore(session)
        values.update(the(session, 2).value_id, {"status": "expired"})
        assert values.update(the(session, 1).value_id, {"status": "current"}).status == "stale"
        session.commit()
    assert clean.history() == [(1, 0, 10, "stale"), (2, 10, None, "expired")]
    with clean.world.session() as session:
        FeatureStore(session).update(the(session, 2).value_id, {"status": "current"})
        session.commit()
    write(clean, clean.value(3, 20))
    assert clean.history() == [(1, 0, 10, "stale"), (2, 10, 20, "stale"), (3, 20, None, "current")]


def test_a_status_by_hand_is_no_other_end(clean: Store) -> None:
    """What superseded a value ends it, and is not what its writer stated."""
    write(clean, clean.value(1, 0), clean.value(2, 10))
    with clean.world.session() as session:
        for status in ("expired", "current"):
            FeatureStore(session).update(the(session, 1).value_id, {"status": status})
        session.commit()
    remove(clean, 2)
    assert clean.history() == [(1, 0, None, "current")]


def test_an_end_given_with_the_retraction_is_a_stated_one(clean: Store) -> None:
    write(clean, clean.value(1, 0))
    with clean.world.session() as session:
        value = the(session, 1).value_id
        FeatureStore(session).update(value, {"status": "invalid", "valid_until": day(7)})
        FeatureStore(session).update(value, {"status": "current"})
        session.commit()
    assert clean.history() == [(1, 0, 7, "current")]


def test_what_is_put_back_holds_to_its_own_end_and_not_to_the_one_that_cut_it(clean: Store) -> None:
    write(clean, clean.value(1, 0), clean.value(2, 10))
    for status in (FeatureValueStatus.INVALID, FeatureValueStatus.CURRENT):
        with clean.world.session() as session:
            the(session, 1).status = status
            session.commit()
    assert clean.history() == [(1, 0, 10, "stale"), (2, 10, None, "current")]
    remove(clean, 2)
    assert clean.history() == [(1, 0, None, "current")]


def test_what_is_put_back_as_the_newest_has_its_own_end(clean: Store) -> None:
    write(clean, clean.value(1, 0), clean.value(2, 10))
    with clean.world.session() as session:
        the(session, 1).status = FeatureValueStatus.INVALID
        session.commit()
    remove(clean, 2)
    with clean.world.session() as session:
        the(session, 1).status = FeatureValueStatus.CURRENT
        session.commit()
    assert clean.history() == [(1, 0, None, "current")]


def test_deleting_an_older_value_says_nothing_about_the_newest(clean: Store) -> None:
    write(clean, clean.value(1, 0), clean.value(2, 10, status="expired"))
    remove(clean, 1)
    assert clean.history() == [(2, 10, None, "expired")]


def test_one_current_row_by_key(clean: Store) -> None:
    """Whoever goes past the triggers meets the key."""
    write(clean, clean.value(1, 0), clean.value(2, 10))
    with planting(clean.world.database) as connection, pytest.raises(IntegrityError, match="current"):
        connection.execute(text("UPDATE feature_values SET status = 'current'"))


def test_a_duplicate_changes_nothing_whether_refused_or_skipped(clean: Store) -> None:
    write(clean, clean.value(1, 0), clean.value(2, 10))
    before = clean.history()
    duplicate = clean.value(7, 5, computed_at=day(10))
    with pytest.raises(IntegrityError):
        write(clean, duplicate)
    with clean.world.session() as session:
        again = {"feature_id": clean.id(), "entity_id": "H1", "entity_type": "hcp", "value": 7}
        times = {"computed_at": day(10), "valid_from": day(5)}
        assert FeatureStore(session).bulk_insert_feature_values([{**again, **times}]) == 0
        session.commit()
    assert clean.history() == before


def test_a_row_that_is_there_already_changes_nothing_when_it_is_skipped(clean: Store) -> None:
    """A load that is run again with ids of its own, whatever times it gives them now."""
    write(clean, clean.value(1, 0), clean.value(2, 10))
    before = clean.history()
    with clean.world.session() as session:
        known = the(session, 1)
        given = {name: getattr(known, name) for name in ("value_id", "feature_id", "entity_id", "entity_type", "value")}
        for start, computed in ((0, 0), (5, 0), (5, 15), (20, 20)):
            times = {"valid_from": day(start), "computed_at": day(computed)}
            session.execute(insert(FeatureValue).values(**given, **times).on_conflict_do_nothing())
        session.commit()
    assert clean.history() == before


def test_when_a_value_holds_and_was_known_is_written_once(clean: Store) -> None:
    write(clean, clean.value(1, 0))
    with clean.world.session() as session:
        (value,) = session.scalars(select(FeatureValue))
        for column in (
            "feature_id",
            "entity_id",
            "entity_type",
            "value",
            "computed_at",
            "valid_from",
            "source_version",
        ):
            with pytest.raises(ReadOnlyError):
                FeatureStore(session).update(value.value_id, {column: getattr(value, column)})
    with clean.world.database.engine("app").connect() as connection:
        assert connection.scalar(text("SELECT current_user")) == SESSION
        with pytest.raises(DBAPIError, match="permission denied"):
            connection.execute(text("UPDATE feature_values SET valid_from = now()"))


FITS: dict[str, tuple[list[Any], list[Any]]] = {
    "numeric": ([1, -0.5, 0, 10**300, -1e-300, None], ["1", True, [1], {}, 10**301, -(10**301), 1e-301, 10**400]),
    "categorical": (["", "a", None], [1, False, ["a"], {}]),
    "boolean": ([True, False, None], [0, "true", [], {}]),
    "array": ([[], [1, "a", None], None], [1, "[]", {}]),
    "json": ([1, "a", True, [], {}, None], []),
    "embedding": ([[], [0, 1, 2.5], None], [[1, "a"], [[1]], [None], [10**301], [1, 1e-301], 1, "[1]", {}]),
}


@pytest.mark.parametrize("kind", FITS)
def test_a_value_is_of_its_features_type(clean: Store, kind: str) -> None:
    fitting, others = FITS[kind]
    with clean.world.session() as session:
        store = FeatureStore(session)
        for number, value in enumerate(fitting):
            made = store.create(clean.value(value, number, feature_id=clean.id(kind)))
            assert made.value == value
        for value in others:
            with pytest.raises(FeatureTypeError):
                store.create(clean.value(value, 50, feature_id=clean.id(kind)))


def test_an_unknown_feature_violates_the_key(clean: Store) -> None:
    with clean.world.session() as session, pytest.raises(UnknownFeatureError):
        FeatureStore(session).create(clean.value(feature_id=clean.id(tenant="WORLD_B")))


@pytest.mark.parametrize("kind", ["Patient", "PATIENT", " patient", "patients"])
def test_patients_have_one_spelling(clean: Store, kind: str) -> None:
    """Another one would be an entity type of its own, whose values have no split."""
    with clean.world.session() as session, pytest.raises(FilterError, match="one_spelling_of_patient"):
        FeatureStore(session).create(clean.value(entity_type=kind))


def test_a_feature_about_patients_has_values_of_patients_alone(clean: Store) -> None:
    """Or the value has no split, and every scope reads it; and no frame of the feature."""
    (train,) = patients("train", 1)
    with clean.world.session() as session:
        store = FeatureStore(session)
        for group, kind in (("labs", "hcp"), ("labs", "pateint"), ("calls", "patient")):
            with pytest.raises(FilterError, match=f"and the value about {kind}"):
                store.create(clean.value(1, 0, train, feature_id=clean.id(group=group), entity_type=kind))


def test_what_a_feature_is_about_is_written_once(clean: Store) -> None:
    with clean.world.session() as session:
        with pytest.raises(ReadOnlyError):
            FeatureGroupRepository(session).update(clean.group(), {"entity_type": "pharmacy"})
        with pytest.raises(ReadOnlyError):
            FeatureDefinitionRepository(session).update(clean.id(), {"group_id": clean.group("labs")})


@pytest.mark.parametrize("column", ["computed_at", "valid_from", "valid_until", "event_timestamp"])
@pytest.mark.parametrize("moment", ["infinity", "-infinity", "10000-01-01", "0001-01-01 BC", "9999-12-31T23:00Z"])
def test_a_moment_that_nobody_could_read_is_refused(clean: Store, column: str, moment: str) -> None:
    """Python knows neither infinity nor such years: one row, and its whole history could not be read."""
    value = {"feature_id": clean.id(), "entity_id": "H1", "entity_type": "hcp", "value": 1, "valid_from": day(0)}
    with clean.world.session() as session:
        store = FeatureStore(session)
        with pytest.raises(FilterError):
            store.bulk_insert_feature_values([{**value, column: moment}])
        assert store.get_feature_values(clean.id(), "H1") == []


def test_a_patients_value_has_the_patients_split(clean: Store) -> None:
    (train,), (test,) = patients("train", 1), patients("test", 1)
    with clean.world.session() as session:
        store = FeatureStore(session)
        known = {"feature_id": clean.id(group="labs"), "entity_type": "patient"}
        assert store.create(clean.value(1, 0, train, **known)).split_assignment == "train"
        assert store.create(clean.value(1, 0, "H9")).split_assignment is None
        with pytest.raises(SplitAccessError):
            store.create(clean.value(1, 0, test, **known))
    for wrong, state in (({"split_assignment": None}, "23514"), ({"split_assignment": "test"}, "23503")):
        with clean.world.database.engine("admin").connect() as connection:
            connection.execute(
                text("""INSERT INTO feature_values
                               (tenant_id, feature_id, entity_id, entity_type, value)
                        VALUES (:t, :f, :e, 'patient', '1')"""),
                {"t": TENANT, "f": clean.id(group="labs"), "e": train},
            )
            with pytest.raises(DBAPIError) as refused:
                connection.execute(update(FeatureValue.__table__).values(wrong))
            assert refused.value.orig.sqlstate == state  # type: ignore[union-attr]


def test_a_clock_that_is_ahead_refuses_nothing(clean: Store) -> None:
    """A check against now() would refuse what a source with a fast clock sends, and is not immutable."""
    with clean.world.session() as session:
        ahead = clean.value(1, event_timestamp=session.scalar(text("SELECT now() + interval '10 minutes'")))
        made = FeatureStore(session).create(ahead)
        session.commit()
        assert made.event_timestamp is not None
        for column in ("computed_at", "valid_from"):
            later = session.scalar(text("SELECT now() + interval '10 minutes'"))
            FeatureStore(session).create(clean.value(1, 1, "H" + column, **{column: later}))


VALUES = st.lists(
    st.builds(
        Value,
        computed_at=st.integers(0, 12),
        valid_from=st.integers(0, 8),
        length=st.none() | st.integers(1, 5),
        invalid=st.sampled_from([False, False, False, True]),
    ),
    max_size=9,
    unique_by=lambda value: value.computed_at,
)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=VALUES, seed=st.integers(0, 2**32), gone=st.sets(st.integers(0, 8), max_size=4))
def test_history_is_the_same_in_whatever_order_it_is_written(
    shared: Store, values: list[Value], seed: int, gone: set[int]
) -> None:
    """What is stored is what a naive arrangement in Python says, after arrivals in any order and deletions.

    An entity of another kind has the same id, and plays no part.
    """
    order = list(enumerate(values))
    random.Random(seed).shuffle(order)
    with shared.world.session() as session:
        for number in (3, 4, 7, 20):
            session.add(shared.value(-number, number, "HX", entity_type="pharmacy"))
            session.add(shared.value(-number - 0.5, number, "HX", entity_type="pharmacy", computed_at=day(number + 2)))
        session.flush()
        for number, value in order:
            session.add(
                shared.value(
                    number,
                    entity="HX",
                    computed_at=day(value.computed_at),
                    valid_from=day(value.valid_from),
                    valid_until=None if value.length is None else day(value.valid_from + value.length),
                    status="invalid" if value.invalid else "current",
                )
            )
            session.flush()
        session.expire_all()
        for number, _ in order:
            if number in gone:
                session.delete(the(session, number, "HX"))
                session.flush()
        left = {number: value for number, value in enumerate(values) if number not in gone}
        stored = {
            row.value: (days(row.valid_until), str(row.status))
            for row in session.scalars(select(FeatureValue).where(FeatureValue.entity_id == "HX"))
            if row.entity_type == "hcp"
        }
        session.rollback()
    assert stored == arranged(left)


def test_hours_and_microseconds_are_kept(clean: Store) -> None:
    moment = day(3) + timedelta(microseconds=7)
    write(clean, clean.value(1, 0), clean.value(2, 0, valid_from=moment, computed_at=moment))
    assert clean.history()[0][2] == days(moment)


def test_status_names_are_the_vocabulary() -> None:
    assert [str(status) for status in FeatureStatus] == ["draft", "active", "deprecated", "archived"]
