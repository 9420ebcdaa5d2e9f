"""What the seed puts into a database: rows everywhere, realistic ones, and figures that were computed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Table, select, text

from hedgerow import Split
from hedgerow.core.predicate import scope_rule
from hedgerow.core.types import ValidatedJSON
from hedgerow.registry import domains
from hedgerow.seeding import NOW
from isolation.oracle import TENANT_A, TENANT_B, open_scope

TABLES = [table for domain in domains() for table in domain.tables]
OWNED = [table for table in TABLES if "tenant_id" in table.columns]
SPLIT_AWARE = [table for table in OWNED if "split_assignment" in table.columns]
DATED = [table for table in SPLIT_AWARE if table.info["hedgerow.model"].__event_time__]
PATIENT_SPLITS = ("train", "validation", "test", "holdout")


def name(table: Table) -> str:
    return table.name


@pytest.fixture(scope="module")
def admin(seeded: Any) -> Iterator[Connection]:
    with seeded.admin() as connection:
        yield connection


def rows(connection: Connection, sql: str, **parameters: Any) -> list[Any]:
    return list(connection.execute(text(sql), parameters))


@pytest.mark.parametrize("table", TABLES, ids=name)
def test_every_table_has_rows_of_every_tenant(table: Table, admin: Connection) -> None:
    if table in OWNED:
        found = {tenant for (tenant,) in rows(admin, f"SELECT DISTINCT tenant_id FROM {table.name}")}
        assert found - ({None} if table.columns["tenant_id"].nullable else set()) == {TENANT_A, TENANT_B}
    else:
        assert rows(admin, f"SELECT FROM {table.name}")


@pytest.mark.parametrize("table", SPLIT_AWARE, ids=name)
def test_every_split_has_rows(table: Table, admin: Connection) -> None:
    for tenant in (TENANT_A, TENANT_B):
        sql = f"SELECT DISTINCT split_assignment FROM {table.name} WHERE tenant_id = :tenant"
        assert {split for (split,) in rows(admin, sql, tenant=tenant)} >= set(PATIENT_SPLITS)


@pytest.mark.parametrize("table", TABLES, ids=name)
def test_no_moment_is_read_from_a_clock(table: Table, admin: Connection) -> None:
    moments = [column.name for column in table.columns if str(column.type).startswith("TIMESTAMP")]
    latest = f"SELECT greatest({', '.join(f'max({moment})' for moment in moments)}) FROM {table.name}"
    assert not moments or rows(admin, latest)[0][0] is None or rows(admin, latest)[0][0] <= NOW


@pytest.mark.parametrize("table", DATED, ids=name)
def test_the_windows_have_something_to_hide(table: Table, admin: Connection, seeded: Any) -> None:
    """Most rows of the chronological tenant lie inside their window, some do not; the other tenant has no windows."""
    for tenant in (TENANT_A, TENANT_B):
        sql = f"SELECT count(*) FROM {table.name} WHERE tenant_id = :tenant"
        ((there,),) = rows(admin, sql, tenant=tenant)
        with seeded.engine("evaluator").connect() as connection:
            open_scope(connection, tenant, tuple(Split), "law over all tables")
            ((seen,),) = rows(connection, f"SELECT count(*) FROM {table.name}")
        if tenant == TENANT_B or "patient_id" not in table.columns:
            # Rows about no patient follow their day, and are unassigned inside a gap.
            assert seen == there
        else:
            assert 0.8 * there < seen < there


@pytest.mark.parametrize("table", ["patient_journeys", "treatment_events"])
def test_some_rows_lie_inside_a_gap(table: str, admin: Connection) -> None:
    moment = "journey_start_date" if table == "patient_journeys" else "event_date"
    sql = f"SELECT FROM {table} WHERE tenant_id = :tenant AND {moment} BETWEEN '2024-07-01' AND '2024-07-07'"
    assert rows(admin, sql, tenant=TENANT_A)


def test_rows_about_no_patient_are_unassigned_in_a_gap(admin: Connection) -> None:
    for table in ("agent_activities", "business_metrics"):
        assert rows(admin, f"SELECT FROM {table} WHERE tenant_id = '{TENANT_A}' AND split_assignment = 'unassigned'")


def test_patients_have_several_journeys_and_columns_have_gaps(admin: Connection) -> None:
    assert rows(admin, "SELECT FROM patient_journeys GROUP BY tenant_id, patient_id HAVING count(*) > 2")
    for table, column in (
        ("patient_journeys", "journey_start_date"),
        ("patient_journeys", "risk_score"),
        ("treatment_events", "hcp_id"),
        ("ml_predictions", "prediction_score"),
        ("ml_predictions", "prediction_timestamp"),
        ("user_sessions", "session_end"),
        ("hcp_intent_surveys", "previous_survey_id"),
    ):
        ((missing, there),) = rows(
            admin, f"SELECT count(*) FILTER (WHERE {column} IS NULL), count({column}) FROM {table}"
        )
        assert 0 < missing < there, (table, column)


def test_natural_keys_are_the_same_in_every_tenant(admin: Connection) -> None:
    for table, key in (("ml_patient_split_assignments", "patient_id"), ("hcp_profiles", "hcp_id")):
        shared = f"SELECT FROM {table} AS a JOIN {table} AS b USING ({key}) WHERE a.tenant_id < b.tenant_id"
        assert rows(admin, shared)


def test_ids_are_different_in_every_tenant(admin: Connection) -> None:
    assert not rows(admin, "SELECT FROM patient_journeys AS a JOIN patient_journeys AS b USING (id)"
                           " WHERE a.tenant_id <> b.tenant_id")  # fmt: skip


@pytest.mark.parametrize("table", TABLES, ids=name)
def test_documents_have_their_documented_shape(table: Table, admin: Connection) -> None:
    shaped = [column for column in table.columns if isinstance(column.type, ValidatedJSON)]
    if shaped:
        assert admin.execute(select(*shaped)).all()


@pytest.mark.parametrize("tenant", [TENANT_A, TENANT_B])
def test_preprocessing_was_learnt_from_the_train_rows(tenant: str, admin: Connection, seeded: Any) -> None:
    """A session that sees train alone computes the very same figures."""
    ((found,),) = rows(admin, "SELECT to_jsonb(m) FROM ml_preprocessing_metadata AS m WHERE tenant_id = :t", t=tenant)
    with seeded.engine("app").connect() as connection:
        open_scope(connection, tenant, ("train",))
        for feature, value in (
            ("risk_score", "risk_score"),
            ("data_lag_hours", "data_lag_hours"),
            ("source_count", "cardinality(data_sources_matched)"),
        ):
            for statistic, function in (("means", "avg"), ("stds", "stddev_pop"), ("mins", "min"), ("maxs", "max")):
                ((wanted,),) = rows(connection, f"SELECT {function}({value}) FROM patient_journeys")
                assert found[f"feature_{statistic}"][feature] == pytest.approx(float(wanted), abs=1e-6)
        ((count,),) = rows(connection, "SELECT count(*) FROM patient_journeys")
        brands = dict(map(tuple, rows(connection, "SELECT brand, count(*) FROM patient_journeys GROUP BY brand")))
    assert found["num_training_samples"] == count
    assert found["feature_distributions"]["brand"] == brands
    assert set(found["categorical_encodings"]["brand"]) == set(brands)


@pytest.mark.parametrize("tenant", [TENANT_A, TENANT_B])
def test_the_audit_found_what_the_audit_finds(tenant: str, admin: Connection, seeded: Any) -> None:
    sql = "SELECT check_type, passed, severity, details FROM ml_leakage_audit WHERE tenant_id = :tenant"
    stored = set(map(tuple, rows(admin, sql, tenant=tenant)))
    with seeded.engine("app").connect() as connection:
        open_scope(connection, tenant, ("train",))
        computed = set(map(tuple, rows(connection, "SELECT * FROM run_leakage_audit()")))
        connection.rollback()
    assert stored == computed
    assert all(passed for _, passed, _, _ in stored) == (tenant == TENANT_B)


def test_shap_values_and_base_add_up_to_the_prediction(admin: Connection) -> None:
    explained = rows(
        admin,
        """SELECT base_value, prediction_value, local_shap_values FROM ml_shap_analyses
            WHERE analysis_type IN ('local', 'local_realtime')""",
    )
    assert explained
    for base, value, parts in explained:
        assert float(base) + sum(parts.values()) == pytest.approx(float(value), abs=2e-5)


def test_the_champions_figures_are_those_of_its_validation_rows(admin: Connection) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    ((auc, pr_auc, brier),) = rows(
        admin, f"SELECT auc, pr_auc, brier_score FROM ml_model_registry WHERE is_champion AND tenant_id = '{TENANT_B}'"
    )
    from hedgerow.mlops.seed import validated
    from hedgerow.seeding import World

    scores, outcomes = zip(*validated(World(2)), strict=True)
    assert float(auc) == pytest.approx(metrics.roc_auc_score(outcomes, scores), abs=1e-4)
    assert float(pr_auc) == pytest.approx(metrics.average_precision_score(outcomes, scores), abs=1e-4)
    assert float(brier) == pytest.approx(metrics.brier_score_loss(outcomes, scores), abs=1e-4)
    assert float(auc) > 0.6


def test_every_role_has_a_user_and_every_tenant_one_champion(admin: Connection) -> None:
    assert {role for (role,) in rows(admin, "SELECT DISTINCT role FROM users")} == {"admin", "csm", "analyst", "viewer"}
    champions = rows(admin, "SELECT tenant_id, count(*) FROM ml_model_registry WHERE is_champion GROUP BY tenant_id")
    assert dict(map(tuple, champions)) == {TENANT_A: 1, TENANT_B: 1}


def test_kpi_views_have_figures_of_several_months(seeded: Any) -> None:
    views = [view.name for domain in domains() for view in domain.views if view.name.startswith("v_kpi_")]
    # The view of the present looks at the last days by the clock, and fixtures stay where they are.
    views.remove("v_kpi_active_users_current")
    with seeded.engine("app").connect() as connection:
        open_scope(connection, TENANT_B, ("train", "validation", "unassigned"))
        assert views
        for view in views:
            assert len(rows(connection, f"SELECT * FROM {view}")) > 1, view


def test_scoped_tables_are_all_seeded() -> None:
    from hedgerow.seeding import table_seeds

    assert {seed.table.name for seed in table_seeds()} == {table.name for table in TABLES}
    assert all(scope_rule(seed.table) is not None for seed in table_seeds() if seed.kind in ("tenant", "unit"))
