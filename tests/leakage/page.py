"""The page of the battery: every shape, and what becomes of it behind each lock. ``make docs`` writes it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from textwrap import fill
from typing import Any, Final

from hedgerow.core.predicate import scope_rule
from isolation.oracle import tenant_tables
from leakage import test_reads, test_writes
from leakage.attacks import COUNTED, HINDERED, MET, READS, REFUSALS, REMEDY, Attack
from leakage.shapes import Shape

PAGE: Final = Path(__file__).parents[2] / "docs" / "leakage-battery.md"

_HEAD: Final = """\
# The leakage battery

Generated from the tests: `make docs`. Do not edit.

Every shape below is run with the filter alone, the wall alone and both, over psycopg and over asyncpg. For each there
is something to leak, which the test proves first. What is read is compared with a database that holds nothing but the
rows that Python chose; what is written, with the whole database before and after.

- **truth**: the answer is that of the scope's own rows, and the write does what it should, and nothing else
- **an error**: refused, with what to do instead
- **out of reach**: the filter does not see it by design; the wall does

"""


def _listed(attacks: Iterable[Attack]) -> str:
    return ", ".join(attack.name.replace("_", " ") for attack in attacks)


def _shared() -> str:
    """The tables whose keys do not begin with the tenant, and to which sessions add rows."""
    keyed = ((table, next(iter(table.primary_key))) for table in tenant_tables() if scope_rule(table).shared)
    return ", ".join(f"`{table.name}`" for table, first in keyed if first.name != scope_rule(table).tenant_column)


_RESIDUAL: Final = (
    "Tests state each of these as well, so that one which is closed one day leaves this list.",
    f"**How many rows a table has over all tenants**: {_listed(COUNTED)}. Only raw SQL asks for that, which a session "
    "refuses unless it is marked. Where you hand raw SQL to people of one tenant, close it with the grants below, as "
    "superuser, in each database. `EXPLAIN ANALYZE` also counts the rows that a policy removed, and no grant withholds "
    "EXPLAIN: who must not know even that needs a database of their own.",
    f"**That a row of one's own tenant exists in a closed split**: {_listed(MET)}. Foreign keys and unique keys hold "
    "for the rows of a tenant, seen or not, or they would hold nothing. Of other tenants they tell nothing, since "
    f"every key of a tenant's table begins with the tenant; but for {_shared()}, whose rows tenants share: "
    "a number that is taken, or given, tells how many there are. Use keys that nobody can guess (random UUIDs) for "
    "rows whose existence is a secret.",
    f"**Availability**: {_listed([HINDERED])}. Who may update a table may lock it, for every tenant. Limit roles that "
    "run SQL of others: `ALTER ROLE app_login SET lock_timeout = '5s'`, and the same for `statement_timeout` and "
    "`idle_in_transaction_session_timeout`. A session can raise its own limits again; the timeouts of a connection "
    "pooler it cannot.",
)


def _read(shape: Shape, lock: str) -> str:
    if lock != "wall" and shape.name in test_reads.REFUSED:
        return f"`{test_reads.REFUSED[shape.name].__name__}`"
    if lock == "filter" and shape.name in test_reads.WALL_ONLY:
        return "out of reach"
    if lock == "filter" and shape.name in test_reads.WITHOUT_WINDOWS:
        return "truth, but for windows"
    return "truth"


def _write(shape: Shape, lock: str) -> str:
    if lock == "filter" and shape.name in test_writes.WALL_ONLY:
        return "out of reach"
    refusal = test_writes.REFUSED.get(shape.name)
    expected: Any = None if refusal is None else refusal.by(lock)
    if expected is None:
        return "truth" if refusal is None or lock == "wall" else "nothing is done"
    return f"`{expected}`" if isinstance(expected, str) else f"`{expected.__name__}`"


def page() -> str:
    """The text of the page."""
    lines = [_HEAD]
    for title, shapes, verdict in (
        ("Reads", test_reads.SHAPES, _read),
        ("Writes", test_writes.WRITES, _write),
    ):
        lines.append(f"## {title}: {len(shapes)} shapes\n")
        lines.append("| group | shape | filter | wall | both |\n|---|---|---|---|---|")
        lines += [
            f"| {shape.group} | {shape.name.replace('_', ' ')} | "
            + " | ".join(verdict(shape, lock) for lock in ("filter", "wall", "both"))
            + " |"
            for shape in shapes
        ]
        lines.append("")
    lines.append(f"## Raw SQL against the wall alone: {len(READS) + len(REFUSALS)} attacks\n")
    lines.append("Run on a plain connection as the role of sessions, where no filter stands.\n")
    lines.append("| attack | outcome |\n|---|---|")
    lines += [f"| {attack.name.replace('_', ' ')} | truth |" for attack in READS]
    lines += [f"| {attack.name.replace('_', ' ')} | refused, `{attack.refused}` |" for attack in REFUSALS]
    lines.append("\n## What neither lock covers\n")
    lines += [f"{fill(paragraph, 120, break_on_hyphens=False)}\n" for paragraph in _RESIDUAL]
    lines.append(f"```sql\n{REMEDY}```\n")
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
