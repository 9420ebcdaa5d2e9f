"""Relationships, loader strategies, the identity map, refreshes, the Query API."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, inspect, select, union_all
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import (
    Session,
    aliased,
    contains_eager,
    defer,
    immediateload,
    joinedload,
    lazyload,
    load_only,
    make_transient_to_detached,
    raiseload,
    selectinload,
    subqueryload,
    undefer,
    with_loader_criteria,
)
from sqlalchemy.orm.exc import ObjectDeletedError

from hedgerow.agents import AgentActivity
from hedgerow.core.base import Base
from hedgerow.kpi import BusinessMetric, DataSourceTracking
from hedgerow.mlops import Experiment, RegisteredModel
from hedgerow.patients import HcpProfile, PatientJourney, TreatmentEvent
from hedgerow.predictions import EngagementTrigger, Prediction, ShapAnalysis
from leakage.shapes import Shapes, all_keys, borrowed, keys

SHAPES = Shapes("loading")
interaction = SHAPES.interaction

J = PatientJourney
E = TreatmentEvent
T = EngagementTrigger

MODELS: tuple[type[Base], ...] = (J, E, T, Prediction, AgentActivity, BusinessMetric, RegisteredModel, HcpProfile)


# -- relationships in conditions ----------------------------------------------------------------------------------


@interaction
def any_of_a_collection(s: Session) -> Any:
    return s.scalars(select(J.id).where(J.events.any(E.cost > 100))).all()


@interaction
def none_of_a_collection(s: Session) -> Any:
    return s.scalars(select(J.id).where(~J.events.any())).all()


@interaction
def has_a_parent(s: Session) -> Any:
    return s.scalars(select(E.treatment_event_id).where(E.journey.has(J.brand != ""))).all()


@interaction
def has_no_parent(s: Session) -> Any:
    return s.scalars(select(E.treatment_event_id).where(~E.journey.has())).all()


@interaction
def has_a_self_referential_parent(s: Session) -> Any:
    return s.scalars(select(T.trigger_id).where(T.previous.has(T.change_type == "new"))).all()


@interaction
def has_within_any(s: Session) -> Any:
    return s.scalars(select(J.id).where(J.events.any(E.prescriber.has(HcpProfile.decile > 2)))).all()


@interaction
def has_the_model(s: Session) -> Any:
    return s.scalars(select(ShapAnalysis.id).where(ShapAnalysis.model.has(RegisteredModel.algorithm != ""))).all()


@interaction
def equal_to_an_object(s: Session) -> Any:
    journeys = s.scalars(select(J).order_by(J.id).limit(5)).all()
    return [s.scalars(select(E.treatment_event_id).where(E.journey == journey)).all() for journey in journeys]


@interaction
def equal_to_a_foreign_object(s: Session) -> Any:
    prescriber = borrowed(s, HcpProfile)
    return s.scalars(select(E.treatment_event_id).where(E.prescriber == prescriber)).all()


# -- loader strategies --------------------------------------------------------------------------------------------


def _down(option: Callable[[Any], Any]) -> Callable[[Session], Any]:
    def load(s: Session) -> Any:
        journeys = s.scalars(select(J).options(option(J.events)).where(J.patient_id < "PAT-00000013")).unique().all()
        return [(j.id, sorted(e.treatment_event_id for e in j.events)) for j in journeys]

    return load


def _up(option: Callable[[Any], Any]) -> Callable[[Session], Any]:
    def load(s: Session) -> Any:
        events = s.scalars(select(E).options(option(E.journey), option(E.prescriber))).unique().all()
        return [(e.treatment_event_id, e.journey and e.journey.id, e.prescriber and e.prescriber.city) for e in events]

    return load


for _option in (lazyload, joinedload, selectinload, subqueryload, immediateload):
    for _way in (_down, _up):
        _load = _way(_option)
        _load.__name__ = f"{_option.__name__}{_way.__name__}"
        interaction(_load)


@interaction
def raiseload_raises(s: Session) -> Any:
    journeys = s.scalars(select(J).options(raiseload(J.events))).all()
    with pytest.raises(InvalidRequestError, match="raise"):
        _ = journeys[0].events
    return [j.id for j in journeys]


@interaction
def joinedload_inner(s: Session) -> Any:
    events = s.scalars(select(E).options(joinedload(E.journey, innerjoin=True))).all()
    return [(e.treatment_event_id, e.journey.id if e.journey else None) for e in events]


@interaction
def joinedload_limited(s: Session) -> Any:
    found = s.scalars(select(J).options(joinedload(J.events)).order_by(J.patient_id, J.id).limit(6)).unique()
    return [(j.id, sorted(e.treatment_event_id for e in j.events)) for j in found]


@interaction
def nested_loads(s: Session) -> Any:
    found = s.scalars(select(J).options(selectinload(J.events).joinedload(E.prescriber))).all()
    return [(j.id, sorted(e.prescriber.hcp_id for e in j.events if e.prescriber)) for j in found]


@interaction
def self_referential_load(s: Session) -> Any:
    found = s.scalars(select(T).options(joinedload(T.previous), selectinload(T.prescriber))).all()
    return [(t.trigger_id, t.previous and t.previous.trigger_id, t.prescriber and t.prescriber.city) for t in found]


@interaction
def loads_of_artefacts(s: Session) -> Any:
    found = s.scalars(select(Experiment).options(selectinload(Experiment.models))).all()
    return [(x.experiment_name, x.split_assignment, sorted(m.model_version for m in x.models)) for x in found]


@interaction
def load_across_from_an_unscoped_parent(s: Session) -> Any:
    found = s.scalars(select(DataSourceTracking).options(joinedload(DataSourceTracking.source))).all()
    return [(x.tracking_id, x.source and x.source.source_name) for x in found]


@interaction
def contains_eager_of_a_join(s: Session) -> Any:
    found = s.scalars(select(J).join(J.events).options(contains_eager(J.events))).unique()
    return [(j.id, sorted(e.treatment_event_id for e in j.events)) for j in found]


@interaction
def contains_eager_of_an_alias(s: Session) -> Any:
    events = aliased(E)
    found = s.scalars(select(J).outerjoin(events, J.events).options(contains_eager(J.events.of_type(events)))).unique()
    return [(j.id, sorted(e.treatment_event_id for e in j.events)) for j in found]


@interaction
def criteria_of_the_user(s: Session) -> Any:
    q = select(J).options(with_loader_criteria(E, E.cost > 200), selectinload(J.events))
    return [(j.id, sorted(e.treatment_event_id for e in j.events)) for j in s.scalars(q)]


# -- identity map, refreshes, deferred columns ---------------------------------------------------------------------


@interaction
def get_by_key(s: Session) -> Any:
    return [s.get(model, key) for model in MODELS for key in all_keys(s, model)]


@interaction
def get_after_everything_was_loaded(s: Session) -> Any:
    loaded = [s.scalars(select(model)).all() for model in MODELS]
    hits = [s.get(model, key) for model in MODELS for key in all_keys(s, model)]
    return [len(loaded), [x for x in hits if x is not None]]


@interaction
def get_with_loads_and_lock(s: Session) -> Any:
    found = [s.get(J, key, options=[selectinload(J.events)], with_for_update=True) for key in all_keys(s, J)]
    return [(j.id, sorted(e.treatment_event_id for e in j.events)) for j in found if j is not None]


@interaction
def get_with_populate_existing(s: Session) -> Any:
    return [s.get(E, key, populate_existing=True) for key in all_keys(s, E)]


@interaction
def refreshed(s: Session) -> Any:
    found = s.scalars(select(J)).all()
    for journey in found:
        s.refresh(journey, ["brand", "events"])
    return [(j.id, j.brand, sorted(e.treatment_event_id for e in j.events)) for j in found]


@interaction
def expired(s: Session) -> Any:
    found = s.scalars(select(Prediction)).all()
    s.expire_all()
    return [(p.id, p.prediction_score) for p in found]


@interaction
def expired_collection(s: Session) -> Any:
    found = s.scalars(select(J).options(selectinload(J.events))).all()
    for journey in found:
        s.expire(journey, ["events"])
    return [(j.id, sorted(e.treatment_event_id for e in j.events)) for j in found]


@interaction
def deferred_column(s: Session) -> Any:
    return [(t.trigger_id, t.search_vector) for t in s.scalars(select(T))]


@interaction
def deferred_column_undeferred(s: Session) -> Any:
    return [(a.activity_id, a.search_vector) for a in s.scalars(select(AgentActivity).options(undefer("*")))]


@interaction
def load_only_and_then_the_rest(s: Session) -> Any:
    return [(j.id, j.brand, j.journey_stage) for j in s.scalars(select(J).options(load_only(J.patient_id)))]


@interaction
def deferred_on_request(s: Session) -> Any:
    return [(j.id, j.brand) for j in s.scalars(select(J).options(defer(J.brand)))]


@interaction
def populated_again(s: Session) -> Any:
    s.scalars(select(J)).all()
    return s.scalars(select(J).execution_options(populate_existing=True)).all()


@interaction
def made_transient_and_loaded_again(s: Session) -> Any:
    first = s.scalars(select(J)).all()
    s.expunge_all()
    again = s.scalars(select(J)).all()
    return [len(first), [inspect(j).identity for j in again]]


# -- objects that come from elsewhere, whose rows are asked for again ----------------------------------------------


def _looked_at_again(s: Session, prescriber: HcpProfile) -> Any:
    s.expire(prescriber)
    try:
        city: Any = prescriber.city
    except ObjectDeletedError:
        city = "gone"
    return [city, s.get(HcpProfile, keys(s).foreign[HcpProfile], populate_existing=True)]


@interaction
def detached_object(s: Session) -> Any:
    prescriber = borrowed(s, HcpProfile)
    s.add(prescriber)
    return _looked_at_again(s, prescriber)


@interaction
def unpickled_object(s: Session) -> Any:
    prescriber = pickle.loads(pickle.dumps(borrowed(s, HcpProfile)))
    s.add(prescriber)
    return _looked_at_again(s, prescriber)


@interaction
def fake_persistent_object(s: Session) -> Any:
    tenant, hcp = keys(s).foreign[HcpProfile]
    prescriber = HcpProfile(tenant_id=tenant, hcp_id=hcp)
    make_transient_to_detached(prescriber)
    s.add(prescriber)
    return _looked_at_again(s, prescriber)


@interaction
def merged_without_loading(s: Session) -> Any:
    return _looked_at_again(s, s.merge(borrowed(s, HcpProfile), load=False))


@interaction
def merged_then_asked_for(s: Session) -> Any:
    """What merge finds nothing of becomes a new object, which is not flushed here: the map has nothing to hit."""
    with s.no_autoflush:
        merged = s.merge(borrowed(s, HcpProfile))
        found = s.get(HcpProfile, keys(s).foreign[HcpProfile])
    return inspect(merged).persistent, found is None


# -- the Query API and other ways to fetch ------------------------------------------------------------------------


@interaction
def query_all(s: Session) -> Any:
    return s.query(PatientJourney).filter(J.brand != "").all()


@interaction
def query_count(s: Session) -> Any:
    return s.query(PatientJourney).count()


@interaction
def query_get(s: Session) -> Any:
    return [s.query(HcpProfile).filter_by(tenant_id=t, hcp_id=h).one_or_none() for t, h in all_keys(s, HcpProfile)]


@interaction
def query_join(s: Session) -> Any:
    return s.query(J.id, E.treatment_event_id).join(E, J.events).filter_by(event_subtype=None).all()


@interaction
def query_exists(s: Session) -> Any:
    tenant, identity = keys(s).foreign[J]
    return s.query(s.query(J).filter(J.tenant_id == tenant, J.id == identity).exists()).scalar()


@interaction
def query_of_a_subquery(s: Session) -> Any:
    inner = s.query(J.patient_id.label("p"), func.count().label("n")).group_by(J.patient_id).subquery()
    return s.query(inner.c.p, inner.c.n).all()


@interaction
def query_union(s: Session) -> Any:
    return s.query(J.id).filter(J.brand == "Kisqali").union(s.query(J.id).filter(J.brand != "Kisqali")).all()


@interaction
def query_of_a_statement(s: Session) -> Any:
    both = union_all(select(J).where(J.brand == "Kisqali"), select(J).where(J.brand != "Kisqali"))
    return s.query(J).from_statement(both).all()


@interaction
def fetched_in_parts(s: Session) -> Any:
    return list(s.scalars(select(J).execution_options(yield_per=4)))


@interaction
def fetched_by_page(s: Session) -> Any:
    return [list(part) for part in s.execute(select(J.id).order_by(J.id)).partitions(5)]


@interaction
def asked_again_with_other_values(s: Session) -> Any:
    return [s.scalars(select(E.treatment_event_id).where(E.cost > n)).all() for n in (0, 500, 0)]


# -- transactions -------------------------------------------------------------------------------------------------


@interaction
def in_a_savepoint_released(s: Session) -> Any:
    with s.begin_nested():
        inside = s.scalars(select(J.id)).all()
    return [inside, s.scalars(select(J.id)).all()]


@interaction
def after_a_savepoint_rolled_back(s: Session) -> Any:
    nested = s.begin_nested()
    s.scalars(select(J.id)).all()
    nested.rollback()
    return s.scalars(select(J.id)).all()


@interaction
def after_a_failure_in_a_savepoint(s: Session) -> Any:
    with pytest.raises(Exception, match="zero"), s.begin_nested():
        s.execute(select(1 / func.length("")))
    return s.scalars(select(J)).all()


@interaction
def first_in_a_savepoint(s: Session) -> Any:
    with s.begin_nested(), s.begin_nested() as inner:
        inner.rollback()
    return s.scalars(select(J.id)).all()


@interaction
def after_a_commit(s: Session) -> Any:
    found = s.scalars(select(J)).all()
    s.commit()
    return [[j.brand for j in found], s.scalars(select(J.id)).all()]


@interaction
def after_a_rollback(s: Session) -> Any:
    s.scalars(select(J.id)).all()
    s.rollback()
    return s.scalars(select(J.id)).all()


@interaction
def after_a_close(s: Session) -> Any:
    s.scalars(select(J)).all()
    s.close()
    return s.scalars(select(J)).all()
