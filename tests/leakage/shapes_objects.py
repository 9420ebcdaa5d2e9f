"""Objects that write: flushes, links, detached and foreign objects, merges, legacy bulk methods."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, make_transient, make_transient_to_detached, selectinload

from hedgerow.kpi import Annotation, BusinessMetric, HcpIntentSurvey
from hedgerow.patients import HcpProfile, PatientJourney, TreatmentEvent
from hedgerow.predictions import EngagementTrigger, Prediction
from leakage.shapes import Shapes, borrowed, keys
from leakage.world import FOREIGN, OWN

WRITES = Shapes("objects")
interaction = WRITES.interaction

J = PatientJourney
E = TreatmentEvent
H = HcpProfile


@interaction
def change_and_delete_all(s: Session) -> Any:
    for n, prediction in enumerate(s.scalars(select(Prediction).order_by(Prediction.id))):
        if n % 2:
            s.delete(prediction)
        else:
            prediction.model_id = "changed"
    s.flush()


@interaction
def change_through_a_collection(s: Session) -> Any:
    for journey in s.scalars(select(J).options(selectinload(J.events))):
        for event in journey.events:
            event.location_type = "changed"
    s.flush()


@interaction
def change_to_an_expression(s: Session) -> Any:
    survey = s.scalars(select(HcpIntentSurvey).order_by(HcpIntentSurvey.survey_id).limit(1)).one()
    survey.survey_source = select(func.string_agg(H.hcp_id, "")).where(H.decile > 9).scalar_subquery()  # type: ignore[assignment]
    s.flush()


@interaction
def add_a_foreign_object(s: Session) -> Any:
    s.add(H(tenant_id=FOREIGN, hcp_id="HCP-NEW"))
    s.flush()


@interaction
def add_into_a_closed_split(s: Session) -> Any:
    s.add(BusinessMetric(tenant_id=OWN, metric_id="new", metric_date=date(2025, 8, 1), split_assignment="holdout"))
    s.flush()


@interaction
def add_all_with_a_foreign_one(s: Session) -> Any:
    s.add_all([H(tenant_id=OWN, hcp_id="H1"), H(tenant_id=FOREIGN, hcp_id="H2")])
    s.flush()


@interaction
def move_an_object_to_another_tenant(s: Session) -> Any:
    for annotation in s.scalars(select(Annotation)):
        annotation.tenant_id = FOREIGN
    s.flush()


@interaction
def move_an_object_to_another_split(s: Session) -> Any:
    for metric in s.scalars(select(BusinessMetric)):
        metric.split_assignment = "holdout"  # type: ignore[assignment]
    s.flush()


@interaction
def link_to_a_foreign_row(s: Session) -> Any:
    event = s.get_one(E, keys(s).own[E])
    event.patient_journey_id = keys(s).foreign[J][1]
    s.flush()


@interaction
def link_to_a_row_of_a_closed_split(s: Session) -> Any:
    event = s.get_one(E, keys(s).own[E])
    event.patient_journey_id = keys(s).closed[J][1]
    s.flush()


@interaction
def link_to_a_trigger_of_a_closed_split(s: Session) -> Any:
    trigger = s.get_one(EngagementTrigger, keys(s).own[EngagementTrigger])
    trigger.previous_trigger_id = keys(s).closed[EngagementTrigger][1]
    s.flush()


@interaction
def link_to_a_foreign_object(s: Session) -> Any:
    event = s.get_one(E, keys(s).own[E])
    event.prescriber = borrowed(s, H)
    event.prescriber.city = "taken"
    s.flush()


@interaction
def add_a_detached_foreign_object(s: Session) -> Any:
    prescriber = borrowed(s, H)
    s.add(prescriber)
    prescriber.city = "taken"
    s.flush()


@interaction
def add_an_object_with_a_made_up_identity(s: Session) -> Any:
    tenant, hcp = keys(s).foreign[H]
    prescriber = H(tenant_id=tenant, hcp_id=hcp)
    make_transient_to_detached(prescriber)
    s.add(prescriber)
    prescriber.city = "taken"
    s.flush()


@interaction
def add_a_copy_of_a_foreign_object(s: Session) -> Any:
    survey = borrowed(s, HcpIntentSurvey)
    make_transient(survey)
    survey.survey_id = None
    s.add(survey)
    s.flush()


@interaction
def delete_a_detached_foreign_object(s: Session) -> Any:
    s.delete(borrowed(s, Annotation))
    s.flush()


@interaction
def merge_a_foreign_object(s: Session) -> Any:
    prescriber = borrowed(s, H)
    prescriber.city = "taken"
    s.merge(prescriber)
    s.flush()


@interaction
def merge_without_loading(s: Session) -> Any:
    merged = s.merge(borrowed(s, H), load=False)
    merged.city = "taken"
    s.flush()


@interaction
def merge_a_row_of_a_closed_split(s: Session) -> Any:
    tenant, identity = keys(s).closed[Prediction]
    s.merge(Prediction(tenant_id=tenant, id=identity, patient_id="PAT-00000001", model_id="taken"))
    s.flush()


@interaction
def bulk_insert_mappings(s: Session) -> Any:
    s.bulk_insert_mappings(H, [{"tenant_id": OWN, "hcp_id": "H1"}, {"tenant_id": FOREIGN, "hcp_id": "H2"}])


@interaction
def bulk_update_mappings(s: Session) -> Any:
    tenant, hcp = keys(s).foreign[H]
    s.bulk_update_mappings(H, [{"tenant_id": tenant, "hcp_id": key, "city": "taken"} for key in (hcp, "HCP-000002")])


@interaction
def bulk_save_objects(s: Session) -> Any:
    prescriber = borrowed(s, H)
    prescriber.city = "taken"
    s.bulk_save_objects([prescriber])


@interaction
def relink_a_collection(s: Session) -> Any:
    """What is taken away from an own journey are the events that are seen, and no others."""
    for journey in s.scalars(select(J)):
        journey.events = []
    s.flush()
