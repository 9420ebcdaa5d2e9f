"""Random statements: through the filter on every row they answer what they answer on the scope's rows alone.

The oracle is Python: :func:`core.filter.toy.visible` chose the rows of the second database, one by one.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    Engine,
    and_,
    column,
    exists,
    func,
    lateral,
    literal,
    not_,
    or_,
    select,
    table,
    true,
    union,
    union_all,
)
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.selectable import FromClause, Select

from core.filter import toy
from core.filter.toy import Note, Reading, Site, Visit
from hedgerow.core.session import open_session

EXAMPLES = int(os.environ.get("HEDGEROW_FUZZ", "250"))
BASES: list[tuple[Any, str, str | None, str]] = [
    (Site, "site_id", "parent_id", "name"),
    (Visit, "visit_id", "site_id", "label"),
    (Note, "note_id", "visit_id", "body"),
    (Reading, "reading_id", None, "label"),
]

Draw = Any


@st.composite
def relations(draw: Draw, depth: int) -> tuple[FromClause, Any, Any, Any]:
    """A FROM element and its three columns: an id, a reference, a text."""
    kind = draw(st.sampled_from(["entity", "core", "light"] + ["subquery", "cte", "union", "lateral"] * (depth > 0)))
    if kind in ("entity", "core", "light"):
        model, key, ref, text = draw(st.sampled_from(BASES))
        if kind == "entity":
            source = aliased(model)
            columns = [getattr(source, name) if name else None for name in (key, ref, text)]
        else:
            names = [name for name in (key, ref, text) if name]
            core = model.__table__ if kind == "core" else table(model.__tablename__, *map(column, names))
            source = core.alias()
            columns = [source.c[name] if name else None for name in (key, ref, text)]
        return source, columns[0], columns[0] if columns[1] is None else columns[1], columns[2]
    inner = draw(queries(depth - 1))
    if kind == "union":
        combine = draw(st.sampled_from([union, union_all]))
        inner = combine(inner, draw(queries(depth - 1)))
    derived: Any = inner.cte() if kind == "cte" else lateral(inner) if kind == "lateral" else inner.subquery()
    return derived, derived.c.id, derived.c.ref, derived.c.txt


@st.composite
def conditions(draw: Draw, sources: list[tuple[Any, Any, Any, Any]], depth: int) -> Any:
    kinds = ["compare", "match", "null", "true"] + ["exists", "in", "not", "or", "and"] * (depth > 0)
    kind = draw(st.sampled_from(kinds))
    _, key, ref, text = draw(st.sampled_from(sources))
    if kind == "compare":
        return draw(st.sampled_from([key, ref])) % 3 == draw(st.integers(0, 2))
    if kind == "match":
        return text.like(draw(st.sampled_from(["%A%", "%secret%", "%1%"])))
    if kind == "null":
        return ref.is_(None)
    if kind == "true":
        return true()
    if kind == "exists":
        inner, inner_key, inner_ref, _ = draw(relations(depth - 1))
        return exists(select(literal(1)).select_from(inner).where(or_(inner_key == ref, inner_ref == key)))
    if kind == "in":
        inner = draw(queries(depth - 1)).subquery()
        return key.in_(select(inner.c.ref).where(inner.c.ref.is_not(None)))
    if kind == "not":
        return not_(draw(conditions(sources, depth - 1)))
    both = draw(conditions(sources, depth - 1)), draw(conditions(sources, depth - 1))
    return or_(*both) if kind == "or" else and_(*both)


@st.composite
def queries(draw: Draw, depth: int) -> Select[Any]:
    sources = [draw(relations(depth))]
    joined: Any = sources[0][0]
    for _ in range(draw(st.integers(0, 2))):
        other = draw(relations(depth))
        left, right = draw(st.sampled_from(sources)), other
        on = draw(st.sampled_from([left[1] == right[2], left[2] == right[1], left[1] == right[1]]))
        how = draw(st.sampled_from(["inner", "left", "full"]))
        lateral_side = getattr(other[0], "_is_lateral", False)
        full = how == "full" and not lateral_side
        joined = _join(joined, other[0], on, outer=how == "left", full=full)
        sources.append(other)
    columns = draw(st.sampled_from(sources)), draw(st.sampled_from(sources)), draw(st.sampled_from(sources))
    key, ref, text = columns[0][1], columns[1][2], columns[2][3]
    if draw(st.booleans()):
        query = select(key.label("id"), ref.label("ref"), text.label("txt"))
    else:
        query = select(key.label("id"), func.count(ref).label("ref"), func.max(text).label("txt")).group_by(key)
    query = query.select_from(joined)
    if draw(st.booleans()):
        query = query.where(draw(conditions(sources, depth)))
    return query.distinct() if draw(st.booleans()) else query


def _join(left: Any, right: Any, on: Any, *, outer: bool, full: bool) -> Any:
    from sqlalchemy.orm import join

    return join(left, right, on, isouter=outer, full=full)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="HEDGEROW_FUZZ" not in os.environ,
    suppress_health_check=list(HealthCheck),
)
@given(query=queries(2))
def test_random_statements(query: Any, engine: Engine, truth: Engine) -> None:
    with (
        open_session(toy.SCOPE, engine=engine, allow_privileged=True) as session,
        Session(truth) as right,
    ):
        query = query.limit(None)
        answer = sorted(map(repr, session.execute(query)))
        assert answer == sorted(map(repr, right.execute(query)))
        assert "secret" not in "".join(answer)
