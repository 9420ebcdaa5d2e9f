"""The command line: ``hedgerow <group> <command>``, one module per group."""

from __future__ import annotations

from typing import Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from hedgerow.cli import db, doctor, schema, seed, splits, tenants, where
from hedgerow.core.errors import HedgerowError

__all__ = ["app", "main"]


class _Group(TyperGroup):
    """Shows an error of ours as one message with its remedy; everything else keeps its traceback."""

    # Any: the context's class is typer's own copy of click's, or click's, depending on the version of typer.
    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except HedgerowError as error:
            show_error(error)
            raise typer.Exit(1) from error


def show_error(error: HedgerowError) -> None:
    """Print what went wrong in red on standard error, and below it what to do about it."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    # Text and not markup: messages hold brackets of their own.
    remedy, error.remedy = error.remedy, None
    console.print(Text.assemble(("Error: ", "bold red"), (str(error), "red")))
    error.remedy = remedy
    if remedy:
        console.print(Text.assemble(("Remedy: ", "bold"), f"{remedy}."))


app = typer.Typer(
    cls=_Group,
    name="hedgerow",
    help="One PostgreSQL schema in which nothing crosses a tenant, an ML split or the audit trail.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
schema.register(db.app)
doctor.register(db.app)
app.add_typer(db.app, name="db")
app.add_typer(tenants.app, name="tenants")
app.add_typer(splits.app, name="splits")
seed.register(app)
where.register(app)


def main() -> None:
    """Run the command line; the entry point of the console script."""
    app()
