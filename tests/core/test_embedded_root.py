"""The embedded server where root works in directories that the account of the server cannot enter."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from hedgerow.core.embedded import (
    EmbeddedServer,
    Installation,
    ServerDirectoryError,
    binaries,
    find_installation,
    layout,
    places,
    process,
    store,
)
from hedgerow.core.settings import libpq_url

ROOT = os.geteuid() == 0
SOURCE = Path(__file__).parents[2] / "src"

pytestmark = pytest.mark.skipif(not ROOT, reason="only root runs the server under another account")


@pytest.fixture(scope="module")
def public() -> Iterator[Path]:
    """A directory that every account can enter."""
    directory = Path(tempfile.mkdtemp(prefix="hedgerow-public-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def shared_store(public: Path) -> Path:
    return public / "shared" / "store"


@pytest.fixture(autouse=True)
def stored(shared_store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The store of the tests, and not the machine's. Servers that a test leaves behind in it are stopped."""
    shared_store.parent.mkdir(mode=0o755, exist_ok=True)
    monkeypatch.setattr(store, "STORE", shared_store)
    yield shared_store
    stop_all(shared_store)


@pytest.fixture
def closed() -> Iterator[Path]:
    """A directory that only root can enter."""
    directory = Path(tempfile.mkdtemp(prefix="hedgerow-closed-"))
    yield directory
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700, "permissions of a directory not ours were changed"
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def closed_wheel() -> Iterator[Installation]:
    """The wheel as a virtual environment below /root has it, made with the umask 077."""
    found = find_installation()
    package = found.prefix.parent
    site = Path(tempfile.mkdtemp(prefix="hedgerow-venv-"))
    for source in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(source, site / source.name, ignore=shutil.ignore_patterns("include"))
    for path in site.rglob("*"):
        path.chmod(path.stat().st_mode & 0o700)
    yield Installation(site / package.name / found.prefix.name, found.major, found.origin)
    shutil.rmtree(site)


def stop_all(directory: Path) -> None:
    for place in directory.glob("homes/*"):
        found = layout.Layout(place)
        process.halt(found.data, found.log, 10)


def execute(server: EmbeddedServer, statement: str) -> None:
    with psycopg.connect(libpq_url(server.url()), autocommit=True) as connection:
        connection.execute(statement)


def holds(server: EmbeddedServer, table: str) -> bool:
    with psycopg.connect(libpq_url(server.url("app"))) as connection:
        row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [table]).fetchone()
    return row == (True,)


def started(home: Path, table: str | None = None) -> EmbeddedServer:
    """Start a server; it gets a table that tells its data from others."""
    server = EmbeddedServer(home, fast=True)
    server.start()
    if table is not None:
        execute(server, f"CREATE TABLE {table} ()")
    return server


def settled(home: Path, file: str | None = None) -> Path:
    """Decide where the cluster is kept, as a start does; a file tells the place from others."""
    layout.Layout(home).prepare_home()
    places.settle(home, process.server_account(), 10)
    place = places.located(home).home
    if file is not None:
        (place / file).touch()
    return place


class TestHome:
    def test_the_data_are_kept_elsewhere_and_a_note_says_where(self, closed: Path, stored: Path) -> None:
        server = started(closed / "below" / "home")
        status = server.status()
        (place,) = stored.glob("homes/*")
        assert status.running
        assert status.home == server.home
        assert {status.data.parent, status.log.parent, status.socket_directory} == {place / "postgres"}
        assert (server.home / "postgres.location").read_text().splitlines()[0] == str(place)
        assert (place / "home").read_text().strip() == str(server.home)
        assert {path.name for path in server.home.iterdir()} == {".gitignore", "postgres.lock", "postgres.location"}
        # Only the server reads the data, and only root writes around them.
        account = process.server_account()
        for directory in (status.data, status.data.parent):
            found = directory.stat()
            assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (account.uid, 0o700)
        for directory in (place, stored / "homes", stored):
            found = directory.stat()
            assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (0, 0o755)

    def test_data_survive_a_restart(self, closed: Path) -> None:
        server = started(closed / "home", "kept")
        assert server.stop() is True
        assert server.status().state == "stopped"
        assert server.stop() is False
        again = started(closed / "home")
        assert holds(again, "kept")
        assert again.status().data == server.status().data

    def test_two_homes_do_not_collide(self, closed: Path) -> None:
        one, two = started(closed / "one", "first"), started(closed / "two", "second")
        assert one.status().pid != two.status().pid
        assert (holds(one, "first"), holds(one, "second")) == (True, False)
        assert (holds(two, "first"), holds(two, "second")) == (False, True)
        one.stop()
        assert two.status().running

    def test_it_stays_when_the_way_is_opened_later(self, closed: Path) -> None:
        place = settled(closed / "home")
        closed.chmod(0o711)
        assert settled(closed / "home") == place
        closed.chmod(0o700)

    def test_data_that_were_there_before_the_way_was_closed(self, public: Path) -> None:
        parent = public / "closed-later"
        parent.mkdir(mode=0o755)
        started(parent / "home").stop()
        parent.chmod(0o700)
        with pytest.raises(ServerDirectoryError, match=f"cannot enter {parent} on the way.*chmod o\\+x {parent}"):
            started(parent / "home")

    def test_a_home_within_reach_keeps_its_data(self, public: Path, stored: Path) -> None:
        before = set(stored.glob("homes/*"))
        server = started(public / "reachable")
        assert server.status().data == public / "reachable" / "postgres" / "data"
        assert set(stored.glob("homes/*")) == before
        server.stop()


class TestHomeThatIsGone:
    def test_deleted_it_begins_afresh(self, closed: Path) -> None:
        server = started(closed / "home", "forgotten")
        before = server.status()
        shutil.rmtree(closed / "home")
        assert server.status().state == "absent"
        again = started(closed / "home")
        assert not holds(again, "forgotten")
        assert again.status().data == before.data
        assert not process.alive(before.pid or 0)

    def test_its_server_can_be_stopped(self, closed: Path) -> None:
        server = started(closed / "home")
        shutil.rmtree(closed / "home")
        assert server.stop() is True
        assert server.stop() is False
        assert not (closed / "home").exists()

    def test_its_server_is_stopped_when_another_home_settles(self, closed: Path) -> None:
        deleted = started(closed / "deleted").status()
        shutil.rmtree(closed / "deleted")
        settled(closed / "other")
        assert not process.alive(deleted.pid or 0)
        assert deleted.data.is_dir()  # its disk may be away for a while

    def test_a_server_moves_with_its_home(self, closed: Path) -> None:
        before = started(closed / "old", "kept").status()
        (closed / "old").rename(closed / "new")
        moved = started(closed / "new")
        assert holds(moved, "kept")
        assert not process.alive(before.pid or 0)

    # The data of the following homes are a file: what becomes of it needs no server.

    def test_the_data_go_with_the_note(self, closed: Path) -> None:
        place = settled(closed / "home", "forgotten")
        (closed / "home" / "postgres.location").unlink()
        assert settled(closed / "home") == place
        assert not (place / "forgotten").exists()

    def test_another_home_in_the_place_of_a_moved_one(self, closed: Path) -> None:
        settled(closed / "old", "kept")
        (closed / "old").rename(closed / "new")
        place = settled(closed / "new")
        assert (place / "kept").exists()
        assert not (settled(closed / "old") / "kept").exists()
        assert settled(closed / "new") == place
        assert (place / "kept").exists()
        assert (place / "home").read_text() == f"{closed / 'new'}\n"

    def test_moved_within_reach_it_takes_the_data_along(self, closed: Path, public: Path) -> None:
        settled(closed / "home", "kept")
        shutil.move(closed / "home", public / "moved-out")
        assert (settled(public / "moved-out") / "kept").exists()

    def test_a_move_that_was_killed_half_way_is_finished(self, closed: Path, stored: Path) -> None:
        place = settled(closed / "home", "kept")
        note = closed / "home" / "postgres.location"
        note.write_text(f"{stored / 'homes' / 'before-the-move'}\n")
        assert settled(closed / "home") == place
        assert (place / "kept").exists()
        assert note.read_text().splitlines()[0] == str(place)

    def test_copied_it_begins_afresh(self, closed: Path, public: Path) -> None:
        original = settled(closed / "original", "mine")
        for copy in (closed / "copy", public / "copy"):
            shutil.copytree(closed / "original", copy)
            assert not (settled(copy) / "mine").exists()
        assert settled(closed / "original") == original
        assert (original / "mine").exists()

    def test_data_that_were_deleted_by_hand(self, closed: Path) -> None:
        place = settled(closed / "home", "forgotten")
        shutil.rmtree(place)
        assert EmbeddedServer(closed / "home").status().state == "absent"
        assert settled(closed / "home") == place
        assert place.is_dir()


class TestBinaries:
    @pytest.fixture(autouse=True)
    def only_closed(self, closed_wheel: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(binaries, "installations", lambda: (closed_wheel,))

    def test_they_are_copied_once(self, closed: Path, stored: Path, closed_wheel: Installation) -> None:
        first = started(closed / "first", "proof").status()
        (copy,) = copies(stored)
        written = copy.stat().st_ino
        assert Path(os.readlink(f"/proc/{first.pid}/exe")).is_relative_to(copy)
        assert copy.name.startswith(closed_wheel.origin.replace(" ", "-"))
        started(closed / "second")
        assert [path.stat().st_ino for path in copies(stored)] == [written]
        assert {path.stat().st_uid for path in copy.rglob("*")} == {0}
        assert {stat.S_IMODE(path.stat().st_mode) for path in copy.rglob("*")} == {0o755, 0o644}

    def test_the_programs_of_the_copy_find_their_libraries(self, stored: Path, closed_wheel: Installation) -> None:
        account = process.server_account()
        psql = store.reachable(closed_wheel, account, 10).program("psql")
        assert psql.is_relative_to(stored)
        done = process.run(["/usr/bin/env", "LD_TRACE_LOADED_OBJECTS=1", psql], account)
        found = [line.split() for line in done.stdout.splitlines() if "libpq" in line]
        if not found:
            pytest.skip("no libraries beside this wheel")
        assert Path(found[0][2]).resolve().is_relative_to(stored)
        assert process.run([psql, "--version"], account).stdout.startswith("psql (PostgreSQL)")

    @pytest.mark.parametrize("damage", ["truncate", "delete"])
    def test_a_damaged_copy_is_replaced(self, closed_wheel: Installation, damage: str) -> None:
        account = process.server_account()
        program = store.reachable(closed_wheel, account, 10).program("postgres")
        if damage == "delete":
            program.unlink()
        else:
            os.truncate(program, 0)
        assert store.reachable(closed_wheel, account, 10).program("postgres") == program
        assert process.run([program, "--version"], account).stdout.startswith("postgres (PostgreSQL)")

    def test_a_link_into_a_closed_directory(self, closed: Path, closed_wheel: Installation) -> None:
        account = process.server_account()
        (closed / "linked").symlink_to(closed_wheel.prefix)
        linked = Installation(closed / "linked", closed_wheel.major, closed_wheel.origin)
        assert store.reachable(linked, account, 10) == store.reachable(closed_wheel, account, 10)

    def test_one_within_reach_is_used_where_it_is(self, stored: Path, closed_wheel: Installation) -> None:
        account = process.server_account()
        copy = store.reachable(closed_wheel, account, 10)
        assert store.reachable(copy, account, 10) is copy

    def test_many_first_starts_copy_at_once(
        self, closed: Path, public: Path, closed_wheel: Installation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fresh = public / "fresh"
        monkeypatch.setattr(store, "STORE", fresh)
        program = (
            "import os; os.umask(0o077)\n"
            "from pathlib import Path\n"
            "from hedgerow.core.embedded import EmbeddedServer, Installation, binaries, store\n"
            f"store.STORE = Path({str(fresh)!r})\n"
            f"found = Installation(Path({str(closed_wheel.prefix)!r}), {closed_wheel.major}, {closed_wheel.origin!r})\n"
            "binaries.installations = lambda: (found,)\n"
            "server = EmbeddedServer(HOME, fast=True); server.start(); print(server.status().pid)\n"
        )
        others = [
            subprocess.Popen(
                [sys.executable, "-c", program.replace("HOME", repr(str(closed / name)))],
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": str(SOURCE)},
            )
            for name in ("one", "two", "two")
        ]
        try:
            pids = [other.communicate(timeout=60)[0].strip() for other in others]
            assert all(pids)
            assert len(set(pids)) == 2
            assert len(copies(fresh)) == 1
            assert not (fresh / "copying").exists()
        finally:
            stop_all(fresh)

    def test_what_a_killed_copying_left_behind(
        self, public: Path, closed_wheel: Installation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        again = public / "again"
        (again / "copying" / "half").mkdir(parents=True)
        monkeypatch.setattr(store, "STORE", again)
        store.reachable(closed_wheel, process.server_account(), 10)
        assert len(copies(again)) == 1
        assert not (again / "copying").exists()


def copies(directory: Path) -> list[Path]:
    return [path for path in directory.iterdir() if path.is_dir() and path.name != "homes"]


class TestWhatItSays:
    def test_a_store_that_cannot_be_made(self, closed: Path, public: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(store, "STORE", public / "missing" / "store")
        with pytest.raises(ServerDirectoryError) as caught:
            started(closed / "home")
        said = str(caught.value)
        assert f"cannot enter {closed} on the way to {closed / 'home'}" in said
        assert f"{public / 'missing' / 'store'} cannot stand in for it: No such file or directory" in said
        assert f"chmod o+x {closed}" in said

    def test_a_store_that_others_may_write_to(
        self, closed: Path, public: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        theirs = public / "theirs"
        theirs.mkdir()
        theirs.chmod(0o777)
        monkeypatch.setattr(store, "STORE", theirs)
        with pytest.raises(ServerDirectoryError, match=r"others than root may write to it.*HEDGEROW_HOME"):
            started(closed / "home")
        assert list(theirs.iterdir()) == []

    def test_a_store_that_is_closed(self, closed: Path, public: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        shut = public / "shut"
        shut.mkdir(mode=0o700)
        monkeypatch.setattr(store, "STORE", shut)
        with pytest.raises(ServerDirectoryError, match=f"cannot enter {shut} on the way.*chmod o\\+x {shut}"):
            started(closed / "home")
        assert stat.S_IMODE(shut.stat().st_mode) == 0o700
