"""A small schema of every kind of relation that the filter knows, and rows to leak.

Two databases hold it: ``full`` with every row, and ``truth`` with only the rows that :data:`SCOPE` may see, chosen
here in Python. Whatever a statement answers through the filter on ``full`` has to be what the same statement
answers without a filter on ``truth``: nothing leaked, nothing lost.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Enum,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.associationproxy import AssociationProxy, association_proxy
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    WriteOnlyMapped,
    column_property,
    mapped_column,
    relationship,
)

from hedgerow.core.filter import ScopeRegistry
from hedgerow.core.predicate import ScopeRule
from hedgerow.core.scope import Scope

UTC = dt.UTC
SCOPE = Scope(tenant_id="A", splits={"train", "validation"})
BOUNDS = {
    "train_until": dt.datetime(2024, 1, 1, tzinfo=UTC),
    "validation_from": dt.datetime(2024, 1, 8, tzinfo=UTC),
    "validation_until": dt.datetime(2024, 6, 1, tzinfo=UTC),
    "test_from": dt.datetime(2024, 6, 8, tzinfo=UTC),
    "test_until": dt.datetime(2024, 9, 1, tzinfo=UTC),
    "holdout_from": dt.datetime(2024, 9, 8, tzinfo=UTC),
}
TENANT = {"hedgerow.scope": ScopeRule()}
SPLITS = ("train", "validation", "test", "holdout", "unassigned")


class Base(DeclarativeBase):
    metadata = MetaData()


class Country(Base):
    """Belongs to no tenant."""

    __tablename__ = "country"
    code: Mapped[str] = mapped_column(String(2), primary_key=True)
    name: Mapped[str] = mapped_column(Text)


class Site(Base):
    """A tenant's table that refers to itself."""

    __tablename__ = "site"
    tenant_id: Mapped[str] = mapped_column(String(50), primary_key=True)
    site_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(Text)
    country_code: Mapped[str | None] = mapped_column(String(2))
    parent_id: Mapped[int | None]
    detail: Mapped[dict[str, Any] | None] = mapped_column(JSONB, deferred=True)
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "parent_id"], ["site.tenant_id", "site.site_id"]),
        {"info": TENANT},
    )

    parent: Mapped[Site | None] = relationship(
        remote_side="[Site.tenant_id, Site.site_id]", back_populates="children", overlaps="children"
    )
    children: Mapped[list[Site]] = relationship(back_populates="parent", overlaps="parent")
    visits: Mapped[list[Visit]] = relationship(back_populates="site", cascade="all, delete-orphan")
    visit_stream: WriteOnlyMapped[Visit] = relationship(viewonly=True)
    visit_labels: AssociationProxy[list[str]] = association_proxy("visits", "label")


class Visit(Base):
    """A table with splits and an event time in two columns."""

    __tablename__ = "visit"
    tenant_id: Mapped[str] = mapped_column(String(50), primary_key=True)
    visit_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    site_id: Mapped[int | None]
    patient_id: Mapped[str] = mapped_column(Text)
    split_assignment: Mapped[str] = mapped_column(String(20), server_default="unassigned")
    day: Mapped[dt.date | None] = mapped_column(Date)
    occurred_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    label: Mapped[str] = mapped_column(Text)
    score: Mapped[int | None]
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "site_id"], ["site.tenant_id", "site.site_id"]),
        {"info": {"hedgerow.scope": ScopeRule("tenant_id", "split_assignment", ("day", "occurred_at"))}},
    )

    site: Mapped[Site | None] = relationship(back_populates="visits", overlaps="visit_stream")
    notes: Mapped[list[Note]] = relationship(back_populates="visit", passive_deletes=True)

    @hybrid_property
    def shout(self) -> str:
        return self.label.upper()

    @shout.inplace.expression
    @classmethod
    def _shout(cls) -> Any:
        return func.upper(cls.label)


class Note(Base):
    """A child of a split table without a split of its own."""

    __tablename__ = "note"
    tenant_id: Mapped[str] = mapped_column(String(50), primary_key=True)
    note_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    visit_id: Mapped[int | None]
    body: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "visit_id"], ["visit.tenant_id", "visit.visit_id"], ondelete="CASCADE"),
        {"info": TENANT},
    )

    visit: Mapped[Visit | None] = relationship(back_populates="notes")


class Reading(Base):
    """A split table whose split is a native enum, without an event time."""

    __tablename__ = "reading"
    tenant_id: Mapped[str] = mapped_column(String(50), primary_key=True)
    reading_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    split: Mapped[str] = mapped_column(Enum(*SPLITS, name="toy_split"))
    label: Mapped[str] = mapped_column(Text)
    __table_args__ = ({"info": {"hedgerow.scope": ScopeRule("tenant_id", "split")}},)


class Journal(Base):
    """An append-only table."""

    __tablename__ = "journal"
    tenant_id: Mapped[str] = mapped_column(String(50), primary_key=True)
    entry_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    label: Mapped[str] = mapped_column(Text)
    __table_args__ = ({"info": {**TENANT, "hedgerow.append_only": True}},)


class Person(Base):
    """Joined and single-table inheritance."""

    __tablename__ = "person"
    tenant_id: Mapped[str] = mapped_column(String(50), primary_key=True)
    person_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(20))
    label: Mapped[str] = mapped_column(Text)
    __table_args__ = ({"info": TENANT},)
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}


class Doctor(Person):
    __tablename__ = "doctor"
    tenant_id: Mapped[str] = mapped_column(String(50), primary_key=True)
    person_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    field: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "person_id"], ["person.tenant_id", "person.person_id"]),
        {"info": TENANT},
    )
    __mapper_args__ = {"polymorphic_identity": "doctor"}


class Nurse(Person):
    __mapper_args__ = {"polymorphic_identity": "nurse"}


class HoldoutVisit(Base):
    """A view of one split."""

    __tablename__ = "v_holdout_visit"
    tenant_id: Mapped[str] = mapped_column(String(50), primary_key=True)
    visit_id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(Text)
    day: Mapped[dt.date | None]
    __table_args__ = ({"info": {"hedgerow.scope": ScopeRule(only_split="holdout"), "is_view": True}},)


ACCESS_LOG = Table(
    "ml_split_access_log",
    Base.metadata,
    Column("access_id", Integer, primary_key=True),
    Column("tenant_id", String(50), nullable=False),
    Column("table_name", String(63), nullable=False),
    Column("requested_split", String(20)),
    Column("caller", String(255)),
    Column("allowed", Boolean, nullable=False),
    Column("reason", Text),
    Column("accessed_at", DateTime(timezone=True), server_default=func.now()),
    info={**TENANT, "hedgerow.append_only": True},
)

Site.visit_count = column_property(  # type: ignore[attr-defined]
    select(func.count(Visit.visit_id))
    .where(Visit.tenant_id == Site.tenant_id, Visit.site_id == Site.site_id)
    .correlate_except(Visit)
    .scalar_subquery(),
    deferred=True,
)

REGISTRY = ScopeRegistry(Base.metadata, names={"v_secret"})
TABLES = [table for table in Base.metadata.sorted_tables if not table.info.get("is_view")]

FUNCTIONS = """
CREATE SCHEMA app;
CREATE FUNCTION app.open_scope(
    tenant text, user_id uuid, splits text[], purpose text, signature text, opening uuid,
    OUT train_until timestamptz, OUT validation_from timestamptz, OUT validation_until timestamptz,
    OUT test_from timestamptz, OUT test_until timestamptz, OUT holdout_from timestamptz
) LANGUAGE plpgsql AS $$
BEGIN
    IF tenant NOT IN ('A', 'B', 'O''Brien "x" %s') THEN
        RAISE EXCEPTION 'unknown tenant %', tenant;
    END IF;
    PERFORM set_config('app.current_tenant', tenant, true), set_config('app.splits', splits::text, true);
    IF tenant = 'B' THEN
        train_until := 'infinity'; validation_from := '-infinity'; validation_until := 'infinity';
        test_from := '-infinity'; test_until := 'infinity'; holdout_from := '-infinity';
    ELSE
        train_until := '2024-01-01Z'; validation_from := '2024-01-08Z'; validation_until := '2024-06-01Z';
        test_from := '2024-06-08Z'; test_until := '2024-09-01Z'; holdout_from := '2024-09-08Z';
    END IF;
END $$;
CREATE FUNCTION app.request_opening(
    splits text[], model text, purpose text, caller text,
    OUT opening_id uuid, OUT budget integer, OUT opened_by text, OUT opened_at timestamptz
) LANGUAGE plpgsql AS $$
BEGIN
    IF model = 'used up' THEN
        budget := 1; opened_by := 'somebody'; opened_at := '2024-10-01Z';
        RETURN;
    END IF;
    opening_id := gen_random_uuid();
    INSERT INTO ml_split_access_log (tenant_id, table_name, requested_split, caller, allowed, reason)
    SELECT current_setting('app.current_tenant'), '*', s, caller, true, purpose FROM unnest(splits) AS s;
END $$;
CREATE VIEW v_holdout_visit AS SELECT * FROM visit WHERE split_assignment = 'holdout';
CREATE VIEW v_secret AS SELECT * FROM visit;
CREATE FUNCTION forbid_mutation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE ON journal
    FOR EACH ROW EXECUTE FUNCTION forbid_mutation();
"""


def visible(table: str, row: dict[str, Any], scope: Scope = SCOPE) -> bool:
    """The rule, once more and by hand: what the scope may see of a row."""
    if table in ("country", "ml_split_access_log"):
        return True
    if row["tenant_id"] != scope.tenant_id:
        return False
    if table == "reading":
        return scope.holds(row["split"])
    if table != "visit":
        return True
    if not scope.holds(row["split_assignment"]):
        return False
    if row["split_assignment"] == "unassigned":
        return True
    moment = row["occurred_at"]
    if row["day"] is not None:
        moment = dt.datetime.combine(row["day"], dt.time(), UTC)
    if moment is None:
        return False
    if scope.tenant_id == "B":
        return True
    low = BOUNDS.get(f"{row['split_assignment']}_from", dt.datetime.min.replace(tzinfo=UTC))
    high = BOUNDS.get(f"{row['split_assignment']}_until", dt.datetime.max.replace(tzinfo=UTC))
    return bool(low <= moment < high)


def _visit_rows() -> list[dict[str, Any]]:
    rows = []
    days = {
        "train": dt.date(2023, 5, 1),
        "validation": dt.date(2024, 2, 1),
        "test": dt.date(2024, 7, 1),
        "holdout": dt.date(2024, 10, 1),
        "unassigned": dt.date(2024, 1, 3),
    }
    for t, tenant in enumerate("AB"):
        for i in range(30):
            split = SPLITS[i % 5]
            day: dt.date | None = days[split] + dt.timedelta(days=i)
            at: dt.datetime | None = None
            if i % 3 == 1:
                day, at = None, dt.datetime.combine(day or days[split], dt.time(12), UTC)
            if i in (10, 11):  # train and validation rows from after their windows
                day, at = dt.date(2024, 8, 1), None
            if i in (15, 16):  # and rows without any event time
                day, at = None, None
            secret = "" if visible("visit", _row(tenant, split, day, at)) else " secret"
            rows.append(
                {
                    "tenant_id": tenant,
                    "visit_id": t * 1000 + i + 1,
                    "site_id": t * 100 + i % 4 + 1 if i % 7 else None,
                    "patient_id": f"{tenant}-p{i % 10}",
                    "split_assignment": split,
                    "day": day,
                    "occurred_at": at,
                    "label": f"visit {tenant}{i}{secret}",
                    "score": None if i % 6 == 5 else i * (t + 1),
                }
            )
    return rows


def _row(tenant: str, split: str, day: dt.date | None, at: dt.datetime | None) -> dict[str, Any]:
    return {"tenant_id": tenant, "split_assignment": split, "day": day, "occurred_at": at}


def rows() -> dict[str, list[dict[str, Any]]]:
    """Every row of the toy schema; what :data:`SCOPE` may not see says "secret"."""
    visits = _visit_rows()
    data: dict[str, list[dict[str, Any]]] = {
        "country": [{"code": "CH", "name": "Switzerland"}, {"code": "PT", "name": "Portugal"}],
        "site": [],
        "visit": visits,
        "note": [],
        "reading": [],
        "journal": [],
        "person": [],
        "doctor": [],
        "ml_split_access_log": [],
    }
    for t, tenant in enumerate("AB"):
        secret = " secret" if tenant == "B" else ""
        for i in range(6):
            data["site"].append(
                {
                    "tenant_id": tenant,
                    "site_id": t * 100 + i + 1,
                    "name": f"site {tenant}{i}{secret}",
                    "country_code": ("CH", "PT", None)[i % 3],
                    "parent_id": t * 100 + 1 if i else None,
                    "detail": {"word": f"detail{secret}", "n": i},
                }
            )
            data["journal"].append(
                {"tenant_id": tenant, "entry_id": t * 100 + i + 1, "label": f"entry {tenant}{i}{secret}"}
            )
            kind = ("person", "doctor", "nurse")[i % 3]
            person = {"tenant_id": tenant, "person_id": t * 100 + i + 1}
            data["person"].append({**person, "kind": kind, "label": f"{kind} {tenant}{i}{secret}"})
            if kind == "doctor":
                data["doctor"].append({**person, "field": f"field {tenant}{i}{secret}"})
        for i in range(10):
            split = SPLITS[i % 5]
            hidden = secret or ("" if SCOPE.holds(split) else " secret")
            data["reading"].append(
                {
                    "tenant_id": tenant,
                    "reading_id": t * 100 + i + 1,
                    "split": split,
                    "label": f"reading {tenant}{i}{hidden}",
                }
            )
    for i, visit in enumerate(visits):
        if i % 2 == 0:
            secret = " secret" if visit["tenant_id"] == "B" else ""
            data["note"].append(
                {
                    "tenant_id": visit["tenant_id"],
                    "note_id": visit["visit_id"],
                    "visit_id": visit["visit_id"],
                    "body": f"note {visit['tenant_id']}{i}{secret}",
                }
            )
    return data


def create(connection: Connection, *, only_visible: bool) -> None:
    """Create the schema and its rows."""
    Base.metadata.create_all(connection, tables=TABLES)
    if only_visible:  # a note may be seen although its visit may not
        connection.execute(text("ALTER TABLE note DROP CONSTRAINT note_tenant_id_visit_id_fkey"))
    connection.exec_driver_sql(FUNCTIONS, execution_options={"no_parameters": True})
    for table in TABLES:
        chosen = [row for row in rows()[table.name] if not only_visible or visible(table.name, row)]
        if chosen:
            connection.execute(insert(table), chosen)
    connection.execute(text("ANALYZE"))
