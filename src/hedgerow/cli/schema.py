"""``hedgerow db upgrade | downgrade | current | history | check | revision``: the schema of the database."""

from __future__ import annotations

import difflib
import logging
import time
from typing import Annotated

import typer
from alembic.runtime.migration import MigrationContext
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hedgerow.migrations import commands, config
from hedgerow.migrations.catalogue import Difference
from hedgerow.migrations.check import Report
from hedgerow.migrations.check import check as find_drift
from hedgerow.migrations.environment import owner_connection
from hedgerow.migrations.errors import MigrationError
from hedgerow.migrations.revise import Request, write_revision
from hedgerow.migrations.scratch import databases, given

console = Console(highlight=False, soft_wrap=True)

#: Differences that a check shows unless it is asked for all of them.
MOST = 30

SqlOption = Annotated[bool, typer.Option("--sql", help="Print the SQL instead of running it; connects to nothing.")]
LossOption = Annotated[bool, typer.Option("--allow-data-loss", help="Consent to dropping what holds data.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the group ``hedgerow db``."""
    for function in (upgrade, downgrade, current, history, check, revision):
        app.command()(function)


def upgrade(
    target: Annotated[str, typer.Argument(help="Revision, head, or +1; with --sql also from:to.")] = "head",
    sql: SqlOption = False,
    allow_data_loss: LossOption = False,
) -> None:
    """Bring the database to a revision; safe to run several times at once."""
    _show_steps(quiet=sql)
    commands.upgrade(revision=target, sql=sql, allow_data_loss=allow_data_loss)


def downgrade(
    target: Annotated[str, typer.Argument(help="Revision, base, or -1; with --sql from:to.")] = "-1",
    sql: SqlOption = False,
    allow_data_loss: LossOption = False,
) -> None:
    """Bring the database back to a revision; refuses to destroy data."""
    _show_steps(quiet=sql)
    commands.downgrade(revision=target, sql=sql, allow_data_loss=allow_data_loss)


def current() -> None:
    """Print the revision of the database."""
    with owner_connection() as connection:
        context = MigrationContext.configure(connection, opts={"version_table_schema": "public"})
        applied = context.get_current_heads()
    head = " (head)" if applied == tuple(config.scripts().get_heads()) else ""
    console.print(f"{', '.join(applied) or 'no revision'}{head}")


def history() -> None:
    """Print all revisions, the last one first."""
    for script in config.scripts().walk_revisions():
        console.print(Text(script.revision, style="bold").append(f"  {script.doc}", style="not bold"))


def check(
    scratch_url: Annotated[
        str | None, typer.Option("--scratch-url", help="An empty database for the comparison; it stays empty.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help=f"Show every difference, not the first {MOST} alone.")] = False,
) -> None:
    """Compare database, revisions and models; exit code 1 when they are not the same thing."""
    began = time.perf_counter()
    report = find_drift(make=given(scratch_url) if scratch_url else databases())
    took = time.perf_counter() - began
    show(report, most=None if every else MOST)
    if not report.clean:
        raise typer.Exit(1)
    console.print(f"[green]No drift[/]: the database is at {report.current} and as declared ({took:.1f} s).")


def revision(
    message: Annotated[str | None, typer.Option("--message", "-m", help="First line of the revision.")] = None,
    domain: Annotated[str | None, typer.Option(help="Only what belongs to this domain.")] = None,
    rev_id: Annotated[str | None, typer.Option(help="Identifier; by default the next number and a name.")] = None,
    hold: Annotated[
        list[str] | None, typer.Option(help="Leave this to a later revision: 'view v_x', 'enum type.value', ...")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Bring this and nothing else.")] = None,
) -> None:
    """Write the revision that leads from the last one to the models, and prove it up, down and up again."""
    if message is None and domain is None:
        raise MigrationError("A revision needs a message.", remedy='Pass -m "what it brings"')
    request = Request(message, domain, rev_id, tuple(hold or ()), tuple(only or ()))
    written = write_revision(request)
    if written is None:
        console.print("Nothing differs: no revision is needed, none was written.")
        return
    console.print(f"[green]{written.revision}[/] brings {len(written.differences)} objects. Read it with care:")
    for file in written.files:
        console.print(f"  {file}")


def show(report: Report, most: int | None = MOST) -> None:
    """Print what is wrong, as tables, with the remedy last.

    :param most: how many differences to show, None for all of them.
    """
    if len(report.heads) != 1:
        console.print(f"[red]The revisions have {len(report.heads)} heads[/]: {', '.join(report.heads)}.")
    if report.pending:
        console.print(
            f"[red]The database is at {report.current or 'no revision'}[/]; pending: {', '.join(report.pending)}."
        )
        console.print("Remedy: run hedgerow db upgrade.")
    if report.differences:
        table = Table("", "Object", "Declared (-) and in the database (+)", show_lines=True, title="Drift")
        for difference in report.differences[:most]:
            table.add_row(difference.change, str(difference.key), _shown(difference))
        Console(highlight=False).print(table)
        if most is not None and len(report.differences) > most:
            console.print(f"and {len(report.differences) - most} more (--all)")
        console.print(
            "Remedy: if the models are right, write the revision that brings the database there:"
            ' make revision m="why" (hedgerow db revision -m "why"); else undo what was changed by hand.'
        )


def _shown(difference: Difference) -> Text:
    expected, actual = (difference.expected or "").splitlines(), (difference.actual or "").splitlines()
    lines = list(difflib.unified_diff(expected, actual, lineterm="", n=1))[2:]
    shown = Text()
    for line in (line for line in lines if not line.startswith("@@")):
        shown.append(line + "\n", style={"-": "red", "+": "green"}.get(line[:1], ""))
    shown.rstrip()
    return shown


def _show_steps(*, quiet: bool = False) -> None:
    """Print each revision as it runs, on standard error."""
    logger = logging.getLogger("alembic")
    logger.setLevel(logging.WARNING if quiet else logging.INFO)
    # A library brings a handler that does nothing.
    if any(not isinstance(handler, logging.NullHandler) for handler in logger.handlers):
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    handler.addFilter(lambda record: record.levelno > logging.INFO or record.getMessage().startswith("Running"))
    logger.addHandler(handler)
