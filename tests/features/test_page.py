"""The page about the feature store shows what runs, and prints what it is said to print."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from hedgerow.core.engine import dispose_engines

PAGE = Path(__file__).parents[2] / "docs" / "domains" / "features.md"


def test_the_example_of_the_page_runs(
    seeded: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", seeded.url("owner").render_as_string(hide_password=False))
    monkeypatch.setenv("HEDGEROW_APP_URL", seeded.url("app").render_as_string(hide_password=False))
    snippets = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    try:
        for snippet in snippets:
            exec(compile(snippet, str(PAGE), "exec"), {})
    finally:
        dispose_engines()
    promised = re.findall(r"print\(.*\)  # (.*)", "\n".join(snippets))
    assert len(promised) == 3
    assert capsys.readouterr().out.splitlines() == promised
