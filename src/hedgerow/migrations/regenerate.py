"""``python -m hedgerow.migrations.regenerate``: writes all revisions anew, as long as none has been released.

What comes in: ``alembic/story.toml`` and the declarations. What goes out: revisions and snapshots in the story's
order, the former ones deleted. A database at one of the former revisions must be created anew.
"""

from __future__ import annotations

import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text
from sqlalchemy.exc import SQLAlchemyError

from hedgerow import registry
from hedgerow.core.bootstrap import DOMAIN as CORE
from hedgerow.migrations import config
from hedgerow.migrations.errors import MigrationError
from hedgerow.migrations.operations import SNAPSHOTS
from hedgerow.migrations.revise import Request, Reviser, Written, read_declared
from hedgerow.migrations.scratch import Databases, databases, domains_until

STORY = "story.toml"


def story(directory: Path) -> list[dict[str, Any]]:
    """The steps of the story, with one for each domain of the registry that it does not name.

    A step of a domain that the registry does not know is left out.
    """
    steps = tomllib.loads((directory / STORY).read_text("utf-8"))["revision"]
    named = {step.get("domain") for step in steps}
    known = {CORE.name, *registry.NAMES}
    rest = [{"name": name, "domain": name} for name in registry.NAMES if name not in named]
    return [step for step in steps if step.get("domain") is None or step["domain"] in known] + rest


def regenerate(make: Databases | None = None) -> Iterator[Written]:
    """Delete every revision and write the story's; the former ones come back when that fails.

    Raises:
        MigrationError: a revision cannot be written; names it.
    """
    make = make or databases()
    directory = config.script_directory()
    declared = read_declared(make, domains_until())
    with _replaced(directory), make() as url:
        reviser, number = Reviser(declared, url), 1
        for step in story(directory):
            request = Request(
                message=step.get("message"),
                domain=step.get("domain"),
                revision=f"{number:04d}_{step['name']}",
                hold=tuple(step.get("hold", ())),
                only=tuple(step.get("only", ())),
            )
            written = reviser.write(request)
            if written is not None:
                number += 1
                yield written
        left = reviser.left()
        if left:
            listed = "\n".join(f"  - {difference}" for difference in left)
            raise MigrationError(
                f"The story ends before everything is told:\n{listed}\n", remedy=f"Add a step to alembic/{STORY}"
            )


@contextmanager
def _replaced(directory: Path) -> Iterator[None]:
    folders = [directory / "versions", directory / SNAPSHOTS]
    with tempfile.TemporaryDirectory(dir=directory) as kept:
        for folder in folders:
            folder.mkdir(exist_ok=True)
            shutil.move(folder, Path(kept) / folder.name)
            folder.mkdir()
        try:
            yield
        except BaseException:
            for folder in folders:
                failed = directory / f"{folder.name}.failed"
                shutil.rmtree(failed, ignore_errors=True)
                folder.rename(failed)
                shutil.move(Path(kept) / folder.name, folder)
            raise


def main() -> None:
    """Write all revisions anew and say what each one brings."""
    console = Console(highlight=False, soft_wrap=True)
    try:
        for written in regenerate():
            console.print(f"{written.revision}: {len(written.differences)} objects, {len(written.files)} files")
    except (MigrationError, SQLAlchemyError) as error:
        console.print(Text(str(error), style="red"))
        console.print("The former revisions are back; what was written is in alembic/*.failed.")
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
