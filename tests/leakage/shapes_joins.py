"""Joins of every kind; the natural keys of the two tenants are the same, so that a join without tenant meets both."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Integer,
    String,
    and_,
    case,
    cast,
    column,
    func,
    lateral,
    literal,
    select,
    tablesample,
    true,
    values,
)
from sqlalchemy.orm import aliased

from hedgerow.agents import AgentActivity, AgentRegistry
from hedgerow.core.splitviews import split_view
from hedgerow.kpi import DataSource, DataSourceTracking, HcpIntentSurvey
from hedgerow.mlops import RegisteredModel
from hedgerow.patients import HcpProfile, PatientJourney, TreatmentEvent
from hedgerow.predictions import EngagementTrigger, Prediction, ShapAnalysis
from hedgerow.splits.models import PatientSplitAssignment
from leakage.shapes import Shapes

SHAPES = Shapes("joins")
statement, interaction = SHAPES.statement, SHAPES.interaction

J = PatientJourney
E = TreatmentEvent


@statement
def inner_join() -> Any:
    return select(J.id, E.treatment_event_id).join(J.events)


@statement
def join_without_the_tenant() -> Any:
    return select(J.id, Prediction.id).join(Prediction, Prediction.patient_id == J.patient_id)


@statement
def join_of_tables() -> Any:
    j, a = PatientJourney.__table__, PatientSplitAssignment.__table__
    return select(j.c.id, a.c.assigned_split).select_from(j.join(a, a.c.patient_id == j.c.patient_id))


@statement
def outer_join() -> Any:
    return select(E.treatment_event_id, HcpProfile.last_name).outerjoin(HcpProfile, HcpProfile.hcp_id == E.hcp_id)


@statement
def outer_join_to_hidden_rows() -> Any:
    return select(PatientSplitAssignment.patient_id, J.id).outerjoin(
        J, J.patient_id == PatientSplitAssignment.patient_id
    )


@statement
def anti_join() -> Any:
    return (
        select(PatientSplitAssignment.patient_id)
        .outerjoin(J, J.patient_id == PatientSplitAssignment.patient_id)
        .where(J.id.is_(None))
    )


@statement
def right_nested_join() -> Any:
    h, e, j = HcpProfile.__table__, TreatmentEvent.__table__, PatientJourney.__table__
    nested = e.join(j, and_(j.c.tenant_id == e.c.tenant_id, j.c.id == e.c.patient_journey_id))
    return select(h.c.hcp_id, e.c.treatment_event_id, j.c.id).select_from(h.outerjoin(nested, e.c.hcp_id == h.c.hcp_id))


@statement
def nested_outer_joins() -> Any:
    inner = (
        select(EngagementTrigger.trigger_id, EngagementTrigger.hcp_id, J.id.label("journey"))
        .outerjoin(J, J.patient_id == EngagementTrigger.patient_id)
        .subquery()
    )
    return (
        select(HcpProfile.hcp_id, HcpIntentSurvey.survey_id, inner.c.trigger_id, inner.c.journey)
        .outerjoin(HcpIntentSurvey, HcpIntentSurvey.hcp_id == HcpProfile.hcp_id)
        .outerjoin(inner, inner.c.hcp_id == HcpProfile.hcp_id)
    )


@statement
def full_join_from_an_unscoped_table() -> Any:
    same = cast(AgentActivity.agent_type, String) == AgentRegistry.agent_name
    return select(AgentRegistry.agent_name, AgentActivity.activity_id).join(AgentActivity, same, full=True)


@statement
def full_join_to_an_unscoped_table() -> Any:
    return select(DataSourceTracking.tracking_id, DataSource.source_name).join(
        DataSource, DataSourceTracking.source_id == DataSource.source_id, full=True
    )


@statement
def full_join_of_two_scoped_tables() -> Any:
    return select(J.id, Prediction.id).join(Prediction, Prediction.patient_id == J.patient_id, full=True)


@statement
def full_join_with_an_empty_side() -> Any:
    return select(AgentRegistry.agent_name, AgentActivity.activity_id).join(
        AgentActivity, AgentRegistry.tier + 100 == AgentActivity.tier, full=True
    )


@statement
def cartesian() -> Any:
    return select(RegisteredModel.id, DataSource.source_id).join(DataSource, true())


@statement
def aliased_entity() -> Any:
    return select(aliased(PatientJourney, name="x"))


@statement
def alias_of_an_alias() -> Any:
    return select(PatientJourney.__table__.alias("x").alias("y").c.id)


@statement
def self_join() -> Any:
    other = aliased(TreatmentEvent)
    return select(E.treatment_event_id, other.treatment_event_id).join(
        other, and_(other.patient_id == E.patient_id, other.event_date > E.event_date)
    )


@statement
def self_join_on_the_natural_key() -> Any:
    mine, theirs = aliased(HcpProfile, name="mine"), aliased(HcpProfile, name="theirs")
    return select(mine.hcp_id, theirs.city).join(theirs, theirs.hcp_id == mine.hcp_id)


@statement
def join_along_a_relationship_to_an_alias() -> Any:
    earlier = aliased(EngagementTrigger)
    return select(EngagementTrigger.trigger_id, earlier.trigger_id).outerjoin(
        EngagementTrigger.previous.of_type(earlier)
    )


@statement
def lateral_join() -> Any:
    last = lateral(
        select(E.treatment_event_id)
        .where(E.patient_id == J.patient_id)
        .order_by(E.event_date.desc(), E.treatment_event_id)
        .limit(1)
    )
    return select(J.id, last.c.treatment_event_id).join(last, true())


@statement
def lateral_outer_join() -> Any:
    counted = select(func.count().label("n")).where(E.patient_id == J.patient_id).lateral("counted")
    return select(J.id, counted.c.n).outerjoin(counted, true())


@statement
def join_from_values() -> Any:
    wanted = values(column("hcp", String), column("n", Integer), name="wanted").data(
        [("HCP-000001", 1), ("HCP-000002", 2), ("HCP-000099", 3)]
    )
    return select(wanted.c.n, HcpProfile.city).outerjoin_from(wanted, HcpProfile, HcpProfile.hcp_id == wanted.c.hcp)


@statement
def join_to_a_series() -> Any:
    n = func.generate_series(1, 3).table_valued("n", name="s").render_derived()
    return select(n.c.n, RegisteredModel.id).join_from(n, RegisteredModel, true())


@statement
def join_of_a_view_and_its_table() -> Any:
    view = split_view(Prediction, "train")
    return select(Prediction.id, view.id).outerjoin(view, view.id == Prediction.id)


@statement
def join_on_case() -> Any:
    score = case((ShapAnalysis.model_registry_id == RegisteredModel.id, 1), else_=0)
    return select(ShapAnalysis.id, RegisteredModel.id).join(RegisteredModel, score == literal(1))


@statement
def sampled() -> Any:
    s = tablesample(PatientJourney.__table__, func.bernoulli(100), name="s")
    return select(s.c.id)


@statement
def locked_rows() -> Any:
    return select(J.id).with_for_update()


@statement
def locked_rows_of_one_side() -> Any:
    return select(J.id, E.treatment_event_id).join(J.events).with_for_update(of=TreatmentEvent, skip_locked=True)
