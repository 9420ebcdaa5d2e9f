"""UPDATE and DELETE with their extensions, from ORM and Core."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    String,
    bindparam,
    case,
    cast,
    column,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    table,
    text,
    true,
    update,
    values,
)
from sqlalchemy.orm import Session, aliased

from hedgerow.core.filter import unscoped_sql
from hedgerow.kpi import Annotation, BusinessMetric, HcpIntentSurvey
from hedgerow.mlops import RegisteredModel
from hedgerow.patients import HcpProfile, PatientJourney, TreatmentEvent
from hedgerow.predictions import EngagementTrigger, Prediction, ShapAnalysis
from hedgerow.splits.models import LeakageAudit
from leakage.shapes import Shapes, all_keys, keys
from leakage.world import FOREIGN, OWN

WRITES = Shapes("writes")
interaction = WRITES.interaction

J = PatientJourney
E = TreatmentEvent
H = HcpProfile

JOURNEYS: Any = PatientJourney.__table__
METRICS: Any = BusinessMetric.__table__
ANNOTATIONS: Any = Annotation.__table__


def _rows(result: Any) -> int:
    """How many rows a statement changed."""
    return int(result.rowcount)


def _synchronised(how: Any) -> None:
    def bulk_update(s: Session) -> Any:
        seen = s.scalars(select(J)).all()
        done = s.execute(update(J).values(journey_stage="changed"), execution_options={"synchronize_session": how})
        return _rows(done), [(j.id, j.journey_stage) for j in seen]

    def bulk_delete(s: Session) -> Any:
        s.scalars(select(Prediction)).all()
        statement = delete(Prediction).where(Prediction.prediction_score > 0)
        return _rows(s.execute(statement, execution_options={"synchronize_session": how}))

    for function in (bulk_update, bulk_delete):
        function.__name__ += f"_{how}".lower()
        interaction(function)


for _how in ("evaluate", "fetch", "auto", False):
    _synchronised(_how)


# -- UPDATE -------------------------------------------------------------------------------------------------------


@interaction
def update_or_true(s: Session) -> Any:
    return _rows(s.execute(update(JOURNEYS).where(or_(JOURNEYS.c.brand == "", true())).values(journey_stage="w")))


@interaction
def update_text_or_true(s: Session) -> Any:
    return _rows(s.execute(update(JOURNEYS).where(text("1 = 0 OR 1 = 1")).values(journey_stage="w")))


@interaction
def update_by_key(s: Session) -> Any:
    return [
        _rows(s.execute(update(J).where(J.tenant_id == t, J.id == i).values(journey_stage="mine")))
        for t, i in all_keys(s, J)
    ]


@interaction
def update_an_artefact(s: Session) -> Any:
    return _rows(s.execute(update(RegisteredModel).values(artifact_path="elsewhere")))


@interaction
def update_from(s: Session) -> Any:
    return _rows(s.execute(update(J).where(E.patient_id == J.patient_id).values(journey_stage="has events")))


@interaction
def update_from_an_alias_of_itself(s: Session) -> Any:
    other = aliased(H)
    return _rows(s.execute(update(H).where(other.hcp_id == H.hcp_id).values(city=other.city + "!")))


@interaction
def update_from_a_subquery(s: Session) -> Any:
    counted = select(E.patient_id, func.count().label("n")).group_by(E.patient_id).subquery()
    statement = update(J).where(counted.c.patient_id == J.patient_id).values(data_lag_hours=counted.c.n)
    return _rows(s.execute(statement))


@interaction
def update_with_a_scalar_subquery(s: Session) -> Any:
    everyone = select(func.sum(E.cost)).scalar_subquery()
    return _rows(s.execute(update(HcpIntentSurvey).values(survey_source=cast(everyone, String))))


@interaction
def update_with_a_correlated_subquery(s: Session) -> Any:
    events = select(func.count(E.treatment_event_id)).where(E.patient_id == J.patient_id).scalar_subquery()
    return _rows(s.execute(update(J).values(data_lag_hours=events)))


@interaction
def update_where_exists(s: Session) -> Any:
    found = exists().where(E.hcp_id == H.hcp_id, E.cost > 10)
    return _rows(s.execute(update(H).where(found).values(city="somewhere")))


@interaction
def update_returning(s: Session) -> Any:
    return s.execute(update(H).values(city=H.city + "+").returning(H.tenant_id, H.hcp_id, H.city)).all()


@interaction
def update_returning_entities(s: Session) -> Any:
    return [j.id for j in s.scalars(update(J).values(journey_stage="r").returning(J))]


@interaction
def update_in_a_cte(s: Session) -> Any:
    changed = update(J).values(journey_stage="cte").returning(J.id).cte("changed")
    return s.scalars(select(changed.c.id)).all()


@interaction
def update_lightweight(s: Session) -> Any:
    journeys = table("patient_journeys", column("journey_stage"), column("id"), schema="public")
    return _rows(s.execute(update(journeys).where(journeys.c.id.is_not(None)).values(journey_stage="l")))


@interaction
def update_case(s: Session) -> Any:
    stage = case((J.split_assignment == "train", "seen"), else_="other")
    return _rows(s.execute(update(J).values(journey_stage=stage)))


@interaction
def update_many(s: Session) -> Any:
    statement = update(JOURNEYS).where(JOURNEYS.c.id == bindparam("which")).values(journey_stage="many")
    s.connection().execute(statement, [{"which": key[1]} for key in all_keys(s, J)])


@interaction
def update_by_primary_keys(s: Session) -> Any:
    tenant, identity = keys(s).own[J]
    s.execute(update(J), [{"tenant_id": tenant, "id": identity, "journey_stage": "own"}])
    s.execute(update(J).where(J.tenant_id != OWN).values(journey_stage="foreign"))


@interaction
def query_update(s: Session) -> Any:
    return s.query(J).filter(J.brand != "").update({"journey_stage": "q"})


@interaction
def update_marked_text(s: Session) -> Any:
    statement = text("UPDATE patient_journeys SET journey_stage = 'text'")
    return _rows(s.execute(statement, execution_options=unscoped_sql("the battery")))


@interaction
def update_text(s: Session) -> Any:
    return _rows(s.execute(text("UPDATE patient_journeys SET journey_stage = 'text'")))


@interaction
def truncate(s: Session) -> Any:
    s.connection().exec_driver_sql("TRUNCATE ml_predictions")


@interaction
def update_append_only(s: Session) -> Any:
    s.execute(update(LeakageAudit).values(passed=True))


# -- moving rows --------------------------------------------------------------------------------------------------


@interaction
def move_to_another_tenant(s: Session) -> Any:
    s.execute(update(Annotation).values(tenant_id=FOREIGN))


@interaction
def move_to_another_tenant_from_a_subquery(s: Session) -> Any:
    s.execute(update(Annotation).values({Annotation.tenant_id: select(literal(FOREIGN)).scalar_subquery()}))


@interaction
def move_to_a_closed_split(s: Session) -> Any:
    s.execute(
        update(BusinessMetric).where(BusinessMetric.split_assignment == "train").values(split_assignment="holdout")
    )


@interaction
def move_out_of_a_closed_split(s: Session) -> Any:
    s.execute(update(METRICS).values(split_assignment="train"))


@interaction
def steal_from_another_tenant(s: Session) -> Any:
    statement = update(ANNOTATIONS).where(Annotation.tenant_id == FOREIGN)
    s.execute(statement.values({"tenant_id": OWN}))


# -- DELETE -------------------------------------------------------------------------------------------------------


@interaction
def delete_everything(s: Session) -> Any:
    return _rows(s.execute(delete(ShapAnalysis)))


@interaction
def delete_using(s: Session) -> Any:
    return _rows(s.execute(delete(Prediction).where(Prediction.patient_id == J.patient_id, J.brand != "")))


@interaction
def delete_by_subquery(s: Session) -> Any:
    return _rows(s.execute(delete(Prediction).where(Prediction.patient_id.in_(select(E.patient_id)))))


@interaction
def delete_returning(s: Session) -> Any:
    return s.execute(delete(Annotation).returning(Annotation.annotation_id)).all()


@interaction
def delete_in_a_cte(s: Session) -> Any:
    gone = delete(Prediction).returning(Prediction.id).cte("gone")
    return s.scalar(select(func.count()).select_from(gone))


@interaction
def delete_lightweight(s: Session) -> Any:
    return _rows(s.execute(delete(table("hcp_intent_surveys"))))


@interaction
def delete_many(s: Session) -> Any:
    p: Any = Prediction.__table__
    statement = delete(p).where(p.c.id == bindparam("which"))
    s.connection().execute(statement, [{"which": key[1]} for key in all_keys(s, Prediction)])


@interaction
def query_delete(s: Session) -> Any:
    return s.query(Prediction).filter(Prediction.model_id != "").delete()


# -- rows that own rows belong together with ------------------------------------------------------------------------


@interaction
def delete_journeys_whose_events_are_hidden(s: Session) -> Any:
    return _rows(s.execute(delete(J).where(~exists().where(E.patient_journey_id == J.id))))


@interaction
def delete_prescribers_whose_events_are_hidden(s: Session) -> Any:
    unused = ~exists().where(E.hcp_id == H.hcp_id), ~exists().where(EngagementTrigger.hcp_id == H.hcp_id)
    return _rows(s.execute(delete(H).where(*unused, ~exists().where(HcpIntentSurvey.hcp_id == H.hcp_id))))


@interaction
def update_an_alias(s: Session) -> Any:
    journeys = JOURNEYS.alias("j")
    return _rows(s.execute(update(journeys).values(journey_stage="alias")))


@interaction
def delete_an_alias(s: Session) -> Any:
    return _rows(s.execute(delete(Prediction.__table__.alias("p"))))


@interaction
def update_on_the_connection(s: Session) -> Any:
    return _rows(s.connection().execute(update(JOURNEYS).values(journey_stage="connection")))


@interaction
def update_from_values(s: Session) -> Any:
    cities = values(column("hcp", String), column("city", String), name="cities").data(
        [(f"HCP-{n:06}", f"city {n}") for n in range(1, 10)]
    )
    return _rows(s.execute(update(H).where(cities.c.hcp == H.hcp_id).values(city=cities.c.city)))


@interaction
def delete_where_a_window_says_so(s: Session) -> Any:
    ranked = select(Prediction.id, func.row_number().over(order_by=Prediction.id).label("n")).subquery()
    return _rows(s.execute(delete(Prediction).where(Prediction.id.in_(select(ranked.c.id).where(ranked.c.n <= 3)))))
