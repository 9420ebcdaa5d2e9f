"""Where the embedded server keeps what: paths below one home directory, their owners and permissions."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from errno import EEXIST, ENOTDIR
from pathlib import Path
from typing import Final

from hedgerow.core.embedded.errors import ServerDirectoryError
from hedgerow.core.embedded.process import Account, run

PORT: Final = 5432
"""Names the socket file; the server listens on no network port."""

# Unix limits the path of a socket to 104 (macOS) or 108 (Linux) bytes.
_LONGEST_SOCKET: Final = 100
# Connection strings and PostgreSQL's list of socket directories give a meaning to other characters.
_PLAIN_PATH: Final = re.compile(r"/[\w./+-]*", re.ASCII)
_ROTATE_AT: Final = 10 * 2**20


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of one embedded server.

    Attributes:
        home: directory that everything is below: the one that the user chose, or what stands in for it.
    """

    home: Path

    @property
    def cluster(self) -> Path:
        """Directory that belongs to the server's account alone (0700)."""
        return self.home / "postgres"

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.cluster / "data"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.cluster / "server.log"

    @property
    def marker(self) -> Path:
        """Says which roles and databases were set up, and by which binaries."""
        return self.cluster / "bootstrap"

    @property
    def lock(self) -> Path:
        """Held while the server is started or stopped."""
        return self.home / "postgres.lock"

    @property
    def pid_file(self) -> Path:
        """PostgreSQL's note of the running server."""
        return self.data / "postmaster.pid"

    def socket_directory(self, account: Account) -> Path:
        """Return the directory of the socket: beside the data, or in /tmp where that path will not do."""
        if self._is_plain(self.cluster):
            return self.cluster
        digest = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]
        return Path("/tmp") / f"hedgerow-{account.uid}-{digest}"

    def _is_plain(self, directory: Path) -> bool:
        name = str(directory / f".s.PGSQL.{PORT}")
        return len(os.fsencode(name)) <= _LONGEST_SOCKET and _PLAIN_PATH.fullmatch(name) is not None

    def major(self) -> int | None:
        """Return the major version that wrote the data, ``None`` where there is none yet.

        Raises:
            ServerDirectoryError: the data directory holds something that is not PostgreSQL data.
        """
        try:
            return int((self.data / "PG_VERSION").read_text(encoding="ascii").split(".")[0])
        except FileNotFoundError:
            pass
        except (ValueError, IndexError):
            raise self._not_a_cluster() from None
        # initdb fills another directory that is renamed, so that a half-made cluster never has this name.
        if self.data.exists() and (not self.data.is_dir() or any(self.data.iterdir())):
            raise self._not_a_cluster()
        return None

    def _not_a_cluster(self) -> ServerDirectoryError:
        return ServerDirectoryError(
            f"{self.data} is not empty and is not a PostgreSQL data directory.",
            remedy="Move its content away, or point HEDGEROW_HOME at another directory",
        )

    def prepare(self, account: Account) -> None:
        """Create what is missing, with the owners and permissions that the server needs.

        Raises:
            ServerDirectoryError: a directory belongs to somebody else or cannot be entered by the server's
            account.
        """
        with explained(self.home):
            self.prepare_home()
            _own(self.cluster, account)
            if account.switch:
                ensure_reachable(self.cluster, account)
            sockets = self.socket_directory(account)
            if sockets != self.cluster:
                _own(sockets, account)

    def prepare_home(self) -> None:
        """Create the home directory; parents that are missing are created so that every account can pass."""
        with explained(self.home):
            if self.home.is_dir():
                return
            for directory in reversed(self.home.parents):
                make_public(directory)
            # What lies here never belongs into the repository around it.
            make_public(self.home, ignored=True)

    def rotate_log(self) -> None:
        """Put a log aside that has grown large; one old log is kept."""
        if self.log.exists() and self.log.stat().st_size > _ROTATE_AT:
            self.log.replace(self.log.with_suffix(".log.1"))

    def scratch(self) -> Path:
        """Return the directory that initdb fills, emptied of what a killed one left behind."""
        directory = self.cluster / "data.new"
        if directory.exists():
            shutil.rmtree(directory)
        return directory


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the operating system's complaints about ``path`` into errors with a remedy."""
    try:
        yield
    except PermissionError as error:
        raise ServerDirectoryError(
            f"The embedded server may not use {error.filename or path}: {error.strerror}.",
            remedy="Work as the user who owns it, change its owner, or point HEDGEROW_HOME at a directory of yours",
        ) from error
    except (FileExistsError, NotADirectoryError) as error:
        raise ServerDirectoryError(
            f"The embedded server needs a directory, and {error.filename or path} is a file.",
            remedy="Move the file away, or point HEDGEROW_HOME at a directory",
        ) from error
    except OSError as error:
        raise ServerDirectoryError(
            f"The embedded server cannot use {error.filename or path}: {error.strerror}.",
            remedy="Check the disk (space, quota, read-only mount), or point HEDGEROW_HOME at another one",
        ) from error


def make_public(directory: Path, *, ignored: bool = False) -> None:
    """Create a directory that every account can pass; one that exists stays as it is.

    :param ignored: whether git shall ignore what it holds.
    """
    if directory.is_dir():
        return
    if directory.exists():
        raise FileExistsError(EEXIST, os.strerror(EEXIST), str(directory))
    try:
        # It gets its name when it has its permissions: whoever finds it can pass, whatever the umask says.
        unnamed = Path(tempfile.mkdtemp(prefix=".hedgerow-", dir=directory.parent))
        try:
            unnamed.chmod(0o755)
            if ignored:
                (unnamed / ".gitignore").write_text("*\n", encoding="ascii")
            unnamed.rename(directory)
        except OSError:
            shutil.rmtree(unnamed, ignore_errors=True)
            if not directory.is_dir():  # else somebody was faster
                raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(directory)) from error


def barrier(path: Path, account: Account) -> Path | None:
    """Return the outermost directory on the way to ``path`` that keeps ``account`` out; ``None`` if none does.

    Asks as ``account`` itself: permission bits do not tell the whole truth where there are access lists.
    """
    script = 'for directory; do [ -x "$directory" ] || { echo "$directory"; exit 1; }; done'
    done = run(["/bin/sh", "-c", script, "hedgerow", *reversed(path.parents), path], account)
    return Path(done.stdout.rstrip("\n")) if done.returncode else None


def ensure_reachable(path: Path, account: Account) -> None:
    """Check that ``account`` can enter every directory down to ``path``.

    Raises:
        ServerDirectoryError: names the outermost directory that keeps it out.
    """
    obstacle = barrier(path, account)
    if obstacle is not None:
        raise unreachable(path, obstacle, account)


def unreachable(path: Path, obstacle: Path, account: Account, *, also: str = "") -> ServerDirectoryError:
    """Return the error that says what keeps ``account`` from ``path``.

    :param also: why nothing could stand in for it.
    """
    return ServerDirectoryError(
        f"PostgreSQL refuses to run as root and runs under the account {account.name!r}, which cannot enter "
        f"{obstacle} on the way to {path}{also and '; ' + also}.",
        remedy=f"Run chmod o+x {obstacle}, or work in a directory that every account can enter"
        " (for the data alone: HEDGEROW_HOME)",
    )


def _own(directory: Path, account: Account) -> None:
    directory.mkdir(mode=0o700, exist_ok=True)
    # lstat: in /tmp somebody else may have put a link or a directory of his own there.
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR), str(directory))
    if account.switch and found.st_uid == os.geteuid() and not any(directory.iterdir()):
        os.chown(directory, account.uid, account.gid)
    elif found.st_uid != account.uid:
        raise ServerDirectoryError(
            f"{directory} belongs to user id {found.st_uid}, and the server runs under user id {account.uid}.",
            remedy="Work as the user who started the server first, or point HEDGEROW_HOME at another directory",
        )
    directory.chmod(0o700)
