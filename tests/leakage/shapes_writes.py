"""Statements that write: UPDATE, DELETE, INSERT and their extensions, from ORM and Core."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    UUID,
    String,
    bindparam,
    case,
    cast,
    column,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    table,
    text,
    true,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session, aliased

from hedgerow.core.filter import unscoped_sql
from hedgerow.kpi import Annotation, BusinessMetric, HcpIntentSurvey
from hedgerow.mlops import RegisteredModel
from hedgerow.patients import HcpProfile, PatientJourney, TreatmentEvent
from hedgerow.predictions import EngagementTrigger, Prediction, ShapAnalysis
from hedgerow.splits.models import LeakageAudit, PatientSplitAssignment
from leakage.shapes import Shapes, all_keys, keys
from leakage.world import FOREIGN, OWN

WRITES = Shapes("writes")
interaction = WRITES.interaction

J = PatientJourney
E = TreatmentEvent
H = HcpProfile

JOURNEYS = PatientJourney.__table__


def _synchronised(how: Any) -> None:
    def bulk_update(s: Session) -> Any:
        seen = s.scalars(select(J)).all()
        done = s.execute(update(J).values(journey_stage="changed"), execution_options={"synchronize_session": how})
        return done.rowcount, [(j.id, j.journey_stage) for j in seen]

    def bulk_delete(s: Session) -> Any:
        s.scalars(select(Prediction)).all()
        statement = delete(Prediction).where(Prediction.prediction_score > 0)
        return s.execute(statement, execution_options={"synchronize_session": how}).rowcount

    for function in (bulk_update, bulk_delete):
        function.__name__ += f"_{how}".lower()
        interaction(function)


for _how in ("evaluate", "fetch", "auto", False):
    _synchronised(_how)


# -- UPDATE -------------------------------------------------------------------------------------------------------


@interaction
def update_or_true(s: Session) -> Any:
    return s.execute(update(JOURNEYS).where(or_(JOURNEYS.c.brand == "", true())).values(journey_stage="w")).rowcount


@interaction
def update_text_or_true(s: Session) -> Any:
    return s.execute(update(JOURNEYS).where(text("1 = 0 OR 1 = 1")).values(journey_stage="w")).rowcount


@interaction
def update_by_key(s: Session) -> Any:
    return [
        s.execute(update(J).where(J.tenant_id == t, J.id == i).values(journey_stage="mine")).rowcount
        for t, i in all_keys(s, J)
    ]


@interaction
def update_an_artefact(s: Session) -> Any:
    return s.execute(update(RegisteredModel).values(artifact_path="elsewhere")).rowcount


@interaction
def update_from(s: Session) -> Any:
    return s.execute(update(J).where(E.patient_id == J.patient_id).values(journey_stage="has events")).rowcount


@interaction
def update_from_an_alias_of_itself(s: Session) -> Any:
    other = aliased(H)
    return s.execute(update(H).where(other.hcp_id == H.hcp_id).values(city=other.city + "!")).rowcount


@interaction
def update_from_a_subquery(s: Session) -> Any:
    counted = select(E.patient_id, func.count().label("n")).group_by(E.patient_id).subquery()
    statement = update(J).where(counted.c.patient_id == J.patient_id).values(data_lag_hours=counted.c.n)
    return s.execute(statement).rowcount


@interaction
def update_with_a_scalar_subquery(s: Session) -> Any:
    everyone = select(func.sum(E.cost)).scalar_subquery()
    return s.execute(update(HcpIntentSurvey).values(survey_source=cast(everyone, String))).rowcount


@interaction
def update_with_a_correlated_subquery(s: Session) -> Any:
    events = select(func.count(E.treatment_event_id)).where(E.patient_id == J.patient_id).scalar_subquery()
    return s.execute(update(J).values(data_lag_hours=events)).rowcount


@interaction
def update_where_exists(s: Session) -> Any:
    found = exists().where(E.hcp_id == H.hcp_id, E.cost > 10)
    return s.execute(update(H).where(found).values(city="somewhere")).rowcount


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
    return s.execute(update(journeys).where(journeys.c.id.is_not(None)).values(journey_stage="l")).rowcount


@interaction
def update_case(s: Session) -> Any:
    stage = case((J.split_assignment == "train", "seen"), else_="other")
    return s.execute(update(J).values(journey_stage=stage)).rowcount


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
    return s.execute(
        text("UPDATE patient_journeys SET journey_stage = 'text'"), execution_options=unscoped_sql("the battery")
    ).rowcount


@interaction
def update_text(s: Session) -> Any:
    return s.execute(text("UPDATE patient_journeys SET journey_stage = 'text'")).rowcount


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
    s.execute(update(BusinessMetric).where(BusinessMetric.split_assignment == "train").values(split_assignment="holdout"))


@interaction
def move_out_of_a_closed_split(s: Session) -> Any:
    s.execute(update(BusinessMetric.__table__).values(split_assignment="train"))


@interaction
def steal_from_another_tenant(s: Session) -> Any:
    statement = update(Annotation.__table__).where(Annotation.tenant_id == FOREIGN)
    s.execute(statement.values({"tenant_id": OWN}))


# -- DELETE -------------------------------------------------------------------------------------------------------


@interaction
def delete_everything(s: Session) -> Any:
    return s.execute(delete(ShapAnalysis)).rowcount


@interaction
def delete_using(s: Session) -> Any:
    return s.execute(delete(Prediction).where(Prediction.patient_id == J.patient_id, J.brand != "")).rowcount


@interaction
def delete_by_subquery(s: Session) -> Any:
    return s.execute(delete(Prediction).where(Prediction.patient_id.in_(select(E.patient_id)))).rowcount


@interaction
def delete_returning(s: Session) -> Any:
    return s.execute(delete(Annotation).returning(Annotation.annotation_id)).all()


@interaction
def delete_in_a_cte(s: Session) -> Any:
    gone = delete(Prediction).returning(Prediction.id).cte("gone")
    return s.scalar(select(func.count()).select_from(gone))


@interaction
def delete_lightweight(s: Session) -> Any:
    return s.execute(delete(table("hcp_intent_surveys"))).rowcount


@interaction
def delete_many(s: Session) -> Any:
    p = Prediction.__table__
    statement = delete(p).where(p.c.id == bindparam("which"))
    s.connection().execute(statement, [{"which": key[1]} for key in all_keys(s, Prediction)])


@interaction
def query_delete(s: Session) -> Any:
    return s.query(Prediction).filter(Prediction.model_id != "").delete()


# -- INSERT -------------------------------------------------------------------------------------------------------


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
    s.execute(
        insert(m).from_select(["tenant_id", "metric_id", "metric_date", "value", "split_assignment"], rows)
    )


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
    s.execute(insert(H.__table__).values([{"tenant_id": OWN, "hcp_id": "N1"}, {"tenant_id": FOREIGN, "hcp_id": "N2"}]))


@interaction
def insert_a_foreign_tenant_as_expression(s: Session) -> Any:
    s.execute(insert(H).values(tenant_id=func.concat("TEST_TENANT_", "002"), hcp_id="HCP-NEW"))


@interaction
def insert_into_a_closed_split(s: Session) -> Any:
    s.execute(
        insert(BusinessMetric).values(metric_id="n", metric_date=func.make_date(2025, 8, 1), split_assignment="holdout")
    )


@interaction
def insert_for_a_patient_of_a_closed_split(s: Session) -> Any:
    patient = select(PatientSplitAssignment.patient_id).where(PatientSplitAssignment.assigned_split == "holdout")
    s.execute(
        insert(E.__table__).values(
            treatment_event_id="EVT-NEW", patient_id=s.scalars(patient.limit(1)).one(), event_date=func.make_date(2025, 8, 1)
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
