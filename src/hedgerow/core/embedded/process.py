"""The processes of the server: is one alive, is it ours, does it answer; run a program under its account."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from hedgerow.core.embedded.errors import (
    EmbeddedServerError,
    ServerBusyError,
    ServerDirectoryError,
    ServerStartError,
)

_PROC: Final = Path("/proc")
_SSL_REQUEST: Final = bytes.fromhex("0000000804d2162f")
_SYSTEM_USER: Final = "embedded_postgres"
_NOBODY_ALIVE: Final = 2**31 - 2  # above every system's largest process id


@dataclass(frozen=True, slots=True)
class Account:
    """The operating-system account that the server runs under; ``switch`` when it is not the caller's own."""

    name: str
    uid: int
    gid: int
    switch: bool


@dataclass(frozen=True, slots=True)
class PidFile:
    """What ``postmaster.pid`` says about the server that wrote it."""

    pid: int
    started_at: datetime | None
    socket_directory: Path | None
    ready: bool

    @classmethod
    def read(cls, path: Path) -> PidFile | None:
        """Return the content of the file, or ``None`` where it is missing or not yet written."""
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return None
        if not lines or not lines[0].strip().lstrip("-").isdigit():
            return None
        lines += [""] * (8 - len(lines))
        started = lines[2].strip()
        return cls(
            # A standalone backend writes its process id with a minus sign.
            pid=abs(int(lines[0])),
            started_at=datetime.fromtimestamp(int(started), UTC) if started.isdigit() else None,
            socket_directory=Path(lines[4].strip()) if lines[4].strip() else None,
            ready=lines[7].strip() == "ready",
        )


def server_account() -> Account:
    """Return the account for the server: the caller's, or an unprivileged one when the caller is root.

    PostgreSQL refuses to run as root. The account is created when it does not exist yet.

    Raises:
        EmbeddedServerError: there is no such account and none can be created, or the system is not Unix.
    """
    try:
        import pwd
    except ImportError:
        raise EmbeddedServerError(
            "The embedded server listens on a Unix socket, which this system does not offer.",
            remedy="Set DATABASE_URL to a PostgreSQL 16+ server with pgvector",
        ) from None
    uid = os.geteuid()
    if uid != 0:
        return Account(str(uid), uid, os.getegid(), switch=False)
    try:
        entry = pwd.getpwnam(_SYSTEM_USER)
    except KeyError:
        _create_account()
        entry = pwd.getpwnam(_SYSTEM_USER)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, switch=True)


def _create_account() -> None:
    # useradd is what Debian and Red Hat have, adduser -S what Alpine has.
    complaints = []
    for command in (
        ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/bin/sh", _SYSTEM_USER],
        ["adduser", "-S", "-D", "-H", _SYSTEM_USER],
    ):
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)
        except FileNotFoundError:
            continue
        except subprocess.CalledProcessError as error:
            complaints.append(error.stderr.strip())
        else:
            return
    raise EmbeddedServerError(
        f"PostgreSQL refuses to run as root, and the account {_SYSTEM_USER!r} to run it under could not be "
        f"created"
        f"{': ' + '; '.join(complaints) if complaints else ''}.",
        remedy=f"Create the account (useradd --system {_SYSTEM_USER}), work as another user than root, or "
        f"set "
        "DATABASE_URL",
    )


def run(
    command: Sequence[str | Path], account: Account, *, new_session: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a program under ``account`` and return what it said (standard error is part of the output)."""
    try:
        return subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd="/",
            env=environment(),
            umask=0o077,
            start_new_session=new_session,
            user=account.uid if account.switch else None,
            group=account.gid if account.switch else None,
            extra_groups=[] if account.switch else None,
        )
    except PermissionError as error:
        raise ServerDirectoryError(
            f"{command[0]} cannot be run under the account {account.name!r}: {error.strerror}.",
            remedy="Make it readable and executable for that account, work as another user than root, or set "
            "DATABASE_URL",
        ) from error


def launch(command: Sequence[str | Path], log: Path, account: Account) -> int:
    """Start ``command`` as a service that outlives this process and writes to ``log``; return its pid."""
    # The shell hands the server over to init and leaves: a child of ours would stay a zombie after its death,
    # which PostgreSQL takes for a living owner of the directory. Positional parameters need no quoting.
    script = 'log=$1; shift; exec "$@" </dev/null >>"$log" 2>&1 & echo "pid=$!"'
    done = run(["/bin/sh", "-c", script, "hedgerow", log, *command], account, new_session=True)
    return int(done.stdout.rpartition("pid=")[2].split()[0])


def environment() -> dict[str, str]:
    """Return this process's environment without libpq and server variables, with untranslated messages."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_", "LANG"))} | {"LC_ALL": "C"}


def alive(pid: int) -> bool:
    """Return whether the process exists and is not a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    with contextlib.suppress(OSError):
        # State is the first field after the command, which is in brackets and may hold anything.
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


def is_postmaster(pid: int, data: Path) -> bool:
    """Return whether the process is a PostgreSQL server on ``data``, not a stranger with a reused id."""
    if not alive(pid):
        return False
    if (_PROC / "self" / "cmdline").exists():
        # cmdline and not cwd: root in a container may not read the latter of another user's process.
        try:
            words = (_PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            return False
        return "postgres" in words[0] and any(word and Path(word) == data for word in words[1:])
    command = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True).stdout
    return "postgres" in command and str(data) in command


def halt(data: Path, log: Path, timeout: float) -> bool:
    """Stop the server on ``data``, ending its sessions; return whether there was one.

    Raises:
        ServerStartError: it does not stop within ``timeout`` seconds and some more.
    """
    note = PidFile.read(data / "postmaster.pid")
    if note is None or not is_postmaster(note.pid, data):
        return False
    # Fast shutdown first, then without a checkpoint: the next start replays the log.
    for how, patience in ((signal.SIGINT, timeout), (signal.SIGQUIT, 10.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(note.pid, how)
        if wait_until(lambda: not alive(note.pid), patience):
            return True
    raise ServerStartError(
        f"The embedded server (process {note.pid}) does not stop.",
        remedy=f"Look into {log}; kill -9 {note.pid} ends it, and the next start recovers the data",
    )


def answers(socket_path: Path, timeout: float = 2.0) -> bool:
    """Return whether a PostgreSQL server answers on the socket. Takes well under a millisecond."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        try:
            connection.connect(str(socket_path))
            # "Do you speak TLS?": the shortest question a server answers without credentials.
            connection.sendall(_SSL_REQUEST)
            return connection.recv(1) in (b"N", b"S")
        except OSError:
            return False


def disown(pid_file: Path) -> None:
    """Rewrite a stale lock file of PostgreSQL so that it names no process.

    After a crash the recorded process id may belong to a stranger by now, and PostgreSQL would refuse to
    start.
    The file is not removed: its other lines let PostgreSQL check that no orphaned backend still uses the
    data.
    """
    try:
        lines = pid_file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return
    pid_file.write_text("\n".join([str(_NOBODY_ALIVE), *lines[1:]]) + "\n", encoding="utf-8")


def wait_until(condition: Callable[[], bool], timeout: float, interval: float = 0.004) -> bool:
    """Poll ``condition`` every ``interval`` seconds; return whether it came true in ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(interval)
    return True


@contextmanager
def exclusive(path: Path, timeout: float) -> Iterator[None]:
    """Hold the lock file ``path`` against every other process and thread.

    Raises:
        ServerBusyError: somebody else held it for ``timeout`` seconds.
    """
    import fcntl

    # flock belongs to the open file, so that it excludes threads of one process too.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:

        def acquired() -> bool:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        if not wait_until(acquired, timeout):
            raise ServerBusyError(
                f"Another process has been starting or stopping the embedded server for over {timeout:g} "
                f"seconds "
                f"(it holds {path}).",
                remedy="Wait for it, or end it (fuser shows which process it is), and try again",
            )
        yield
    finally:
        os.close(descriptor)
