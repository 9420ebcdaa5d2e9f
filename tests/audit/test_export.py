"""Files: what an export holds, what is found when it is altered, and what is said of a file that is none."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

import hedgerow.audit.offline
from audit.forging import EXPORTED, TENANT, Desk, exported
from hedgerow.audit.offline import ExportError, ExportReport, Fault, canonical, decoded, verify_export
from hedgerow.audit.offline.chain import ChainVerifier
from hedgerow.audit.offline.files import checkpoints_of, line_of, reports_of, verify_file

SIZE = 8
FIRST = 3  # line of the first entry
Lines = list[bytes]


def read(data: bytes, **kwargs: Any) -> ExportReport:
    return verify_export(io.BytesIO(data), **kwargs)


@pytest.fixture
def export(desk: Desk) -> bytes:
    desk.write(SIZE)
    return desk.export()


def again(export: bytes, change: Callable[[Lines], Any]) -> bytes:
    """The export with its lines changed, its digest made to fit by whoever did it."""
    *lines, last = export.splitlines(keepends=True)
    change(lines)
    end = json.loads(last)
    end["end"]["sha256"] = hashlib.sha256(b"".join(lines)).hexdigest()
    end["end"]["entries"] = sum(b"entry_hash" in line for line in lines)
    return b"".join(lines) + json.dumps(end).encode() + b"\n"


def test_what_is_in_a_file(desk: Desk, export: bytes) -> None:
    header, chain, *entries, checkpoint, end = map(json.loads, export.splitlines())
    rows = desk.rows()
    who = {"tenant_id": TENANT, "chain_id": str(desk.chain)}
    assert header == {"hedgerow_audit_export": 1, "exported_at": EXPORTED, "heads_only": False}
    assert chain == {"chain": who}
    assert checkpoint == {"checkpoint": {**who, "entries": SIZE, "head_hash": rows[-1]["entry_hash"]}}
    assert end["end"]["entries"] == SIZE
    assert [entry["payload"] for entry in entries] == [row["payload"] for row in rows]
    assert [entry["entry_hash"] for entry in entries] == [row["entry_hash"] for row in rows]


def test_an_export_is_proven(desk: Desk, export: bytes) -> None:
    sizes: list[int] = []
    report = read(export, progress=sizes.append)
    assert report.proven
    (chain,) = report.chains
    assert (chain.entries, chain.head_hash, chain.fault) == (SIZE, desk.rows()[-1]["entry_hash"], None)
    assert sum(sizes) == len(export)
    known = report.checkpoints[TENANT, str(desk.chain)]
    assert [known.hash_of(number) for number in (1, SIZE, SIZE + 1)] == [
        desk.rows()[0]["entry_hash"], desk.rows()[-1]["entry_hash"], None,
    ]  # fmt: skip


def test_a_file_may_be_written_by_another_program(export: bytes) -> None:
    """Keys in another order and other spaces and escapes are the same entries; only the digest of the file differs."""
    lines = [json.dumps(dict(reversed(decoded(line).items())), indent=None) for line in export.decode().splitlines()]
    report = read("\n".join([*lines, ""]).encode())
    assert [chain.fault for chain in report.chains] == [None]
    assert not report.unaltered


def test_no_entries_no_chain() -> None:
    report = read(exported((TENANT, str(uuid4()), [])))
    assert (report.chains, report.checkpoints, report.proven) == ((), {}, True)


# --- Altered entries -----------------------------------------------------------------------------------------------

FIELDS = [
    "action", "payload", "version", "actor_id", "chain_id", "entry_id", "entity_id", "tenant_id", "actor_type",
    "entry_hash", "entity_type", "payload_hash", "created_at_us", "previous_hash", "sequence_number",
]  # fmt: skip


@pytest.mark.parametrize("number", [1, 4, SIZE])
@pytest.mark.parametrize("field", FIELDS)
def test_an_altered_field(desk: Desk, export: bytes, field: str, number: int) -> None:
    def alter(lines: Lines) -> None:
        entry = decoded(lines[FIRST + number - 2].decode())
        assert sorted(entry) == sorted(FIELDS)
        value = entry[field]
        entry[field] = value + 1 if isinstance(value, int) else {"x": value} if field == "payload" else "0" * 64
        lines[FIRST + number - 2] = canonical(entry).encode() + b"\n"

    data = again(export, alter)
    if field == "version":
        with pytest.raises(ExportError, match=f"Line {FIRST + number - 1} .* version 1"):
            read(data)
        return
    (chain,) = read(data).chains
    # A number that is one too high: the entry is there, under another number.
    fault = {"sequence_number": Fault.RENUMBERED, "chain_id": Fault.FOREIGN, "tenant_id": Fault.FOREIGN}
    assert (chain.fault, chain.number) == (fault.get(field, Fault.CHANGED), number)
    assert chain.line == FIRST + number - 1
    assert chain.entry_id == ("0" * 64 if field == "entry_id" else str(desk.rows()[number - 1]["entry_id"]))


@pytest.mark.parametrize(
    ("change", "fault", "number", "line"),
    [
        (lambda lines: lines.pop(FIRST - 1), Fault.MISSING, 1, FIRST),
        (lambda lines: lines.pop(FIRST + 2), Fault.MISSING, 4, FIRST + 3),
        (lambda lines: lines.pop(-2), Fault.TRUNCATED, SIZE, FIRST + SIZE - 1),
        (lambda lines: lines.__setitem__(slice(5, 7), [lines[6], lines[5]]), Fault.MISPLACED, 4, 7),
        (lambda lines: lines.insert(-1, lines.pop(FIRST - 1)), Fault.MISPLACED, 1, FIRST + SIZE - 1),
        (lambda lines: lines.insert(8, lines[4]), Fault.MISPLACED, 3, 9),
        (lambda lines: lines.insert(5, lines[4]), Fault.DUPLICATE, 3, 6),
        (lambda lines: lines.reverse() or lines.sort(key=lambda line: b"entry_hash" in line), None, 0, 0),
    ],
    ids=["first gone", "middle gone", "last gone", "swapped", "first put last", "copied", "doubled", "turned round"],
)
def test_altered_lines(export: bytes, change: Any, fault: Fault | None, number: int, line: int) -> None:
    data = again(export, change)
    if fault is None:
        with pytest.raises(ExportError, match="Line 1 is wrong: an export begins with another line"):
            read(data)
        return
    (chain,) = read(data).chains
    assert (chain.fault, chain.number, chain.line) == (fault, number, line)
    assert f"(line {line})" in line_of(chain)


def test_a_forged_line_with_a_good_hash(desk: Desk, export: bytes) -> None:
    other = Desk(desk.db)
    other.write(4)
    stranger = other.export().splitlines(keepends=True)[5]
    (chain,) = read(again(export, lambda lines: lines.insert(6, stranger))).chains
    assert (chain.fault, chain.number, chain.line) == (Fault.FOREIGN, 5, 7)


def test_a_file_that_is_forged_through_and_through_contradicts_an_earlier_one(desk: Desk, export: bytes) -> None:
    rows = desk.rows()
    with desk.forging():
        desk.change(rows[4], action="viewed")
        desk.rehash(rows[4:], rows[3]["entry_hash"])
    forged = desk.export()
    assert read(forged).proven
    known = read(export).checkpoints
    (chain,) = read(forged, known=known.get).chains
    assert (chain.fault, chain.number, chain.line) == (Fault.REPLACED, 5, FIRST + 4)
    assert chain.message == f"Entry 5 is not the one that the export of {EXPORTED} saw"


def test_an_entry_that_cannot_be_hashed_is_a_changed_one(export: bytes) -> None:
    def alter(lines: Lines) -> None:
        lines[5] = lines[5].replace(b'"payload": {', b'"payload": {"x": "\\ud800", "y": 1e999999999, ')

    (chain,) = read(again(export, alter)).chains
    assert (chain.fault, chain.number) == (Fault.CHANGED, 4)


def test_an_altered_file_around_its_entries(export: bytes) -> None:
    data = export.replace(EXPORTED.encode(), b"2020-01-01T00:00:00Z")
    report = read(data)
    assert [chain.fault for chain in report.chains] == [None]
    assert not report.proven
    with pytest.raises(ExportError, match="changed after it was written"):
        reports_of(report, {})


# --- Files that cannot be checked ----------------------------------------------------------------------------------


def put(lines: Lines, place: int, line: bytes) -> bytes:
    return b"".join([*lines[:place], line, *lines[place:]])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda lines: b"", "The file is empty."),
        (lambda lines: b"".join(lines[:-1]), "ends after line 11 without the end .* cut off"),
        (lambda lines: b"".join(lines[:6]), "ends after line 6 without the end"),
        (lambda lines: b"".join(lines)[:-20], "Line 12 is wrong: it is cut off."),
        (lambda lines: b"".join(lines[:5]) + lines[5][:40], "Line 6 is wrong: it is cut off."),
        (lambda lines: b"".join(lines[2:]), "Line 1 is wrong: an export begins with another line"),
        (lambda lines: b"hello\n", r"Line 1 is wrong: it is not JSON \(Expecting value, column 1\)."),
        (lambda lines: put(lines, 4, b"{'a': 1}\n"), "Line 5 is wrong: it is not JSON"),
        (lambda lines: put(lines, 4, b"\n"), "Line 5 is wrong: it is not JSON"),
        (lambda lines: put(lines, 4, b"[1]\n"), "Line 5 is wrong: it is not an object."),
        (lambda lines: put(lines, 4, b"\xff\xfe\n"), "Line 5 is wrong: it is not UTF-8 text."),
        (lambda lines: put(lines, 4, b'{"a": 1}\n'), "Line 5 is wrong: it does not have the fields of an entry"),
        (lambda lines: put(lines, 4, b'{"a": NaN}\n'), "Line 5 is wrong: NaN is not JSON"),
        (lambda lines: put(lines, 4, b'{"a": 1, "a": 2}\n'), "Line 5 is wrong: it names a key twice."),
        (lambda lines: put(lines, 4, b'{"a":' * 100_000 + b"\n"), "Line 5 is wrong: it is (nested|not JSON)"),
        (lambda lines: put(lines, 2, lines[1]), "Line 3 is wrong: a chain begins, and the one before"),
        (lambda lines: b"".join(lines[:10] + lines[11:]), "Line 11 is wrong: the export ends inside of a chain"),
        (lambda lines: put(lines, 11, lines[10]), "Line 12 is wrong: it is the checkpoint of another chain"),
        (lambda lines: put(lines, 11, lines[5]), "Line 12 is wrong: it is no line of an export, or stands outside"),
        (lambda lines: put(lines, 12, lines[5]), "Line 13 is wrong: it stands behind the end"),
        (lambda lines: put(lines, 11, b"".join(lines[1:11])), "Line 12 is wrong: chain .* is there twice"),
        (lambda lines: lines[0] + lines[11], "Line 2 is wrong: the export counts 1 chains, and the file holds 0"),
        (lambda lines: lines[0].replace(b": 1,", b": 2,") + lines[1], "Line 1 is wrong: .* another format than 1"),
        (lambda lines: b"".join(lines).replace(b'"entries": 8, "head', b'"entries": "8", "head'), "Line 11 .* lacks"),
        (lambda lines: b"".join(lines).replace(b'"entries": 8, "head', b'"entries": 7, "head'), "Line 11 .* speak of"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file(export: bytes, damage: Callable[[Lines], bytes], message: str) -> None:
    with pytest.raises(ExportError, match=message):
        read(damage(export.splitlines(keepends=True)))


# --- Heads, and files held against each other ----------------------------------------------------------------------


def test_heads_prove_later_states(desk: Desk) -> None:
    rows = desk.write(5)
    chain = (TENANT, str(desk.chain))
    heads = exported((*chain, desk.lines()), heads_only=True)
    assert len(heads.splitlines()) == 4
    report = read(heads)
    assert report.chains == ()
    with pytest.raises(ExportError, match="checkpoints and no entries"):
        reports_of(report, {})
    desk.write(3)
    assert read(desk.export(), known=report.checkpoints.get).proven, "what was appended since is none of its business"
    with desk.forging():
        desk.change(rows[2], action="viewed")
        desk.rehash(desk.rows()[2:], rows[1]["entry_hash"])
    (found,) = read(desk.export(), known=report.checkpoints.get).chains
    assert (found.fault, found.number) == (Fault.REPLACED, 1), "a head says that, not where"
    assert found.message == f"Entries 1 to 5 are not all those that the export of {EXPORTED} saw"


def test_whole_files(desk: Desk, export: bytes, tmp_path: Path) -> None:
    earlier, later, gone = tmp_path / "earlier", tmp_path / "later", tmp_path / "gone"
    earlier.write_bytes(export)
    desk.write(2)
    later.write_bytes(desk.export())
    gone.write_bytes(exported())
    assert [report.fault for report in verify_file(str(later), str(earlier))] == [None]
    (report,) = verify_file(str(earlier), str(later))
    assert (report.fault, report.number) == (Fault.TRUNCATED, SIZE + 1)
    (report,) = verify_file(str(gone), str(earlier))
    assert (report.fault, report.number, report.entries) == (Fault.TRUNCATED, 1, 0)
    earlier.write_bytes(again(export, lambda lines: lines.pop(5)))
    with pytest.raises(ExportError, match="not intact itself"):
        checkpoints_of(str(earlier))


# --- Without hedgerow ----------------------------------------------------------------------------------------------


def test_the_folder_runs_by_itself(desk: Desk, export: bytes, tmp_path: Path) -> None:
    """Copied elsewhere, without site-packages: nothing but Python takes part."""
    shutil.copytree(Path(hedgerow.audit.offline.__file__).parent, tmp_path / "offline")
    files = {"good": export, "bad": again(export, lambda lines: lines.pop(5)), "cut": export[:-9]}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)

    def run(*arguments: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-S", "-E", "-m", "offline", *arguments],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    status, out, err = run("good")
    assert (status, err) == (0, "")
    assert out == f"ok      tenant {TENANT}, chain {desk.chain}: 8 entries, head {desk.rows()[-1]['entry_hash']}\n"
    status, out, err = run("bad")
    assert (status, err) == (1, "")
    assert out.startswith(f"BROKEN  tenant {TENANT}, chain {desk.chain}: Entry 4 is missing (line 6) [entry_id ")
    assert run("cut")[0] == run("unheard of")[0] == 2
    assert "Line 12 is wrong: it is cut off" in run("cut")[2]
    assert run("good", "--checkpoint", "good")[0] == 0
    assert run("good", "--checkpoint", "bad")[0] == 2


def test_the_offline_package_imports_python_alone() -> None:
    folder = Path(hedgerow.audit.offline.__file__).parent
    code = "import sys; before = set(sys.modules); import offline.__main__; print(*(set(sys.modules) - before))"
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c", code],
        cwd=folder.parent, capture_output=True, text=True, check=True,
    )  # fmt: skip
    roots = {name.partition(".")[0] for name in done.stdout.split()} - {"offline"}
    assert roots <= set(sys.stdlib_module_names) | {"_distutils_hack"}, roots


def test_an_entry_of_nothing() -> None:
    verifier = ChainVerifier(TENANT, "c")
    with pytest.raises(ValueError, match="fields of an entry"):
        verifier.add({})
    assert ChainVerifier(TENANT, "c").report().entries == 0
