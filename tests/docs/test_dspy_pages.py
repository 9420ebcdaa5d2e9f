"""What the pages about DSPy show, runs, and prints what it is said to print."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import dspy
from docs.test_snippets import blocks
from hedgerow.core.engine import dispose_engines

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["domains/dspy.md", "how-to/record-a-dspy-run.md"])
def test_the_page_runs(
    page: str, seeded: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", seeded.url("owner").render_as_string(hide_password=False))
    monkeypatch.setenv("HEDGEROW_APP_URL", seeded.url("app").render_as_string(hide_password=False))
    snippets, seen = blocks(DOCS / page), {"__name__": "page"}
    try:
        for snippet in snippets:
            exec(compile(snippet, page, "exec"), seen)
    finally:
        dispose_engines()
        dspy.configure(lm=None)
    promised = re.findall(r"print\(.*\)  # (.*)", "\n".join(snippets))
    printed = capsys.readouterr().out.splitlines()
    assert promised
    assert [line for line in printed if not line.startswith("Bootstrapped")] == promised
