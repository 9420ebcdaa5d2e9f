"""Transactions of every kind, and engines that somebody else brings: the scope is there, or nothing is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from hedgerow import ScopeError
from hedgerow.patients import HcpProfile, PatientJourney
from leakage.locks import DRIVERS, LOCKS, Grounds
from leakage.shapes import Shape
from leakage.world import OWN

FILTERED = ("filter", "both")
COUNT = select(func.count()).select_from(HcpProfile)


def asked(grounds: Grounds, lock: str, driver: str, act: Callable[[Session], Any]) -> Any:
    return grounds.ask(Shape("act", "transactions", interaction=act), lock, driver)


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("lock", LOCKS)
def test_after_a_raw_commit_nothing_is_open(lock: str, driver: str, grounds: Grounds) -> None:
    """The connection commits and the session does not know: the filter refuses, and the wall shows nothing."""

    def act(s: Session) -> Any:
        assert s.scalar(COUNT)
        s.connection().commit()
        return s.scalar(COUNT)

    if lock == "wall":
        assert asked(grounds, lock, driver, act) == "0"
        return
    with pytest.raises(ScopeError, match="no open scope"):
        asked(grounds, lock, driver, act)


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("lock", LOCKS)
def test_a_closed_session_opens_its_scope_again(
    lock: str, driver: str, grounds: Grounds, truths: dict[str, Grounds]
) -> None:
    def act(s: Session) -> Any:
        seen = []
        for end in (s.close, s.rollback, s.commit, s.reset):
            seen.append(s.scalar(COUNT))
            end()
        return [*seen, s.scalar(COUNT)]

    assert asked(grounds, "off", driver, act) != (right := asked(truths[OWN], "off", driver, act))
    assert asked(grounds, lock, driver, act) == right


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("lock", LOCKS)
def test_a_write_in_a_savepoint_that_is_rolled_back(
    lock: str, driver: str, grounds: Grounds, truths: dict[str, Grounds]
) -> None:
    def act(s: Session) -> Any:
        nested = s.begin_nested()
        changed: Any = s.execute(update(HcpProfile).values(city="nowhere"))
        nested.rollback()
        nowhere = s.scalar(COUNT.where(HcpProfile.city == "nowhere"))
        s.rollback()
        return changed.rowcount, nowhere, s.scalar(COUNT)

    assert asked(grounds, "off", driver, act) != (right := asked(truths[OWN], "off", driver, act))
    assert asked(grounds, lock, driver, act) == right


@pytest.mark.parametrize("lock", LOCKS)
def test_two_phases(lock: str, grounds: Grounds, truths: dict[str, Grounds]) -> None:
    with truths[OWN].open("off") as true:
        right = true.scalar(COUNT)
    with grounds.open(lock, twophase=True) as session:
        for end in (session.rollback, session.close):
            assert session.scalar(COUNT) == right
            end()
        assert session.scalar(COUNT) == right


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("lock", FILTERED)
@pytest.mark.parametrize(
    "ask",
    [
        lambda s, other: s.execute(COUNT, bind_arguments={"bind": other}),
        lambda s, other: s.scalars(select(PatientJourney), bind_arguments={"bind": other}).all(),
        lambda s, other: s.connection(bind_arguments={"bind": other}),
        lambda s, other: s.get(HcpProfile, s.info["keys"].foreign[HcpProfile], bind_arguments={"bind": other}),
        lambda s, other: s.bind_mapper(HcpProfile, other),
        lambda s, other: s.bind_table(HcpProfile.__table__, other),
        lambda s, other: setattr(s, "bind", other),
    ],
    ids=["execute", "scalars", "connection", "get", "bind_mapper", "bind_table", "bind"],
)
def test_another_engine_is_refused(
    ask: Callable[[Any, Any], Any], lock: str, driver: str, grounds: Grounds, truths: dict[str, Grounds]
) -> None:
    """An engine without any lock, handed in from the side."""
    other = grounds.engine("off")
    with other.connect() as everything, truths[OWN].engine("off").connect() as true:
        assert everything.scalar(COUNT) > (true.scalar(COUNT) or 0), "there is nothing to leak"
    with pytest.raises(ScopeError, match="Remedy"):
        asked(grounds, lock, driver, lambda s: ask(s, other))
