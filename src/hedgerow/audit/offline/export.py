"""The file format of exported chains: written by ``hedgerow audit export``, verified here.

One JSON object a line: a header; for each chain a line that names it, its entries in order, and its checkpoint (how
many, and the hash of the last one); an end line with the totals and the SHA-256 of everything before it. The totals
and the digest find accidents; what finds an attacker is the hashes of the entries, and an earlier export.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, Final

from .chain import ChainReport, ChainVerifier, Checkpoint, Fault, Known
from .sealing import decoded

FORMAT: Final = 1
_HEADER, _CHAIN, _CHECKPOINT, _END = "hedgerow_audit_export", "chain", "checkpoint", "end"

Chain = tuple[str, str]
"""Tenant and chain."""


class ExportError(Exception):
    """A file is not a whole export: it cannot be checked."""


@dataclass(frozen=True)
class ExportReport:
    """What the verification of a file found.

    :ivar chains: one report a chain, in the order of the file; none where only heads were exported.
    :ivar checkpoints: what the file proves of each chain, to hold a later state against.
    :ivar unaltered: whether the file as a whole has the digest that it was written with.
    """

    exported_at: str
    chains: tuple[ChainReport, ...]
    checkpoints: dict[Chain, Checkpoint]
    unaltered: bool

    @property
    def proven(self) -> bool:
        """Whether there is nothing to object to."""
        return self.unaltered and all(chain.fault is None for chain in self.chains)


class ExportWriter:
    """Writes an export, chain after chain.

    :param heads_only: leave the entries out: a small file that later states can be held against.
    """

    def __init__(self, out: BinaryIO, exported_at: str, *, heads_only: bool = False) -> None:
        self._out, self._heads_only = out, heads_only
        self._digest = hashlib.sha256()
        self._chains = self._entries = 0
        self._write({_HEADER: FORMAT, "exported_at": exported_at, "heads_only": heads_only})

    def chain(self, tenant_id: str, chain_id: str, lines: Iterable[str]) -> int:
        """Write one chain and return how many entries it has; nothing is written for none.

        :param lines: of ``app.export_audit_chain``, in order.
        """
        count, last = 0, ""
        for last in lines:
            if count == 0:
                self._write({_CHAIN: {"tenant_id": tenant_id, "chain_id": chain_id}})
            if not self._heads_only:
                self._put(f"{last}\n".encode())
            count += 1
        if count:
            self.head(tenant_id, chain_id, count, decoded(last)["entry_hash"], named=True)
        return count

    def head(self, tenant_id: str, chain_id: str, entries: int, head_hash: str, *, named: bool = False) -> None:
        """Write the checkpoint of a chain."""
        if not named:
            self._write({_CHAIN: {"tenant_id": tenant_id, "chain_id": chain_id}})
        checkpoint = {"tenant_id": tenant_id, "chain_id": chain_id, "entries": entries, "head_hash": head_hash}
        self._write({_CHECKPOINT: checkpoint})
        self._chains += 1
        self._entries += entries

    def end(self) -> None:
        """Write the end line, without which the file counts as cut off."""
        self._write({_END: {"chains": self._chains, "entries": self._entries, "sha256": self._digest.hexdigest()}})

    def _write(self, line: dict[str, Any]) -> None:
        self._put(json.dumps(line, ensure_ascii=False).encode() + b"\n")

    def _put(self, data: bytes) -> None:
        self._digest.update(data)
        self._out.write(data)


def verify_export(
    source: Iterable[bytes],
    known: Callable[[Chain], Known | None] = lambda chain: None,
    progress: Callable[[int], object] = lambda size: None,
) -> ExportReport:
    """Verify an export, line by line.

    :param source: its lines, for example a file that was opened for reading bytes.
    :param known: what was seen of a chain earlier.
    :param progress: told the bytes that were read since.
    :raises ExportError: the file is not a whole export; says in which line.
    """
    return _Reader(known).read(source, progress)


class _Reader:
    def __init__(self, known: Callable[[Chain], Known | None]) -> None:
        self._known = known
        self._number = 0
        self._reports: list[ChainReport] = []
        self._checkpoints: dict[Chain, Checkpoint] = {}
        self._open: ChainVerifier | None = None
        self._seen: set[Chain] = set()
        self._header: dict[str, Any] | None = None
        self._entries = 0

    def read(self, source: Iterable[bytes], progress: Callable[[int], object]) -> ExportReport:
        digest, end = hashlib.sha256(), None
        unaltered = False
        for line, content in self._lines(source):
            if end is not None:
                raise self._error("it stands behind the end of the export")
            if _END in content:
                end, unaltered = content, self._ended(content, digest.hexdigest())
            else:
                self._take(content)
            digest.update(line)
            progress(len(line))
        if end is None:
            raise ExportError(
                f"The file ends after line {self._number} without the end of an export: it was cut off."
                if self._number
                else "The file is empty."
            )
        assert self._header is not None
        return ExportReport(self._header["exported_at"], tuple(self._reports), self._checkpoints, unaltered)

    def _lines(self, source: Iterable[bytes]) -> Iterator[tuple[bytes, dict[str, Any]]]:
        for self._number, line in enumerate(source, 1):
            if not line.endswith(b"\n"):
                raise self._error("it is cut off")
            try:
                yield line, decoded(line.decode())
            except UnicodeDecodeError:
                raise self._error("it is not UTF-8 text") from None
            except json.JSONDecodeError as error:
                raise self._error(f"it is not JSON ({error.msg}, column {error.colno})") from None
            except ValueError as error:
                raise self._error(str(error)) from None

    def _take(self, content: dict[str, Any]) -> None:
        if self._header is None:
            self._begin(content)
        elif _CHAIN in content:
            self._chain(content)
        elif _CHECKPOINT in content:
            self._close(content)
        elif self._open is None:
            raise self._error("it is no line of an export, or stands outside of a chain")
        else:
            self._entries += 1
            try:
                self._open.add(content, self._number)
            except ValueError as error:
                raise self._error(str(error)) from None

    def _begin(self, content: dict[str, Any]) -> None:
        if _HEADER not in content:
            raise self._error("an export begins with another line: this is none, or its beginning is gone")
        if content[_HEADER] != FORMAT or not isinstance(content.get("exported_at"), str):
            raise self._error(f"it is an export of another format than {FORMAT}: use the version that wrote it")
        self._header = content

    def _chain(self, content: dict[str, Any]) -> None:
        if self._open is not None:
            raise self._error("a chain begins, and the one before has no checkpoint")
        tenant_id, chain_id = self._fields(content[_CHAIN], tenant_id=str, chain_id=str)
        if (tenant_id, chain_id) in self._seen:
            raise self._error(f"chain {chain_id} is there twice")
        self._seen.add((tenant_id, chain_id))
        self._open = ChainVerifier(tenant_id, chain_id, self._known((tenant_id, chain_id)))

    def _close(self, content: dict[str, Any]) -> None:
        *chain, entries, head = self._fields(
            content[_CHECKPOINT], tenant_id=str, chain_id=str, entries=int, head_hash=str
        )
        verifier, self._open = self._open, None
        if verifier is None or [verifier.tenant_id, verifier.chain_id] != chain:
            raise self._error("it is the checkpoint of another chain than the one before it")
        assert self._header is not None
        made = self._header["exported_at"]
        if self._header.get("heads_only"):
            self._entries += entries
            self._checkpoints[chain[0], chain[1]] = Checkpoint(chain[0], chain[1], entries, head, b"", made)
            return
        report = verifier.report()
        if report.fault is None and report.entries < entries:
            text = f"The chain ends with entry {report.entries}, and its checkpoint counts {entries}"
            report = replace(report, fault=Fault.TRUNCATED, number=report.entries + 1, message=text, line=self._number)
        elif report.fault is None and (report.entries, report.head_hash) != (entries, head):
            raise self._error("the checkpoint does not speak of the entries before it")
        if report.fault is None:
            hashes = bytes(verifier.hashes)
            self._checkpoints[chain[0], chain[1]] = Checkpoint(chain[0], chain[1], entries, head, hashes, made)
        self._reports.append(report)

    def _ended(self, content: dict[str, Any], digest: str) -> bool:
        if self._header is None:
            raise self._error("an export begins with another line: its beginning is gone")
        if self._open is not None:
            raise self._error("the export ends inside of a chain")
        chains, entries, written = self._fields(content[_END], chains=int, entries=int, sha256=str)
        if chains != len(self._seen):
            raise self._error(f"the export counts {chains} chains, and the file holds {len(self._seen)}")
        return bool(digest == written and entries == self._entries)

    def _fields(self, found: Any, **kinds: type) -> list[Any]:
        if not isinstance(found, dict) or any(type(found.get(name)) is not kind for name, kind in kinds.items()):
            raise self._error(f"it lacks one of {', '.join(kinds)}, or it is of another type")
        return [found[name] for name in kinds]

    def _error(self, why: str) -> ExportError:
        return ExportError(f"Line {self._number} is wrong: {why}.")
