"""Laws of the tree: where things are, and which way imports go."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from hedgerow.core.base import Base, summary, view_metadata
from hedgerow.core.objects import Domain, Function, SplitView
from hedgerow.reference import pages, places
from hedgerow.registry import NAMES, domains

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "hedgerow"
MODULES = sorted(SOURCE.rglob("*.py"))
PLACES = {place.name: place for place in places()}


def imported(path: Path) -> set[str]:
    """Modules of hedgerow that a module imports while it is loaded."""
    found: set[str] = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {module for module in found if module.startswith("hedgerow")}


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [p for p in MODULES if (SOURCE / "core") in p.parents], ids=relative)
def test_the_core_knows_no_domain(path: Path) -> None:
    assert not {module.split(".")[1] for module in imported(path) if "." in module} & set(NAMES)


@pytest.mark.parametrize("position", range(len(NAMES)), ids=NAMES)
def test_domains_import_only_earlier_ones(position: int) -> None:
    for path in (SOURCE / NAMES[position]).rglob("*.py"):
        reached = {module.split(".")[1] for module in imported(path) if "." in module} & set(NAMES)
        assert reached <= set(NAMES[: position + 1]), relative(path)


def test_integrations_are_the_outermost() -> None:
    """They import domains; nothing imports them, or the libraries that they are for, not even inside a function."""
    libraries = {"dspy"}
    assert {path.name for path in (SOURCE / "integrations").iterdir() if path.is_dir()} >= libraries
    for path in MODULES:
        if (SOURCE / "integrations") in path.parents:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            for name in names:
                assert not name.startswith("hedgerow.integrations"), relative(path)
                assert name.partition(".")[0] not in libraries, relative(path)


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_modules_stay_short(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 420


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_modules_say_what_they_are_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text("utf-8")))


@pytest.mark.parametrize("domain", domains(), ids=lambda d: d.name)
def test_every_sql_file_is_declared_and_every_declaration_has_one(domain: Domain) -> None:
    folder = SOURCE / domain.name / "sql"
    declared = {
        f"{'function' if isinstance(item, Function) else 'view'}_{item.name}.sql"
        for item in (*domain.functions, *domain.views)
        if not isinstance(item, SplitView)
    }
    assert {path.name for path in folder.glob("*.sql")} == declared


@pytest.mark.parametrize(
    "path", [path for d in domains() for path in sorted((SOURCE / d.name / "sql").glob("*.sql"))], ids=lambda p: p.name
)
def test_sql_files_begin_with_what_they_mean(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.startswith("-- ")
    assert "COMMENT ON " in text


@pytest.mark.parametrize("mapper", sorted(Base.registry.mappers, key=str), ids=lambda m: m.class_.__name__)
def test_every_model_has_a_docstring_that_reaches_the_database(mapper: object) -> None:
    model = mapper.class_  # type: ignore[attr-defined]
    assert summary(model)
    assert model.__table__.comment


@pytest.mark.parametrize("name", [v.name for d in domains() for v in d.views if not isinstance(v, SplitView)], ids=str)
def test_every_view_has_a_mapped_class(name: str) -> None:
    assert name in view_metadata.tables


@pytest.mark.parametrize("name", sorted(PLACES), ids=str)
def test_a_name_is_found_in_ten_seconds(name: str) -> None:
    place = PLACES[name]
    assert place.model or place.sql or re.match("v_(train|validation|test|holdout)_", name)
    for path in filter(None, (place.model, place.sql, place.page)):
        assert (ROOT / path.partition(":")[0]).exists(), path
    assert place.revision, "no revision creates it"
    assert place.kind != "table" or place.policies or name in {"agent_registry", "data_sources", "domain_pack_version"}


def test_the_reference_is_current() -> None:
    written = {path.name: path.read_text("utf-8") for path in (ROOT / "docs" / "reference").glob("*.md")}
    assert written == pages(), "run `make docs`"


def test_nothing_of_a_machine_is_in_the_project() -> None:
    index = re.compile(r"--(extra-)?index-url|https?://[^\s/]*pypi", re.IGNORECASE)
    for path in [ROOT / "constraints.txt", ROOT / "pyproject.toml", ROOT / "Makefile", *(ROOT / ".ci").iterdir()]:
        assert not index.search(path.read_text("utf-8")), path
