"""Proof that the tests notice: ``make mutants`` takes away each hook, handler and check in turn, and runs them.

A mutant is the package without one of its parts. The test run (``HEDGEROW_MUTANT`` names the mutant, ``conftest``
applies it) must fail; a run that passes shows a part that nobody would miss. The parts are found in the classes and
the refusals in the source, so a new one is a new mutant, and ``tests/architecture/test_mutants.py`` knows every event
that somebody listens to. What the database refuses when a scope is opened or read is
taken away in the functions themselves. Policies have a test of their own,
``tests/isolation/test_every_policy_matters.py``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from rich.progress import Progress
from sqlalchemy import Connection, and_, event, true
from sqlalchemy.dialects.postgresql.base import PGCompiler, PGExecutionContext
from sqlalchemy.orm import Session

import hedgerow
from hedgerow.core import access, engine, guards, scope, session
from hedgerow.core.filter import compiler, context, inserts, install, opening, rawsql, registry
from hedgerow.migrations import guard
from refusals import overlook, refusals

VARIABLE = "HEDGEROW_MUTANT"
TESTS = (
    "tests/core/test_scope.py",
    "tests/core/filter",
    "tests/core/test_engine.py",
    "tests/core/test_doctor.py",
    "tests/isolation/test_soft_delete.py",
    "tests/isolation/test_splits.py",
    "tests/isolation/test_split_writes.py",
    "tests/isolation/test_tenants.py",
    "tests/leakage",
)
#: What the database refuses by itself, as long as nobody takes it away.
OF_THE_DATABASE = ("tests/isolation/test_token.py", "tests/isolation/test_append_only.py", "tests/splits")
FUNCTIONS = (
    "core/sql/function_forbid_mutation.sql",
    "core/sql/function_issue_scope.sql",
    "core/sql/function_scope_claims.sql",
    "splits/sql/function_open_scope.sql",
    "splits/sql/function_request_opening.sql",
    "splits/sql/function_require_opening.sql",
)
#: These accept what meets every one of several conditions.
CONDITIONAL = ("sql.scope_claims", "sql.require_opening")

#: What guards the data while the schema changes has tests of its own.
GUARDS_DATA = ("tests/migrations/test_guard.py",)
#: Not needed for a verdict, and slow.
LEFT_OUT = ("tests/leakage/test_fuzz.py", "tests/core/filter/test_random.py")

#: Every refusal of these is a mutant.
REFUSING = (access, guards, scope, session, compiler, context, inserts, install, opening, rawsql)

#: Parts that make an answer quicker or a message clearer, or stop the import, and protect nothing.
COMFORT = {
    "engine._notice_end",
    "install._require_hooks#1",
    "install._require_hooks#2",
}


def _nothing(*args: Any, **kwargs: Any) -> None:
    """In place of a check."""


def _overrides(cls: type, base: type, where: str) -> Iterator[tuple[str, Callable[[], None]]]:
    for name, member in vars(cls).items():
        if (
            (callable(member) or isinstance(member, classmethod))
            and hasattr(base, name)
            and name not in ("__init__", "__init_subclass__")
        ):
            yield f"{where}.{name}", partial(delattr, cls, name)


def _predicates() -> Iterator[tuple[str, Callable[[], None]]]:
    """The filter without the tenant, the split, or the window of a row."""
    whole = compiler.scope_predicate

    def without_tenant(relation: Any, rule: Any, claims: Any) -> Any:
        parts = whole(relation, rule, claims)
        return and_(true(), *list(getattr(parts, "clauses", [parts]))[1:])

    yield "predicate.tenant", partial(setattr, compiler, "scope_predicate", without_tenant)
    for part, change in (
        ("split", {"split_column": None, "only_split": None}),
        ("window", {"event_time": ()}),
        ("artefact", {"artefact": False}),
    ):
        yield (
            f"predicate.{part}",
            partial(
                setattr,
                compiler,
                "scope_predicate",
                lambda relation, rule, claims, change=change: whole(relation, replace(rule, **change), claims),
            ),
        )


def _definition(file: str) -> str:
    text = (Path(str(hedgerow.__file__)).parent / file).read_text("utf-8")
    return text.partition("\n\nCOMMENT ON")[0].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


def of_the_database() -> dict[str, str]:
    """By name, the definition of a function without one refusal, or without one condition of what it accepts."""
    found: dict[str, str] = {}
    for file in FUNCTIONS:
        body, name = _definition(file), f"sql.{Path(file).stem.removeprefix('function_')}"
        parts = [("#", part) for part in re.finditer(r"RAISE EXCEPTION.*?;(?=\n)", body, re.DOTALL)]
        if name in CONDITIONAL:
            parts += [(" AND ", part) for part in re.finditer(r"(?<=\n) +AND .*", body)]
        for kind, places in groupby(parts, itemgetter(0)):
            for number, (_, part) in enumerate(places, 1):
                found[f"{name}{kind}{number}"] = body[: part.start()] + "NULL;" * (kind == "#") + body[part.end() :]
    return found


def everything() -> dict[str, Callable[[], None]]:
    """By name, what takes a part away; the comforts included."""
    found: dict[str, Callable[[], None]] = {}
    for name, handler in (("after_begin", "_open_scope"), ("before_attach", "_attach"), ("before_flush", "_flush")):
        found[f"session.{handler}"] = partial(event.remove, session.ScopedSession, name, getattr(session, handler))
    found["session._loaded"] = partial(setattr, session, "_loaded", _nothing)
    for handler in ("_notice_end", "_forget", "_forget_async"):
        found[f"engine.{handler}"] = partial(setattr, engine, handler, _nothing)
    found["guard._before"] = partial(setattr, guard.DataLossGuard, "_before", _nothing)
    found["install.listener"] = partial(setattr, install, "listener", lambda registry: _nothing)
    found["opening._verify_role"] = partial(setattr, opening, "_verify_role", _nothing)
    found["registry.soft_delete"] = partial(setattr, registry, "SOFT_DELETE_INFO", "forgotten")
    found["inserts.stamp"] = partial(setattr, inserts, "stamp", lambda _, statement, *args, **kwargs: statement)
    for name, member in vars(guards.ObjectGuard).items():
        if callable(member) and not name.startswith("_"):
            found[f"guards.ObjectGuard.{name}"] = partial(setattr, guards.ObjectGuard, name, _nothing)
    found.update(_predicates())
    found.update(_overrides(session.ScopedSession, Session, "session.ScopedSession"))
    found.update(_overrides(compiler.FilterCompiler, PGCompiler, "compiler.FilterCompiler"))
    found.update(_overrides(context.FilterContext, PGExecutionContext, "context.FilterContext"))
    for module in REFUSING:
        found.update({name: partial(overlook, module, name) for name, _ in refusals(module)})
    return found | dict.fromkeys(of_the_database(), _nothing)


def mutants() -> dict[str, Callable[[], None]]:
    """By name, what takes a part away that must be missed."""
    return {name: act for name, act in sorted(everything().items()) if name not in COMFORT}


def sabotage() -> None:
    """Take away the part that the environment names, if it names one."""
    if name := os.environ.get(VARIABLE):
        mutants()[name]()


def sabotage_database(connection: Connection) -> None:
    """The same, in a database that was just made."""
    if definition := of_the_database().get(os.environ.get(VARIABLE, "")):
        connection.exec_driver_sql(definition, execution_options={"no_parameters": True})


def noticed(name: str) -> str | None:
    """The test that fails without the part; None where all pass."""
    tests = {"guard": GUARDS_DATA, "sql": OF_THE_DATABASE}.get(name.partition(".")[0], TESTS)
    # One process a mutant, since most are noticed before a second one had begun.
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", *tests]
    command += [f"--ignore={path}" for path in LEFT_OUT]
    run = subprocess.run(command, env={**os.environ, VARIABLE: name}, capture_output=True, text=True)
    if run.returncode == 0:
        return None
    # A run that failed for another reason, such as a module that cannot be imported, has noticed nothing.
    failed = [line.split(" - ")[0] for line in run.stdout.splitlines() if re.match(r"(FAILED|ERROR) tests/.*::", line)]
    if not failed:
        raise RuntimeError(f"{name}: the tests did not run\n{run.stdout[-2000:]}{run.stderr[-2000:]}")
    return failed[0]


def main(wanted: list[str]) -> int:
    """Run every mutant, or those that are named; exit code 1 when one survives."""
    os.chdir(Path(__file__).parents[1])
    if unknown := set(wanted) - mutants().keys():
        print(f"there is no mutant {', '.join(sorted(unknown))}; these are: {', '.join(mutants())}", file=sys.stderr)
        return 2
    names = wanted or list(mutants())
    survivors = []
    with Progress() as progress, ThreadPoolExecutor(os.cpu_count()) as runs:
        task = progress.add_task("mutants", total=len(names))
        for run in as_completed(started := {runs.submit(noticed, name): name for name in names}):
            name, test = started[run], run.result()
            progress.console.print(f"{name}: {test or 'SURVIVES'}", soft_wrap=True)
            survivors += [name] if test is None else []
            progress.advance(task)
    print(f"{len(names) - len(survivors)} of {len(names)} noticed")
    return 1 if survivors else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
