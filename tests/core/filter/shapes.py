"""Ways to read: each takes a session and returns what it found. Ordinary ones, and sly ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    Integer,
    MetaData,
    String,
    Table,
    and_,
    bindparam,
    case,
    cast,
    column,
    except_,
    exists,
    extract,
    false,
    func,
    intersect,
    lambda_stmt,
    lateral,
    literal,
    literal_column,
    not_,
    or_,
    select,
    table,
    tablesample,
    text,
    true,
    tuple_,
    union,
    union_all,
    values,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by, array, distinct_on
from sqlalchemy.orm import (
    Bundle,
    Session,
    aliased,
    contains_eager,
    defaultload,
    immediateload,
    joinedload,
    lazyload,
    load_only,
    selectin_polymorphic,
    selectinload,
    subqueryload,
    undefer,
    with_polymorphic,
)

from core.filter.toy import Country, Doctor, Journal, Note, Nurse, Person, Reading, Site, Visit

Shape = Callable[[Session], Any]
SHAPES: list[Shape] = []


def shape(function: Shape) -> Shape:
    SHAPES.append(function)
    return function


# -- entities and columns ---------------------------------------------------------------------------------------


@shape
def entity(s: Session) -> Any:
    return s.scalars(select(Visit)).all()


@shape
def entity_ordered_limited(s: Session) -> Any:
    return s.scalars(select(Visit).order_by(Visit.visit_id.desc()).limit(5).offset(1)).all()


@shape
def columns(s: Session) -> Any:
    return s.execute(select(Visit.visit_id, Visit.label)).all()


@shape
def or_true(s: Session) -> Any:
    return s.scalars(select(Visit.label).where(or_(Visit.visit_id > 0, true()))).all()


@shape
def or_top_level_text(s: Session) -> Any:
    return s.scalars(select(Visit.label).where(text("visit_id = 1 OR 1 = 1"))).all()


@shape
def negation(s: Session) -> Any:
    return s.scalars(select(Visit.label).where(not_(Visit.tenant_id == "A"))).all() or "nothing"


@shape
def bundle(s: Session) -> Any:
    return [tuple(b) for b in s.scalars(select(Bundle("b", Visit.visit_id, Visit.label)))]


@shape
def distinct_column(s: Session) -> Any:
    return s.scalars(select(Visit.patient_id).distinct()).all()


@shape
def distinct_on_patient(s: Session) -> Any:
    return s.execute(
        select(Visit.patient_id, Visit.label)
        .ext(distinct_on(Visit.patient_id))
        .order_by(Visit.patient_id, Visit.visit_id)
    ).all()


@shape
def hybrid(s: Session) -> Any:
    return s.scalars(select(Visit.shout)).all()


@shape
def case_expression(s: Session) -> Any:
    return s.scalars(select(case((Visit.score > 5, Visit.label), else_="low"))).all()


@shape
def literal_column_of_table(s: Session) -> Any:
    return s.scalars(select(literal_column("visit.label")).select_from(Visit)).all()


@shape
def whole_row(s: Session) -> Any:
    return s.scalars(select(func.row_to_json(Visit.__table__.table_valued()))).all()


@shape
def whole_row_alias_text(s: Session) -> Any:
    v = aliased(Visit, name="vv")
    return s.scalars(select(cast(v.__table__.alias("vv2").table_valued(), String))).all()


@shape
def star(s: Session) -> Any:
    return s.execute(select(text("*")).select_from(Site)).all()


@shape
def tuple_in(s: Session) -> Any:
    return s.scalars(
        select(Visit.label).where(tuple_(Visit.tenant_id, Visit.visit_id).in_([("A", 1), ("B", 1001)]))
    ).all()


@shape
def self_made_label(s: Session) -> Any:
    return s.execute(select((Visit.label + "!").label("visit")).order_by("visit")).all()


@shape
def expression_loaded(s: Session) -> Any:
    return s.scalars(select(Site).options(undefer(Site.visit_count))).all()  # type: ignore[attr-defined]


@shape
def deferred_later(s: Session) -> Any:
    return [(site.site_id, site.visit_count) for site in s.scalars(select(Site))]  # type: ignore[attr-defined]


@shape
def lambda_statement(s: Session) -> Any:
    return s.scalars(lambda_stmt(lambda: select(Visit.label)) + (lambda q: q.where(Visit.visit_id > 0))).all()


@shape
def from_enum_table(s: Session) -> Any:
    return s.scalars(select(Reading.label)).all()


@shape
def append_only_read(s: Session) -> Any:
    return s.scalars(select(Journal.label)).all()


# -- aggregates and windows -------------------------------------------------------------------------------------


@shape
def count_star(s: Session) -> Any:
    return s.scalar(select(func.count()).select_from(Visit))


@shape
def count_column(s: Session) -> Any:
    return s.scalar(select(func.count(Visit.visit_id)))


@shape
def aggregates(s: Session) -> Any:
    return s.execute(
        select(func.sum(Visit.score), func.max(Visit.label), func.min(Visit.day), func.avg(Visit.score))
    ).one()


@shape
def grouped(s: Session) -> Any:
    return s.execute(
        select(Visit.site_id, func.count(), func.string_agg(Visit.label, aggregate_order_by(literal(","), Visit.label)))
        .group_by(Visit.site_id)
        .having(func.count() > 0)
    ).all()


@shape
def grouped_by_key(s: Session) -> Any:
    return s.execute(
        select(Site.name, func.count(Visit.visit_id))
        .outerjoin(Site.visits)
        .group_by(Site.tenant_id, Site.site_id)
        .order_by(Site.country_code, Site.site_id)
    ).all()


@shape
def grouped_entity(s: Session) -> Any:
    return s.execute(
        select(Site, func.count(Visit.visit_id)).join(Site.visits).group_by(Site.tenant_id, Site.site_id)
    ).all()


@shape
def rollup(s: Session) -> Any:
    return s.execute(select(Visit.site_id, func.count()).group_by(func.rollup(Visit.site_id))).all()


@shape
def only_in_over(s: Session) -> Any:
    return s.scalars(select(func.count().over(partition_by=Visit.site_id))).all()


@shape
def only_in_filter(s: Session) -> Any:
    return s.scalar(select(func.count().filter(Visit.score > 3)))


@shape
def within_group(s: Session) -> Any:
    return s.scalar(select(func.percentile_disc(0.5).within_group(Visit.label)))


@shape
def only_in_extract(s: Session) -> Any:
    return s.scalars(select(extract("doy", Visit.day))).all()


@shape
def window_rank(s: Session) -> Any:
    return s.execute(select(Visit.label, func.rank().over(order_by=Visit.score.nulls_last()))).all()


@shape
def array_agg(s: Session) -> Any:
    return s.scalar(select(func.array_agg(aggregate_order_by(Visit.label, Visit.label), type_=ARRAY(String))))


@shape
def json_agg(s: Session) -> Any:
    return s.scalar(select(func.json_agg(aggregate_order_by(Site.name, Site.name))))


# -- subqueries -------------------------------------------------------------------------------------------------


@shape
def scalar_subquery(s: Session) -> Any:
    return s.scalar(select(select(func.max(Visit.label)).scalar_subquery()))


@shape
def subquery_in_from(s: Session) -> Any:
    sub = select(Visit.label, Visit.site_id).subquery()
    return s.execute(select(sub.c.label)).all()


@shape
def in_subquery(s: Session) -> Any:
    return s.scalars(select(Site.name).where(Site.site_id.in_(select(Visit.site_id)))).all()


@shape
def not_in_subquery(s: Session) -> Any:
    return s.scalars(
        select(Site.name).where(Site.site_id.not_in(select(Visit.site_id).where(Visit.site_id.is_not(None))))
    ).all()


@shape
def exists_uncorrelated(s: Session) -> Any:
    return s.scalars(select(Country.code).where(exists().where(Visit.label.like("%secret%")))).all() or "none"


@shape
def exists_correlated(s: Session) -> Any:
    return (
        s.scalars(select(Site.name).where(exists().where(Visit.site_id == Site.site_id, Visit.score > 20))).all()
        or "none"
    )


@shape
def select_exists(s: Session) -> Any:
    return s.scalar(select(exists(select(Visit.visit_id).where(Visit.label.like("%secret%")))))


@shape
def lateral_join(s: Session) -> Any:
    last = (
        select(Visit.label)
        .where(Visit.site_id == Site.site_id)
        .order_by(Visit.visit_id.desc())
        .limit(1)
        .lateral("last")
    )
    return s.execute(select(Site.name, last.c.label).outerjoin(last, true())).all()


@shape
def lateral_of_table(s: Session) -> Any:
    return s.execute(select(lateral(select(Visit.__table__)).c.label)).all()


@shape
def array_constructor(s: Session) -> Any:
    ordered = select(Visit.label).order_by(Visit.label)
    return s.scalar(select(func.array(ordered.scalar_subquery(), type_=ARRAY(String))))


@shape
def any_of_subquery(s: Session) -> Any:
    return s.scalars(select(Site.name).where(Site.site_id == func.any(select(Visit.site_id).scalar_subquery()))).all()


@shape
def values_join(s: Session) -> Any:
    v = values(column("id", Integer), name="wanted").data([(1,), (1001,), (4,)])
    return s.execute(select(v.c.id, Visit.label).outerjoin(Visit, Visit.visit_id == v.c.id)).all()


@shape
def order_by_subquery(s: Session) -> Any:
    best = select(func.max(Visit.score)).where(Visit.site_id == Site.site_id).scalar_subquery()
    return s.execute(select(Site.name, best).order_by(best.nulls_last(), Site.site_id)).all()


@shape
def limit_by_subquery(s: Session) -> Any:
    few = select(func.count(Visit.visit_id) / 10).scalar_subquery()
    return s.scalars(select(Site.name).order_by(Site.site_id).limit(few)).all()


@shape
def in_function_argument(s: Session) -> Any:
    return s.scalar(select(func.concat("max: ", select(func.max(Note.body)).scalar_subquery())))


# -- CTEs and set operations ------------------------------------------------------------------------------------


@shape
def cte(s: Session) -> Any:
    c = select(Visit.label).cte("c")
    return s.execute(select(c)).all()


@shape
def cte_named_like_the_table(s: Session) -> Any:
    c = select(Visit.label, Visit.visit_id).cte("visits_of_mine")
    return s.execute(select(c.c.label).join(Visit, Visit.visit_id == c.c.visit_id)).all()


@shape
def recursive_cte(s: Session) -> Any:
    tree = select(Site.site_id, Site.name).where(Site.parent_id.is_(None)).cte("tree", recursive=True)
    tree = tree.union_all(select(Site.site_id, Site.name).where(Site.parent_id == tree.c.site_id))
    return s.execute(select(tree)).all()


@shape
def materialised_cte(s: Session) -> Any:
    c = select(Visit).cte("c").prefix_with("MATERIALIZED")
    return s.execute(select(c.c.label)).all()


@shape
def union_orm_core(s: Session) -> Any:
    return s.execute(union_all(select(Visit.label), select(Site.__table__.c.name))).all()


@shape
def union_of_entities(s: Session) -> Any:
    u = union(select(Visit).where(Visit.score > 3), select(Visit).where(Visit.score <= 3)).subquery()
    return s.scalars(select(aliased(Visit, u))).all()


@shape
def except_and_intersect(s: Session) -> Any:
    low = except_(select(Visit.label), select(Visit.label).where(Visit.score > 10))
    return s.execute(intersect(low, select(Visit.label))).all()


@shape
def union_ordered(s: Session) -> Any:
    return s.execute(union_all(select(Visit.label), select(Note.body)).order_by(text("label DESC")).limit(7)).all()


# -- joins ------------------------------------------------------------------------------------------------------


@shape
def aliased_entity(s: Session) -> Any:
    return s.scalars(select(aliased(Visit))).all()


@shape
def alias_of_core_table(s: Session) -> Any:
    return s.execute(select(Visit.__table__.alias("x").c.label)).all()


@shape
def alias_of_alias(s: Session) -> Any:
    return s.execute(select(Visit.__table__.alias("x").alias("y").c.label)).all()


@shape
def self_join(s: Session) -> Any:
    other = aliased(Visit)
    return s.execute(
        select(Visit.label, other.label).join(
            other, and_(other.patient_id == Visit.patient_id, other.visit_id > Visit.visit_id)
        )
    ).all()


@shape
def cross_tenant_self_join(s: Session) -> Any:
    other = aliased(Site)
    return s.execute(select(Site.name, other.name).join(other, other.site_id == Site.site_id + 100)).all() or "none"


@shape
def inner_join(s: Session) -> Any:
    return s.execute(select(Site.name, Visit.label).join(Visit, Visit.site_id == Site.site_id)).all()


@shape
def outer_join(s: Session) -> Any:
    return s.execute(select(Site.name, Visit.label).outerjoin(Visit, Visit.site_id == Site.site_id)).all()


@shape
def outer_join_counting_nulls(s: Session) -> Any:
    return s.execute(
        select(Site.name).outerjoin(Visit, Visit.site_id == Site.site_id).where(Visit.visit_id.is_(None))
    ).all()


@shape
def full_join_from_unscoped(s: Session) -> Any:
    return s.execute(select(Country.code, Site.name).join(Site, Site.country_code == Country.code, full=True)).all()


@shape
def nested_outer_joins(s: Session) -> Any:
    inner = select(Note.body, Visit.label, Visit.site_id).outerjoin(Visit, Visit.visit_id == Note.visit_id).subquery()
    return s.execute(
        select(Country.name, Site.name, inner.c.body, inner.c.label)
        .outerjoin(Site, Site.country_code == Country.code)
        .outerjoin(inner, inner.c.site_id == Site.site_id)
    ).all()


@shape
def right_nested_join(s: Session) -> Any:
    visits, notes = Visit.__table__, Note.__table__
    nested = visits.join(notes, notes.c.visit_id == visits.c.visit_id)
    sites = Site.__table__
    return s.execute(
        select(sites.c.name, notes.c.body).select_from(sites.outerjoin(nested, visits.c.site_id == sites.c.site_id))
    ).all()


@shape
def cartesian(s: Session) -> Any:
    return s.execute(select(Site.name, Country.code).where(or_(Site.country_code == Country.code, false()))).all()


@shape
def join_on_relationship_of_alias(s: Session) -> Any:
    parent = aliased(Site)
    return s.execute(select(Site.name, parent.name).join(Site.parent.of_type(parent))).all()


# -- relationships ----------------------------------------------------------------------------------------------


@shape
def any_(s: Session) -> Any:
    return s.scalars(select(Site.name).where(Site.visits.any(Visit.score > 10))).all()


@shape
def has(s: Session) -> Any:
    return s.scalars(select(Visit.label).where(Visit.site.has(Site.country_code == "CH"))).all()


@shape
def has_self_referential(s: Session) -> Any:
    return s.scalars(select(Site.name).where(Site.parent.has(Site.name.like("site%")))).all()


@shape
def any_self_referential(s: Session) -> Any:
    return s.scalars(select(Site.name).where(Site.children.any())).all()


@shape
def equal_to_object(s: Session) -> Any:
    sites = s.scalars(select(Site).order_by(Site.site_id)).all()
    return [s.scalars(select(Site.name).where(Site.parent == site)).all() for site in sites]


def _loaded(s: Session, *options: Any) -> Any:
    sites = s.scalars(select(Site).options(*options)).unique().all()
    return [(site.name, sorted(v.label for v in site.visits)) for site in sites]


@shape
def lazy_load(s: Session) -> Any:
    return _loaded(s, lazyload(Site.visits))


@shape
def joined_load(s: Session) -> Any:
    return _loaded(s, joinedload(Site.visits))


@shape
def joined_load_inner(s: Session) -> Any:
    return _loaded(s, joinedload(Site.visits, innerjoin=True))


@shape
def selectin_load(s: Session) -> Any:
    return _loaded(s, selectinload(Site.visits))


@shape
def subquery_load(s: Session) -> Any:
    return _loaded(s, subqueryload(Site.visits))


@shape
def immediate_load(s: Session) -> Any:
    return _loaded(s, immediateload(Site.visits))


@shape
def nested_loads(s: Session) -> Any:
    sites = s.scalars(select(Site).options(selectinload(Site.visits).joinedload(Visit.notes))).unique().all()
    return [(x.name, sorted(n.body for v in x.visits for n in v.notes)) for x in sites]


@shape
def joined_load_limited(s: Session) -> Any:
    sites = s.scalars(select(Site).options(joinedload(Site.visits)).order_by(Site.site_id).limit(3)).unique().all()
    return [(x.name, sorted(v.label for v in x.visits)) for x in sites]


@shape
def self_referential_loads(s: Session) -> Any:
    sites = s.scalars(select(Site).options(joinedload(Site.children), selectinload(Site.parent))).unique().all()
    return [(x.name, sorted(c.name for c in x.children), x.parent and x.parent.name) for x in sites]


@shape
def contains_eager_load(s: Session) -> Any:
    q = select(Site).join(Site.visits).options(contains_eager(Site.visits))
    return [(x.name, sorted(v.label for v in x.visits)) for x in s.scalars(q).unique()]


@shape
def note_of_hidden_visit(s: Session) -> Any:
    return [(n.body, n.visit and n.visit.label) for n in s.scalars(select(Note))]


@shape
def write_only_relationship(s: Session) -> Any:
    return [sorted(v.label for v in s.scalars(site.visit_stream.select())) for site in s.scalars(select(Site))]


@shape
def proxy(s: Session) -> Any:
    return [sorted(site.visit_labels) for site in s.scalars(select(Site))]


@shape
def proxy_any(s: Session) -> Any:
    return s.scalars(select(Site.name).where(Site.visit_labels.like("visit%"))).all()


@shape
def load_only_columns(s: Session) -> Any:
    return [v.label for v in s.scalars(select(Visit).options(load_only(Visit.label)))]


@shape
def load_only_then_the_rest(s: Session) -> Any:
    return [v.score for v in s.scalars(select(Visit).options(load_only(Visit.label)))]


@shape
def deferred_column(s: Session) -> Any:
    return [site.detail for site in s.scalars(select(Site))]


@shape
def no_load(s: Session) -> Any:
    return [site.name for site in s.scalars(select(Site).options(defaultload(Site.visits)))]


@shape
def expired(s: Session) -> Any:
    sites = s.scalars(select(Site)).all()
    s.expire_all()
    return [site.name for site in sites]


@shape
def refreshed(s: Session) -> Any:
    sites = s.scalars(select(Site)).all()
    for site in sites:
        s.refresh(site, ["name", "visits"])
    return [(site.name, sorted(v.label for v in site.visits)) for site in sites]


@shape
def populated_again(s: Session) -> Any:
    s.scalars(select(Visit)).all()
    return s.scalars(select(Visit).execution_options(populate_existing=True)).all()


@shape
def get_own_and_foreign(s: Session) -> Any:
    return [s.get(Site, key) for key in (("A", 1), ("B", 101), ("A", 101))]


@shape
def get_closed_split(s: Session) -> Any:
    return [s.get(Visit, ("A", n)) for n in range(1, 31)]


@shape
def get_with_options(s: Session) -> Any:
    return [s.get(Site, ("B", 101), options=[joinedload(Site.visits)]), s.get_one(Site, ("A", 1))]


# -- inheritance ------------------------------------------------------------------------------------------------


@shape
def joined_inheritance(s: Session) -> Any:
    return s.scalars(select(Doctor)).all()


@shape
def single_inheritance(s: Session) -> Any:
    return s.scalars(select(Nurse.label)).all()


@shape
def polymorphic_base(s: Session) -> Any:
    return [(p.label, getattr(p, "field", None)) for p in s.scalars(select(Person))]


@shape
def polymorphic_all(s: Session) -> Any:
    both = with_polymorphic(Person, "*")
    return s.execute(select(both.label, both.Doctor.field)).all()


@shape
def polymorphic_flat(s: Session) -> Any:
    both = with_polymorphic(Person, [Doctor], flat=True, aliased=True)
    return s.execute(select(both.label, both.Doctor.field)).all()


@shape
def polymorphic_selectin(s: Session) -> Any:
    q = select(Person).options(selectin_polymorphic(Person, [Doctor]))
    return [(p.label, getattr(p, "field", None)) for p in s.scalars(q)]


@shape
def subtable_only(s: Session) -> Any:
    return s.execute(select(Doctor.__table__.c.field)).all()


# -- Core, text and the Query API ---------------------------------------------------------------------------------


@shape
def core_table(s: Session) -> Any:
    return s.execute(Visit.__table__.select()).all()


@shape
def core_on_connection(s: Session) -> Any:
    return s.connection().execute(select(Visit.__table__.c.label)).all()


@shape
def lightweight_table(s: Session) -> Any:
    v = table("visit", column("label"))
    return s.execute(select(v.c.label)).all()


@shape
def lightweight_table_with_schema(s: Session) -> Any:
    v = table("visit", column("label"), schema="public")
    return s.execute(select(v.c.label).where(v.c.label != "")).all()


@shape
def lightweight_join(s: Session) -> Any:
    v, n = table("visit", column("label"), column("visit_id")), table("note", column("body"), column("visit_id"))
    return s.execute(select(v.c.label, n.c.body).join_from(v, n, n.c.visit_id == v.c.visit_id)).all()


@shape
def reflected_table(s: Session) -> Any:
    v = Table("visit", MetaData(), autoload_with=s.connection())
    return s.execute(select(v.c.label)).all()


@shape
def reflected_with_schema(s: Session) -> Any:
    v = Table("visit", MetaData(), autoload_with=s.connection(), schema="public")
    return s.execute(select(v.c.label).where(v.c.score > 2)).all()


@shape
def schema_and_alias(s: Session) -> Any:
    v = table("visit", column("label"), schema="public").alias("w")
    return s.execute(select(v.c.label)).all()


@shape
def unquoted_upper_case_name(s: Session) -> Any:
    from sqlalchemy.sql import quoted_name

    v = table(quoted_name("VISIT", False), column("label"))
    return s.execute(select(v.c.label)).all()


@shape
def raw_fragment_in_where(s: Session) -> Any:
    return s.scalars(select(Visit.label).where(text("visit.score > :n")).params(n=2)).all()


@shape
def text_columns(s: Session) -> Any:
    return s.execute(select(text("label"), text("score")).select_from(Visit)).all()


@shape
def query_api(s: Session) -> Any:
    return s.query(Visit).filter(Visit.score > 1).all()


@shape
def query_count(s: Session) -> Any:
    return s.query(Visit).count()


@shape
def query_from_self(s: Session) -> Any:
    return s.query(Visit.label).join(Site).filter_by(country_code="CH").all()


@shape
def query_get(s: Session) -> Any:
    return [s.query(Site).filter_by(site_id=n).one_or_none() for n in (1, 101)]


@shape
def from_statement(s: Session) -> Any:
    return s.scalars(select(Visit).from_statement(select(Visit).where(Visit.score > 1))).all()


@shape
def from_statement_union(s: Session) -> Any:
    u = union_all(select(Visit).where(Visit.score > 10), select(Visit).where(Visit.score <= 10))
    return s.scalars(select(Visit).from_statement(u)).all()


@shape
def from_statement_core(s: Session) -> Any:
    return s.scalars(select(Visit).from_statement(Visit.__table__.select())).all()


@shape
def yield_per(s: Session) -> Any:
    return list(s.scalars(select(Visit.label).execution_options(yield_per=3)))


@shape
def partitions(s: Session) -> Any:
    return [list(part) for part in s.execute(select(Visit.visit_id).order_by(Visit.visit_id)).partitions(4)]


@shape
def for_update(s: Session) -> Any:
    return s.scalars(select(Visit.label).with_for_update()).all()


@shape
def for_update_of(s: Session) -> Any:
    return s.execute(select(Site.name, Visit.label).join(Visit.site).with_for_update(of=Visit, skip_locked=True)).all()


@shape
def for_share_of_alias(s: Session) -> Any:
    v = aliased(Visit)
    return s.scalars(select(v.label).with_for_update(read=True, of=v)).all()


@shape
def sampled(s: Session) -> Any:
    v = tablesample(Visit.__table__, func.bernoulli(100), name="v", seed=func.abs(7))
    return s.execute(select(v.c.label)).all()


@shape
def sampled_entity(s: Session) -> Any:
    v = aliased(Visit, tablesample(Visit, func.system(100)))
    return s.scalars(select(v.label)).all()


@shape
def inside_savepoint(s: Session) -> Any:
    with s.begin_nested():
        inner = s.scalars(select(Site.name)).all()
    nested = s.begin_nested()
    nested.rollback()
    return [inner, s.scalars(select(Site.name)).all()]


@shape
def after_commit(s: Session) -> Any:
    s.commit()
    return s.scalars(select(Site.name)).all()


@shape
def after_rollback(s: Session) -> Any:
    s.scalars(select(Site.name)).all()
    s.rollback()
    return s.scalars(select(Site.name)).all()


@shape
def after_close(s: Session) -> Any:
    s.scalars(select(Site.name)).all()
    s.close()
    return s.scalars(select(Site.name)).all()


@shape
def no_autoflush(s: Session) -> Any:
    with s.no_autoflush:
        return s.scalars(select(Visit.label)).all()


@shape
def repeated_from_cache(s: Session) -> Any:
    return [s.scalars(select(Visit.label).where(Visit.score > n)).all() for n in (0, 5, 0)]


@shape
def own_parameters_of_the_same_name(s: Session) -> Any:
    q = select(Visit.label).where(or_(Visit.label == bindparam("hedgerow_scope_tenant"), true()))
    return s.scalars(q, {"hedgerow_scope_tenant": "B"}).all()


@shape
def loader_criteria_of_the_user(s: Session) -> Any:
    from sqlalchemy.orm import with_loader_criteria

    q = select(Site).options(with_loader_criteria(Visit, Visit.score > 2), selectinload(Site.visits))
    return [(x.name, sorted(v.label for v in x.visits)) for x in s.scalars(q)]


@shape
def array_of_columns(s: Session) -> Any:
    return s.scalars(select(array([Visit.label, Visit.patient_id]))).all()


@shape
def column_of_the_same_name(s: Session) -> Any:
    return s.execute(select(Visit.label.label("site"), literal(1).label("note"))).all()


@shape
def unused_from(s: Session) -> Any:
    return s.execute(select(literal(1)).select_from(Visit)).all()


@shape
def correlated_in_column(s: Session) -> Any:
    notes = select(func.count(Note.note_id)).where(Note.visit_id == Visit.visit_id).scalar_subquery()
    return s.execute(select(Visit.label, notes)).all()


@shape
def correlate_by_hand(s: Session) -> Any:
    inner = select(Visit.label).where(Visit.site_id == Site.site_id).correlate(Site).limit(1)
    q = select(Site.name, inner.order_by(Visit.visit_id).scalar_subquery())
    return s.execute(q).all()
