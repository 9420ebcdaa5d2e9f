"""``hedgerow seed``: the deterministic fixtures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from hedgerow.seeding import SeedReport

console = Console(highlight=False)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(seed)


def seed(
    tenants: Annotated[int, typer.Option(min=1, max=999, help="Tenants: TEST_TENANT_001 and on.")] = 2,
    scale: Annotated[
        int, typer.Option(min=1, max=10_000, help="Units of 500 patient journeys for each tenant, and all about them.")
    ] = 1,
    force: Annotated[bool, typer.Option("--force", help="Even if the database holds other tenants.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Load the deterministic fixtures; rows that are there already stay as they are.

    Every database gets the same bytes. A larger --tenants or --scale adds rows and changes none.
    """
    # Imported late: it loads every domain, and --help is to be quick.
    from hedgerow import seeding

    with Progress(
        SpinnerColumn(),
        TextColumn("Seeding"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.description}"),
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
    ) as bar:
        task = bar.add_task("", total=seeding.steps(tenants, scale))

        def progress(table: str, done: int) -> None:
            bar.update(task, advance=done, description=table)

        report = seeding.seed(tenants=tenants, scale=scale, force=force, progress=progress)
    if not quiet:
        _show(report)


def _show(report: SeedReport) -> None:
    table = Table(box=None, header_style="dim", pad_edge=False, show_footer=True)
    present = sum(count.present for count in report.tables.values())
    table.add_column("table", footer="all")
    for name, footer in (
        ("new", f"{report.inserted:,}"),
        ("there already", f"{present:,}"),
        ("seconds", f"{report.seconds:.2f}"),
        ("rows/s", f"{report.rate:,.0f}" if report.inserted else ""),
    ):
        table.add_column(name, footer=footer, justify="right")
    for name, count in report.tables.items():
        table.add_row(
            name,
            f"{count.inserted:,}" if count.inserted else "",
            f"{count.present:,}" if count.present else "",
            f"{count.seconds:.2f}",
            f"{count.rate:,.0f}" if count.rate else "",
        )
    console.print(table)
