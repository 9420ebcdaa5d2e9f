"""Ways to map that the package's own models do not use, over their tables: inheritance, proxies, hybrids, and more.

An application maps as it likes. Its classes stand beside the package's own, in a registry of their own.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Text, and_, case, cast, func, select
from sqlalchemy.ext.associationproxy import AssociationProxy, association_proxy
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import (
    DeclarativeBase,
    DynamicMapped,
    Mapped,
    WriteOnlyMapped,
    column_property,
    foreign,
    query_expression,
    relationship,
    remote,
)

from hedgerow.patients import HcpProfile, PatientJourney, TreatmentEvent
from hedgerow.predictions import EngagementTrigger
from hedgerow.registry import domains
from hedgerow.splits.models import PatientSplitAssignment

domains()  # every table that a foreign key may refer to
PATIENTS: Any = PatientSplitAssignment.__table__
JOURNEYS: Any = PatientJourney.__table__
EVENTS: Any = TreatmentEvent.__table__
TRIGGERS: Any = EngagementTrigger.__table__
PRESCRIBERS: Any = HcpProfile.__table__


class Other(DeclarativeBase):
    """Base of another application's classes."""


class Event(Other):
    """A treatment event, told apart by what it is: single-table inheritance."""

    __table__ = EVENTS
    __mapper_args__ = {
        "polymorphic_on": case((EVENTS.c.brand == "Kisqali", "kisqali"), else_="event"),
        "polymorphic_identity": "event",
    }

    journey: Mapped[Journey | None] = relationship(
        primaryjoin=lambda: and_(
            foreign(EVENTS.c.tenant_id) == JOURNEYS.c.tenant_id,
            foreign(EVENTS.c.patient_journey_id) == JOURNEYS.c.id,
        ),
        viewonly=True,
    )

    @hybrid_property
    def shout(self) -> str:
        return str(self.brand).upper()  # type: ignore[attr-defined]

    @shout.inplace.expression
    @classmethod
    def _shout(cls) -> Any:
        return func.upper(cast(cls.brand, Text))  # type: ignore[attr-defined]


class KisqaliEvent(Event):
    """An event of one brand."""

    __mapper_args__ = {"polymorphic_identity": "kisqali"}


def _of_a_patient(patient: Any, child: Any) -> Any:
    # Without the tenant, on purpose: whoever forgets it must not meet another's rows.
    return patient.c.patient_id == foreign(remote(child.c.patient_id))


class Patient(Other):
    """Whoever has a split: the base of joined inheritance."""

    __table__ = PATIENTS

    events: Mapped[list[Event]] = relationship(primaryjoin=lambda: _of_a_patient(PATIENTS, EVENTS), viewonly=True)
    event_stream: WriteOnlyMapped[Event] = relationship(
        primaryjoin=lambda: _of_a_patient(PATIENTS, EVENTS), viewonly=True
    )
    event_query: DynamicMapped[Event] = relationship(primaryjoin=lambda: _of_a_patient(PATIENTS, EVENTS), viewonly=True)
    event_ids: AssociationProxy[list[str]] = association_proxy("events", "treatment_event_id")
    event_count: Mapped[int] = column_property(
        select(func.count(EVENTS.c.treatment_event_id))
        .where(EVENTS.c.patient_id == PATIENTS.c.patient_id)
        .correlate_except(EVENTS)
        .scalar_subquery()
    )
    asked: Mapped[int | None] = query_expression()


class Journey(Patient):
    """A patient on a journey: joined-table inheritance."""

    __table__ = JOURNEYS
    __mapper_args__ = {
        "inherit_condition": and_(
            PATIENTS.c.tenant_id == JOURNEYS.c.tenant_id, PATIENTS.c.patient_id == JOURNEYS.c.patient_id
        ),
        # A patient may have several journeys, each an object.
        "primary_key": [JOURNEYS.c.tenant_id, JOURNEYS.c.id],
    }
    journey_config_id = JOURNEYS.c.split_config_id


class Trigger(Other):
    """A trigger that knows what came after it."""

    __table__ = TRIGGERS

    following: Mapped[list[Trigger]] = relationship(
        primaryjoin=lambda: TRIGGERS.c.trigger_id == foreign(remote(TRIGGERS.c.previous_trigger_id)), viewonly=True
    )


class Prescriber(Other):
    """A prescriber and the brands that were asked about: many to many over a table of the tenant's."""

    __table__ = PRESCRIBERS

    patients: Mapped[list[Patient]] = relationship(
        secondary=TRIGGERS,
        primaryjoin=lambda: PRESCRIBERS.c.hcp_id == foreign(TRIGGERS.c.hcp_id),
        secondaryjoin=lambda: PATIENTS.c.patient_id == foreign(TRIGGERS.c.patient_id),
        viewonly=True,
    )
