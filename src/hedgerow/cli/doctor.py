"""``hedgerow db doctor``: do the promises hold in this database?"""

from __future__ import annotations

from itertools import islice

import typer
from rich.console import Console
from rich.table import Table

from hedgerow.cli.schema import MOST
from hedgerow.core.settings import resolve_urls
from hedgerow.doctor import Finding, examine
from hedgerow.migrations.check import Report, check
from hedgerow.migrations.environment import owner_connection
from hedgerow.migrations.errors import ScratchDatabaseError

_PENDING = "Every revision has run"


def register(app: typer.Typer) -> None:
    """Add the command to the group ``hedgerow db``."""
    app.command()(doctor)


def doctor() -> None:
    """Check roles, policies, views, functions, grants, pending revisions and drift; exit code 1 for a finding."""
    with owner_connection() as connection:
        schema = _schema()
        questions = examine(connection, resolve_urls().app)
        # Of a database without our schema only the server can be asked about, which is the first question.
        pending = any(finding.question == _PENDING and not finding.healthy for finding in schema)
        findings = [*(islice(questions, 1) if pending else questions), *schema]
    table = Table("", "Question", "Finding", show_header=False, box=None)
    for finding in findings:
        mark = "[green]✓[/]" if finding.healthy else "[red]✗[/]"
        table.add_row(mark, finding.question, "" if finding.healthy else ", ".join(finding.problems))
        if not finding.healthy:
            table.add_row("", f"[dim]{finding.remedy}[/]")
    Console(highlight=False).print(table)
    if not all(finding.healthy for finding in findings):
        raise typer.Exit(1)


def _schema() -> list[Finding]:
    drift = "The database is as declared"
    try:
        report: Report = check()
    except ScratchDatabaseError as error:
        return [Finding(drift, (error.message,), error.remedy or "")]
    pending = Finding(_PENDING, report.pending, "run hedgerow db upgrade, then this again")
    if report.pending:
        return [pending]
    differing = [str(difference.key) for difference in report.differences]
    shown = differing[:MOST] + ([f"and {len(differing) - MOST} more"] if len(differing) > MOST else [])
    return [pending, Finding(drift, tuple(shown), "hedgerow db check shows the differences")]
