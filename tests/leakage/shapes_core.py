"""Core tables, tables known by name only, connections, views, functions, and text."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    MetaData,
    Table,
    bindparam,
    column,
    extract,
    func,
    literal,
    literal_column,
    select,
    table,
    text,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import Session, aliased

from hedgerow.agents import AgentRegistry
from hedgerow.core.filter import unscoped_sql
from hedgerow.core.splitviews import split_view
from hedgerow.kpi import KpiChangeFailRate, KpiCrossSourceMatch, KpiDataLag, KpiLabelQuality, KpiTimeToRelease
from hedgerow.mlops import ChampionModel
from hedgerow.patients import PatientJourney, TreatmentEvent
from hedgerow.predictions import EngagementTrigger, PatientExplanationHistory, Prediction
from leakage.shapes import Shapes, all_keys

SHAPES = Shapes("core")
statement, interaction = SHAPES.statement, SHAPES.interaction

JOURNEYS = PatientJourney.__table__
MARKED = unscoped_sql("the battery tries what marked text can see")


@statement
def core_table() -> Any:
    return JOURNEYS.select()


@statement
def core_table_and_lightweight_table() -> Any:
    events = table("treatment_events", column("patient_id"), column("treatment_event_id"))
    return select(JOURNEYS.c.id, events.c.treatment_event_id).where(events.c.patient_id == JOURNEYS.c.patient_id)


@statement
def lightweight_table() -> Any:
    return select(table("patient_journeys", column("id")))


@statement
def lightweight_table_with_a_schema() -> Any:
    journeys = table("patient_journeys", column("id"), column("brand"), schema="public")
    return select(journeys.c.id).where(journeys.c.brand != "")


@statement
def lightweight_table_without_columns() -> Any:
    return select(func.count()).select_from(table("ml_predictions"))


@statement
def lightweight_table_in_upper_case() -> Any:
    from sqlalchemy.sql import quoted_name

    return select(table(quoted_name("PATIENT_JOURNEYS", False), column("id")))


@interaction
def reflected_table(s: Session) -> Any:
    journeys = Table("patient_journeys", MetaData(), autoload_with=s.connection(), resolve_fks=False)
    return s.execute(select(journeys.c.id, journeys.c.patient_id)).all()


@interaction
def reflected_view(s: Session) -> Any:
    view = Table("v_validation_patient_journeys", MetaData(), autoload_with=s.connection(), schema="public")
    return s.execute(select(view.c.id)).all()


@interaction
def on_the_connection(s: Session) -> Any:
    return s.connection().execute(select(PatientJourney.id, PatientJourney.brand)).all()


@interaction
def on_the_connection_with_options(s: Session) -> Any:
    found = s.connection().execute(select(JOURNEYS), execution_options={"stream_results": True, "yield_per": 5})
    return found.all()


@interaction
def on_the_connection_without_cache(s: Session) -> Any:
    return s.connection().execution_options(compiled_cache=None).execute(select(JOURNEYS.c.id)).all()


@interaction
def parameters_that_are_named_like_the_scope(s: Session) -> Any:
    q = select(JOURNEYS.c.id).where((JOURNEYS.c.brand == bindparam("hedgerow_scope_tenant")) | true())
    return s.execute(q, {"hedgerow_scope_tenant": "TEST_TENANT_002", "tenant": "TEST_TENANT_002"}).all()


# -- views and functions ------------------------------------------------------------------------------------------


@statement
def view_of_train() -> Any:
    return select(split_view(PatientJourney, "train"))


@statement
def view_of_validation() -> Any:
    view = split_view(TreatmentEvent, "validation")
    return select(view.treatment_event_id, func.count().over())


@statement
def view_of_test() -> Any:
    return select(split_view(Prediction, "test").id)


@statement
def view_of_holdout() -> Any:
    return select(func.count()).select_from(split_view(EngagementTrigger, "holdout"))


@statement
def views_united() -> Any:
    return union_all(
        select(split_view(PatientJourney, "train").__table__.c.id),
        select(aliased(split_view(PatientJourney, "validation")).id),
    )


@statement
def view_by_name() -> Any:
    return select(table("v_train_treatment_events", column("treatment_event_id"), column("tenant_id")))


@statement
def view_of_match_rates() -> Any:
    return select(KpiCrossSourceMatch)


@statement
def view_of_change_fail_rates() -> Any:
    return select(KpiChangeFailRate.change_date, KpiChangeFailRate.total_changes)


@statement
def view_of_data_lag() -> Any:
    return select(KpiDataLag)


@statement
def view_of_label_quality() -> Any:
    return select(KpiLabelQuality)


@statement
def view_of_release_times() -> Any:
    return select(table("v_kpi_time_to_release", column("run_date"), column("pipeline_name"))).union_all(
        select(KpiTimeToRelease.run_date, KpiTimeToRelease.pipeline_name)
    )


@statement
def view_of_champions() -> Any:
    return select(ChampionModel)


@statement
def view_of_explanations() -> Any:
    return select(PatientExplanationHistory.patient_id, PatientExplanationHistory.total_explanations)


@interaction
def function_that_reads_a_row(s: Session) -> Any:
    from hedgerow.agents import AgentActivity

    return [s.scalar(select(func.get_agent_activity_context(key))) for _, key in all_keys(s, AgentActivity)]


@statement
def function_that_reads_rows() -> Any:
    patients = [f"PAT-{n:08}" for n in range(1, 15)]
    n = func.unnest(array(patients)).table_valued("patient", name="asked").render_derived()
    found = func.get_patient_explanations(n.c.patient, 50).table_valued("explanation_id").lateral("found")
    return select(n.c.patient, found.c.explanation_id).join_from(n, found, true())


# -- text ---------------------------------------------------------------------------------------------------------


@statement
def text_in_the_columns() -> Any:
    return select(text("patient_id"), text("brand")).select_from(PatientJourney)


@statement
def text_in_the_order() -> Any:
    return select(PatientJourney.id).order_by(text("patient_journeys.patient_id DESC, id")).limit(4)


@statement
def text_unmarked() -> Any:
    return text("SELECT id FROM patient_journeys")


@statement
def text_in_from() -> Any:
    return select(text("id")).select_from(text("patient_journeys"))


@statement
def text_in_a_subquery() -> Any:
    return select(text("SELECT id FROM patient_journeys").columns(column("id")).subquery().c.id)


@statement
def text_of_a_view() -> Any:
    return text("SELECT id FROM v_train_patient_journeys")


@statement
def text_of_a_view_that_is_not_split() -> Any:
    return text("SELECT brand, total_patients FROM v_kpi_cross_source_match")


@statement
def text_of_entities() -> Any:
    found = text("SELECT * FROM patient_journeys").columns(*JOURNEYS.c)
    return select(PatientJourney).from_statement(found)


@interaction
def text_of_a_query(s: Session) -> Any:
    return s.query(PatientJourney).from_statement(text("SELECT * FROM patient_journeys")).all()


@statement
def text_in_a_cte() -> Any:
    return select(text("SELECT id FROM patient_journeys").columns(column("id")).cte("c").c.id)


@statement
def text_in_a_condition() -> Any:
    return select(AgentRegistry.agent_name).where(text("(SELECT count(DISTINCT tenant_id) FROM hcp_profiles) > 1"))


@statement
def literal_column_of_a_subquery() -> Any:
    return select(literal_column("(SELECT string_agg(hcp_id, ',' ORDER BY hcp_id, tenant_id) FROM hcp_profiles)"))


@statement
def prefix_of_a_select() -> Any:
    return select(AgentRegistry.agent_name).prefix_with("hcp_id FROM hcp_profiles UNION ALL SELECT")


@statement
def suffix_of_a_select() -> Any:
    return select(AgentRegistry.agent_name).suffix_with("UNION ALL SELECT hcp_id FROM hcp_profiles")


@statement
def hint_of_a_statement() -> Any:
    return select(AgentRegistry.agent_name).with_statement_hint("UNION ALL SELECT hcp_id FROM hcp_profiles")


@statement
def hint_of_a_relation() -> Any:
    return select(JOURNEYS.c.id).with_hint(JOURNEYS, "ONLY", "postgresql")


@statement
def operator_that_holds_a_query() -> Any:
    return select(literal(1).op("+ (SELECT count(*) FROM hcp_profiles) +")(1))


@statement
def field_that_holds_a_query() -> Any:
    field = "epoch FROM now()) * 0 + (SELECT count(*) FROM hcp_profiles) + 0 * extract(day"
    return select(extract(field, func.now()))


@statement
def function_that_runs_text() -> Any:
    words = func.ts_stat("SELECT search_vector FROM agent_activities").table_valued("word", "ndoc")
    return select(words.c.word, words.c.ndoc)


@statement
def text_marked() -> Any:
    return text("SELECT id FROM patient_journeys").execution_options(**MARKED)


@interaction
def text_marked_around(s: Session) -> Any:
    with unscoped_sql("the battery tries what marked text can see"):
        return s.execute(text("SELECT treatment_event_id FROM treatment_events WHERE cost > :n"), {"n": 1}).all()


@interaction
def construct_inside_of_marked_text(s: Session) -> Any:
    with unscoped_sql("constructs stay filtered"):
        return s.execute(select(PatientJourney.id).where(text("patient_journeys.brand <> ''"))).all()


@interaction
def driver_sql(s: Session) -> Any:
    return s.connection().exec_driver_sql("SELECT id FROM patient_journeys").all()


@interaction
def driver_sql_marked(s: Session) -> Any:
    return s.connection().exec_driver_sql("SELECT id FROM patient_journeys", execution_options=dict(MARKED)).all()


@interaction
def cursor_of_the_driver(s: Session) -> Any:
    cursor = s.connection().connection.cursor()
    cursor.execute("SELECT patient_id, brand FROM patient_journeys")
    return [tuple(row) for row in cursor.fetchall()]
