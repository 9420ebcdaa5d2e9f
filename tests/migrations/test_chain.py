"""The revisions as files: one head, frozen, reversible, and free of the package."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from hedgerow.migrations.config import script_directory, scripts
from hedgerow.migrations.operations import SNAPSHOTS

VERSIONS = sorted((script_directory() / "versions").glob("*.py"))
each = pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.stem)


def functions(path: Path) -> dict[str, ast.FunctionDef]:
    tree = ast.parse(path.read_text("utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_there_is_one_head_and_one_line_of_descent() -> None:
    assert len(scripts().get_heads()) == 1
    assert len(scripts().get_bases()) == 1
    order = [script.revision for script in scripts().walk_revisions()][::-1]
    assert order == [path.stem for path in VERSIONS]
    assert [int(revision[:4]) for revision in order] == list(range(1, len(order) + 1))
    assert all(len(revision) <= 32 for revision in order)


@each
def test_a_revision_imports_nothing_of_the_package(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not [name for name in names if name.partition(".")[0] == "hedgerow"]


@each
def test_a_revision_goes_both_ways(path: Path) -> None:
    for name in ("upgrade", "downgrade"):
        statements = functions(path)[name].body
        assert statements
        assert not any(isinstance(statement, ast.Pass) for statement in statements), f"{name} does nothing"


@each
def test_a_revision_says_what_it_is_for(path: Path) -> None:
    doc = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    assert re.match(r"\S.{10,}\.\n", doc), "the first line is a sentence"


def test_snapshots_are_frozen_beside_their_revision() -> None:
    folders = {path.name for path in (script_directory() / SNAPSHOTS).iterdir()}
    used = {path.stem for path in VERSIONS if "_snapshot(revision)" in path.read_text("utf-8")}
    used |= {path.stem for path in VERSIONS if "_rows(revision" in path.read_text("utf-8")}
    assert folders == used


@pytest.mark.parametrize(
    "folder", sorted((script_directory() / SNAPSHOTS).iterdir()), ids=lambda folder: str(folder.name)
)
def test_every_frozen_file_is_run_by_its_revision(folder: Path) -> None:
    code = (script_directory() / "versions" / f"{folder.name}.py").read_text("utf-8")
    calls = {
        "down.sql": "op.revert_snapshot(revision)",
        "clear.sql": "op.clear_snapshot(revision)",
        "restore.sql": "op.restore_snapshot(revision)",
    }
    for file in folder.iterdir():
        if found := re.fullmatch(r"rows_(.+?)(_down)?\.sql", file.name):
            call = f'op.{"delete" if found[2] else "insert"}_rows(revision, "{found[1]}")'
        else:
            assert file.name in calls or re.fullmatch(r"\d\d_\w+\.sql", file.name)
            call = calls.get(file.name, "op.apply_snapshot(revision)")
        assert call in code, f"{file.name} is never run"
        assert file.read_text("utf-8").strip()
