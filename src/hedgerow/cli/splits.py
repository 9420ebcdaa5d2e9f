"""``hedgerow splits``: how the patients of a tenant are divided, who opened a sealed split, and whether any leaks."""

from __future__ import annotations

import json
from datetime import UTC
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hedgerow.core.engine import owner_engine
from hedgerow.core.scope import Scope, Split
from hedgerow.core.session import open_session
from hedgerow.splits.budget import EVERY, holdout_budget, holdout_uses, set_holdout_budget
from hedgerow.splits.config import default_config_path, load_split_config
from hedgerow.splits.models import SplitAccessLog
from hedgerow.splits.registration import register_split_config
from hedgerow.splits.repository import PatientSplitRepository, SplitAccessRepository, SplitConfigRepository

app = typer.Typer(help="Divide patients between the ML splits, and see who opened what.", no_args_is_help=True)
console = Console(highlight=False)

Tenant = Annotated[str, typer.Argument(help="Id of the tenant.", show_default=False)]


@app.command()
def configure(
    tenant: Tenant,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            help="The YAML file; else config/ml_split_config.yaml here, else that of the package.",
            dir_okay=False,
        ),
    ] = None,
) -> None:
    """Make a configuration file the active one of a tenant; patients who have a split keep it."""
    path = config or default_config_path()
    checked = load_split_config(path)
    with owner_engine().begin() as connection:
        done = register_split_config(connection, tenant, checked)
    console.print(Text(f"{checked.config_name} {done.outcome} for {tenant}", style="green"), f"({path})")
    if done.replaced is not None:
        console.print(f"It takes the place of {done.replaced}: new patients follow it, the others keep their split.")


@app.command()
def show(tenant: Tenant) -> None:
    """Show the active configuration of a tenant, the window of each split and its patients."""
    with open_session(Scope(tenant)) as session:
        configs = SplitConfigRepository(session)
        active = configs.get_active()
        if active is None:
            console.print(f"{tenant} has no active configuration: hedgerow splits configure {tenant}")
            raise typer.Exit(1)
        console.print(
            f"[bold]{active.config_name}[/] {active.config_version}, {active.split_strategy.value}, "
            f"{active.temporal_gap_days} days between the windows"
        )
        ratios = (active.train_ratio, active.validation_ratio, active.test_ratio, active.holdout_ratio)
        # Of all configurations: a patient keeps the split of the one that was active then.
        patients = PatientSplitRepository(session).count_by_split()
        total = sum(patients.values())
        table = Table("split", "first day", "last day", box=None, pad_edge=False)
        for name in ("wanted", "patients", "share"):
            table.add_column(name, justify="right")
        for boundary, ratio in zip(configs.boundaries(), ratios, strict=True):
            number = patients[boundary.split]
            table.add_row(
                boundary.split.value,
                str(boundary.start_date or "-"),
                str(boundary.end_date or "-"),
                f"{ratio:.0%}",
                f"{number:,}",
                f"{number / total:.1%}" if total else "-",
            )
        console.print(table)


@app.command()
def log(
    tenant: Tenant,
    split: Annotated[Split | None, typer.Option("--split", help="What was asked about this split only.")] = None,
    denied: Annotated[bool, typer.Option("--denied", "--refused", help="Refusals only.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="The most entries to show.")] = 50,
    ndjson: Annotated[bool, typer.Option("--ndjson", help="Print each entry as a line of JSON.")] = False,
) -> None:
    """Show who opened a sealed split or was refused, the newest first."""
    with open_session(Scope(tenant)) as session:
        entries = SplitAccessRepository(session).access_log(split=split, refused_only=denied, limit=limit)
        if ndjson:
            for entry in entries:
                # echo and not the console, which would wrap what a program is going to read.
                typer.echo(json.dumps(_plain(entry)))
            return
        if not entries:
            what = "a sealed split" if split is None else f"the split {split.value}"
            console.print("Nobody was refused." if denied else f"Nobody asked for {what}.")
            return
        table = Table("when (UTC)", "", "split", "table", "who", "why", box=None, pad_edge=False)
        for entry in entries:
            outcome = Text("opened", style="green") if entry.allowed else Text("refused", style="red")
            table.add_row(
                f"{entry.accessed_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
                outcome,
                entry.requested_split.value if entry.requested_split else "-",
                Text(entry.table_name),
                Text(entry.caller or "-"),
                Text(entry.reason or "-"),
            )
        console.print(table)


def _plain(entry: SplitAccessLog) -> dict[str, object]:
    return {
        "access_id": str(entry.access_id),
        "tenant_id": entry.tenant_id,
        "accessed_at": entry.accessed_at.astimezone(UTC).isoformat(),
        "allowed": entry.allowed,
        "split": entry.requested_split.value if entry.requested_split else None,
        "table": entry.table_name,
        "caller": entry.caller,
        "reason": entry.reason,
    }


@app.command()
def budget(
    tenant: Annotated[str, typer.Argument(help="Id of the tenant; '*' for all of them.", show_default=False)],
    model: Annotated[
        str | None,
        typer.Option("--model", help="This model, '' for openings that name none; else every one without its own."),
    ] = None,
    openings: Annotated[
        int | None, typer.Option("--openings", min=0, help="Allow as many openings of holdout for each model.")
    ] = None,
) -> None:
    """Show how often holdout was opened for each model, and how often it may be; --openings changes the latter."""
    with owner_engine().begin() as connection:
        if openings is not None:
            set_holdout_budget(connection, tenant, openings, model=model)
        uses = holdout_uses(connection, tenant, model=model)
        each = holdout_budget(connection, tenant, EVERY if model is None else model)
    if model is None:
        what = "each model that has no budget of its own"
    else:
        what = f"model {model}" if model.strip() else "openings that name no model"
    console.print(Text(f"{tenant}: holdout may be opened {each} time(s) for {what}."))
    if uses:
        table = Table("model", "opened", "may be", "last opened (UTC)", "by", box=None, pad_edge=False)
        for use in uses:
            last = f"{use.last_opened_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if use.last_opened_at else "-"
            row = (use.model or "-", str(use.opened), str(use.budget), last, use.last_opened_by or "-")
            table.add_row(*(Text(cell) for cell in row))
        console.print(table)


@app.command()
def audit(tenant: Tenant) -> None:
    """Run the leakage checks of a tenant's active configuration and record them; exit code 1 when one fails."""
    with open_session(Scope(tenant)) as session:
        findings = SplitConfigRepository(session).leakage_audit()
        session.commit()
    for finding in findings:
        mark = Text("passed", style="green") if finding.passed else Text("FAILED", style="bold red")
        console.print(mark, Text(f"{finding.check_type}: {finding.details}"))
    if not all(finding.passed for finding in findings):
        raise typer.Exit(1)
