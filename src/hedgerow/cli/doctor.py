"""``hedgerow db doctor``: do the promises hold in this database?"""

from __future__ import annotations

import json
from itertools import islice
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hedgerow.cli.schema import MOST
from hedgerow.core.settings import resolve_urls
from hedgerow.doctor import Finding, examine
from hedgerow.migrations.check import Report, check
from hedgerow.migrations.environment import owner_connection
from hedgerow.migrations.errors import ScratchDatabaseError
from hedgerow.migrations.scratch import Databases, databases, given

_PENDING = "Every revision has run"
_DRIFT = "The database is as declared"


def register(app: typer.Typer) -> None:
    """Add the command to the group ``hedgerow db``."""
    app.command()(doctor)


def doctor(
    scratch_url: Annotated[
        str | None, typer.Option("--scratch-url", help="An empty database for the comparison; it stays empty.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON, all of them.")] = False,
) -> None:
    """Check roles, policies, views, functions, grants, pending revisions and drift; exit code 1 for a finding."""
    with owner_connection() as connection:
        schema = _schema(given(scratch_url) if scratch_url else databases())
        urls = resolve_urls()
        questions = examine(connection, urls.app, urls.evaluator)
        # Of a database without our schema only the server can be asked about, which is the first question.
        pending = any(finding.question == _PENDING and not finding.healthy for finding in schema)
        findings = [*(islice(questions, 1) if pending else questions), *schema]
    healthy = all(finding.healthy for finding in findings)
    if as_json:
        # echo and not a console, which would wrap what a program is going to read.
        typer.echo(json.dumps({"healthy": healthy, "findings": [_plain(finding) for finding in findings]}, indent=2))
    else:
        _show(findings)
    if not healthy:
        raise typer.Exit(1)


def _plain(finding: Finding) -> dict[str, object]:
    return {
        "question": finding.question,
        "healthy": finding.healthy,
        "problems": list(finding.problems),
        "remedy": None if finding.healthy else finding.remedy,
    }


def _show(findings: list[Finding]) -> None:
    table = Table("", "Question", "Finding", show_header=False, box=None)
    for finding in findings:
        mark = Text("✓", style="green") if finding.healthy else Text("✗", style="red")
        # Text and not markup: names of the database may hold brackets.
        table.add_row(mark, Text(finding.question), Text("\n".join(_shortened(finding.problems))))
        if not finding.healthy:
            table.add_row("", Text(finding.remedy, style="dim"))
    Console(highlight=False).print(table)


def _shortened(problems: tuple[str, ...]) -> list[str]:
    return [*problems[:MOST], *([f"and {len(problems) - MOST} more"] if len(problems) > MOST else [])]


def _schema(scratch: Databases) -> list[Finding]:
    try:
        report: Report = check(make=scratch)
    except ScratchDatabaseError as error:
        # What could not be looked at is not healthy.
        return [Finding(_DRIFT, (error.message,), error.remedy or "")]
    pending = Finding(_PENDING, report.pending, "run hedgerow db upgrade, then this again")
    if report.pending:
        return [pending]
    differing = tuple(str(difference) for difference in report.differences)
    return [pending, Finding(_DRIFT, differing, "hedgerow db check shows the differences")]
