"""The embedded PostgreSQL server: a real server from a wheel, started on demand and reached by a Unix socket.

It is a service of the project it belongs to: it keeps running when the process that started it ends, the next
process finds it again, and ``hedgerow db stop`` stops it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

import psycopg
from sqlalchemy import URL

from hedgerow.core.embedded import bootstrap, places, store
from hedgerow.core.embedded.binaries import Installation, find_installation
from hedgerow.core.embedded.errors import EmbeddedServerError, ServerBusyError, ServerStartError
from hedgerow.core.embedded.layout import PORT, Layout, explained
from hedgerow.core.embedded.process import (
    Account,
    PidFile,
    alive,
    answers,
    disown,
    exclusive,
    halt,
    is_postmaster,
    launch,
    run,
    server_account,
    wait_until,
)

Role = Literal["owner", "app", "evaluator", "readonly", "auditor", "admin"]
State = Literal["absent", "stopped", "running"]

_USERS: Final[Mapping[Role, str]] = {
    "owner": bootstrap.OWNER,
    "app": bootstrap.SESSION,
    "evaluator": bootstrap.EVALUATION,
    "readonly": bootstrap.READING,
    "auditor": bootstrap.AUDITING,
    "admin": bootstrap.ADMIN,
}

_SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "cluster_name": "hedgerow",
}
# For data that is thrown away: a crash of the machine may destroy it.
_FAST: Final[Mapping[str, str]] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

# What PostgreSQL says while backends of a killed server are still leaving; they do within moments.
_ORPHANS: Final = ("pre-existing shared memory block", "Address already in use")


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What is known about an embedded server without changing anything.

    Attributes:
        state: ``absent`` (no data yet), ``stopped`` or ``running``.
        home: directory that the server belongs to.
        data: PostgreSQL's data directory, which is not below ``home`` where the server's account cannot enter that.
        log: the server's log file.
        socket_directory: directory of the Unix socket.
        major: major version of PostgreSQL that wrote the data; ``None`` while absent.
        pid: process id of the running server.
        started_at: when the running server was started.
    """

    state: State
    home: Path
    data: Path
    log: Path
    socket_directory: Path
    major: int | None = None
    pid: int | None = None
    started_at: datetime | None = None

    @property
    def running(self) -> bool:
        """Whether the server answers."""
        return self.state == "running"


class EmbeddedServer:
    """A PostgreSQL server of its own in a directory, with hedgerow's roles, database and extension.

    :param home: directory for everything the server keeps; created when missing. Where root works and the server's
        account cannot enter it, the data are kept elsewhere and a note in it says where, see
        :mod:`hedgerow.core.embedded.places`.
    :param fast: give up durability for speed, for tests: a crash of the machine may destroy the data.
    :param settings: further server settings, applied when this object starts the server.
    :param timeout: seconds to wait for the server to come up or go down, and for others who are at it.
    """

    def __init__(
        self,
        home: str | Path,
        *,
        fast: bool = False,
        settings: Mapping[str, str] | None = None,
        timeout: float = 60.0,
    ) -> None:
        # resolve: a server is recognised by the path of its data, which must be spelt in one way only.
        self.home = Path(home).expanduser().resolve()
        self.fast = fast
        self.settings = dict(settings or {})
        self.timeout = timeout

    @property
    def _layout(self) -> Layout:
        return places.located(self.home)

    @cached_property
    def _account(self) -> Account:
        return server_account()

    @property
    def socket_directory(self) -> Path:
        """Directory of the Unix socket, which clients take for the host."""
        return self._layout.socket_directory(self._account)

    def url(self, role: Role = "owner", database: str = bootstrap.DATABASE) -> URL:
        """Return the URL (driver psycopg) of a database: for its owner, for sessions or for the superuser."""
        # host is a query parameter: SQLAlchemy reads a path in the place of the host as a host name.
        return URL.create(
            "postgresql+psycopg",
            username=_USERS[role],
            database=database,
            query={"host": str(self.socket_directory), "port": str(PORT)},
        )

    def status(self) -> ServerStatus:
        """Return what is known about the server; starts nothing.

        Raises:
            ServerDirectoryError: the directory cannot be read or holds something else.
        """
        layout = self._layout
        with explained(self.home):
            major, running = layout.major(), self._running()
        return ServerStatus(
            state="absent" if major is None else "running" if running else "stopped",
            home=self.home,
            data=layout.data,
            log=layout.log,
            socket_directory=self.socket_directory,
            major=major,
            pid=running.pid if running else None,
            started_at=running.started_at if running else None,
        )

    def start(self) -> None:
        """Make sure that the server runs and is set up; a few milliseconds when it is so already.

        Safe to call from many processes and threads at once. Recovers from a server that was killed.

        Raises:
            EmbeddedServerError: a subclass for each cause; the message says what to do.
        """
        with explained(self.home):
            if self._running() and self._set_up_by():
                return
            chosen = Layout(self.home)
            chosen.prepare_home()
            with exclusive(chosen.lock, self.timeout):
                places.settle(self.home, self._account, self.timeout)
                self._start()

    def stop(self) -> bool:
        """Stop the server, ending its sessions; return whether it was running.

        Raises:
            ServerStartError: it does not stop.
        """
        with explained(self.home):
            held = exclusive(Layout(self.home).lock, self.timeout) if self.home.is_dir() else contextlib.nullcontext()
            with held:
                found = [halt(layout.data, layout.log, self.timeout) for layout in places.candidates(self.home)]
        return any(found)

    def remove(self) -> list[Path]:
        """Stop the server and delete its data, wherever they are kept; return the directories that are gone.

        What else lies in ``home`` stays, and ``home`` with it.

        Raises:
            ServerStartError: it does not stop.
        """
        with explained(self.home):
            held = exclusive(Layout(self.home).lock, self.timeout) if self.home.is_dir() else contextlib.nullcontext()
            with held:
                return places.remove(self.home, self._account, self.timeout)

    def create_database(self, name: str, template: str | None = None) -> URL:
        """Create a database of the owner role, by default an empty one with pgvector; return its owner's URL.

        :param template: database to copy, which nobody may be connected to.

        Raises:
            ServerBusyError: the template is in use.
            EmbeddedServerError: the database exists already, or the template does not.
        """
        with self._administering() as admin:
            bootstrap.create_database(admin, name, template)
        return self.url(database=name)

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, ending the sessions in it."""
        with self._administering() as admin:
            bootstrap.drop_database(admin, name)

    @contextmanager
    def _administering(self) -> Iterator[psycopg.Connection[Any]]:
        try:
            with bootstrap.connect(self.socket_directory) as admin:
                yield admin
        except psycopg.errors.ObjectInUse as error:
            raise ServerBusyError(
                f"{error.diag.message_primary}. {error.diag.message_detail or ''}".strip(),
                remedy="Dispose of the engines and close the sessions of that database first",
            ) from error
        except psycopg.errors.DuplicateDatabase as error:
            raise EmbeddedServerError(
                f"{error.diag.message_primary}.", remedy="Drop it first, or choose another name"
            ) from error
        except psycopg.errors.InvalidCatalogName as error:
            raise EmbeddedServerError(
                f"{error.diag.message_primary}.", remedy="Create the template first, or leave it out"
            ) from error
        except psycopg.OperationalError as error:
            if error.sqlstate is not None:
                raise  # the server's own words, about something else than the connection
            raise EmbeddedServerError(
                f"The embedded server in {self.home} does not answer: {error}.",
                remedy="Start it: hedgerow db start",
            ) from error

    def _running(self) -> PidFile | None:
        note = PidFile.read(self._layout.pid_file)
        if note is None or not note.ready or note.socket_directory != self.socket_directory:
            return None
        return note if answers(self.socket_directory / f".s.PGSQL.{PORT}") else None

    def _set_up_by(self) -> str | None:
        """Return the origin of the binaries under which the present bootstrap was completed."""
        try:
            version, _, origin = self._layout.marker.read_text(encoding="utf-8").strip().partition(" ")
        except FileNotFoundError:
            return None
        return origin if version == str(bootstrap.VERSION) else None

    def _start(self) -> None:
        layout, account = self._layout, self._account
        layout.prepare(account)
        installation = find_installation(layout.major())
        if account.switch:
            installation = store.reachable(installation, account, self.timeout)
        if layout.major() is None:
            self._initialise(installation)
        if not self._adopt():
            self._launch(installation)
        if self._set_up_by() != installation.origin:
            try:
                bootstrap.bootstrap(self.socket_directory)
            except psycopg.Error as error:
                raise ServerStartError(
                    f"The embedded server runs, and its roles and database could not be set up: {error}.",
                    remedy=f"Look into {layout.log}, and start it again: what is done already is kept",
                ) from error
            layout.marker.write_text(f"{bootstrap.VERSION} {installation.origin}\n", encoding="utf-8")

    def _initialise(self, installation: Installation) -> None:
        layout = self._layout
        target = layout.scratch()
        # The builtin locale sorts alike on every machine; 16 does not know it, and C is its equal in order.
        builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if installation.major >= 17 else []
        done = run(
            [
                installation.program("initdb"),
                f"--pgdata={target}",
                f"--username={bootstrap.ADMIN}",
                # Whoever reaches the 0700 socket is the owner of the files anyway.
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                *builtin,
                "--data-checksums",
                "--no-instructions",
                *(["--no-sync"] if self.fast else []),
            ],
            self._account,
        )
        if done.returncode:
            raise ServerStartError(
                f"initdb could not create the data directory:\n{_tail(done.stdout)}",
                remedy="Check the disk (space, quota, permissions), or point HEDGEROW_HOME at another one",
            )
        if layout.data.exists():
            layout.data.rmdir()
        target.rename(layout.data)

    def _adopt(self) -> bool:
        """Return whether a server already runs; clear the way for a new one where its note is stale."""
        layout = self._layout
        note = PidFile.read(layout.pid_file)
        if note is None:
            return False
        if is_postmaster(note.pid, layout.data):
            settled = wait_until(
                lambda: self._running() is not None or not is_postmaster(note.pid, layout.data), self.timeout
            )
            if settled and self._running():
                return True
            if not settled:
                raise ServerBusyError(
                    f"Another PostgreSQL server (process {note.pid}) uses {layout.data} and does not answer "
                    f"on our "
                    f"socket in {self.socket_directory}.",
                    remedy=f"Stop that server (kill -INT {note.pid}), or point HEDGEROW_HOME at another directory",
                )
        disown(layout.pid_file)
        disown(self.socket_directory / f".s.PGSQL.{PORT}.lock")
        return False

    def _launch(self, installation: Installation) -> None:
        layout = self._layout
        settings = {
            **_SETTINGS,
            **(_FAST if self.fast else {}),
            **self.settings,
            "unix_socket_directories": str(self.socket_directory),
        }
        command: list[str | Path] = [installation.program("postgres"), "-D", layout.data]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        layout.rotate_log()
        said = ""

        def settled() -> bool:
            nonlocal said
            seen = layout.log.stat().st_size if layout.log.exists() else 0
            pid = launch(command, layout.log, self._account)
            up = wait_until(lambda: self._is_up(pid) or not alive(pid), self.timeout)
            if up and self._is_up(pid):
                return True
            said = _read_from(layout.log, seen)
            if not up:
                raise self._failed(f"did not come up within {self.timeout:g} seconds", said)
            if any(sign in said for sign in _ORPHANS):
                return False
            raise self._failed("stopped at once", said)

        if not wait_until(settled, 15.0, interval=0.2):
            raise self._failed("finds the data still in use by processes of its predecessor", said)

    def _is_up(self, pid: int) -> bool:
        note = self._running()
        return note is not None and note.pid == pid

    def _failed(self, what: str, said: str) -> ServerStartError:
        return ServerStartError(
            f"The embedded server {what}. The end of its log {self._layout.log}:\n{_tail(said)}",
            remedy="Correct what the log names (disk space, memory, permissions, a damaged file) and start "
            "it again; "
            "or point HEDGEROW_HOME at a new directory",
        )


def _read_from(log: Path, offset: int) -> str:
    try:
        with log.open("rb") as file:
            file.seek(offset)
            return file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""


def _tail(text: str, lines: int = 15) -> str:
    return "\n".join(text.rstrip().splitlines()[-lines:]) or "(nothing was said)"
