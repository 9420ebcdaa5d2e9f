"""Writing through the filter alone: rows outside of the scope stay as they are, rows inside change as they should."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from sqlalchemy.orm import Session

from core.filter import toy
from core.filter.test_reads import plainly
from core.filter.writes import WRITES, Write
from hedgerow.core.session import AsyncScopedSession, ScopedSession

Snapshot = dict[str, Counter[str]]


def snapshot(session: Session) -> Snapshot:
    """Every row of the database, read past the filter inside of the same transaction."""
    cursor = session.connection().connection.cursor()
    taken: Snapshot = {}
    for table in toy.TABLES:
        if table.name != "ml_split_access_log":
            cursor.execute(f"SELECT CAST(row_to_json(t) AS text) FROM {table.name} AS t")
            taken[table.name] = Counter(row[0] for row in cursor.fetchall())
    cursor.close()
    return taken


def after(write: Write, session: Session) -> tuple[Any, Snapshot, Snapshot]:
    before = snapshot(session)
    answer = plainly(write(session))
    session.flush()
    try:
        return answer, before, snapshot(session)
    finally:
        session.rollback()


@pytest.fixture(scope="module")
def known() -> dict[str, Any]:
    return {}


def expected(write: Write, plain: Session, truth: Session, known: dict[str, Any]) -> tuple[Any, Snapshot]:
    if write.__name__ not in known:
        _, inside, right = after(write, truth)
        answer, _, _ = after(write, truth)
        _, everything, leaky = after(write, plain)
        hidden = {name: everything[name] - inside[name] for name in everything}
        assert any(hidden[name] - leaky[name] for name in leaky) or leaky != {
            name: right[name] + hidden[name] for name in right
        }, "there is nothing to damage"
        known[write.__name__] = answer, {name: right[name] + hidden[name] for name in right}
    answer, whole = known[write.__name__]
    return answer, whole


@pytest.mark.parametrize("write", WRITES)
def test_sync(
    write: Write,
    session: ScopedSession,
    plain_session: Session,
    truth_session: Session,
    known: dict[str, Any],
) -> None:
    answer, whole = expected(write, plain_session, truth_session, known)
    said, _, now = after(write, session)
    assert now == whole
    assert said == answer


@pytest.mark.parametrize("write", WRITES)
async def test_async(
    write: Write,
    async_session: AsyncScopedSession,
    plain_session: Session,
    truth_session: Session,
    known: dict[str, Any],
) -> None:
    answer, whole = expected(write, plain_session, truth_session, known)
    said, _, now = await async_session.run_sync(lambda session: after(write, session))
    assert now == whole
    assert said == answer
