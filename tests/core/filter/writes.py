"""Ways to write: each takes a session and returns what it was told about the write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    bindparam,
    column,
    delete,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    table,
    text,
    true,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session, aliased

from core.filter.toy import Country, Doctor, Note, Nurse, Person, Reading, Site, Visit

Write = Callable[[Session], Any]
WRITES: list[Write] = []


def write(function: Write) -> Write:
    WRITES.append(function)
    return function


def _synchronised(how: Any) -> list[Write]:
    def bulk_update(s: Session) -> Any:
        seen = s.scalars(select(Visit)).all()
        done = s.execute(update(Visit).values(score=99), execution_options={"synchronize_session": how})
        return done.rowcount, sorted((v.visit_id, v.score or 0) for v in seen)

    def bulk_delete(s: Session) -> Any:
        s.scalars(select(Note)).all()
        statement = delete(Note).where(Note.note_id > 3)
        return s.execute(statement, execution_options={"synchronize_session": how}).rowcount

    bulk_update.__name__ += f"_{how}"
    bulk_delete.__name__ += f"_{how}"
    return [bulk_update, bulk_delete]


for _how in ("evaluate", "fetch", "auto", False):
    WRITES.extend(_synchronised(_how))


@write
def update_or_true(s: Session) -> Any:
    return s.execute(update(Visit.__table__).where(or_(Visit.visit_id == 1, true())).values(label="w")).rowcount


@write
def update_text_or_true(s: Session) -> Any:
    return s.execute(update(Visit.__table__).where(text("1 = 0 OR 1 = 1")).values(label="w")).rowcount


@write
def update_by_foreign_key(s: Session) -> Any:
    return (
        s.execute(update(Site).where(Site.site_id == 101).values(name="mine")).rowcount
        or s.execute(update(Site).where(Site.site_id == 1).values(name="mine")).rowcount
    )


@write
def update_returning(s: Session) -> Any:
    return s.execute(update(Visit).values(label=Visit.label + "!").returning(Visit.visit_id, Visit.label)).all()


@write
def update_returning_entity(s: Session) -> Any:
    done = s.scalars(update(Visit).values(score=1).returning(Visit)).all()
    return sorted((v.visit_id, v.score) for v in done)


@write
def update_from(s: Session) -> Any:
    return s.execute(update(Site).where(Visit.site_id == Site.site_id).values(name=Site.name + "+")).rowcount


@write
def update_unscoped_from_scoped(s: Session) -> Any:
    found = exists().where(Site.country_code == Country.code, Site.name.like("%secret%"))
    s.execute(update(Country).where(found).values(name="leaked"))
    return s.execute(
        update(Country).where(Site.country_code == Country.code).values(name=func.concat(Country.name, "!"))
    ).rowcount


@write
def update_from_copies_data(s: Session) -> Any:
    other = aliased(Site)
    s.execute(update(Site).where(Site.site_id == other.site_id - 100).values(name=other.name))
    return s.execute(update(Site).where(other.site_id == Site.parent_id).values(name=other.name)).rowcount


@write
def update_with_subquery(s: Session) -> Any:
    best = select(func.max(Visit.label)).scalar_subquery()
    return s.execute(update(Site).values(name=best)).rowcount


@write
def update_alias(s: Session) -> Any:
    site = Site.__table__.alias("x")
    return s.execute(update(site).values(name="aliased")).rowcount


@write
def update_many(s: Session) -> Any:
    statement = update(Site.__table__).where(Site.__table__.c.site_id == bindparam("b_id"))
    s.connection().execute(statement.values(name="many"), [{"b_id": 1}, {"b_id": 2}, {"b_id": 101}])


@write
def update_joined_parent(s: Session) -> Any:
    return s.execute(update(Person).values(label="p")).rowcount


@write
def update_single_inheritance(s: Session) -> Any:
    return s.execute(update(Nurse).values(label="n")).rowcount


@write
def update_lightweight(s: Session) -> Any:
    v = table("visit", column("label"), column("visit_id"))
    return s.execute(update(v).values(label="light")).rowcount


@write
def update_with_schema(s: Session) -> Any:
    v = table("visit", column("label"), column("visit_id"), schema="public")
    return s.execute(update(v).where(v.c.visit_id > 0).values(label="light")).rowcount


@write
def update_in_cte(s: Session) -> Any:
    changed = update(Visit).values(score=7).returning(Visit.visit_id).cte("changed")
    return s.execute(select(func.count()).select_from(changed)).scalar()


@write
def update_ordered(s: Session) -> Any:
    return s.execute(update(Site).ordered_values((Site.name, "o"), (Site.country_code, "PT"))).rowcount


@write
def update_enum_table(s: Session) -> Any:
    return s.execute(update(Reading).values(label="r")).rowcount


@write
def delete_everything(s: Session) -> Any:
    return s.execute(delete(Note)).rowcount


@write
def delete_using(s: Session) -> Any:
    return s.execute(delete(Note).where(Note.visit_id == Visit.visit_id, Visit.score > 2)).rowcount


@write
def delete_returning(s: Session) -> Any:
    return s.execute(delete(Note).returning(Note.body)).all()


@write
def delete_in_cte(s: Session) -> Any:
    gone = delete(Note).where(Note.note_id > 0).returning(Note.body).cte("gone")
    return s.execute(select(gone.c.body)).all()


@write
def delete_alias(s: Session) -> Any:
    note = Note.__table__.alias("x")
    return s.execute(delete(note).where(note.c.note_id > 4)).rowcount


@write
def delete_by_subquery(s: Session) -> Any:
    return s.execute(delete(Note).where(Note.visit_id.in_(select(Visit.visit_id)))).rowcount


@write
def delete_lightweight(s: Session) -> Any:
    return s.execute(delete(table("note"))).rowcount


@write
def delete_many(s: Session) -> Any:
    notes = Note.__table__
    s.connection().execute(delete(notes).where(notes.c.note_id == bindparam("n")), [{"n": 1}, {"n": 3}, {"n": 1001}])


@write
def query_update(s: Session) -> Any:
    return s.query(Visit).filter(Visit.score >= 0).update({"label": "q"})


@write
def query_delete(s: Session) -> Any:
    return s.query(Note).delete()


@write
def delete_joined_child(s: Session) -> Any:
    return s.execute(delete(Doctor)).rowcount


@write
def insert_copies_other_rows(s: Session) -> Any:
    rows = select(Visit.tenant_id, Visit.visit_id + 5000, Visit.label)
    s.execute(insert(Note).from_select(["tenant_id", "note_id", "body"], rows))


@write
def insert_copies_splits(s: Session) -> Any:
    rows = select(
        Visit.tenant_id, Visit.visit_id + 5000, Visit.split_assignment, Visit.label, Visit.patient_id, Visit.day
    )
    names = ["tenant_id", "visit_id", "split_assignment", "label", "patient_id", "day"]
    s.execute(insert(Visit).from_select(names, rows))


@write
def insert_scalar_subquery(s: Session) -> Any:
    best = select(func.string_agg(Visit.label, ",")).scalar_subquery()
    s.execute(insert(Country).values(code="XX", name=func.length(best)))


@write
def insert_unscoped_from_scoped(s: Session) -> Any:
    code = func.substr(Site.name, literal_column("6"), literal_column("2"))
    s.execute(insert(Country).from_select(["code", "name"], select(code, func.max(Site.name)).group_by(code)))


@write
def upsert_updates(s: Session) -> Any:
    statement = postgresql.insert(Site).values([{"tenant_id": "A", "site_id": n, "name": "up"} for n in (1, 2, 900)])
    statement = statement.on_conflict_do_update(
        index_elements=["tenant_id", "site_id"],
        set_={"name": select(func.max(Visit.label)).scalar_subquery()},
    )
    s.execute(statement)


@write
def upsert_with_where(s: Session) -> Any:
    statement = postgresql.insert(Visit).values(
        [
            {"tenant_id": "A", "visit_id": n, "label": "up", "patient_id": "p", "split_assignment": "train"}
            for n in (1, 2, 6, 7)
        ]
    )
    statement = statement.on_conflict_do_update(
        index_elements=["tenant_id", "visit_id"],
        set_={"label": statement.excluded.label + select(func.max(Visit.label)).scalar_subquery()},
        where=or_(Visit.score > 1, true()),
    )
    s.execute(statement)


@write
def object_changed_and_deleted(s: Session) -> Any:
    for note in s.scalars(select(Note)):
        if note.note_id % 3:
            note.body = "changed"
        else:
            s.delete(note)
    s.flush()


@write
def cascade_of_the_orm(s: Session) -> Any:
    s.execute(update(Note).values(visit_id=None))
    for site in s.scalars(select(Site).where(Site.parent_id.is_not(None), Site.site_id % 100 > 4)):
        s.delete(site)
    s.flush()
