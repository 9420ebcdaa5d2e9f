"""The page about memories shows what runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from hedgerow.core.engine import dispose_engines

PAGE = Path(__file__).parents[2] / "docs" / "domains" / "memory.md"


def test_the_example_of_the_page_runs(
    fresh_database: Any, seeded_template: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    database = fresh_database(seeded_template)
    monkeypatch.setenv("DATABASE_URL", database.url("owner").render_as_string(hide_password=False))
    monkeypatch.setenv("HEDGEROW_APP_URL", database.url("app").render_as_string(hide_password=False))
    try:
        for snippet in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL):
            exec(compile(snippet, str(PAGE), "exec"), {})
    finally:
        dispose_engines()
    assert capsys.readouterr().out.splitlines()[0] == "1.00 Visits twice a month raise prescriptions"
