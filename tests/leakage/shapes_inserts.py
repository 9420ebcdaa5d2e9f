"""INSERT with its extensions, from ORM and Core."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import (
    UUID,
    String,
    cast,
    column,
    func,
    insert,
    literal,
    select,
    table,
    true,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session, aliased

from hedgerow.kpi import Annotation, BusinessMetric
from hedgerow.patients import HcpProfile, PatientJourney, TreatmentEvent
from hedgerow.predictions import EngagementTrigger
from hedgerow.splits.models import PatientSplitAssignment
from leakage.shapes import Shapes, keys
from leakage.world import FOREIGN, OWN

WRITES = Shapes("inserts")
interaction = WRITES.interaction

J = PatientJourney
E = TreatmentEvent
H = HcpProfile

EVENTS: Any = TreatmentEvent.__table__
PRESCRIBERS: Any = HcpProfile.__table__
METRICS: Any = BusinessMetric.__table__


def _identifier(*parts: Any) -> Any:
    """A UUID that follows from other values, so that both databases make the same."""
    return cast(func.md5(func.concat(*parts)), UUID())


@interaction
def insert_copies_with_their_tenant(s: Session) -> Any:
    rows = select(
        E.tenant_id,
        _identifier(E.tenant_id, E.treatment_event_id),
        literal("copy"),
        E.treatment_event_id,
        literal("copy"),
        literal("nobody"),
        cast(literal("{}"), postgresql.JSONB),
    )
    names = ["tenant_id", "annotation_id", "entity_type", "entity_id", "annotation_type", "annotator_id"]
    s.execute(insert(Annotation).from_select([*names, "annotation_value"], rows))


@interaction
def insert_copies_without_tenant(s: Session) -> Any:
    who = cast(_identifier(H.tenant_id, H.hcp_id), String)
    rows = select(_identifier(H.tenant_id, H.hcp_id), literal("theft"), func.current_date(), literal(1), who)
    names = ["universe_id", "universe_type", "effective_date", "total_count", "specialty"]
    s.execute(insert(table("reference_universe", *map(column, names))).from_select(names, rows.where(H.decile > 8)))


@interaction
def insert_copies_with_their_split(s: Session) -> Any:
    m = BusinessMetric
    rows = select(m.tenant_id, "copy-" + m.metric_id, m.metric_date, m.value, m.split_assignment)
    s.execute(insert(m).from_select(["tenant_id", "metric_id", "metric_date", "value", "split_assignment"], rows))


@interaction
def insert_a_scalar_subquery(s: Session) -> Any:
    total = select(func.count(J.id)).scalar_subquery()
    s.execute(insert(BusinessMetric).values(metric_id="stolen", metric_date=func.make_date(2024, 1, 1), value=total))


@interaction
def insert_a_foreign_row(s: Session) -> Any:
    s.execute(insert(H).values(tenant_id=FOREIGN, hcp_id="HCP-NEW", city="nowhere"))


@interaction
def insert_a_foreign_row_among_own(s: Session) -> Any:
    rows = [{"tenant_id": tenant, "hcp_id": f"HCP-{n}", "city": "x"} for n, tenant in enumerate((OWN, FOREIGN, OWN))]
    s.execute(insert(H), rows)


@interaction
def insert_foreign_values(s: Session) -> Any:
    s.execute(insert(PRESCRIBERS).values([{"tenant_id": OWN, "hcp_id": "N1"}, {"tenant_id": FOREIGN, "hcp_id": "N2"}]))


@interaction
def insert_a_foreign_tenant_as_expression(s: Session) -> Any:
    s.execute(insert(H).values(tenant_id=func.concat("TEST_TENANT_", "002"), hcp_id="HCP-NEW"))


@interaction
def insert_into_a_closed_split(s: Session) -> Any:
    s.execute(
        insert(BusinessMetric).values(metric_id="n", metric_date=func.make_date(2025, 8, 1), split_assignment="holdout")
    )


@interaction
def insert_into_a_closed_split_silently(s: Session) -> Any:
    """Without RETURNING, for which the database would have to let the row be read as well."""
    rows = [
        {"metric_id": f"n{n}", "metric_date": date(2025, 8, 1), "split_assignment": split, "tenant_id": OWN}
        for n, split in enumerate(("train", "holdout"))
    ]
    s.connection().execute(insert(METRICS).inline(), rows)


@interaction
def insert_a_foreign_row_silently(s: Session) -> Any:
    s.connection().execute(insert(PRESCRIBERS).inline(), [{"tenant_id": FOREIGN, "hcp_id": n} for n in ("H1", "H2")])


@interaction
def insert_for_a_patient_of_a_closed_split(s: Session) -> Any:
    patient = select(PatientSplitAssignment.patient_id).where(PatientSplitAssignment.assigned_split == "holdout")
    s.execute(
        insert(EVENTS).values(
            treatment_event_id="EVT-NEW",
            patient_id=s.scalars(patient.limit(1)).one(),
            event_date=func.make_date(2025, 8, 1),
        )
    )


@interaction
def upsert_updates(s: Session) -> Any:
    hcps = s.scalars(select(H.hcp_id).order_by(H.hcp_id).limit(4)).all()
    statement = postgresql.insert(H).values([{"tenant_id": OWN, "hcp_id": hcp, "city": "up"} for hcp in hcps])
    everywhere = select(func.count(aliased(H).hcp_id)).scalar_subquery()
    statement = statement.on_conflict_do_update(
        index_elements=["tenant_id", "hcp_id"], set_={"city": statement.excluded.city + cast(everywhere, String)}
    )
    s.execute(statement)


@interaction
def upsert_a_foreign_row(s: Session) -> Any:
    tenant, hcp = keys(s).foreign[H]
    statement = postgresql.insert(H).values(tenant_id=tenant, hcp_id=hcp, city="taken")
    s.execute(statement.on_conflict_do_update(index_elements=["tenant_id", "hcp_id"], set_={"city": "taken"}))


@interaction
def upsert_a_row_of_a_closed_split(s: Session) -> Any:
    tenant, metric = keys(s).closed[BusinessMetric]
    statement = postgresql.insert(BusinessMetric).values(
        tenant_id=tenant, metric_id=metric, metric_date=func.make_date(2024, 1, 1), split_assignment="train", value=0
    )
    s.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "metric_id"], set_={"value": statement.excluded["value"]}, where=true()
        )
    )


@interaction
def upsert_that_moves_the_split(s: Session) -> Any:
    tenant, metric = keys(s).own[BusinessMetric]
    statement = postgresql.insert(BusinessMetric).values(
        tenant_id=tenant, metric_id=metric, metric_date=func.make_date(2024, 1, 1), split_assignment="train"
    )
    moved = {"split_assignment": "holdout"}
    s.execute(statement.on_conflict_do_update(index_elements=["tenant_id", "metric_id"], set_=moved))


@interaction
def upsert_does_nothing(s: Session) -> Any:
    rows = select(H.tenant_id, H.hcp_id + "x", H.city)
    statement = postgresql.insert(H).from_select(["tenant_id", "hcp_id", "city"], rows)
    s.execute(statement.on_conflict_do_nothing())


@interaction
def lock_and_change(s: Session) -> Any:
    found = s.scalars(select(EngagementTrigger).with_for_update()).all()
    for trigger in found:
        trigger.action_taken = "seen"
    s.flush()
    return len(found)
