"""Entities, columns, aggregates, whole rows and window functions."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Numeric,
    String,
    any_,
    case,
    cast,
    distinct,
    exists,
    extract,
    func,
    lambda_stmt,
    literal,
    literal_column,
    not_,
    or_,
    select,
    text,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by, array, distinct_on
from sqlalchemy.orm import Bundle, Session

from hedgerow.mlops import RegisteredModel
from hedgerow.patients import HcpProfile, PatientJourney, TreatmentEvent
from hedgerow.predictions import EngagementTrigger, Prediction, ShapAnalysis
from hedgerow.splits.models import LeakageAudit, PatientSplitAssignment
from hedgerow.tenancy.models import Tenant
from leakage.shapes import Shapes, keys
from leakage.world import FOREIGN, OWN

SHAPES = Shapes("columns")
statement, interaction = SHAPES.statement, SHAPES.interaction

JOURNEYS: Any = PatientJourney.__table__
PRESCRIBERS: Any = HcpProfile.__table__
ASSIGNMENTS: Any = PatientSplitAssignment.__table__

J = PatientJourney
E = TreatmentEvent


@statement
def entity() -> Any:
    return select(PatientJourney)


@statement
def two_entities() -> Any:
    return select(TreatmentEvent, PatientJourney).join(TreatmentEvent.journey)


@statement
def entity_of_an_artefact() -> Any:
    return select(RegisteredModel)


@statement
def entity_of_the_tenants() -> Any:
    return select(Tenant)


@statement
def entity_of_an_append_only_table() -> Any:
    return select(LeakageAudit)


@statement
def columns() -> Any:
    return select(J.id, J.patient_id, J.journey_stage)


@statement
def no_column_at_all() -> Any:
    return select(literal(1)).select_from(PatientJourney)


@statement
def star() -> Any:
    return select(text("*")).select_from(HcpProfile)


@statement
def literal_column_of_the_table() -> Any:
    return select(literal_column("patient_journeys.id")).select_from(PatientJourney)


@statement
def condition_or_true() -> Any:
    return select(J.id).where(or_(J.patient_id == "", true()))


@statement
def condition_text_or_true() -> Any:
    return select(J.id).where(text("1 = 0 OR 1 = 1"))


@statement
def condition_not_the_own_tenant() -> Any:
    return select(J.id).where(not_(J.tenant_id == OWN))


@statement
def condition_foreign_tenant() -> Any:
    return select(J).where(J.tenant_id == FOREIGN)


@statement
def condition_closed_split() -> Any:
    return select(J.id).where(J.split_assignment == "holdout")


@statement
def condition_closed_split_in_disguise() -> Any:
    return select(J.id).where(func.upper(J.split_assignment) == "HOLDOUT")


@statement
def condition_later_than_the_window() -> Any:
    return select(J.id).where(J.split_assignment == "train", J.journey_start_date > func.make_date(2024, 6, 30))


@statement
def tuples_in() -> Any:
    return select(E.treatment_event_id).where(
        tuple_(E.tenant_id, E.brand).in_([(OWN, "Kisqali"), (FOREIGN, "Kisqali")])
    )


@statement
def distinct_values() -> Any:
    return select(J.patient_id).distinct()


@statement
def distinct_on_patient() -> Any:
    return select(J.patient_id, J.id).ext(distinct_on(J.patient_id)).order_by(J.patient_id, J.id)


@statement
def bundle() -> Any:
    return select(Bundle("b", J.id, J.patient_id))


@statement
def case_expression() -> Any:
    return select(case((J.journey_stage == "initiated", cast(J.id, String)), else_="other"))


@statement
def typed_json() -> Any:
    return select(Prediction.rank_metrics, Prediction.id)


@statement
def array_membership() -> Any:
    return select(J.id).where(literal("komodo") == any_(J.data_sources_matched))


@statement
def unnested_array() -> Any:
    return select(J.id, func.unnest(J.data_sources_matched))


@statement
def full_text_search() -> Any:
    found = EngagementTrigger.search_vector.op("@@")(func.to_tsquery("english", "risk | adherence | discontinuation"))
    return select(EngagementTrigger.tenant_id, EngagementTrigger.trigger_id).where(found)


@statement
def ordered_and_limited() -> Any:
    return select(J.id, J.journey_start_date).order_by(J.journey_start_date.desc(), J.id).limit(6).offset(1)


@statement
def lambda_statement() -> Any:
    return lambda_stmt(lambda: select(J.id)) + (lambda query: query.where(J.patient_id != ""))


@interaction
def foreign_key_asked_for(s: Session) -> Any:
    _, identity = keys(s).foreign[PatientJourney]
    return [s.scalar(select(exists().where(J.id == identity))), s.scalars(select(J).where(J.id == identity)).all()]


@interaction
def closed_row_asked_for(s: Session) -> Any:
    _, identity = keys(s).closed[PatientJourney]
    return s.scalars(select(J.id).where(J.id == identity)).all()


# -- whole rows ---------------------------------------------------------------------------------------------------


@statement
def whole_row_as_json() -> Any:
    return select(cast(func.row_to_json(JOURNEYS.table_valued()), String))


@statement
def whole_row_as_text() -> Any:
    return select(cast(PRESCRIBERS.alias("h").table_valued(), String))


@statement
def whole_rows_aggregated() -> Any:
    return select(func.count(distinct(cast(ASSIGNMENTS.table_valued(), String))))


# -- aggregates ---------------------------------------------------------------------------------------------------


@statement
def count_of_rows() -> Any:
    return select(func.count()).select_from(PatientJourney)


@statement
def count_of_a_column() -> Any:
    return select(func.count(E.treatment_event_id), func.count(distinct(E.patient_id)))


@statement
def sum_and_extremes() -> Any:
    return select(func.sum(E.cost), func.min(E.event_date), func.max(E.event_date))


@statement
def grouped() -> Any:
    return select(J.brand, func.count()).group_by(J.brand).having(func.count(J.id) > 0)


@statement
def grouped_by_the_key() -> Any:
    return (
        select(J.id, J.patient_id, func.count(E.treatment_event_id))
        .join(J.events)
        .group_by(J.tenant_id, J.id)
        .order_by(J.journey_start_date)
    )


@statement
def rollup() -> Any:
    return select(E.brand, E.event_type, func.count()).group_by(func.rollup(E.brand, E.event_type))


@statement
def grouping_sets() -> Any:
    return select(E.brand, func.count()).group_by(func.grouping_sets(tuple_(E.brand), tuple_()))


@statement
def array_of_values() -> Any:
    return select(func.array_agg(aggregate_order_by(E.treatment_event_id, E.treatment_event_id, E.event_date)))


@statement
def string_of_values() -> Any:
    return select(func.string_agg(HcpProfile.city, aggregate_order_by(literal_column("','"), HcpProfile.hcp_id)))


@statement
def json_of_values() -> Any:
    return select(func.json_object_agg(Prediction.id, Prediction.prediction_score)).group_by(Prediction.id)


@statement
def boolean_aggregate() -> Any:
    return select(func.bool_or(E.cost > 0), func.every(J.tenant_id == OWN)).select_from(E).join(J, true())


@statement
def only_inside_filter() -> Any:
    return select(func.count().filter(J.brand != ""))


@statement
def only_inside_an_aggregates_filter() -> Any:
    return select(func.count(literal(1)).filter(ShapAnalysis.sample_size > 0))


@statement
def only_inside_within_group() -> Any:
    return select(func.percentile_disc(array([0.1, 0.3, 0.5, 0.7, 0.9])).within_group(E.cost))


@statement
def mode_within_group() -> Any:
    return select(func.mode().within_group(E.treatment_event_id.desc()))


@statement
def only_inside_extract() -> Any:
    return select(extract("epoch", Prediction.prediction_timestamp))


# -- window functions ---------------------------------------------------------------------------------------------


@statement
def only_inside_over() -> Any:
    return select(func.count().over(partition_by=J.brand))


@statement
def only_inside_order_of_over() -> Any:
    return select(func.row_number().over(order_by=E.event_date))


@statement
def rank_in_a_group() -> Any:
    return select(E.treatment_event_id, func.rank().over(partition_by=E.brand, order_by=(E.cost, E.tenant_id)))


@statement
def lag_of_a_value() -> Any:
    return select(J.id, func.lag(J.patient_id).over(order_by=(J.patient_id, J.id)))


@statement
def running_sum() -> Any:
    return select(
        E.treatment_event_id, func.sum(E.cost).over(order_by=(E.event_date, E.treatment_event_id), rows=(-3, 0))
    )


@statement
def window_over_an_aggregate() -> Any:
    return select(J.brand, func.sum(func.count()).over(order_by=J.brand)).group_by(J.brand)


@statement
def filtered_window() -> Any:
    return select(cast(func.sum(E.cost).filter(E.cost > 1).over(partition_by=E.brand), Numeric))
