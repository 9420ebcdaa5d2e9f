"""The DSPy example, run twice as a user runs it, and then looked at by other means."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import text

ROOT = Path(__file__).parents[2]


def run(database: Any) -> subprocess.CompletedProcess[str]:
    urls = {
        "DATABASE_URL": database.url("owner").render_as_string(hide_password=False),
        "HEDGEROW_APP_URL": database.url("app").render_as_string(hide_password=False),
    }
    return subprocess.run(
        [sys.executable, "examples/dspy_run.py"],
        cwd=ROOT,
        env={**os.environ, **urls, "PYTHONPATH": str(ROOT / "src"), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def test_the_example_runs_and_what_it_says_is_in_the_database(seeded: Any) -> None:
    for version in (1, 2):
        done = run(seeded)
        assert done.returncode == 0, done.stderr
        for said in (
            "33.33 % right before, 100.0 % after, a gain of 200 %",
            f"scores [33.33, 100.0]; version {version} is in use",
            "the same answers as the compiled program: True",
            "['Paris', 'Rome']",
            "There is no prompt in use",
            "examples: []",
        ):
            assert said in done.stdout
    with seeded.admin() as admin:
        found = admin.execute(
            text(
                "SELECT r.tenant_id, r.status, t.template_version, t.is_active FROM dspy_optimization_runs AS r"
                " JOIN dspy_prompt_templates AS t ON t.template_id = r.best_prompt_id"
                " WHERE t.module_name = 'example_capitals' ORDER BY 3"
            )
        )
        assert [tuple(row) for row in found] == [
            ("TEST_TENANT_001", "completed", 1, False),
            ("TEST_TENANT_001", "completed", 2, True),
        ]


def test_without_a_schema_it_says_so(empty_database: Any) -> None:
    done = run(empty_database)
    assert done.returncode == 1
    assert "hedgerow db upgrade" in done.stderr
    assert "Traceback" not in done.stderr
