"""Writing behind each lock: the whole database is compared with what it was, and with what should have become of it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import IntegrityError, SAWarning
from sqlalchemy.orm.exc import StaleDataError

from hedgerow import AppendOnlyError, CrossTenantError, HedgerowError, RawSQLError, ScopeError, SplitAccessError
from hedgerow.kpi import HcpIntentSurvey
from hedgerow.patients import HcpProfile
from leakage import shapes_inserts, shapes_mapped, shapes_objects, shapes_writes, world
from leakage.locks import DRIVERS, LOCKS, Grounds
from leakage.shapes import Shape
from leakage.world import FOREIGN, OWN, Rows

WRITES: list[Shape] = [*shapes_writes.WRITES, *shapes_inserts.WRITES, *shapes_objects.WRITES, *shapes_mapped.WRITES]


@dataclass(frozen=True)
class Refusal:
    """How each lock refuses a write. In any case nothing has changed afterwards.

    :ivar filter: the error; None when nothing is raised, and nothing done.
    :ivar wall: SQLSTATE of the database's refusal, or the error of the ORM that missed its row; None when what is
        written is what should be.
    :ivar both: the error; that of the filter when left out.
    """

    filter: type[Exception] | None
    wall: str | type[Exception] | None = "42501"
    both: type[Exception] | None = None

    def by(self, lock: str) -> Any:
        return {"filter": self.filter, "wall": self.wall, "both": self.both or self.filter}[lock]


REFUSED = {
    "update_text": Refusal(RawSQLError, wall=None),
    "truncate": Refusal(RawSQLError),
    "update_append_only": Refusal(AppendOnlyError),
    "move_to_another_tenant": Refusal(CrossTenantError),
    "move_to_another_tenant_from_a_subquery": Refusal(CrossTenantError),
    "move_to_a_closed_split": Refusal(SplitAccessError),
    "move_out_of_a_closed_split": Refusal(SplitAccessError),
    "steal_from_another_tenant": Refusal(CrossTenantError),
    "insert_a_foreign_row": Refusal(CrossTenantError),
    "insert_a_foreign_row_among_own": Refusal(CrossTenantError),
    "insert_foreign_values": Refusal(CrossTenantError),
    "insert_a_foreign_tenant_as_expression": Refusal(CrossTenantError),
    "insert_into_a_closed_split": Refusal(SplitAccessError),
    "insert_into_a_closed_split_silently": Refusal(SplitAccessError),
    "insert_a_foreign_row_silently": Refusal(CrossTenantError),
    "upsert_a_foreign_row": Refusal(CrossTenantError),
    "upsert_a_row_of_a_closed_split": Refusal(None),
    "upsert_that_moves_the_split": Refusal(SplitAccessError),
    "add_a_foreign_object": Refusal(CrossTenantError),
    "add_a_foreign_leaf": Refusal(CrossTenantError),
    "insert_a_foreign_leaf": Refusal(CrossTenantError),
    "add_into_a_closed_split": Refusal(SplitAccessError),
    "add_all_with_a_foreign_one": Refusal(CrossTenantError),
    "move_an_object_to_another_tenant": Refusal(CrossTenantError),
    "move_an_object_to_another_split": Refusal(SplitAccessError),
    "delete_journeys_whose_events_are_hidden": Refusal(IntegrityError, wall="23503"),
    "delete_prescribers_whose_events_are_hidden": Refusal(IntegrityError, wall="23503"),
    "link_to_a_foreign_row": Refusal(IntegrityError, wall="23503"),
    "link_to_a_row_of_a_closed_split": Refusal(IntegrityError, wall="23503"),
    "link_to_a_trigger_of_a_closed_split": Refusal(IntegrityError, wall="23503"),
    "link_to_a_foreign_object": Refusal(CrossTenantError, wall=StaleDataError),
    "add_a_detached_foreign_object": Refusal(CrossTenantError, wall=StaleDataError),
    "add_an_object_with_a_made_up_identity": Refusal(ScopeError, wall=StaleDataError),
    "add_a_copy_of_a_foreign_object": Refusal(CrossTenantError),
    "delete_a_detached_foreign_object": Refusal(CrossTenantError, wall=SAWarning),
    "merge_a_foreign_object": Refusal(CrossTenantError),
    "merge_without_loading": Refusal(ScopeError, wall=StaleDataError),
    "merge_a_row_of_a_closed_split": Refusal(IntegrityError, both=SplitAccessError),
    "bulk_insert_mappings": Refusal(CrossTenantError),
    "bulk_update_mappings": Refusal(StaleDataError, wall=StaleDataError),
    "bulk_save_objects": Refusal(StaleDataError, wall=StaleDataError),
    "insert_for_a_patient_of_a_closed_split": Refusal(None, both=SplitAccessError),
}

#: asyncpg does not count the rows of a batch, so the ORM does not notice that it missed them.
UNCOUNTED_BY_ASYNCPG = {"bulk_update_mappings"}

#: What the filter cannot reach by design: marked text, and a split that only the database's trigger knows.
WALL_ONLY = {"update_marked_text", "insert_for_a_patient_of_a_closed_split"}

#: What no lock is needed for: keys and triggers refuse it to anybody.
REFUSED_TO_ANYBODY = {
    "update_append_only",
    "link_to_a_foreign_row",
    "link_to_a_row_of_a_closed_split",
    "link_to_a_trigger_of_a_closed_split",
}

_BY_THE_CLOCK = ("created_at", "updated_at", "annotation_timestamp")


@pytest.fixture(scope="session")
def battlefields(grounds: Grounds, truths: dict[str, Grounds]) -> dict[Grounds, Rows]:
    """The database and its truth, each with all of its rows. Once a run: workers take turns with modules."""
    rows: dict[Grounds, Rows] = {}
    for where in (grounds, truths[OWN]):
        with where.admin() as admin:
            world.keep_copy(admin)
            rows[where] = world.snapshot(admin)
    return rows


@dataclass(frozen=True)
class Outcome:
    """What a write did: the rows that are gone, the rows that are new, the answer or the error."""

    lost: Rows
    gained: Rows
    answer: Any = None
    error: Exception | None = None

    @property
    def effect(self) -> tuple[Rows, Rows]:
        """What changed, but for what the clock says."""
        timeless: Rows = Counter()
        for (name, row), times in self.gained.items():
            values = {key: value for key, value in json.loads(row).items() if key not in _BY_THE_CLOCK}
            timeless[name, json.dumps(values, sort_keys=True)] += times
        return self.lost, timeless

    def out_of_reach(self, visible: Rows) -> Rows:
        """Rows that a write of the scope must neither change nor make."""
        made = {(name, row) for name, row in self.gained if not world.in_reach(name, json.loads(row))}
        return (self.lost - visible) + Counter(made)


def attempt(write: Shape, where: Grounds, lock: str, driver: str, pristine: Rows) -> Outcome:
    answer, error = None, None
    try:
        answer = where.ask(write, lock, driver, commit=True)
    except Exception as raised:
        error = raised
    with where.admin() as admin:
        now = world.snapshot(admin)
        lost, gained = pristine - now, now - pristine
        world.put_back(admin, {name for name, _ in lost + gained})
    # Refusals are logged, on purpose; that is no effect of the write.
    gained = Counter({key: n for key, n in gained.items() if not _is_logged_refusal(*key)})
    return Outcome(lost, gained, answer, error)


def _is_logged_refusal(name: str, row: str) -> bool:
    return name == "ml_split_access_log" and json.loads(row)["tenant_id"] == OWN


@pytest.fixture(scope="session")
def outcomes() -> dict[str, Outcome]:
    return {}


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("write", WRITES)
def test_nothing_else_is_written(
    write: Shape,
    lock: str,
    driver: str,
    grounds: Grounds,
    truths: dict[str, Grounds],
    battlefields: dict[Grounds, Rows],
    outcomes: dict[str, Outcome],
) -> None:
    truth = truths[OWN]
    visible = battlefields[truth]
    if write.name not in outcomes:
        outcomes[write.name] = attempt(write, truth, "off", driver, visible)
        harm = attempt(write, grounds, "off", driver, battlefields[grounds])
        harmless = harm.effect == outcomes[write.name].effect and not harm.out_of_reach(visible)
        assert harmless == (write.name in REFUSED_TO_ANYBODY), "there is nothing to damage"
    right = outcomes[write.name]

    done = attempt(write, grounds, lock, driver, battlefields[grounds])
    if write.name in WALL_ONLY and lock == "filter":
        assert done.out_of_reach(visible), "the filter reaches it after all: take it off the list"
        return
    assert not done.out_of_reach(visible)
    refusal = REFUSED.get(write.name)
    if refusal is None or (lock == "wall" and refusal.wall is None):
        if done.error is not None:
            raise done.error
        assert done.effect == right.effect
        assert done.answer == right.answer
        return
    assert not done.lost
    assert not done.gained
    expected = refusal.by(lock)
    if expected is None or (write.name in UNCOUNTED_BY_ASYNCPG and driver == "asyncpg"):
        assert done.error is None
    elif isinstance(expected, str):
        assert getattr(getattr(done.error, "orig", None), "sqlstate", None) == expected
    else:
        assert isinstance(done.error, expected)
        if isinstance(done.error, HedgerowError):
            assert "Remedy" in str(done.error)


@pytest.mark.parametrize("lock", ["filter", "both"])
def test_a_flush_is_refused_as_a_whole(lock: str, grounds: Grounds) -> None:
    """One object that must not be written keeps the others of its flush from being sent, too."""
    sent: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *args: Any) -> None:
        sent.append(statement.split()[0])

    event.listen(grounds.engine(lock), "before_cursor_execute", note)
    try:
        with grounds.open(lock) as session:
            session.add_all([HcpProfile(hcp_id="OWN"), HcpIntentSurvey(tenant_id=FOREIGN, brand="Kisqali")])
            with pytest.raises(CrossTenantError):
                session.flush()
            session.rollback()
            prescriber, survey = (session.scalars(select(m).limit(1)).one() for m in (HcpProfile, HcpIntentSurvey))
            prescriber.city, survey.tenant_id = "changed", FOREIGN
            with pytest.raises(CrossTenantError):
                session.flush()
    finally:
        event.remove(grounds.engine(lock), "before_cursor_execute", note)
    assert "SELECT" in sent
    assert not {"INSERT", "UPDATE"} & set(sent)


def test_lists_name_writes() -> None:
    names = [write.name for write in WRITES]
    assert len(set(names)) == len(names)
    assert {*REFUSED, *UNCOUNTED_BY_ASYNCPG, *WALL_ONLY, *REFUSED_TO_ANYBODY} <= set(names)
