"""What the pages of agents and causal show, runs, and says what it is said to say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from docs.test_snippets import blocks
from hedgerow.core.engine import dispose_engines

PAGES = Path(__file__).parents[2] / "docs" / "domains"


@pytest.mark.parametrize(
    ("page", "printed"),
    [("agents", ["causal_impact", "[1, 2]"]), ("causal", ["review", "False", "True"])],
)
def test_the_page_runs(
    page: str, printed: list[str], seeded: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", seeded.url("owner").render_as_string(hide_password=False))
    monkeypatch.setenv("HEDGEROW_APP_URL", seeded.url("app").render_as_string(hide_password=False))
    seen: dict[str, Any] = {}
    try:
        for snippet in blocks(PAGES / f"{page}.md"):
            exec(compile(snippet, page, "exec"), seen)
    finally:
        dispose_engines()
    assert capsys.readouterr().out.split("\n")[:-1] == printed
    if page == "agents":
        assert seen["batch"], "there was something to learn from"
