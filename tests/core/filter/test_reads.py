"""Reading through the filter alone: what is answered is the truth, whatever the shape of the question."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Row, inspect
from sqlalchemy.orm import Session

from core.filter import toy
from core.filter.shapes import SHAPES, Shape
from hedgerow.core.session import AsyncScopedSession, ScopedSession


def plainly(value: Any) -> Any:
    """Reduce a result to values that compare, in an order of its own where the statement gave none."""
    if isinstance(value, toy.Base):
        loaded = inspect(value).dict
        attributes = [attribute.key for attribute in inspect(type(value)).column_attrs]
        return type(value).__name__, sorted((key, repr(loaded[key])) for key in attributes if key in loaded)
    if isinstance(value, (Row, tuple)):
        return tuple(plainly(item) for item in value)
    if isinstance(value, (list, set, frozenset)):
        return sorted((plainly(item) for item in value), key=repr)
    return repr(value)


@pytest.fixture(scope="module")
def answers() -> dict[str, tuple[Any, Any]]:
    return {}


def expected(shape: Shape, plain: Session, truth: Session, known: dict[str, tuple[Any, Any]]) -> Any:
    if shape.__name__ not in known:
        known[shape.__name__] = plainly(shape(plain)), plainly(shape(truth))
        plain.rollback()  # lets go of row locks
        truth.rollback()
    leaky, right = known[shape.__name__]
    assert leaky != right, "there is nothing to leak"
    return right


@pytest.mark.parametrize("shape", SHAPES)
def test_sync(
    shape: Shape,
    session: ScopedSession,
    plain_session: Session,
    truth_session: Session,
    answers: dict[str, tuple[Any, Any]],
) -> None:
    right = expected(shape, plain_session, truth_session, answers)
    assert plainly(shape(session)) == right
    session.expunge_all()
    assert plainly(shape(session)) == right, "the second time, from the statement cache"


@pytest.mark.parametrize("shape", SHAPES)
async def test_async(
    shape: Shape,
    async_session: AsyncScopedSession,
    plain_session: Session,
    truth_session: Session,
    answers: dict[str, tuple[Any, Any]],
) -> None:
    right = expected(shape, plain_session, truth_session, answers)
    assert plainly(await async_session.run_sync(shape)) == right
