"""``hedgerow where NAME`` and ``hedgerow docs``: find a name in ten seconds, and write the schema reference."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from hedgerow.core.errors import HedgerowError


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(where)
    app.command()(docs)


def where(name: Annotated[str, typer.Argument(help="Table, view, enum, function, or Python class of one")]) -> None:
    """Say where a table, view, enum or function is declared, created, guarded, tested and described."""
    from hedgerow.reference import places, plain_enum

    found = list(places())
    known = {place.cls: place for place in found if place.cls} | {place.name: place for place in found}
    place = known.get(name.removeprefix("app.")) or plain_enum(name)
    if place is None:
        near = get_close_matches(name, known, n=3)
        raise HedgerowError(
            f"hedgerow has no table, view, enum or function named {name!r}",
            remedy=f"did you mean {', '.join(near)}?" if near else "see docs/reference for every name",
        )
    table = Table(title=f"{place.kind} {place.name}", title_justify="left", show_header=False, box=None)
    for label, value in (
        ("domain", place.domain),
        ("model", place.model),
        ("SQL", place.sql),
        ("revision", place.revision),
        ("policies", ", ".join(place.policies) or None),
        ("tests", "\n".join(place.tests) or None),
        ("page", place.page),
    ):
        if value:
            table.add_row(f"[dim]{label}[/dim]", value)
    Console().print(table)


def docs(
    folder: Annotated[Path, typer.Option(help="Where the pages go")] = Path("docs/reference"),
) -> None:
    """Write the schema reference from the declarations."""
    from hedgerow.reference import pages

    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")
    Console().print(f"{len(pages())} pages in {folder}")
