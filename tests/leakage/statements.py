"""Random statements over the real models: joins of every kind, aliases, derived tables, set operations, nesting.

A statement is composed from relations that each show three columns as text: who a row is, what it refers to, and
something that it holds. Natural keys are the same in both tenants, so whatever is joined without the tenant finds
rows of the other one, unless a lock stands in between.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from sqlalchemy import (
    CTE,
    Column,
    ColumnElement,
    Table,
    Text,
    and_,
    case,
    cast,
    column,
    except_,
    exists,
    func,
    inspect,
    intersect,
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
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.orm import aliased, join

from hedgerow.core.splitviews import VIEWED, split_view
from hedgerow.core.wall import EVERY_MEMBER
from hedgerow.patients import PatientJourney, TreatmentEvent
from hedgerow.predictions import EngagementTrigger, Prediction
from isolation.oracle import OPEN, tenant_tables

Relation = tuple[Any, ColumnElement[str], ColumnElement[str], ColumnElement[str]]
"""A FROM element, and as text: the id of a row, what it refers to, something that it holds."""

#: What rows refer to, and what is the same in two tenants; the first that a table has is joined on.
_REFERENCES = ("patient_id", "hcp_id", "patient_journey_id", "agent_name", "agent_type", "session_id", "user_id")

#: Said again in other words, so that the rule that both locks render is not its own judge.
_OPEN_VIEWS = [split for split in VIEWED if split.value in OPEN]


def fuzzed_tables() -> list[Table]:
    """Tables that both locks divide alike.

    An audience is the wall's matter and a row that is deleted softly the filter's; both have batteries of their own.
    """
    return [
        table
        for table in tenant_tables()
        if not table.info.get("hedgerow.soft_delete")
        and tuple(table.info.get("hedgerow.audience", (EVERY_MEMBER,))) == (EVERY_MEMBER,)
    ]


def _names(relation: Table) -> tuple[str, str, str]:
    """Columns that stand for the id, the reference and the content of a row."""
    key = [c.name for c in relation.primary_key if c.name != "tenant_id"][-1]
    reference = next((name for name in _REFERENCES if name in relation.c), key)
    told = [
        c.name
        for c in relation.columns
        if not isinstance(c.type, (JSONB, TSVECTOR)) and c.name not in (key, reference, "tenant_id")
    ]
    return key, reference, told[len(told) // 2] if told else key


def _text(value: Any) -> ColumnElement[str]:
    return cast(value, Text)


TABLES = fuzzed_tables()
#: Drawn as often as all others together: what refers to patients joins with rows, and so has something to leak.
ABOUT_PATIENTS = [table for table in TABLES if "patient_id" in table.c]
VIEWS = [
    split_view(model, split)
    for model in (PatientJourney, TreatmentEvent, Prediction, EngagementTrigger)
    for split in _OPEN_VIEWS
]

Draw = Any


@st.composite
def _bases(draw: Draw) -> Relation:
    """A table or view: as entity, as table, or by its name alone."""
    kind = draw(st.sampled_from(["entity", "entity", "table", "name", "view"]))
    source: Any
    if kind == "view":
        view: Any = draw(st.sampled_from(VIEWS))
        key, ref, txt = _names(view.__table__)
        source = aliased(view)
        return source, *(_text(getattr(source, _attribute(view, name))) for name in (key, ref, txt))
    chosen = draw(st.sampled_from(draw(st.sampled_from([TABLES, ABOUT_PATIENTS]))))
    names = _names(chosen)
    if kind == "entity":
        model = chosen.info["hedgerow.model"]
        source = aliased(model)
        return source, *(_text(getattr(source, _attribute(model, name))) for name in names)
    # dict: the three may be fewer, and a lightweight table takes each name once.
    named: Any = chosen if kind == "table" else table(chosen.name, *(column(name) for name in dict.fromkeys(names)))
    source = named.alias()
    return source, *(_text(source.c[name]) for name in names)


def _attribute(model: Any, name: str) -> str:
    wanted: Column[Any] = model.__table__.c[name]
    key: str = inspect(model).get_property_by_column(wanted).key
    return key


@st.composite
def relations(draw: Draw, depth: int) -> Relation:
    """A table, or a query as derived table, CTE or lateral sub-query."""
    kind = draw(st.sampled_from(["base"] * 3 + ["subquery", "cte", "lateral", "set"] * (depth > 0)))
    if kind == "base":
        return draw(_bases())
    inner = draw(_combined(depth - 1)) if kind == "set" else draw(queries(depth - 1))
    derived: Any = inner.cte() if kind == "cte" else lateral(inner) if kind == "lateral" else inner.subquery()
    return derived, derived.c.id, derived.c.ref, derived.c.txt


@st.composite
def _combined(draw: Draw, depth: int) -> Any:
    combine = draw(st.sampled_from([union, union_all, intersect, except_]))
    return combine(draw(queries(depth)), draw(queries(depth)))


@st.composite
def _conditions(draw: Draw, sources: list[Relation], depth: int) -> Any:
    kinds = ["compare", "match", "null", "case"] + ["exists", "in", "scalar", "not", "or", "and"] * (depth > 0)
    kind = draw(st.sampled_from(kinds))
    _, key, ref, txt = draw(st.sampled_from(sources))
    if kind == "compare":
        return draw(st.sampled_from([key, ref, txt])) >= draw(st.sampled_from(["", "2", "PAT-00000007", "b", "m"]))
    if kind == "match":
        return txt.like(draw(st.sampled_from(["%a%", "%0%", "%TEST%", "%e_%"])))
    if kind == "null":
        return draw(st.sampled_from([ref, txt])).is_(None)
    if kind == "case":
        return case((ref.is_(None), true()), else_=func.length(key) % 2 == draw(st.integers(0, 1)))
    if kind == "exists":
        inner, inner_key, inner_ref, _ = draw(relations(depth - 1))
        return exists(select(literal(1)).select_from(inner).where(or_(inner_key == ref, inner_ref == ref)))
    if kind == "in":
        inner = draw(queries(depth - 1)).subquery()
        return ref.in_(select(inner.c.ref).where(inner.c.ref.is_not(None)))
    if kind == "scalar":
        inner = draw(queries(depth - 1)).subquery()
        return select(func.count()).select_from(inner).scalar_subquery() > draw(st.integers(0, 40))
    if kind == "not":
        return not_(draw(_conditions(sources, depth - 1)))
    both = draw(_conditions(sources, depth - 1)), draw(_conditions(sources, depth - 1))
    return or_(*both) if kind == "or" else and_(*both)


@st.composite
def queries(draw: Draw, depth: int) -> Any:
    """A SELECT of ``id``, ``ref`` and ``txt``, all text; plain, distinct, grouped or with window functions."""
    sources = [draw(relations(depth))]
    joined = sources[0][0]
    for _ in range(draw(st.integers(0, 2))):
        other = draw(relations(depth - 1 if depth else 0))
        left = draw(st.sampled_from(sources))
        on = draw(st.sampled_from([left[2] == other[2]] * 2 + [left[1] == other[2], left[1] == other[1]]))
        how = draw(st.sampled_from(["inner", "left", "full"]))
        beside = getattr(other[0], "_is_lateral", False)
        joined = join(joined, other[0], on, isouter=how == "left", full=how == "full" and not beside)
        sources.append(other)
    key, ref, txt = (draw(st.sampled_from(sources))[n] for n in (1, 2, 3))
    shape = draw(st.sampled_from(["plain", "plain", "distinct", "grouped", "whole", "window"]))
    counted = _text(func.count(txt))
    query: Any
    if shape == "grouped":
        query = select(key.label("id"), counted.label("ref"), func.max(txt).label("txt")).group_by(key)
    elif shape == "whole":
        query = select(func.min(key).label("id"), func.max(ref).label("ref"), counted.label("txt"))
    elif shape == "window":
        query = select(key.label("id"), ref.label("ref"), _text(func.count(txt).over(partition_by=ref)).label("txt"))
    else:
        query = select(key.label("id"), ref.label("ref"), txt.label("txt"))
    query = query.select_from(joined)
    if draw(st.booleans()):
        query = query.where(draw(_conditions(sources, depth)))
    return query.distinct() if shape == "distinct" else query


@st.composite
def statements(draw: Draw, depth: int) -> Any:
    """A statement to run: a query, a set operation, or one over a recursive CTE."""
    kind = draw(st.sampled_from(["query"] * 4 + ["set", "recursive"]))
    if kind == "set":
        return draw(_combined(depth - 1))
    if kind == "recursive":
        found: CTE = draw(queries(depth - 1)).cte(recursive=True)
        step, key, ref, txt = draw(_bases())
        # UNION, so that it ends: the ids of a table are finitely many.
        found = found.union(select(key, ref, txt).select_from(join(step, found, ref == found.c.ref)))
        return select(found.c.id, found.c.ref, found.c.txt)
    return draw(queries(depth))
