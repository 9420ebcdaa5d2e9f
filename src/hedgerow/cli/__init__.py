"""The command line: ``hedgerow <group> <command>``, one module per group."""

from __future__ import annotations

from typing import Any

import psycopg
import typer
from rich.console import Console
from rich.text import Text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from typer.core import TyperGroup

from hedgerow.cli import audit, db, doctor, schema, scope_key, seed, splits, tenants, where
from hedgerow.core.errors import HedgerowError, sentence
from hedgerow.migrations.errors import server_words

__all__ = ["app", "main"]


class _Group(TyperGroup):
    """Shows an error of ours or of the database as one message with its remedy; a fault keeps its traceback."""

    # Any: the context's class is typer's own copy of click's, or click's, depending on the version of typer.
    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except HedgerowError as error:
            show_error(error)
            raise typer.Exit(1) from error
        except (DBAPIError, ArgumentError, psycopg.Error) as error:
            show_error(explained(error))
            raise typer.Exit(1) from error
        except KeyboardInterrupt:
            Console(stderr=True).print("Interrupted.")
            raise typer.Exit(130) from None


def explained(error: SQLAlchemyError | psycopg.Error) -> HedgerowError:
    """The words of the database or its driver; statements and parameters, which may hold secrets, are left out."""
    if isinstance(error, ArgumentError):
        return HedgerowError(
            "A database URL cannot be used.",
            remedy="Look at DATABASE_URL and HEDGEROW_APP_URL: postgresql://user:password@host:5432/database",
        )
    what, hint = server_words(error)
    original = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(original, "sqlstate", None)
    if state in _SCHEMA_MISSING:
        return HedgerowError(
            f"PostgreSQL refused: {sentence(what)}",
            remedy="Is the schema at head? hedgerow db current says so, hedgerow db upgrade brings it there",
        )
    if state is None and isinstance(original, psycopg.OperationalError):
        return HedgerowError(
            f"The database cannot be reached: {sentence(what)}",
            remedy="Start the server, or correct DATABASE_URL and HEDGEROW_APP_URL; unset both for the embedded one",
        )
    hint = hint or "hedgerow db doctor looks for the cause"
    return HedgerowError(f"PostgreSQL refused: {sentence(what)}", remedy=hint)


# Undefined: schema, table, column, function, object.
_SCHEMA_MISSING = frozenset({"3F000", "42P01", "42703", "42883", "42704"})


def show_error(error: HedgerowError) -> None:
    """Print what went wrong in red on standard error, and below it what to do about it."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    # Text and not markup: messages hold brackets of their own.
    remedy, error.remedy = error.remedy, None
    console.print(Text.assemble(("Error: ", "bold red"), (str(error), "red")))
    error.remedy = remedy
    if remedy:
        console.print(Text.assemble(("Remedy: ", "bold"), sentence(remedy)))


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
db.app.add_typer(scope_key.app, name="scope-key")
app.add_typer(db.app, name="db")
app.add_typer(tenants.app, name="tenants")
app.add_typer(splits.app, name="splits")
app.add_typer(audit.app, name="audit")
seed.register(app)
where.register(app)


def main() -> None:
    """Run the command line; the entry point of the console script."""
    app()
