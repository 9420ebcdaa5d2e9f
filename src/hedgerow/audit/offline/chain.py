"""Verifies one chain, whatever its entries come from, and names the first that is not proven."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from .sealing import FIELDS, VERSION, Entry, entry_digest, entry_hash, payload_hash


class Fault(StrEnum):
    """Why an entry is the first that is not proven."""

    MISSING = "missing"  # numbers are left out; the entry behind the gap is named
    RENUMBERED = "renumbered"  # the entry that follows has another number
    DUPLICATE = "duplicate"  # the number is there twice
    CHANGED = "changed"  # it is not the entry that was hashed
    REWRITTEN = "rewritten"  # it agrees with itself, but the one behind it follows another
    INSERTED = "inserted"  # put in between, from here to the entry that proves it
    BACKDATED = "backdated"  # it claims a time before that of its predecessor
    REPLACED = "replaced"  # from here on all agree with one another, but not with what was seen earlier
    TRUNCATED = "truncated"  # entries that were seen earlier are missing at the end
    MISPLACED = "misplaced"  # the lines of a file are out of order
    FOREIGN = "foreign"  # it is an entry of another chain


class Known(Protocol):
    """What is known of a chain from earlier."""

    @property
    def last(self) -> int:
        """The largest number of entries that was seen, 0 for nothing."""

    def hash_of(self, number: int) -> str | None:
        """Hash of the entry with that number, None where it is not known."""

    def source(self, number: int) -> str:
        """Who saw that many entries, in words."""


@dataclass(frozen=True)
class Checkpoint:
    """A chain as an export holds it: its size and head, and the hash of every entry unless only heads were exported."""

    tenant_id: str
    chain_id: str
    last: int
    head_hash: str | None
    hashes: bytes
    exported_at: str

    def hash_of(self, number: int) -> str | None:
        if self.hashes:
            return self.hashes[32 * number - 32 : 32 * number].hex() or None
        return self.head_hash if number == self.last else None

    def source(self, number: int) -> str:
        return f"the export of {self.exported_at}"


@dataclass(frozen=True)
class ChainReport:
    """What the verification of a chain found; ``fault`` is None where every entry is proven.

    ``number`` and ``entry_id`` name the first entry that is not proven, ``line`` where it stands in a file.
    """

    tenant_id: str
    chain_id: str
    entries: int
    head_hash: str | None
    fault: Fault | None = None
    number: int | None = None
    entry_id: str | None = None
    message: str | None = None
    line: int | None = None


class ChainVerifier:
    """Verifies one chain, entry by entry in the order of the numbers; the rules are those of ``inspect_audit_chain``.

    :param known: what was seen of the chain earlier, which must still be there.
    """

    def __init__(self, tenant_id: str, chain_id: str, known: Known | None = None) -> None:
        self.tenant_id, self.chain_id, self._known = tenant_id, chain_id, known
        self.entries = 0
        self.head_hash: str | None = None
        self.hashes = bytearray()
        self._ids: list[str] = []
        self._time: int | None = None
        self._proven = 0
        self._fault: tuple[Fault, int, str | None, str, int | None] | None = None

    def add(self, entry: Entry, line: int | None = None) -> None:
        """Verify the next entry; what comes behind the first fault only explains it.

        :raises ValueError: it is not an entry.
        """
        self.entries += 1
        if self._fault is None:
            self._check(entry, self.entries, line)
        elif self._fault[0] is Fault.MISSING:
            self._explain(entry, self._fault[1], line)

    def report(self) -> ChainReport:
        """What was found, once every entry was added."""
        fault, known, seen = self._fault, self._known, self.entries
        if fault is None and known is not None and known.last > seen:
            which = f"Entry {known.last} is" if known.last == seen + 1 else f"Entries {seen + 1} to {known.last} are"
            text = f"{which} missing at the end: {known.source(known.last)} saw {known.last}"
            fault = (Fault.TRUNCATED, seen + 1, None, text, None)
        return ChainReport(self.tenant_id, self.chain_id, seen, self.head_hash, *(fault or ()))

    def _check(self, entry: Entry, place: int, line: int | None) -> None:
        if entry.keys() != FIELDS:
            odd = ", ".join(sorted(entry.keys() ^ FIELDS))
            raise ValueError(f"it does not have the fields of an entry: {odd}")
        number, before, time = entry["sequence_number"], self.head_hash, entry["created_at_us"]
        if entry["version"] != VERSION or type(number) is not int:
            raise ValueError(f"it is not an entry of version {VERSION}")
        own = str(entry["entry_id"])
        if (entry["tenant_id"], entry["chain_id"]) != (self.tenant_id, self.chain_id):
            return self._found(
                Fault.FOREIGN, place, own, f"An entry of chain {entry['chain_id']} is in its place", line
            )
        if number != place:
            return self._out_of_place(entry, place, line)
        previous, sealed = entry["previous_hash"], entry["entry_hash"]
        try:
            paid, digest = payload_hash(entry["payload"]) == entry["payload_hash"], entry_digest(entry, previous)
        except (ValueError, RecursionError):  # what PostgreSQL could not have hashed
            paid, digest = False, b""
        if not paid:
            return self._found(
                Fault.CHANGED, place, own, f"Entry {place} was changed: its payload and its payload_hash differ", line
            )
        if previous != before:
            return self._unlinked(entry, place, digest.hex() == sealed, line)
        if digest.hex() != sealed:
            return self._found(
                Fault.CHANGED, place, own, f"Entry {place} was changed: its fields and its entry_hash differ", line
            )
        if type(time) is not int or (self._time is not None and time < self._time):
            text = f"Entry {place} claims an earlier time than entry {place - 1}"
            return self._found(Fault.BACKDATED, place, own, text, line)
        self.head_hash, self._time = sealed, time
        self.hashes += digest
        self._ids.append(own)
        if self._known is not None:
            self._compare(self._known, place, sealed, line)
        return None

    def _compare(self, known: Known, place: int, sealed: str, line: int | None) -> None:
        seen = known.hash_of(place)
        if seen == sealed:
            self._proven = place
        elif seen is not None:
            first = self._proven + 1
            which = (
                f"Entries {first} to {place} are not all those" if place > first else f"Entry {place} is not the one"
            )
            text = f"{which} that {known.source(place)} saw"
            self._found(Fault.REPLACED, first, self._ids[first - 1], text, line)

    def _out_of_place(self, entry: Entry, place: int, line: int | None) -> None:
        number, own = entry["sequence_number"], str(entry["entry_id"])
        if number < place - 1:
            text = f"Entry {number} stands behind entry {place - 1}: the lines are out of order"
            self._found(Fault.MISPLACED, number, own, text, line)
        elif number < place:
            self._found(Fault.DUPLICATE, number, own, f"There are two entries {number}", line)
        else:
            which = f"Entry {place} is" if number == place + 1 else f"Entries {place} to {number - 1} are"
            self._found(Fault.MISSING, place, own, f"{which} missing", line)
            self._explain(entry, place, line)

    def _explain(self, entry: Entry, gap: int, line: int | None) -> None:
        """Is this the entry that seemed to be missing?"""
        number, own = entry.get("sequence_number"), str(entry.get("entry_id"))
        if number == gap:
            text = f"Entry {gap} does not stand behind entry {gap - 1}: the lines are out of order"
            self._found(Fault.MISPLACED, gap, own, text, line)
        elif entry.get("previous_hash") == self.head_hash:
            self._found(Fault.RENUMBERED, gap, own, f"Entry {gap} has the number {number}", line)

    def _unlinked(self, entry: Entry, place: int, agrees: bool, line: int | None) -> None:
        """The hash of an entry tells whom it followed and which number it had when it was sealed."""
        own, previous, sealed = str(entry["entry_id"]), entry["previous_hash"], entry["entry_hash"]
        if agrees and place > 1:
            text = f"Entry {place - 1} was rewritten: entry {place} follows one with another hash"
            return self._found(Fault.REWRITTEN, place - 1, self._ids[-1], text, line)
        if entry_hash(entry, self.head_hash) != sealed:
            number = self._number_of(previous) + 1
            if 1 < number < place and entry_hash({**entry, "sequence_number": number}, previous) == sealed:
                text = (
                    f"Entries were inserted: {number} to {place - 1}, "
                    f"since entry {place} was sealed with the number {number}"
                )
                return self._found(Fault.INSERTED, number, self._ids[number - 1], text, line)
        text = f"Entry {place} was changed: it does not follow entry {place - 1}"
        return self._found(Fault.CHANGED, place, own, text, line)

    def _number_of(self, sealed: object) -> int:
        """Number of the entry with that hash, 0 where there is none."""
        if not isinstance(sealed, str) or not re.fullmatch("[0-9a-f]{64}", sealed):
            return 0
        wanted, at = bytes.fromhex(sealed), -1
        while (at := self.hashes.find(wanted, at + 1)) % 32:
            if at < 0:
                return 0
        return at // 32 + 1

    def _found(self, fault: Fault, number: int, entry_id: str | None, text: str, line: int | None) -> None:
        self._fault = (fault, number, entry_id, text, line)
