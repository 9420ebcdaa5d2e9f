"""Where a cluster is kept whose home the server's account cannot enter.

The place is a directory of the store named after the home, and a note in the home names it. The note stands for the
data: they follow a home that was moved, and where the home (or the note in it) was deleted, they are deleted before
the next start there. This concerns root alone; everybody else's server runs under the account that owns the home.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hedgerow.core.embedded import store
from hedgerow.core.embedded.errors import EmbeddedServerError
from hedgerow.core.embedded.layout import Layout, barrier, make_public
from hedgerow.core.embedded.process import Account, exclusive, halt

_NOTE: Final = "postgres.location"
_EXPLANATION: Final = """\
The account that PostgreSQL runs under cannot enter this directory, so that its data are kept in the one named above.
They belong to this file: once it is deleted, the next start here deletes them too.
"""
# In the place, the other way round: the home that it belongs to.
_OWNER: Final = "home"


def located(home: Path) -> Layout:
    """Return the layout of the server of ``home``: in the place that its note names, else in ``home`` itself."""
    place = _place(home)
    return Layout(place if _is_root() and _noted(home) == place and place.is_dir() else home)


def candidates(home: Path) -> Iterator[Layout]:
    """Yield every layout that a server of ``home`` may run in, also after ``home`` was deleted."""
    if home.is_dir():
        yield Layout(home)
    if _is_root():
        yield Layout(_place(home))


def settle(home: Path, account: Account, timeout: float) -> None:
    """Decide where the cluster is kept, so that :func:`located` finds it; the lock of ``home`` must be held.

    Raises:
        ServerDirectoryError: ``account`` cannot enter ``home``, and the store cannot be used.
        ServerStartError: the server of a deleted home does not stop.
    """
    if not account.switch:
        return
    place, noted = _place(home), _noted(home)
    if noted == place and place.is_dir():
        return
    # A note that names a place that is gone: a move was interrupted after its renaming.
    if place.is_dir() and (noted is None or noted.is_dir()):
        _discard(place, timeout)
    source = _forsaken(noted)
    obstacle = barrier(home, account)
    if Layout(home).data.exists() or (obstacle is None and source is None and not place.is_dir()):
        (home / _NOTE).unlink(missing_ok=True)
        return
    directory = store.open_store(home, obstacle or home, account)
    with exclusive(store.lock(directory), timeout):
        make_public(place.parent)
        _stop_forsaken(place.parent)
        if source is not None:
            halt(Layout(source).data, Layout(source).log, timeout)
            source.rename(place)
        make_public(place)
        (place / _OWNER).write_bytes(os.fsencode(home) + b"\n")
    unfinished = home / f"{_NOTE}.new"
    unfinished.write_text(f"{place}\n\n{_EXPLANATION}", encoding="utf-8")
    unfinished.replace(home / _NOTE)


def remove(home: Path, account: Account, timeout: float) -> list[Path]:
    """Stop every server of ``home`` and delete its data; return what is gone. The lock of ``home`` must be held.

    Raises:
        ServerStartError: a server does not stop.
    """
    gone = []
    layouts = list(candidates(home))
    if _is_root() and (moved := _forsaken(_noted(home))) is not None:
        layouts.append(Layout(moved))
    for layout in layouts:
        halt(layout.data, layout.log, timeout)
        directories = [layout.cluster if layout.home == home else layout.home]
        if (sockets := layout.socket_directory(account)) != layout.cluster:
            directories.append(sockets)
        for directory in directories:
            if directory.is_dir() and not directory.is_symlink():
                shutil.rmtree(directory)
                gone.append(directory)
    if home.is_dir():
        ignoring = home / ".gitignore"
        for file in (home / _NOTE, Layout(home).lock):
            file.unlink(missing_ok=True)
        if set(home.iterdir()) == {ignoring}:
            ignoring.unlink()
        with contextlib.suppress(OSError):
            home.rmdir()  # refused where it holds something else
    return gone


def _place(home: Path) -> Path:
    return store.STORE / "homes" / hashlib.sha256(os.fsencode(home)).hexdigest()[:16]


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _noted(home: Path) -> Path | None:
    """Return the place that the note in ``home`` names."""
    try:
        lines = (home / _NOTE).read_text(encoding="utf-8", errors="replace").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Path(lines[0]) if lines else None


def _owner(place: Path) -> Path | None:
    try:
        return Path(os.fsdecode((place / _OWNER).read_bytes().rstrip(b"\n")))
    except (FileNotFoundError, NotADirectoryError):
        return None


def _forsaken(place: Path | None) -> Path | None:
    """Return ``place`` if its owner does not refer to it any more: the home that does is that owner, moved."""
    if place is None or place.parent != store.STORE / "homes":
        return None
    owner = _owner(place)
    return place if owner is not None and _noted(owner) != place else None


def _stop_forsaken(places: Path) -> None:
    """Stop servers whose homes were deleted, as PostgreSQL stops by itself when its data are.

    Their data stay: a home may also be missing because its disk is not mounted.
    """
    for place in places.iterdir():
        owner = _owner(place)
        if owner is not None and not owner.exists():
            with contextlib.suppress(EmbeddedServerError):
                halt(Layout(place).data, Layout(place).log, 10.0)


def _discard(place: Path, timeout: float) -> None:
    halt(Layout(place).data, Layout(place).log, timeout)
    shutil.rmtree(place)
