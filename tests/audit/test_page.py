"""What the page of the audit chain shows, runs, and says what it is said to say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from docs.test_snippets import blocks
from hedgerow.core.engine import dispose_engines

PAGE = Path(__file__).parents[2] / "docs" / "domains" / "audit.md"


def test_the_page_runs(seeded: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("DATABASE_URL", seeded.url("owner").render_as_string(hide_password=False))
    monkeypatch.setenv("HEDGEROW_APP_URL", seeded.url("app").render_as_string(hide_password=False))
    try:
        for snippet in blocks(PAGE):
            exec(compile(snippet, PAGE.name, "exec"), {})
    finally:
        dispose_engines()
    valid, inspected, recomputed, *entries = capsys.readouterr().out.splitlines()
    assert valid == "True"
    assert all("entries=1001" in found and "fault=None" in found for found in (inspected, recomputed))
    assert any(entry.endswith("updated ann") for entry in entries)
