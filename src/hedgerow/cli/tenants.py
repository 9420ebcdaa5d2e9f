"""``hedgerow tenants``: create the organisations that own rows."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from hedgerow.core.engine import owner_engine
from hedgerow.tenancy.registration import create_tenant

app = typer.Typer(help="Create the organisations that own rows.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps ``add`` a command of its own while there is only one."""


@app.command()
def add(
    tenant: Annotated[str, typer.Argument(help="Id of the tenant, what tenant_id will hold.", show_default=False)],
    name: Annotated[str | None, typer.Option(help="What people call it; the id when left out.")] = None,
) -> None:
    """Create a tenant. Its first patient needs a split configuration: hedgerow splits configure."""
    with owner_engine().begin() as connection:
        create_tenant(connection, tenant, name or tenant)
    Console(highlight=False).print(Text(f"Created {tenant}", style="green"))
