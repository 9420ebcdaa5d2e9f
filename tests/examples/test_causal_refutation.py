"""The causal example, run as a user runs it, and then questioned: what it left in the database is checked otherwise."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from conftest import Database
from hedgerow.causal import estimate_id
from hedgerow.splits.assignment import assign

ROOT = Path(__file__).parents[2]
TENANT = "DEMO_GBSG2"
THERAPY, NODES, RECEPTOR = "hormonal_therapy", "four_or_more_nodes", "receptor_positive"
TESTS = {"placebo_treatment", "random_common_cause", "data_subset", "bootstrap", "sensitivity_e_value"}


def run(database: Database) -> subprocess.CompletedProcess[str]:
    urls = {
        "DATABASE_URL": database.url("owner").render_as_string(hide_password=False),
        "HEDGEROW_APP_URL": database.url("app").render_as_string(hide_password=False),
        "HEDGEROW_EVALUATOR_URL": database.url("evaluator").render_as_string(hide_password=False),
    }
    return subprocess.run(
        [sys.executable, "examples/causal_refutation.py"],
        cwd=ROOT,
        env={**os.environ, **urls, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )


@dataclass(frozen=True)
class Demo:
    """A database in which the example ran twice."""

    database: Database
    first: subprocess.CompletedProcess[str]
    second: subprocess.CompletedProcess[str]
    after_first: list[Any]
    after_second: list[Any]

    def ask(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """Ask the superuser, who sees everything."""
        with self.database.admin() as admin:
            return [tuple(row) for row in admin.execute(text(sql), parameters)]

    def step(self, number: int, second: bool = False) -> str:
        """What a step of the example printed."""
        output = (self.second if second else self.first).stdout
        return output.partition(f"\n{number} · ")[2].partition(f"\n{number + 1} · ")[0]


def kept(database: Database) -> list[Any]:
    with database.admin() as admin:
        return [
            admin.execute(text(f"SELECT t::text FROM {table} AS t ORDER BY 1")).all()
            for table in ("causal_paths", "causal_validations", "expert_reviews")
        ]


@pytest.fixture(scope="module")
def demo(module_database: Database) -> Demo:
    first = run(module_database)
    after_first = kept(module_database)
    second = run(module_database)
    return Demo(module_database, first, second, after_first, kept(module_database))


def test_it_runs_and_says_nothing_on_stderr(demo: Demo) -> None:
    for result in (demo.first, demo.second):
        assert result.returncode == 0, result.stderr
        assert result.stderr == ""
        assert max(len(line) for line in result.stdout.splitlines()) <= 100


def test_the_gate_before_and_after(demo: Demo) -> None:
    """Each row: gate, confidence, whether the effect may be used."""

    def verdicts(number: int) -> dict[str, tuple[str, str]]:
        found = {}
        for line in demo.step(number).splitlines():
            for label in ("hormonal therapy", "four or more positive nodes", "oestrogen receptor positive"):
                cells = line.strip().removeprefix(label).split()
                if line.strip().startswith(label) and len(cells) == 3:
                    found[label.split()[0]] = (cells[0], cells[2])
        return found

    assert verdicts(3) == dict.fromkeys(("hormonal", "four", "oestrogen"), ("review", "no"))
    assert verdicts(5) == {"hormonal": ("review", "no"), "four": ("proceed", "yes"), "oestrogen": ("block", "no")}
    assert verdicts(6) == {"hormonal": ("review", "yes"), "four": ("proceed", "yes"), "oestrogen": ("block", "no")}


def test_effects_are_those_of_the_train_patients(demo: Demo) -> None:
    """The same regression by other means: over the published data, split by the rule, solved by least squares."""
    import numpy as np
    from sksurv.datasets import load_gbsg2  # slow to import: not while tests are collected

    covariates, outcomes = load_gbsg2()
    rows, risks = [], []
    for number, (row, (event, days)) in enumerate(zip(covariates.to_dict("records"), outcomes, strict=True), start=1):
        known = days >= 1095 or (event and days <= 1095)
        if assign(f"GBSG2-{number:04d}") == "train" and known:
            rows.append(
                {
                    "age": row["age"],
                    "menostat": row["menostat"] == "Post",
                    "tgrade": {"I": 1, "II": 2, "III": 3}[row["tgrade"]],
                    "horTh": row["horTh"] == "yes",
                    **{name: math.log1p(row[name]) for name in ("tsize", "pnodes", "progrec", "estrec")},
                }
            )
            risks.append(float(event and days <= 1095))
    stored = dict(demo.ask("SELECT start_node, causal_effect_size FROM causal_paths"))
    for node, source, least in (
        (THERAPY, "horTh", 1),
        (NODES, "pnodes", math.log1p(4)),
        (RECEPTOR, "estrec", math.log1p(20)),
    ):
        columns = [[1.0, float(row[source] >= least)] + [float(row[n]) for n in row if n != source] for row in rows]
        effect = np.linalg.lstsq(np.array(columns), np.array(risks), rcond=None)[0][1]
        assert float(stored[node]) == pytest.approx(effect, abs=5.1e-4), node


def test_paths_and_validations_belong_to_train(demo: Demo) -> None:
    paths = demo.ask("SELECT tenant_id, path_id, split_assignment FROM causal_paths")
    assert {(tenant, split) for tenant, _, split in paths} == {(TENANT, "train")}
    assert all(path in demo.step(2) for _, path, _ in paths), "no column is cut off"
    estimates = {estimate_id(path) for _, path, _ in paths}
    assert len(estimates) == 3
    found = demo.ask(
        "SELECT estimate_id, array_agg(test_type::text), max(split_assignment) FROM causal_validations GROUP BY 1"
    )
    assert {estimate for estimate, _, _ in found} == estimates
    for _, tests, split in found:
        assert len(tests) == 5
        assert (set(tests), split) == (TESTS, "train")


def test_what_passed_passed(demo: Demo) -> None:
    found = demo.ask(
        "SELECT treatment_variable, test_type::text, status::text, gate_decision::text FROM causal_validations"
    )
    statuses = {(treatment, test): status for treatment, test, status, _ in found}
    assert {statuses[NODES, test] for test in TESTS} == {"passed"}
    assert {test for test in TESTS if statuses[THERAPY, test] != "passed"} == {"sensitivity_e_value"}
    assert statuses[THERAPY, "sensitivity_e_value"] == "warning"
    assert statuses[RECEPTOR, "placebo_treatment"] == statuses[RECEPTOR, "sensitivity_e_value"] == "failed"
    gates = {"passed": "proceed", "warning": "review", "failed": "block"}
    assert all(gate == gates[status] for *_, status, gate in found)


def test_figures_of_the_tests_agree_with_each_other(demo: Demo) -> None:
    for test, original, refuted, delta, p_value, details in demo.ask(
        "SELECT test_type::text, original_effect, refuted_effect, delta_percent, p_value, details_json"
        " FROM causal_validations"
    ):
        details = details if isinstance(details, dict) else json.loads(details)
        if test == "sensitivity_e_value":
            assert (refuted, delta, p_value) == (None, None, None)
            assert details["e_value"] >= details["e_value_of_limit"] >= 1
            continue
        assert 0 <= p_value <= 1
        assert float(delta) == pytest.approx(100 * float((refuted - original) / abs(original)), rel=0.01, abs=0.1)
        share = float(abs(refuted if test == "placebo_treatment" else refuted - original) / abs(original))
        assert details["share"] == pytest.approx(share, rel=0.01, abs=1e-3)


def test_the_e_value_is_that_of_its_formula(demo: Demo) -> None:
    """E = RR + sqrt(RR (RR - 1)), with RR = exp(0.91 d) for a difference of d standard deviations."""
    ((deviation, known),) = demo.ask(
        "SELECT stddev_pop(o), count(*) FROM (SELECT (outcome_indicator <> 'event_free'"
        " AND days_from_diagnosis <= 1095)::int AS o FROM treatment_events WHERE split_assignment = 'train'"
        " AND event_subtype = 'last_follow_up'"
        " AND (days_from_diagnosis >= 1095 OR outcome_indicator <> 'event_free')) AS outcome"
    )
    assert known == 342
    for effect, details in demo.ask(
        "SELECT original_effect, details_json FROM causal_validations WHERE test_type = 'sensitivity_e_value'"
    ):
        ratio = math.exp(0.91 * abs(float(effect)) / float(deviation))
        assert details["e_value"] == pytest.approx(ratio + math.sqrt(ratio * (ratio - 1)), rel=1e-3)


def test_the_expert_approved_two_graphs(demo: Demo) -> None:
    found = demo.ask(
        "SELECT treatment_variable, approval_status, length(dag_version_hash), cardinality(related_validation_ids)"
        " FROM expert_reviews ORDER BY 1"
    )
    assert found == [(THERAPY, "approved", 64, 5), (RECEPTOR, "approved", 64, 5)]


def test_the_chain_is_shown_and_flows_forwards(demo: Demo) -> None:
    shown = demo.step(7)
    for treatment, approval in ((THERAPY, "approved"), (NODES, "none"), (RECEPTOR, "approved")):
        (line,) = [line for line in shown.splitlines() if treatment in line]
        assert line.split()[-1] == approval
        assert "recurrence_or_death" in line
    seen = {line.split()[-2]: line.split()[-1] for line in shown.splitlines() if f"tenant {TENANT}" in line}
    assert seen == {"unassigned": "0", "train": "15", "validation": "15"}


def test_a_second_run_finds_its_rows(demo: Demo) -> None:
    assert [len(rows) for rows in demo.after_first] == [3, 15, 2]
    assert demo.after_second == demo.after_first
    assert "An earlier run has validated these effects" in demo.step(3, second=True)
    first, second = (demo.step(4, second=again).split("took")[0].rstrip() for again in (False, True))
    assert first == second, "the seeds are fixed"
