"""Law: whatever listens to an event, and whatever refuses, is taken away once by ``make mutants``."""

from __future__ import annotations

import ast
from pathlib import Path

import hedgerow
import mutants

SOURCE = Path(str(hedgerow.__file__)).parent


def listeners() -> set[str]:
    """``module.handler`` of every event that the package listens to."""
    found: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef):
                if any("listens_for" in ast.unparse(decorator) for decorator in node.decorator_list):
                    found.add(f"{path.stem}.{node.name}")
            elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("event.listen", "listen"):
                handler = node.args[2].func if isinstance(node.args[2], ast.Call) else node.args[2]
                found.add(f"{path.stem}.{ast.unparse(handler).removeprefix('self.')}")
    return found


def test_every_listener_is_a_mutant() -> None:
    assert listeners() <= mutants.everything().keys()
    assert {"session._flush", "engine._forget", "install.listener", "guard._before"} <= listeners()


def test_every_refusal_is_a_mutant() -> None:
    """Where the filter and the session can refuse, the refusals are looked for."""
    names = {module.__name__ for module in mutants.REFUSING}
    refusing = {
        f"hedgerow.{'.'.join(path.relative_to(SOURCE).with_suffix('').parts)}"
        for where in ("core/filter", "core")
        for path in (SOURCE / where).glob("*.py")
        if any(f"{error}(" in path.read_text("utf-8") for error in ("ScopeError", "CrossTenantError", "RawSQLError"))
    }
    # `translate` says in the package's words what PostgreSQL has refused; `install.listener` takes all of it away.
    assert refusing - names == {"hedgerow.core.errors", "hedgerow.core.filter.translate"}


def test_comforts_exist() -> None:
    assert mutants.everything().keys() >= mutants.COMFORT
