"""Sub-selects in every place, common table expressions, set operations."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Integer,
    String,
    all_,
    and_,
    any_,
    case,
    cast,
    column,
    except_,
    except_all,
    exists,
    func,
    intersect,
    intersect_all,
    literal,
    not_,
    or_,
    select,
    true,
    tuple_,
    union,
    union_all,
    values,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, aliased

from hedgerow.agents import AgentRegistry
from hedgerow.kpi import DataSource, DataSourceTracking
from hedgerow.patients import HcpProfile, PatientJourney, TreatmentEvent
from hedgerow.predictions import EngagementTrigger, Prediction
from hedgerow.splits.models import PatientSplitAssignment
from leakage.shapes import Shapes
from leakage.world import OWN

SHAPES = Shapes("subqueries")
statement, interaction = SHAPES.statement, SHAPES.interaction

J = PatientJourney
E = TreatmentEvent
H = HcpProfile


@statement
def in_the_columns() -> Any:
    return select(AgentRegistry.agent_name, select(func.count(J.id)).scalar_subquery())


@statement
def in_the_columns_alone() -> Any:
    return select(select(func.array_agg(J.id)).scalar_subquery())


@statement
def in_from() -> Any:
    return select(select(J.id, J.brand).where(J.brand != "").subquery().c.id)


@statement
def in_from_twice() -> Any:
    inner = select(J.id, J.patient_id).subquery("inner_one")
    return select(
        select(inner.c.patient_id, func.count().label("n")).group_by(inner.c.patient_id).subquery("outer_one")
    )


@statement
def in_from_as_entity() -> Any:
    return select(aliased(PatientJourney, select(PatientJourney).where(J.patient_id != "").subquery()))


@statement
def in_where_compared() -> Any:
    return select(E.treatment_event_id).where(E.cost >= select(func.avg(aliased(E).cost)).scalar_subquery())


@statement
def in_where_of_an_unscoped_table() -> Any:
    used = select(DataSourceTracking.source_id).where(DataSourceTracking.tenant_id != "TEST_TENANT_001")
    return select(DataSource.source_id).where(DataSource.source_id.in_(used))


@statement
def in_the_order() -> Any:
    other = aliased(J)
    rank = select(func.count()).where(other.patient_id > J.patient_id).scalar_subquery()
    return select(J.id, rank).order_by(rank, J.id).limit(5)


@statement
def in_the_limit() -> Any:
    return (
        select(AgentRegistry.agent_name)
        .order_by(AgentRegistry.agent_name)
        .limit(select(func.count(Prediction.id) / 7).scalar_subquery())
    )


@statement
def in_having() -> Any:
    most = select(func.count(aliased(Prediction).id) / 9).scalar_subquery()
    return select(E.brand, func.count()).group_by(E.brand).having(func.count() > most)


@statement
def in_case_of_an_aggregate() -> Any:
    return select(func.array_length(func.array(select(J.id).scalar_subquery()), 1))


@statement
def correlated() -> Any:
    events = select(func.count(E.treatment_event_id)).where(E.patient_id == J.patient_id).scalar_subquery()
    return select(J.id, events)


@statement
def correlated_by_hand() -> Any:
    city = select(H.city).where(H.hcp_id == E.hcp_id).order_by(H.city, H.tenant_id).limit(1).correlate(TreatmentEvent)
    return select(E.treatment_event_id, city.scalar_subquery())


@statement
def correlated_from_a_list() -> Any:
    return select(
        PatientSplitAssignment.patient_id,
        select(func.array_agg(J.id))
        .where(J.patient_id == PatientSplitAssignment.patient_id)
        .scalar_subquery()
        .is_(None),
    )


@statement
def exists_of_foreign_rows() -> Any:
    return select(exists().where(J.tenant_id != "TEST_TENANT_001"))


@statement
def exists_in_where() -> Any:
    return select(PatientSplitAssignment.patient_id).where(
        select(J.id).where(J.patient_id == PatientSplitAssignment.patient_id).exists()
    )


@statement
def not_exists() -> Any:
    return select(PatientSplitAssignment.patient_id).where(
        ~exists().where(and_(J.patient_id == PatientSplitAssignment.patient_id, J.brand != ""))
    )


@statement
def exists_of_the_closed_split() -> Any:
    return select(AgentRegistry.agent_name).where(exists().where(func.lower(J.split_assignment) == "test"))


@statement
def in_list() -> Any:
    return select(J.id).where(J.patient_id.in_(select(E.patient_id).where(E.cost > 300)))


@statement
def not_in_list() -> Any:
    return select(PatientSplitAssignment.patient_id).where(
        PatientSplitAssignment.patient_id.not_in(select(J.patient_id))
    )


@statement
def tuple_in_list() -> Any:
    return select(J.id).where(tuple_(J.patient_id, J.brand).in_(select(E.patient_id, cast(E.brand, String))))


@statement
def any_of_a_list() -> Any:
    return select(H.hcp_id).where(H.decile >= all_(select(aliased(H).decile).scalar_subquery()))


@statement
def equal_to_any() -> Any:
    return select(H.hcp_id, H.city).where(H.hcp_id == any_(select(EngagementTrigger.hcp_id).scalar_subquery()))


@statement
def in_the_group() -> Any:
    events = select(func.count(E.treatment_event_id)).where(E.hcp_id == H.hcp_id).scalar_subquery()
    return select(events, func.count()).select_from(H).group_by(events)


@statement
def in_the_offset() -> Any:
    return (
        select(AgentRegistry.agent_name)
        .order_by(AgentRegistry.agent_name)
        .offset(select(func.count(Prediction.id) / 7).scalar_subquery())
    )


@statement
def in_the_join_condition() -> Any:
    found = H.hcp_id == select(func.max(E.hcp_id)).scalar_subquery()
    return select(AgentRegistry.agent_name, H.hcp_id, H.tenant_id).outerjoin(H, found)


@statement
def in_distinct_on() -> Any:
    events = select(func.count(E.treatment_event_id)).where(E.patient_id == J.patient_id).scalar_subquery()
    return select(events, J.id).ext(distinct_on(events)).order_by(events, J.id)


@statement
def in_the_order_of_a_window() -> Any:
    events = select(func.count(E.treatment_event_id)).where(E.hcp_id == H.hcp_id).scalar_subquery()
    return select(H.hcp_id, func.dense_rank().over(order_by=events))


@statement
def in_filter_of_an_aggregate() -> Any:
    seen = exists().where(E.hcp_id == H.hcp_id, E.cost > 100)
    return select(func.count().filter(seen)).select_from(H)


@statement
def in_case() -> Any:
    return select(AgentRegistry.agent_name, case((exists().where(J.tenant_id != OWN), "leak"), else_="none"))


@statement
def in_values() -> Any:
    counted = values(column("n", Integer), name="counted").data([(select(func.count(J.id)).scalar_subquery(),)])
    return select(counted.c.n)


@statement
def in_a_function_of_the_from() -> Any:
    numbers = func.generate_series(1, select(func.count(Prediction.id)).scalar_subquery())
    return select(func.count()).select_from(numbers.table_valued("n"))


@statement
def nested_to_depth_four() -> Any:
    deepest = select(E.patient_id).where(E.cost >= 0)
    third = select(Prediction.patient_id).where(Prediction.patient_id.in_(deepest))
    second = select(J.patient_id).where(J.patient_id.in_(third))
    return select(PatientSplitAssignment.patient_id).where(PatientSplitAssignment.patient_id.in_(second))


# -- common table expressions -------------------------------------------------------------------------------------


@statement
def cte() -> Any:
    return select(select(J.id, J.brand).cte("journeys"))


@statement
def cte_of_an_entity() -> Any:
    found = select(PatientJourney).cte("found")
    return select(aliased(PatientJourney, found))


@statement
def cte_used_twice() -> Any:
    low = select(E.treatment_event_id, E.cost).cte("low")
    high = low.alias("high")
    return select(low.c.treatment_event_id, high.c.treatment_event_id).join(high, high.c.cost > low.c.cost)


@statement
def cte_within_a_cte() -> Any:
    inner = select(J.patient_id).cte("inner_patients")
    outer = select(E.treatment_event_id).where(E.patient_id.in_(select(inner.c.patient_id))).cte("outer_events")
    return select(func.count()).select_from(outer)


@statement
def cte_that_is_named_like_a_table() -> Any:
    return select(select(J.id, J.patient_id).cte("treatment_events"))


@statement
def cte_materialised() -> Any:
    found = select(J.id).cte("found").prefix_with("MATERIALIZED", dialect="postgresql")
    return select(func.count()).select_from(found)


@statement
def cte_nested_in_a_subquery() -> Any:
    inner = select(E.patient_id).cte("inner_events", nesting=True)
    return select(J.id).where(J.patient_id.in_(select(inner.c.patient_id)))


@statement
def cte_of_a_set_operation() -> Any:
    either = union(select(J.patient_id), select(Prediction.__table__.c.patient_id)).cte("either")
    return select(either.c.patient_id).where(either.c.patient_id.in_(select(E.patient_id)))


@statement
def recursive_cte() -> Any:
    t = EngagementTrigger
    chain = (
        select(t.trigger_id, t.previous_trigger_id, literal(0).label("depth"))
        .where(t.previous_trigger_id.is_(None))
        .cte("chain", recursive=True)
    )
    following = select(t.trigger_id, t.previous_trigger_id, chain.c.depth + 1).where(
        t.previous_trigger_id == chain.c.trigger_id
    )
    return select(chain.union(following))


@statement
def recursive_cte_that_joins_inside() -> Any:
    n = select(literal(1).label("n")).cte("n", recursive=True)
    n = n.union_all(select(n.c.n + 1).where(n.c.n < select(func.count(Prediction.id)).scalar_subquery()))
    return select(func.max(n.c.n))


# -- set operations -----------------------------------------------------------------------------------------------


@statement
def union_of_entity_and_table() -> Any:
    return union(select(J.patient_id, J.id), select(Prediction.__table__.c.patient_id, Prediction.__table__.c.id))


@statement
def union_all_ordered() -> Any:
    parts = select(J.patient_id.label("p")), select(EngagementTrigger.__table__.c.patient_id)
    return union_all(*parts).order_by("p").limit(9)


@statement
def intersection() -> Any:
    return intersect(select(J.patient_id), select(Prediction.__table__.c.patient_id))


@statement
def difference() -> Any:
    return except_(select(PatientSplitAssignment.__table__.c.patient_id), select(J.patient_id))


@statement
def difference_within_an_intersection() -> Any:
    low = except_(select(E.patient_id), select(E.patient_id).where(E.cost > 900))
    return intersect(low, select(J.patient_id))


@statement
def intersect_all_and_except_all() -> Any:
    return except_all(intersect_all(select(E.patient_id), select(E.__table__.c.patient_id)), select(J.patient_id))


@statement
def set_operation_in_a_list() -> Any:
    either = union(select(J.patient_id), select(Prediction.__table__.c.patient_id))
    return select(PatientSplitAssignment.patient_id).where(PatientSplitAssignment.patient_id.in_(either))


@statement
def set_operation_as_a_scalar() -> Any:
    both = union_all(select(func.count(J.id).label("n")), select(func.count(E.__table__.c.treatment_event_id)))
    return select(select(func.sum(both.subquery().c.n)).scalar_subquery())


@interaction
def entity_from_a_union(s: Session) -> Any:
    both = union_all(
        select(PatientJourney).where(J.brand == "Kisqali"), select(PatientJourney).where(J.brand != "Kisqali")
    )
    return s.scalars(select(aliased(PatientJourney, both.subquery()))).all()


@interaction
def entity_from_a_statement(s: Session) -> Any:
    both = union(
        select(PatientJourney).where(or_(J.brand != "", true())), select(PatientJourney).where(not_(J.brand == ""))
    )
    return s.scalars(select(PatientJourney).from_statement(both)).all()
