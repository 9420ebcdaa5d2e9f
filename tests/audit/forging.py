"""A desk in one rolled-back transaction: write chains as a session does, forge them as the owner of the table can."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, insert, text

from hedgerow.audit.models import AuditChainEntry
from hedgerow.audit.offline import (
    ChainReport,
    ChainVerifier,
    Checkpoint,
    ExportWriter,
    Fault,
    decoded,
    entry_hash,
    payload_hash,
    verify_export,
)
from hedgerow.audit.repository import Anchors
from hedgerow.core.embedded.bootstrap import SESSION
from hedgerow.core.open_scope import ISSUE_SCOPE, issuing_parameters
from isolation.oracle import open_scope

TENANT, OTHER = "WORLD_A", "WORLD_B"
EXPORTED = "2026-01-02T03:04:05Z"
ENTRIES = AuditChainEntry.__table__
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Row = dict[str, Any]


@dataclass(frozen=True)
class Expected:
    """The first entry that is not proven: why, its number, and which one."""

    fault: Fault | None
    number: int | None = None
    entry_id: UUID | None = None


class Desk:
    """Works on the chains of a tenant in one transaction of a superuser."""

    def __init__(self, db: Connection, tenant: str = TENANT) -> None:
        self.db, self.tenant = db, tenant
        self.chain = uuid4()
        db.execute(ISSUE_SCOPE, issuing_parameters(tenant))

    # --- As a session ------------------------------------------------------------------------------------------

    def write(self, count: int, *, seen: tuple[int, ...] = ()) -> list[Row]:
        """Append entries, verify where asked, and return the chain."""
        for number in range(1, count + 1):
            self.db.execute(
                text(
                    "SELECT append_audit_entry(:chain, 'patient', :id, 'updated', CAST(:payload AS jsonb),"
                    " 'user-' || :id, 'user')"
                ),
                {"chain": self.chain, "id": f"P{number}", "payload": f'{{"n": {number}, "text": "Größe {number}"}}'},
            )
            if number in seen:
                assert self.verify() is True
        return self.rows()

    def verify(self) -> bool | None:
        """Verify in the database, logged."""
        return self.db.scalar(text("SELECT verify_audit_chain(:chain)"), {"chain": self.chain})

    def rows(self) -> list[Row]:
        """The chain as it is stored."""
        found = self.db.execute(
            text("SELECT * FROM audit_chain_entries WHERE tenant_id = :t AND chain_id = :c ORDER BY sequence_number"),
            {"t": self.tenant, "c": self.chain},
        )
        return [dict(row) for row in found.mappings()]

    def lines(self) -> list[str]:
        """The chain as lines of an export."""
        return list(self.db.scalars(text("SELECT * FROM app.export_audit_chain(:c)"), {"c": self.chain}))

    def export(self) -> bytes:
        """The chain as a file."""
        return exported((self.tenant, str(self.chain), self.lines()))

    def checkpoint(self) -> Checkpoint:
        """What an export made now would prove later."""
        return verify_export(io.BytesIO(self.export())).checkpoints[self.tenant, str(self.chain)]

    # --- As the owner of the table -----------------------------------------------------------------------------

    @contextmanager
    def forging(self) -> Iterator[None]:
        """No trigger fires and no foreign key or unique key of the chain holds."""
        self.db.execute(text("SET LOCAL session_replication_role = replica"))
        for constraint in self.db.scalars(
            text(
                "SELECT conname FROM pg_constraint WHERE conrelid = 'audit_chain_entries'::regclass"
                " AND contype IN ('u', 'c')"
            )
        ).all():
            self.db.execute(text(f"ALTER TABLE audit_chain_entries DROP CONSTRAINT {constraint}"))
        yield
        self.db.execute(text("SET LOCAL session_replication_role = origin"))

    def change(self, row: Row, **values: Any) -> None:
        """Overwrite columns of one row."""
        key = (ENTRIES.c.tenant_id == row["tenant_id"]) & (ENTRIES.c.entry_id == row["entry_id"])
        self.db.execute(ENTRIES.update().where(key).values(values))
        row.update(values)

    def remove(self, *rows: Row) -> None:
        for row in rows:
            self.db.execute(ENTRIES.delete().where(ENTRIES.c.entry_id == row["entry_id"]))

    def put(self, row: Row) -> Row:
        self.db.execute(insert(ENTRIES).values(row))
        return row

    def forged(self, number: int, previous: str | None, **values: Any) -> Row:
        """A row that was never appended, well sealed."""
        row = {
            "tenant_id": self.tenant,
            "entry_id": uuid4(),
            "chain_id": self.chain,
            "sequence_number": number,
            "entity_type": "patient",
            "entity_id": "forged",
            "action": "updated",
            "actor_id": None,
            "actor_type": "system",
            "payload": {"forged": True},
            "created_at": datetime.now(UTC),
            "previous_hash": previous,
            **values,
        }
        return sealed(row)

    def rehash(self, rows: list[Row], previous: str | None) -> None:
        """Seal rows anew, one after the other, as somebody would who covers his tracks."""
        for row in rows:
            self.change(row, **sealed({**row, "previous_hash": previous}))
            previous = row["entry_hash"]

    # --- What is found -----------------------------------------------------------------------------------------

    def findings(self, checkpoint: Checkpoint | None = None) -> dict[str, Expected]:
        """What verification finds in the database, in Python, and in a file exported now; all three must agree."""
        self.db.execute(text(f"SET LOCAL ROLE {SESSION}"))
        open_scope(self.db, self.tenant)
        state = self.db.execute(text("SELECT * FROM app.inspect_audit_chain(:c)"), {"c": self.chain}).one()
        anchors = Anchors(
            {
                row.entry_count: (row.head_hash, row.seen_at.astimezone(UTC))
                for row in self.db.execute(text("SELECT * FROM app.audit_chain_anchors(:c)"), {"c": self.chain})
            }
        )
        verifier = ChainVerifier(self.tenant, str(self.chain), checkpoint or anchors)
        for line in self.lines():
            verifier.add(decoded(line))
        report = verifier.report()
        if checkpoint is None:
            assert (state.fault_message, state.entry_count) == (report.message, report.entries)
        found = {
            "database": Expected(state.fault and Fault(state.fault), state.fault_number, state.fault_entry_id),
            "python": _of(report),
        }
        if report.entries:
            file = verify_export(
                io.BytesIO(exported((self.tenant, str(self.chain), self.lines()))), lambda _: checkpoint or anchors
            )
            found["file"] = _of(file.chains[0])
        log = text(
            "SELECT is_valid, entries_checked, first_invalid_entry, error_message, head_hash"
            " FROM audit_chain_verification_log WHERE chain_id = :c ORDER BY verified_at DESC LIMIT 1"
        )
        valid = self.verify()
        logged = self.db.execute(log, {"c": self.chain}).one()
        assert valid is logged.is_valid is (state.fault is None)
        assert logged.first_invalid_entry == state.fault_entry_id
        assert logged.error_message == state.fault_message
        assert logged.entries_checked == state.entry_count
        assert (logged.head_hash is not None) == valid
        self.db.execute(text("RESET ROLE"))
        return found


def _of(report: ChainReport) -> Expected:
    return Expected(report.fault, report.number, report.entry_id and UUID(report.entry_id))


def sealed(row: Row) -> Row:
    """The row with the hashes that its fields ask for."""
    row = {**row, "payload_hash": payload_hash(row["payload"])}
    fields = {
        **row,
        "version": 1,
        "chain_id": str(row["chain_id"]),
        "entry_id": str(row["entry_id"]),
        "created_at_us": (row["created_at"] - EPOCH) // timedelta(microseconds=1),
    }
    return {**row, "entry_hash": entry_hash(fields, row["previous_hash"])}


def exported(*chains: tuple[str, str, list[str]], heads_only: bool = False) -> bytes:
    """A whole export of chains: tenant, id, lines."""
    out = io.BytesIO()
    writer = ExportWriter(out, EXPORTED, heads_only=heads_only)
    for tenant, chain, lines in chains:
        writer.chain(tenant, chain, lines)
    writer.end()
    return out.getvalue()
