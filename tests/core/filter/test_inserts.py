"""New rows get the scope's tenant; a foreign tenant or a closed split is refused, however it is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import column, func, insert, literal, literal_column, select, table, text, union_all, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from core.filter import toy
from core.filter.test_writes import snapshot
from core.filter.toy import Country, Doctor, Nurse, Reading, Site, Visit
from hedgerow.core.errors import CrossTenantError, SplitAccessError
from hedgerow.core.scope import Split
from hedgerow.core.session import AsyncScopedSession, ScopedSession

Act = Callable[[Session], Any]

SITES = Site.__table__
ROW: dict[str, Any] = {"site_id": 901, "name": "new"}
TWO: list[dict[str, Any]] = [{"site_id": 901, "name": "new"}, {"site_id": 902, "name": "new"}]
VISIT: dict[str, Any] = {"visit_id": 901, "label": "new", "patient_id": "A-p1"}


def own(rows: list[dict[str, Any]], tenant: str | None = "A", **more: Any) -> list[dict[str, Any]]:
    return [{"tenant_id": tenant, **row, **more} for row in rows]


STAMPED: dict[str, Act] = {
    "object": lambda s: s.add(Site(**ROW)),
    "objects": lambda s: s.add_all([Site(**row) for row in TWO]),
    "object with its tenant": lambda s: s.add(Site(tenant_id="A", **ROW)),
    "object with None": lambda s: s.add(Site(tenant_id=None, **ROW)),
    "joined inheritance": lambda s: s.add(Doctor(person_id=901, label="x", field="y")),
    "single inheritance": lambda s: s.add(Nurse(person_id=901, label="x")),
    "child through relationship": lambda s: (
        (site := s.scalars(select(Site).limit(1)).one()),
        site.visits.append(Visit(**VISIT)),
        s.flush(),
    ),
    "orm insert": lambda s: s.execute(insert(Site).values(**ROW)),
    "orm insert, own tenant": lambda s: s.execute(insert(Site).values(tenant_id="A", **ROW)),
    "orm insert, list": lambda s: s.execute(insert(Site), TWO),
    "orm insert, list with tenant": lambda s: s.execute(insert(Site), own(TWO)),
    "orm insert, list with None": lambda s: s.execute(insert(Site), own(TWO, None)),
    "orm insert, rows returned": lambda s: s.scalars(insert(Site).returning(Site), TWO).all(),
    "orm insert, sorted": lambda s: s.scalars(
        insert(Site).returning(Site.site_id, sort_by_parameter_order=True), TWO
    ).all(),
    "orm insert, joined": lambda s: s.execute(
        insert(Doctor), [{"person_id": n, "label": "x", "field": "y"} for n in (901, 902)]
    ),
    "orm insert, values list": lambda s: s.execute(insert(Site).values(TWO)),
    "core insert": lambda s: s.execute(insert(SITES).values(**ROW)),
    "core insert, parameters": lambda s: s.execute(insert(SITES), ROW),
    "core insert, many": lambda s: s.execute(insert(SITES), TWO),
    "core insert, many with tenant": lambda s: s.execute(insert(SITES), own(TWO)),
    "core insert, multi-row": lambda s: s.execute(insert(SITES).values(TWO)),
    "core insert, multi-row with tenant": lambda s: s.execute(insert(SITES).values(own(TWO))),
    "core insert, mixed": lambda s: s.execute(insert(SITES).values(name="n"), [{"site_id": n} for n in (901, 902)]),
    "core insert, positional": lambda s: s.execute(insert(SITES).values(("A", 901, "new", None, None))),
    "core insert, returning": lambda s: s.execute(insert(SITES).returning(SITES.c.site_id), TWO).all(),
    "on the connection": lambda s: s.connection().execute(insert(SITES), TWO),
    "literal": lambda s: s.execute(insert(SITES).values(tenant_id=literal("A"), **ROW)),
    "expression": lambda s: s.execute(insert(SITES).values(tenant_id=func.upper("a"), **ROW)),
    "subquery": lambda s: s.execute(
        insert(SITES).values(tenant_id=select(func.max(SITES.c.tenant_id)).scalar_subquery(), **ROW)
    ),
    "from select": lambda s: s.execute(
        insert(SITES).from_select(["site_id", "name"], select(SITES.c.site_id + 900, SITES.c.name))
    ),
    "from select with tenant": lambda s: s.execute(
        insert(SITES).from_select(
            ["tenant_id", "site_id", "name"], select(SITES.c.tenant_id, SITES.c.site_id + 900, SITES.c.name)
        )
    ),
    "from select of entities": lambda s: s.execute(
        insert(Site).from_select(["site_id", "name"], select(Site.site_id + 900, Site.name).order_by(Site.name))
    ),
    "from union": lambda s: s.execute(
        insert(SITES).from_select(
            ["site_id", "name"],
            union_all(select(literal(901), literal("x")), select(literal(902), literal("y"))),
        )
    ),
    "from select with null": lambda s: s.execute(
        insert(SITES).from_select(
            ["tenant_id", "site_id", "name", "parent_id"],
            select(literal("A"), literal(901), literal_column("'x'"), literal_column("NULL")),
        )
    ),
    "in a cte": lambda s: s.execute(
        select(insert(SITES).values(**ROW).returning(SITES.c.name).cte("added").c.name)
    ).all(),
    "lightweight": lambda s: s.execute(
        insert(table("site", column("tenant_id"), column("site_id"), column("name"))).values(**ROW)
    ),
    "lightweight without tenant": lambda s: s.execute(
        insert(table("site", column("site_id"), column("name"))).values(**ROW)
    ),
    "lightweight, many": lambda s: s.execute(insert(table("site", column("site_id"), column("name"))), TWO),
    "upsert": lambda s: s.execute(
        postgresql.insert(Site)
        .values(**ROW)
        .on_conflict_do_update(index_elements=["tenant_id", "site_id"], set_={"name": "again"})
    ),
    "upsert of every column": lambda s: s.execute(_upsert_all()),
    "upsert, nothing": lambda s: s.execute(postgresql.insert(Site).values(**ROW).on_conflict_do_nothing()),
    "bulk objects": lambda s: s.bulk_save_objects([Site(**row) for row in TWO]),
    "bulk mappings": lambda s: s.bulk_insert_mappings(Site, TWO),  # type: ignore[arg-type]
    "bulk mappings, nulls": lambda s: s.bulk_insert_mappings(
        Site,  # type: ignore[arg-type]
        own(TWO, None),
        render_nulls=True,
    ),
    "split": lambda s: s.add(Visit(split_assignment="train", **VISIT)),
    "split as an enum": lambda s: s.execute(insert(Visit).values(split_assignment=Split.TRAIN.value, **VISIT)),
    "split of an enum column": lambda s: s.execute(
        insert(Reading), [{"reading_id": n, "split": "validation", "label": "x"} for n in (901, 902)]
    ),
    "split by default": lambda s: s.execute(insert(Visit).values(**VISIT)),
    "split by select": lambda s: s.execute(
        insert(Visit).from_select(
            ["visit_id", "label", "patient_id", "split_assignment"],
            select(Visit.visit_id + 900, Visit.label, Visit.patient_id, Visit.split_assignment),
        )
    ),
    "enum split by select": lambda s: s.execute(
        insert(Reading).from_select(
            ["reading_id", "label", "split"], select(Reading.reading_id + 900, Reading.label, Reading.split)
        )
    ),
    "unscoped": lambda s: s.execute(insert(Country).values(code="ZZ", name="z")),
}


def _upsert_all() -> Any:
    statement = postgresql.insert(SITES).values(own(TWO))
    every = {c.name: statement.excluded[c.name] for c in SITES.c}
    return statement.on_conflict_do_update(index_elements=["tenant_id", "site_id"], set_=every)


FOREIGN: dict[str, Act] = {
    "object": lambda s: (s.add(Site(tenant_id="B", **ROW)), s.flush()),
    "object, late": lambda s: (s.add(site := Site(**ROW)), setattr(site, "tenant_id", "B"), s.flush()),
    "object with an expression": lambda s: (s.add(Site(tenant_id=func.upper("b"), **ROW)), s.flush()),
    "child of a foreign parent": lambda s: (
        s.add(Visit(site=Site(tenant_id="B", **ROW), **VISIT)),
        s.flush(),
    ),
    "orm insert": lambda s: s.execute(insert(Site).values(tenant_id="B", **ROW)),
    "orm insert, list": lambda s: s.execute(insert(Site), own(TWO, "B")),
    "orm insert, one of a list": lambda s: s.execute(insert(Site), [*own(TWO[:1]), *own(TWO[1:], "B")]),
    "core insert": lambda s: s.execute(insert(SITES).values(tenant_id="B", **ROW)),
    "core insert, parameters": lambda s: s.execute(insert(SITES), {"tenant_id": "B", **ROW}),
    "core insert, many": lambda s: s.execute(insert(SITES), own(TWO, "B")),
    "core insert, many returned": lambda s: s.execute(insert(SITES).returning(SITES.c.name), own(TWO, "B")),
    "core insert, multi-row": lambda s: s.execute(insert(SITES).values([*own(TWO[:1]), *own(TWO[1:], "B")])),
    "core insert, positional": lambda s: s.execute(insert(SITES).values(("B", 901, "new", None, None))),
    "literal": lambda s: s.execute(insert(SITES).values(tenant_id=literal("B"), **ROW)),
    "literal column": lambda s: s.execute(insert(SITES).values(tenant_id=literal_column("'B'"), **ROW)),
    "expression": lambda s: s.execute(insert(SITES).values(tenant_id=func.upper("b"), **ROW)),
    "text": lambda s: s.execute(insert(SITES).values(tenant_id=text("'B'"), **ROW)),
    "text in a list": lambda s: s.execute(insert(SITES).values(own(TWO, text("'B'")))),  # type: ignore[arg-type]
    "from select, literal": lambda s: s.execute(
        insert(SITES).from_select(["tenant_id", "site_id", "name"], select(literal("B"), literal(1), literal("x")))
    ),
    "from select, column": lambda s: s.execute(
        insert(SITES).from_select(
            ["tenant_id", "site_id", "name"], select(func.lower("B"), SITES.c.site_id, SITES.c.name)
        )
    ),
    "from union": lambda s: s.execute(
        insert(SITES).from_select(
            ["tenant_id", "site_id", "name"],
            union_all(
                select(literal("A"), literal(901), literal("x")), select(literal("B"), literal(902), literal("y"))
            ),
        )
    ),
    "in a cte": lambda s: s.execute(
        select(insert(SITES).values(tenant_id="B", **ROW).returning(SITES.c.name).cte("added").c.name)
    ),
    "lightweight": lambda s: s.execute(
        insert(table("site", column("tenant_id"), column("site_id"), column("name"))).values(tenant_id="B", **ROW)
    ),
    "upsert": lambda s: s.execute(
        postgresql.insert(Site)
        .values(tenant_id="B", **ROW)
        .on_conflict_do_update(index_elements=["tenant_id", "site_id"], set_={"name": "x"})
    ),
    "upsert that moves": lambda s: s.execute(
        postgresql.insert(Site)
        .values(site_id=1, name="x")
        .on_conflict_do_update(index_elements=["tenant_id", "site_id"], set_={"tenant_id": "B"})
    ),
    "upsert that moves by text": lambda s: s.execute(
        postgresql.insert(Site)
        .values(site_id=1, name="x")
        .on_conflict_do_update(index_elements=["tenant_id", "site_id"], set_={SITES.c.tenant_id: text("'B'")})
    ),
    "bulk objects": lambda s: s.bulk_save_objects([Site(tenant_id="B", **ROW)]),
    "bulk mappings": lambda s: s.bulk_insert_mappings(Site, own(TWO, "B")),  # type: ignore[arg-type]
    "update of the tenant": lambda s: s.execute(update(Site).values(tenant_id="B")),
    "update to the own tenant": lambda s: s.execute(update(Site).values({Site.tenant_id: "A"})),
    "update by parameters": lambda s: s.connection().execute(update(SITES), {"tenant_id": "B"}),
    "update in order": lambda s: s.execute(update(SITES).ordered_values((SITES.c.tenant_id, "B"))),
    "update of a lightweight": lambda s: s.execute(update(table("site", column("tenant_id"))).values(tenant_id="B")),
    "update in a cte": lambda s: s.execute(
        select(update(SITES).values(tenant_id="B").returning(SITES.c.name).cte("moved").c.name)
    ),
    "update in a cte, by parameters": lambda s: s.execute(
        select(update(SITES).values(name="x").returning(SITES.c.name).cte("moved").c.name), {"tenant_id": "B"}
    ),
    "insert beside a cte": lambda s: s.execute(
        insert(Country.__table__)
        .values(code="ZZ", name="z")
        .add_cte(insert(SITES).values(site_id=901, name="x", tenant_id="B").cte("c"))
    ),
    "changed object": lambda s: (setattr(s.get(Site, ("A", 6)), "tenant_id", "B"), s.flush()),
}

CLOSED: dict[str, Act] = {
    "object": lambda s: (s.add(Visit(split_assignment="holdout", **VISIT)), s.flush()),
    "orm insert": lambda s: s.execute(insert(Visit).values(split_assignment="holdout", **VISIT)),
    "orm insert, list": lambda s: s.execute(insert(Visit), [{**VISIT, "split_assignment": "test"}]),
    "split outside of the scope": lambda s: s.execute(insert(Visit).values(split_assignment="unassigned", **VISIT)),
    "core insert, many": lambda s: s.execute(
        insert(Visit.__table__),
        [{**VISIT, "visit_id": n, "split_assignment": x} for n, x in ((1, "train"), (2, "test"))],
    ),
    "core insert, multi-row": lambda s: s.execute(
        insert(Visit.__table__).values([{**VISIT, "split_assignment": "test"}])
    ),
    "enum column": lambda s: s.execute(insert(Reading), [{"reading_id": 901, "split": "test", "label": "x"}]),
    "expression": lambda s: s.execute(insert(Visit).values(split_assignment=func.lower("TEST"), **VISIT)),
    "enum expression": lambda s: s.execute(
        insert(Reading).values(reading_id=901, split=literal_column("'test'"), label="x")
    ),
    "from select": lambda s: s.execute(
        insert(Visit).from_select(
            ["visit_id", "label", "patient_id", "split_assignment"],
            select(Visit.visit_id + 900, Visit.label, Visit.patient_id, literal("holdout")),
        )
    ),
    "update": lambda s: s.execute(update(Visit).values(split_assignment="train")),
    "update of an enum": lambda s: s.execute(update(Reading).values(split="train")),
    "upsert": lambda s: s.execute(
        (q := postgresql.insert(Visit).values(split_assignment="train", **VISIT)).on_conflict_do_update(
            index_elements=["tenant_id", "visit_id"], set_={"split_assignment": q.excluded.split_assignment}
        )
    ),
    "changed object": lambda s: (setattr(s.get(Visit, ("A", 1)), "split_assignment", "validation"), s.flush()),
    "bulk mappings": lambda s: s.bulk_insert_mappings(
        Visit,  # type: ignore[arg-type]
        [{**VISIT, "split_assignment": "test"}],
    ),
}


def cases(acts: dict[str, Act]) -> Any:
    return pytest.mark.parametrize("act", [pytest.param(act, id=name) for name, act in acts.items()])


def added(session: Session, act: Act) -> list[str]:
    before = snapshot(session)
    act(session)
    session.flush()
    now = snapshot(session)
    session.rollback()
    assert not any(before[name] - now[name] for name in now), "a row went away or changed"
    return [row for name in now for row in (now[name] - before[name])]


@cases(STAMPED)
def test_stamped(act: Act, session: ScopedSession) -> None:
    rows = added(session, act)
    assert rows
    assert all('"tenant_id":"A"' in row or '"code"' in row for row in rows)


@cases(STAMPED)
async def test_stamped_async(act: Act, async_session: AsyncScopedSession) -> None:
    rows = await async_session.run_sync(added, act)
    assert rows
    assert all('"tenant_id":"A"' in row or '"code"' in row for row in rows)


@pytest.mark.parametrize(
    ("act", "error"),
    [pytest.param(act, CrossTenantError, id=f"tenant: {name}") for name, act in FOREIGN.items()]
    + [pytest.param(act, SplitAccessError, id=f"split: {name}") for name, act in CLOSED.items()],
)
class TestRefused:
    def test_sync(self, act: Act, error: type[Exception], session: ScopedSession) -> None:
        before = snapshot(session)
        session.commit()
        with pytest.raises(error) as raised:
            act(session)
        assert "Remedy" in str(raised.value)
        assert (
            "visit" in str(raised.value)
            or "site" in str(raised.value)
            or "tenant=A" in str(raised.value)
            or "reading" in str(raised.value)
        )
        session.rollback()
        assert snapshot(session) == before

    async def test_async(self, act: Act, error: type[Exception], async_session: AsyncScopedSession) -> None:
        with pytest.raises(error):
            await async_session.run_sync(act)


def test_upsert_leaves_a_hidden_row_alone(session: ScopedSession) -> None:
    hidden = [row for row in toy.rows()["visit"] if row["tenant_id"] == "A" and not toy.visible("visit", row)]
    rows = [{**VISIT, "visit_id": row["visit_id"], "split_assignment": "train"} for row in hidden]
    statement = postgresql.insert(Visit).values(rows)
    before = snapshot(session)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "visit_id"], set_={"label": "overwritten"}, where=Visit.score > -1
        )
    )
    assert snapshot(session) == before
