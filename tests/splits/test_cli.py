"""``hedgerow splits``: what a person sees."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from hedgerow import SplitAccessError, open_session
from hedgerow.cli.splits import app
from hedgerow.core.engine import dispose_engines
from hedgerow.core.errors import ScopeError
from hedgerow.splits.budget import BudgetError
from hedgerow.splits.config import SplitConfigError
from hedgerow.splits.repository import PatientSplitRepository
from world import ADMIN, DATED, OTHER, TENANT, World, make_world

Run = Callable[..., Result]


@pytest.fixture
def world(database: Any) -> World:
    return make_world(database)


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    for variable, role in (("DATABASE_URL", "owner"), ("HEDGEROW_APP_URL", "app")):
        monkeypatch.setenv(variable, world.database.url(role).render_as_string(hide_password=False))
    monkeypatch.setattr("hedgerow.cli.splits.console.width", 200)

    def invoke(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(app, list(arguments))
        assert result.exit_code == code, result.output or result.exception
        return result

    yield invoke
    dispose_engines()


def written(tmp_path: Path, **changes: object) -> str:
    path = tmp_path / "split.yaml"
    path.write_text("".join(f"{key}: {value}\n" for key, value in (DATED | changes).items()), "utf-8")
    return str(path)


def test_configure_and_show(run: Run, tmp_path: Path, world: World) -> None:
    assert "default unchanged for WORLD_A" in run("configure", TENANT).output
    with world.session() as session:
        for number in range(100):
            PatientSplitRepository(session).register(f"P{number}")
        session.commit()
    shown = run("show", TENANT).output
    assert "default 1.0.0, patient_stratified, 7 days between the windows" in shown
    assert "2996" not in shown, "dates that nobody set are not shown"
    configured = run("configure", TENANT, "--config", written(tmp_path)).output
    assert "dated created for WORLD_A" in configured
    assert "takes the place of default" in configured
    lines = [line.split() for line in run("show", TENANT).output.splitlines()]
    validation = next(line for line in lines if line[0] == "validation")
    assert validation[1:4] == ["2024-01-08", "2024-06-30", "20%"]
    assert sum(int(line[4]) for line in lines if line[0] in ("train", "validation", "test", "holdout")) == 100


def test_show_without_a_configuration(run: Run, world: World) -> None:
    world.admin("DELETE FROM ml_split_registry WHERE tenant_id = :t", t=TENANT)
    assert f"hedgerow splits configure {TENANT}" in run("show", TENANT, code=1).output


def test_log(run: Run, world: World) -> None:
    assert "Nobody asked for a sealed split." in run("log", TENANT).output
    with world.session("test") as session:
        session.connection()
    opened = run("log", TENANT).output
    assert "opened" in opened
    assert "a test of repositories, logged in as hedgerow_evaluation" in opened
    assert "Nobody was refused." in run("log", TENANT, "--refused").output


def test_audit_fails_when_a_check_does(run: Run, world: World) -> None:
    failed = run("audit", TENANT, code=1).output
    assert "FAILED preprocessing_source: No preprocessing metadata computed on train" in failed
    assert "passed patient_isolation: 0 patient(s)" in failed
    world.admin(
        "INSERT INTO ml_preprocessing_metadata (tenant_id, split_config_id)"
        " SELECT tenant_id, split_config_id FROM ml_split_registry WHERE tenant_id = :t",
        t=TENANT,
    )
    assert "FAILED" not in run("audit", TENANT).output
    assert world.admin("SELECT count(*) FROM ml_leakage_audit")[0][0] == 6, "each run is recorded"


def test_errors_are_ours(run: Run, tmp_path: Path) -> None:
    assert isinstance(run("show", "NOBODY", code=1).exception, ScopeError)
    bad = run("configure", TENANT, "--config", written(tmp_path, train_ratio=0.5), code=1).exception
    assert isinstance(bad, SplitConfigError)
    assert "add 0.10 to one of them" in str(bad)


def test_log_by_split_and_outcome(run: Run, world: World) -> None:
    for split in ("test", "holdout"):
        world.session(split).connection()
    with pytest.raises(SplitAccessError):
        open_session(world.scope("test"), engine=world.engine).connection()
    assert run("log", TENANT, "--split", "holdout").output.count("opened") == 1
    assert run("log", TENANT, "--split", "test").output.count("\n") == 3
    denied = run("log", TENANT, "--split", "test", "--denied").output
    assert "refused" in denied
    assert "opened" not in denied
    assert "Nobody was refused." in run("log", TENANT, "--split", "holdout", "--denied").output
    assert "Nobody asked for the split train." in run("log", TENANT, "--split", "train").output
    assert run("log", TENANT, "--limit", "1").output.count("\n") == 2
    lines = [json.loads(line) for line in run("log", TENANT, "--ndjson").output.splitlines()]
    assert [(line["split"], line["allowed"], line["tenant_id"]) for line in lines] == [
        ("test", False, TENANT),
        ("holdout", True, TENANT),
        ("test", True, TENANT),
    ]
    assert run("log", OTHER, "--ndjson").output == ""


def test_budget(run: Run, world: World) -> None:
    world.admin("DELETE FROM app.holdout_budget")
    assert f"{TENANT}: holdout may be opened 1 time(s) for each model" in run("budget", TENANT).output
    world.session("holdout").connection()
    opened = run("budget", TENANT, "--openings", "3").output
    assert "3 time(s)" in opened
    used = next(line.split() for line in opened.splitlines() if line.startswith("-"))
    assert used[:3] == ["-", "1", "3"]
    assert " ".join(used[-5:]) == f"{ADMIN}, logged in as hedgerow_evaluation"
    assert "2 time(s) for model churn." in run("budget", TENANT, "--model", "churn", "--openings", "2").output
    assert "churn" in run("budget", TENANT).output
    assert "1 time(s)" in run("budget", OTHER).output
    assert "0 time(s)" in run("budget", "*", "--openings", "0").output
    assert "0 time(s)" in run("budget", OTHER).output
    assert isinstance(run("budget", "*", "--model", "churn", "--openings", "2", code=1).exception, BudgetError)
