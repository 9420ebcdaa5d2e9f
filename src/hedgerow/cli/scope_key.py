"""``hedgerow db scope-key``: let the database open only the scopes that the application signed."""

from __future__ import annotations

import secrets
from datetime import UTC
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hedgerow.core.engine import owner_engine
from hedgerow.core.scope_keys import install_key, installed_keys, remove_key
from hedgerow.core.settings import SettingsError, configured_signer
from hedgerow.core.token import Signer

app = typer.Typer(help="Make, install, list and remove the keys that scopes are signed with.", no_args_is_help=True)
console = Console(highlight=False, soft_wrap=True)


@app.command()
def new(
    key_id: Annotated[str | None, typer.Option("--id", help="Names the key; random when left out.")] = None,
) -> None:
    """Print a new key, to be kept as HEDGEROW_SCOPE_KEY. Changes nothing anywhere."""
    # Not the console: a shell or a vault is going to read it.
    typer.echo(Signer.create(key_id or f"k{secrets.token_hex(4)}").text)


@app.command()
def install() -> None:
    """Install the key of HEDGEROW_SCOPE_KEY: from then on the database refuses scopes that no installed key signed.

    Give the key to every process of the application first; until it is installed, signatures are not looked at.
    """
    signer = configured_signer()
    if signer is None:
        raise SettingsError(
            "HEDGEROW_SCOPE_KEY is not set.",
            remedy="Set it here and for the application: export HEDGEROW_SCOPE_KEY=$(hedgerow db scope-key new)",
        )
    with owner_engine().begin() as connection:
        install_key(connection, signer)
    console.print(Text(f"Installed {signer.key_id}", style="green"), "Scopes must be signed from now on.")


@app.command("list")
def show() -> None:
    """Show the ids of the installed keys."""
    with owner_engine().connect() as connection:
        keys = installed_keys(connection)
    if not keys:
        console.print("No key is installed: scopes need no signature.")
        return
    table = Table("key", "installed (UTC)", box=None, pad_edge=False)
    for key in keys:
        table.add_row(Text(key.key_id), f"{key.created_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}")
    console.print(table)


@app.command()
def remove(
    key_id: Annotated[str, typer.Argument(help="Id of the key.", show_default=False)],
    last: Annotated[bool, typer.Option("--last", help="Remove it even if no other key is left.")] = False,
) -> None:
    """Remove a key. Without the last one scopes need no signature any more, which has to be said: --last."""
    with owner_engine().begin() as connection:
        remove_key(connection, key_id, last=last)
    console.print(Text(f"Removed {key_id}", style="green"))
