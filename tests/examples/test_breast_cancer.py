"""The demo, run as a user runs it, and then questioned: what it left in the database is checked by other means."""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from conftest import Database
from isolation.oracle import open_scope

ROOT = Path(__file__).parents[2]
A, B = "DEMO_GBSG2", "DEMO_ACTG320"
# Every opening, refusal and audit is recorded anew: that is what these two are for.
LOGS = {"ml_split_access_log", "ml_leakage_audit"}


def run(database: Database, role: str = "owner") -> subprocess.CompletedProcess[str]:
    urls = {
        "DATABASE_URL": database.url(role).render_as_string(hide_password=False),  # type: ignore[arg-type]
        "HEDGEROW_APP_URL": database.url("app").render_as_string(hide_password=False),
        "HEDGEROW_EVALUATOR_URL": database.url("evaluator").render_as_string(hide_password=False),
    }
    return subprocess.run(
        [sys.executable, "examples/breast_cancer.py"],
        cwd=ROOT,
        env={**os.environ, **urls, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )


def digests(admin: Connection) -> dict[str, tuple[int, str]]:
    """Number and digest of the rows of each table."""
    names = admin.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"))
    found = {}
    for name in names.all():
        row = admin.execute(
            text(f"SELECT count(*), coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {name} AS t")
        ).one()
        found[name] = (row[0], row[1])
    return found


@dataclass(frozen=True)
class Demo:
    """A database in which the demo ran twice."""

    database: Database
    first: subprocess.CompletedProcess[str]
    second: subprocess.CompletedProcess[str]
    after_first: dict[str, tuple[int, str]]
    after_second: dict[str, tuple[int, str]]

    def ask(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """Ask the superuser, who sees everything."""
        with self.database.admin() as admin:
            return [tuple(row) for row in admin.execute(text(sql), parameters)]


@pytest.fixture(scope="module")
def demo(module_database: Database) -> Demo:
    # The second run has a superuser's DATABASE_URL, and so a witness who looks past the walls.
    first = run(module_database)
    with module_database.admin() as admin:
        after_first = digests(admin)
    second = run(module_database, "admin")
    with module_database.admin() as admin:
        after_second = digests(admin)
    return Demo(module_database, first, second, after_first, after_second)


def hashed_split(patient_id: str) -> str:
    """The rule once more, as its documentation words it."""
    place = Fraction(int(hashlib.md5(patient_id.encode()).hexdigest(), 16), 2**128)
    bounds = (("train", Fraction(60, 100)), ("validation", Fraction(80, 100)), ("test", Fraction(95, 100)))
    return next((split for split, bound in bounds if place < bound), "holdout")


def test_it_runs_and_says_nothing_on_stderr(demo: Demo) -> None:
    for result in (demo.first, demo.second):
        assert result.returncode == 0, result.stderr
        assert result.stderr == ""


def test_output_fits_a_terminal_of_100_columns(demo: Demo) -> None:
    assert max(len(line) for line in demo.first.stdout.splitlines()) <= 100


def test_every_patient_of_both_trials_is_there(demo: Demo) -> None:
    from sksurv.datasets import load_aids, load_gbsg2  # slow to import: not while tests are collected

    journeys = dict(demo.ask("SELECT tenant_id, count(DISTINCT patient_id) FROM patient_journeys GROUP BY tenant_id"))
    assert journeys == {A: 686, B: 1151}
    for tenant, endpoint, load in ((A, "recurrence_or_death", load_gbsg2), (B, "aids_or_death", load_aids)):
        covariates, outcomes = load()
        stored = demo.ask(
            "SELECT e.lab_values, o.outcome_indicator, o.days_from_diagnosis FROM treatment_events AS e "
            "JOIN treatment_events AS o USING (tenant_id, patient_id) WHERE tenant_id = :tenant "
            "AND e.event_subtype = 'study_entry' AND o.event_subtype = 'last_follow_up' ORDER BY patient_id",
            tenant=tenant,
        )
        assert len(stored) == len(covariates)
        for row, (had_event, days), (labs, outcome, follow_up) in zip(
            covariates.to_dict("records"), outcomes, stored, strict=True
        ):
            assert {name: row[name] for name in labs} == labs
            assert (outcome == endpoint, follow_up) == (had_event, days)


def test_splits_follow_the_hash_rule_everywhere(demo: Demo) -> None:
    rows = demo.ask(
        "SELECT patient_id, assigned_split FROM ml_patient_split_assignments "
        "UNION ALL SELECT patient_id, split_assignment FROM patient_journeys "
        "UNION ALL SELECT patient_id, split_assignment FROM treatment_events "
        "UNION ALL SELECT patient_id, split_assignment FROM ml_predictions"
    )
    assert len(rows) > 2 * (686 + 1151)
    assert {split for _, split in rows} == {"train", "validation", "test", "holdout"}
    wrong = [(patient_id, split) for patient_id, split in rows if split != hashed_split(patient_id)]
    assert wrong == []


def test_predictions_are_those_of_the_validation_patients(demo: Demo) -> None:
    rows = demo.ask("SELECT tenant_id, patient_id, split_assignment FROM ml_predictions")
    validation = demo.ask(
        "SELECT tenant_id, patient_id, 'validation' FROM ml_patient_split_assignments "
        "WHERE tenant_id = :tenant AND assigned_split = 'validation'",
        tenant=A,
    )
    assert sorted(rows) == sorted(validation)


def test_stored_quality_is_that_of_the_stored_scores(demo: Demo) -> None:
    from sklearn.metrics import average_precision_score, brier_score_loss

    rows = demo.ask(
        "SELECT p.prediction_score, e.days_from_diagnosis, e.outcome_indicator = 'recurrence_or_death', "
        "p.model_pr_auc, p.brier_score, p.rank_metrics FROM ml_predictions AS p "
        "JOIN treatment_events AS e USING (tenant_id, patient_id) WHERE e.event_subtype = 'last_follow_up'"
    )
    horizon = 3 * 365
    judged = [
        (score, had_event and days <= horizon) for score, days, had_event, *_ in rows if had_event or days >= horizon
    ]
    scores, outcomes = [score for score, _ in judged], [outcome for _, outcome in judged]
    assert 0 < len(judged) < len(rows)  # some have left the trial too early to be judged
    highest = [outcome for _, outcome in sorted(judged, reverse=True)]
    for *_, pr_auc, brier, metrics in rows:
        assert pr_auc == pytest.approx(average_precision_score(outcomes, scores))
        assert brier == pytest.approx(brier_score_loss(outcomes, scores))
        assert metrics == {
            "recall_at_5": pytest.approx(sum(highest[:5]) / sum(outcomes)),
            "recall_at_10": pytest.approx(sum(highest[:10]) / sum(outcomes)),
        }
    assert average_precision_score(outcomes, scores) > sum(outcomes) / len(outcomes)


def test_shap_values_add_up_to_the_prediction(demo: Demo) -> None:
    local = demo.ask(
        "SELECT s.local_shap_values, s.prediction_value, s.base_value, s.prediction_probability, p.prediction_score "
        "FROM ml_shap_analyses AS s JOIN ml_predictions AS p USING (tenant_id, patient_id) "
        "WHERE s.tenant_id = :tenant AND s.analysis_type = 'local'",
        tenant=A,
    )
    assert len(local) == 10
    for values, prediction, base, probability, score in local:
        # The two columns keep five decimals.
        assert sum(values.values()) == pytest.approx(float(prediction - base), abs=1.1e-5)
        assert score == probability == pytest.approx(1 / (1 + math.exp(-prediction)), abs=1e-5)
    least = min(score for *_, score in local)
    assert demo.ask("SELECT count(*) FROM ml_predictions WHERE prediction_score > :least", least=least) == [(9,)]


def test_global_explanation_covers_every_feature(demo: Demo) -> None:
    [(importance, sample, drivers)] = demo.ask(
        "SELECT global_importance, sample_size, key_drivers FROM ml_shap_analyses WHERE analysis_type = 'global'"
    )
    [(features,)] = demo.ask("SELECT feature_list FROM ml_preprocessing_metadata WHERE tenant_id = :tenant", tenant=A)
    assert set(importance) == set(features)
    assert all(value > 0 for value in importance.values())
    assert [(sample,)] == demo.ask("SELECT count(*) FROM ml_predictions")
    assert len(drivers) == 3


def test_preprocessing_learned_from_train_alone(demo: Demo) -> None:
    [(means, stds, samples, split)] = demo.ask(
        "SELECT feature_means, feature_stds, num_training_samples, computed_on_split::text "
        "FROM ml_preprocessing_metadata WHERE tenant_id = :tenant",
        tenant=A,
    )
    [(patients, age, deviation, nodes)] = demo.ask(
        "SELECT count(*), avg(age)::float8, stddev_pop(age)::float8, avg(ln(1 + nodes))::float8 FROM ("
        "SELECT (lab_values ->> 'age')::int AS age, (lab_values ->> 'pnodes')::int AS nodes FROM treatment_events "
        "WHERE tenant_id = :tenant AND event_subtype = 'study_entry' AND split_assignment = 'train') AS entry",
        tenant=A,
    )
    assert (samples, split) == (patients, "train")
    assert means["age"] == pytest.approx(age)
    assert stds["age"] == pytest.approx(deviation)
    assert means["log_pnodes"] == pytest.approx(nodes)


def test_model_is_registered_and_referred_to(demo: Demo) -> None:
    [(model_id, version, champion, split, samples)] = demo.ask(
        "SELECT m.id, m.model_version, m.is_champion, m.split_assignment, m.training_samples "
        "FROM ml_model_registry AS m JOIN ml_experiments AS x ON (x.tenant_id, x.id) = (m.tenant_id, m.experiment_id) "
        "WHERE m.tenant_id = :tenant",
        tenant=A,
    )
    assert champion
    assert split == "train"
    assert 0 < samples <= 686
    assert demo.ask("SELECT DISTINCT model_id, model_version FROM ml_predictions") == [(str(model_id), version)]
    assert demo.ask("SELECT DISTINCT model_registry_id FROM ml_shap_analyses") == [(model_id,)]


def test_refusals_and_openings_were_logged(demo: Demo) -> None:
    refused = demo.ask(
        "SELECT table_name, requested_split FROM ml_split_access_log WHERE tenant_id = :tenant AND NOT allowed",
        tenant=A,
    )
    assert refused
    assert {split for _, split in refused} == {"holdout"}
    assert "patient_journeys" in {table for table, _ in refused}
    opened = demo.ask("SELECT requested_split, reason FROM ml_split_access_log WHERE allowed")
    assert {split for split, _ in opened} == {"test", "holdout"}
    assert all(reason for _, reason in opened)


@pytest.mark.parametrize("query", ["tenant_id = :tenant", "patient_id LIKE 'GBSG2-%'"])
def test_tenant_b_sees_nothing_of_tenant_a(demo: Demo, query: str) -> None:
    count = f"SELECT count(*) FROM patient_journeys WHERE {query}"
    splits = ["train", "validation", "test", "holdout", "unassigned"]
    with demo.database.engine("evaluator").begin() as session:
        open_scope(session, B, tuple(splits), "test")
        assert session.scalar(text("SELECT count(*) FROM patient_journeys")) == 1151
        assert session.scalar(text(count), {"tenant": A}) == 0
    assert demo.ask(count, tenant=A) == [(686,)]


def test_attempts_changed_nothing(demo: Demo) -> None:
    assert demo.ask("SELECT DISTINCT tenant_id, brand FROM patient_journeys ORDER BY 1") == [
        (B, "indinavir"),
        (A, "tamoxifen"),
    ]
    assert demo.ask("SELECT count(*) FROM hcp_profiles WHERE tenant_id IN (:a, :b)", a=A, b=B) == [(0,)]
    assert demo.ask("SELECT count(*) FROM ml_patient_split_assignments") == [(686 + 1151,)]


def test_the_audit_passed(demo: Demo) -> None:
    findings = Counter(demo.ask("SELECT check_type, passed FROM ml_leakage_audit WHERE tenant_id = :tenant", tenant=A))
    assert findings == {
        (check, True): 2 for check in ("patient_isolation", "preprocessing_source", "temporal_boundaries")
    }


def test_a_second_run_finds_its_rows(demo: Demo) -> None:
    assert demo.after_first.keys() == demo.after_second.keys()
    changed = {name for name, before in demo.after_first.items() if demo.after_second[name] != before}
    assert changed == LOGS


def test_without_a_schema_it_says_what_to_do(fresh_database: Callable[[str | None], Database]) -> None:
    result = run(fresh_database(None))
    assert result.returncode != 0
    assert "hedgerow db upgrade" in result.stderr
    assert "Traceback" not in result.stderr
