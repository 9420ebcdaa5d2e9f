"""What the README shows runs; what the other pages show compiles, and their links lead somewhere."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from hedgerow.core.engine import dispose_engines

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "examples" / "README.md"]
BLOCK = re.compile(r"^( *)```python\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[str]:
    """The Python snippets of a page, in order."""
    found = []
    for indent, body in BLOCK.findall(page.read_text("utf-8")):
        found.append("\n".join(line.removeprefix(indent) for line in body.splitlines()))
    return found


def relative(page: Path) -> str:
    return str(page.relative_to(ROOT))


def test_the_readme_runs(seeded: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("DATABASE_URL", seeded.url("owner").render_as_string(hide_password=False))
    monkeypatch.setenv("HEDGEROW_APP_URL", seeded.url("app").render_as_string(hide_password=False))
    seen: dict[str, Any] = {}
    try:
        for snippet in blocks(ROOT / "README.md"):
            exec(compile(snippet, "README.md", "exec"), seen)
    finally:
        dispose_engines()
    assert seen["journeys"], "the first snippet found rows"
    assert {journey.tenant_id for journey in seen["journeys"]} == {"TEST_TENANT_001"}
    assert {str(journey.split_assignment) for journey in seen["journeys"]} == {"train"}
    assert "holdout" in capsys.readouterr().out, "the refusal was printed"


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=relative)
def test_snippets_compile(page: Path) -> None:
    for snippet in blocks(page):
        compile(snippet, str(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


def test_make_targets_of_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"^\$ make ([a-z]+)", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE):
        assert f"\n{target}:" in makefile, target
