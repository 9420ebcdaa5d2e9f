"""``hedgerow db doctor``: do the promises hold in this database?"""

from __future__ import annotations

import typer
from rich.console import Console
from rich.table import Table

from hedgerow.core.settings import resolve_urls
from hedgerow.doctor import Finding, examine
from hedgerow.migrations.check import Report, check
from hedgerow.migrations.environment import owner_connection
from hedgerow.migrations.errors import ScratchDatabaseError


def register(app: typer.Typer) -> None:
    """Add the command to the group ``hedgerow db``."""
    app.command()(doctor)


def doctor() -> None:
    """Check roles, policies, views, functions, grants, pending revisions and drift; exit code 1 for a finding."""
    with owner_connection() as connection:
        findings = list(examine(connection, resolve_urls().app))
    findings += _schema()
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
    pending = "Every revision has run"
    drift = "The database is as declared"
    try:
        report: Report = check()
    except ScratchDatabaseError as error:
        return [Finding(drift, (error.message,), error.remedy or "")]
    return [
        Finding(pending, report.pending, "hedgerow db upgrade"),
        Finding(drift, tuple(str(d.key) for d in report.differences), "hedgerow db check shows the differences"),
    ]
