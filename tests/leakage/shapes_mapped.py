"""Inheritance, proxies, hybrids, column properties, write-only and dynamic collections, many to many."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import case, delete, func, insert, literal, select, update
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import (
    Session,
    aliased,
    contains_eager,
    defaultload,
    joinedload,
    lazyload,
    raiseload,
    selectin_polymorphic,
    selectinload,
    subqueryload,
    with_expression,
    with_polymorphic,
)

from leakage.mapped import JOURNEYS, PATIENTS, Event, Journey, KisqaliEvent, Patient, Prescriber, Trigger
from leakage.shapes import Shapes
from leakage.world import FOREIGN, OWN

SHAPES = Shapes("mapped")
statement, interaction = SHAPES.statement, SHAPES.interaction

WRITES = Shapes("inherited")
write = WRITES.interaction


def _patients(s: Session, *options: Any) -> Any:
    return s.scalars(select(Patient).options(*options)).unique().all()


# -- single-table inheritance -------------------------------------------------------------------------------------


@statement
def single_inheritance_base() -> Any:
    return select(Event)


@statement
def single_inheritance_leaf() -> Any:
    return select(KisqaliEvent)


@statement
def single_inheritance_columns() -> Any:
    return select(KisqaliEvent.treatment_event_id, func.count().over())


@statement
def single_inheritance_exists() -> Any:
    return select(Patient.patient_id).where(
        select(KisqaliEvent).where(KisqaliEvent.patient_id == Patient.patient_id).exists()
    )


@statement
def single_inheritance_outer_join() -> Any:
    leaf = aliased(KisqaliEvent)
    return select(Event.treatment_event_id, leaf.treatment_event_id).outerjoin(leaf, leaf.hcp_id == Event.hcp_id)


@interaction
def single_inheritance_get(s: Session) -> Any:
    found = s.scalars(select(KisqaliEvent)).all()
    return [s.get(Event, (t, e.treatment_event_id)) for e in found for t in (OWN, FOREIGN)]


# -- joined-table inheritance -------------------------------------------------------------------------------------


@statement
def joined_inheritance_leaf() -> Any:
    return select(Journey)


@statement
def joined_inheritance_columns() -> Any:
    return select(Journey.id, Journey.assigned_split)


@statement
def joined_inheritance_aliased() -> Any:
    other = aliased(Journey, flat=True)
    return select(Journey.id, other.id).join(other, other.brand == Journey.brand)


@statement
def joined_inheritance_of_the_subtable_only() -> Any:
    return select(Journey.id)


@statement
def joined_inheritance_polymorphic() -> Any:
    either = with_polymorphic(Patient, "*")
    return select(either.patient_id, either.Journey.id)


@statement
def joined_inheritance_polymorphic_flat() -> Any:
    either = with_polymorphic(Patient, [Journey], flat=True, aliased=True)
    return select(either.patient_id, either.Journey.brand).where(either.Journey.brand.is_not(None))


@interaction
def joined_inheritance_selectin(s: Session) -> Any:
    return _patients(s, selectin_polymorphic(Patient, [Journey]))


@interaction
def joined_inheritance_refreshed(s: Session) -> Any:
    found = s.scalars(select(Journey)).all()
    s.expire_all()
    return [(j.id, j.assigned_split) for j in found]


@interaction
def event_of_a_journey(s: Session) -> Any:
    found = s.scalars(select(Event).options(joinedload(Event.journey)))
    return [(e.treatment_event_id, e.journey and e.journey.id) for e in found]


# -- constructs on attributes -------------------------------------------------------------------------------------


@statement
def hybrid() -> Any:
    return select(Event.shout, Event.treatment_event_id).where(Event.shout != "")


@statement
def column_property_in_the_columns() -> Any:
    return select(Patient.patient_id, Patient.event_count)


@statement
def column_property_in_where() -> Any:
    return select(Patient.patient_id).where(Patient.event_count > 3).order_by(Patient.event_count)


@interaction
def column_property_loaded(s: Session) -> Any:
    return [(p.patient_id, p.event_count) for p in _patients(s)]


@interaction
def column_property_refreshed(s: Session) -> Any:
    found = _patients(s)
    for patient in found:
        s.expire(patient, ["event_count"])
    return [(p.patient_id, p.event_count) for p in found]


@interaction
def query_expression_loaded(s: Session) -> Any:
    triggers = select(func.count(Trigger.trigger_id)).where(Trigger.patient_id == Patient.patient_id).scalar_subquery()
    return [(p.patient_id, p.asked) for p in _patients(s, with_expression(Patient.asked, triggers))]


@interaction
def association_proxy_read(s: Session) -> Any:
    return [(p.patient_id, sorted(p.event_ids)) for p in _patients(s)]


@statement
def association_proxy_asked() -> Any:
    return select(Patient.patient_id).where(Patient.event_ids.any(literal(True)))


@interaction
def association_proxy_contains(s: Session) -> Any:
    known = s.scalars(select(Event.treatment_event_id).order_by(Event.treatment_event_id)).first()
    return s.scalars(
        select(Patient.patient_id).where(Patient.event_ids.contains(known) | (Patient.patient_id > ""))
    ).all()


@interaction
def write_only_collection(s: Session) -> Any:
    return [(p.patient_id, s.scalars(p.event_stream.select()).all()) for p in _patients(s)]


@interaction
def write_only_collection_counted(s: Session) -> Any:
    counted = [p.event_stream.select().with_only_columns(func.count()) for p in _patients(s)]
    return [s.scalar(count) for count in counted]


@interaction
def dynamic_collection(s: Session) -> Any:
    return [
        (p.event_query.count(), [e.treatment_event_id for e in p.event_query.filter(Event.cost > 1)])
        for p in _patients(s)
    ]


@interaction
def many_to_many(s: Session) -> Any:
    found = s.scalars(select(Prescriber)).all()
    return [(h.hcp_id, sorted(p.patient_id for p in h.patients)) for h in found]


@interaction
def many_to_many_eagerly(s: Session) -> Any:
    found = s.scalars(select(Prescriber).options(joinedload(Prescriber.patients))).unique()
    return [(h.hcp_id, sorted(p.patient_id for p in h.patients)) for h in found]


@statement
def many_to_many_any() -> Any:
    return select(Prescriber.hcp_id).where(Prescriber.patients.any(Patient.assigned_split != "unassigned"))


# -- a collection of the table itself, and relationships that forget the tenant ------------------------------------


@statement
def any_self_referential() -> Any:
    return select(Trigger.trigger_id).where(Trigger.following.any(Trigger.change_type != ""))


@statement
def none_self_referential() -> Any:
    return select(Trigger.trigger_id).where(~Trigger.following.any())


@interaction
def self_referential_collection(s: Session) -> Any:
    found = s.scalars(select(Trigger).options(selectinload(Trigger.following).selectinload(Trigger.following)))
    return [(t.trigger_id, sorted(f.trigger_id for f in t.following)) for t in found.unique()]


def _forgetful(option: Any) -> None:
    def load(s: Session) -> Any:
        return [
            (p.patient_id, sorted(e.treatment_event_id for e in p.events)) for p in _patients(s, option(Patient.events))
        ]

    load.__name__ = f"{option.__name__}_without_the_tenant"
    interaction(load)


for _option in (lazyload, joinedload, selectinload, subqueryload):
    _forgetful(_option)


@interaction
def contains_eager_without_the_tenant(s: Session) -> Any:
    found = s.scalars(select(Patient).outerjoin(Patient.events).options(contains_eager(Patient.events))).unique()
    return [(p.patient_id, sorted(e.treatment_event_id for e in p.events)) for p in found]


@interaction
def defaultload_of_columns(s: Session) -> Any:
    found = _patients(s, defaultload(Patient.events).load_only(Event.treatment_event_id, Event.brand))
    return [(p.patient_id, sorted((e.treatment_event_id, str(e.cost)) for e in p.events)) for p in found]


@interaction
def raiseload_of_everything(s: Session) -> Any:
    found = _patients(s, raiseload("*"))
    with pytest.raises(InvalidRequestError, match="raise"):
        _ = found[0].events
    return [p.patient_id for p in found]


@interaction
def related_by_and(s: Session) -> Any:
    found = _patients(s, selectinload(Patient.events.and_(Event.cost > 50)))
    return [(p.patient_id, sorted(e.treatment_event_id for e in p.events)) for p in found]


# -- writes -------------------------------------------------------------------------------------------------------


@write
def update_single_inheritance(s: Session) -> Any:
    return s.execute(update(KisqaliEvent).values(location_type="leaf")).rowcount  # type: ignore[attr-defined]


@write
def delete_single_inheritance(s: Session) -> Any:
    return s.execute(delete(KisqaliEvent).where(KisqaliEvent.cost >= 0)).rowcount  # type: ignore[attr-defined]


@write
def update_joined_inheritance(s: Session) -> Any:
    return s.execute(update(Journey).values(journey_stage="leaf")).rowcount  # type: ignore[attr-defined]


@write
def update_joined_inheritance_where_the_base(s: Session) -> Any:
    # Without the tenant, on purpose.
    same = PATIENTS.c.patient_id == JOURNEYS.c.patient_id
    done = s.execute(
        update(Journey).where(same, PATIENTS.c.assigned_split != "").values(journey_stage="base"),
        execution_options={"synchronize_session": False},
    )
    return done.rowcount  # type: ignore[attr-defined]


@write
def change_a_joined_object(s: Session) -> Any:
    for journey in s.scalars(select(Journey)):
        journey.journey_stage = "object"  # type: ignore[attr-defined]
    s.flush()


@write
def change_through_a_forgetful_collection(s: Session) -> Any:
    for patient in _patients(s, selectinload(Patient.events)):
        for event in patient.events:
            event.location_type = case((Event.cost > 0, "paid"), else_="free")
    s.flush()


@write
def add_a_foreign_leaf(s: Session) -> Any:
    leaf: Any = KisqaliEvent
    s.add(leaf(tenant_id=FOREIGN, treatment_event_id="EVT-NEW", patient_id="PAT-00000001", event_date=date(2024, 1, 1)))
    s.flush()


@write
def insert_a_foreign_leaf(s: Session) -> Any:
    values = {"tenant_id": FOREIGN, "treatment_event_id": "EVT-NEW", "patient_id": "PAT-00000001"}
    s.execute(insert(KisqaliEvent).values(**values, event_date=func.make_date(2024, 1, 1)))
