"""What does an audit chain cost? Appending and verifying, each beside the plain thing, in one run.

    appending    append_audit_entry(s) beside a plain INSERT into a table with the same columns, indexes, checks and
                 policies: one entry a transaction, 1,000 in one call, and 8 sessions at once, on one chain and on 8
    verifying    in the database, in Python from the database, and in Python from a file, beside count(*) and beside
                 sha256 over the same text, in SQL and in Python

Prints entries per second and the ratio to the plain thing. Rounds are taken in turns, so that a slow moment of the
machine hits all alike; the best of each is shown.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from sqlalchemy import Engine, Text, create_engine, func, select, text
from sqlalchemy.dialects.postgresql import JSONB

from hedgerow import Scope, open_session
from hedgerow.audit.models import AuditChainEntry
from hedgerow.audit.offline import ExportWriter, verify_export
from hedgerow.audit.repository import AuditChainRepository, NewAuditEntry
from hedgerow.core.embedded import EmbeddedServer
from hedgerow.core.engine import build_engine
from hedgerow.migrations.commands import upgrade

TENANT, BATCH, SESSIONS = "BENCH_AUDIT", 1000, 8

PLAIN = """
    INSERT INTO tenant (id, name) VALUES ('BENCH_AUDIT', 'Bench');
    CREATE TABLE plain_entries (LIKE audit_chain_entries INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES);
    ALTER TABLE plain_entries ADD FOREIGN KEY (tenant_id) REFERENCES tenant (id);
    ALTER TABLE plain_entries ENABLE ROW LEVEL SECURITY;
    CREATE POLICY tenant_isolation ON plain_entries AS RESTRICTIVE USING (tenant_id = (SELECT app.current_tenant()));
    CREATE POLICY tenant_members ON plain_entries USING (true);
    GRANT SELECT, INSERT ON plain_entries TO hedgerow_app
"""
ONE = text("""
    INSERT INTO plain_entries (chain_id, sequence_number, previous_hash, entity_type, entity_id, action, payload,
                               payload_hash, entry_hash)
    VALUES (:chain, :number, CASE WHEN :number > 1 THEN :previous END, 'patient', :id, 'updated',
            CAST(:payload AS jsonb), :hash, :hash)
""")
MANY = text("""
    INSERT INTO plain_entries (chain_id, sequence_number, previous_hash, entity_type, entity_id, action, payload,
                               payload_hash, entry_hash)
    SELECT :chain, i.place, CASE WHEN i.place > 1 THEN lpad(to_hex(i.place), 64, '0') END, i.entry ->> 'entity_type',
           i.entry ->> 'entity_id', i.entry ->> 'action', i.entry -> 'payload', :hash, :hash
      FROM jsonb_array_elements(CAST(:entries AS jsonb)) WITH ORDINALITY AS i (entry, place)
""")
HASH = "a" * 64


def payload(number: int) -> dict[str, Any]:
    """What an entry typically says."""
    return {"field": "dose", "before": number, "after": number + 0.5, "reason": "Rückfrage", "tags": ["a", "b"]}


def entries(chain: UUID, count: int) -> list[NewAuditEntry]:
    return [NewAuditEntry(chain, "patient", f"P{number}", "updated", payload(number)) for number in range(count)]


@contextmanager
def served() -> Iterator[EmbeddedServer]:
    """A server of its own, removed in the end. Without fsync: what is measured is the work, not the disk."""
    home = Path(tempfile.mkdtemp(prefix="hedgerow-bench-"))
    home.chmod(0o755)
    server = EmbeddedServer(home / "server", fast=True)
    try:
        server.start()
        upgrade(server.url("owner"))
        with create_engine(server.url("admin"), isolation_level="AUTOCOMMIT").connect() as admin:
            for statement in PLAIN.split(";"):
                admin.exec_driver_sql(statement)
        yield server
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


class Writers:
    """Each piece of work appends to chains of its own and returns how many entries it wrote."""

    def __init__(self, engine: Engine, count: int) -> None:
        self.engine, self.count = engine, count

    def chained(self, chain: UUID, count: int) -> None:
        with open_session(Scope(TENANT), engine=self.engine) as session:
            repository = AuditChainRepository(session)
            for number in range(count):
                repository.append(chain, "patient", f"P{number}", "updated", payload(number))
                session.commit()

    def unchained(self, chain: UUID, count: int) -> None:
        """The same through the same kind of session, so that only the chain differs."""
        with open_session(Scope(TENANT), engine=self.engine) as session:
            for number in range(1, count + 1):
                values = {"chain": chain, "number": number, "previous": f"{number:064x}", "id": f"P{number}"}
                session.execute(ONE, {**values, "payload": json.dumps(payload(number)), "hash": HASH})
                session.commit()

    def single(self) -> int:
        self.chained(uuid4(), self.count)
        return self.count

    def single_plain(self) -> int:
        self.unchained(uuid4(), self.count)
        return self.count

    def batch(self) -> int:
        with open_session(Scope(TENANT), engine=self.engine) as session:
            for _ in range(5):
                AuditChainRepository(session).append_many(entries(uuid4(), BATCH))
                session.commit()
        return 5 * BATCH

    def batch_plain(self) -> int:
        with open_session(Scope(TENANT), engine=self.engine) as session:
            for _ in range(5):
                items = [
                    {"entity_type": e.entity_type, "entity_id": e.entity_id, "action": e.action, "payload": e.payload}
                    for e in entries(uuid4(), BATCH)
                ]
                session.execute(MANY, {"chain": uuid4(), "entries": json.dumps(items), "hash": HASH})
                session.commit()
        return 5 * BATCH

    def together(self, chains: list[UUID], work: Callable[[UUID, int], None]) -> int:
        each = max(1, self.count // 4)
        with ThreadPoolExecutor(SESSIONS) as pool:
            list(pool.map(lambda chain: work(chain, each), chains))
        return SESSIONS * each

    def eight_on_one(self) -> int:
        return self.together([uuid4()] * SESSIONS, self.chained)

    def eight_on_eight(self) -> int:
        return self.together([uuid4() for _ in range(SESSIONS)], self.chained)

    def eight_plain(self) -> int:
        return self.together([uuid4() for _ in range(SESSIONS)], self.unchained)


class Verifiers:
    """Each piece of work goes once over one long chain."""

    def __init__(self, engine: Engine, size: int, progress: Progress) -> None:
        self.engine, self.size, self.chain = engine, size, uuid4()
        task = progress.add_task(f"a chain of {size:,}", total=size)
        out = io.BytesIO()
        with open_session(Scope(TENANT), engine=engine) as session:
            repository = AuditChainRepository(session)
            for _ in range(size // BATCH):
                repository.append_many(entries(self.chain, BATCH))
                session.commit()
                progress.update(task, advance=BATCH)
            writer = ExportWriter(out, "2026-01-01T00:00:00Z")
            writer.chain(TENANT, str(self.chain), repository.lines(self.chain))
            writer.end()
        self.file = out.getvalue()
        self.lines = self.file.splitlines()[2:-2]

    def database(self) -> int:
        with open_session(Scope(TENANT), engine=self.engine) as session:
            assert AuditChainRepository(session).inspect(self.chain).fault is None
        return self.size

    def python(self) -> int:
        with open_session(Scope(TENANT), engine=self.engine) as session:
            assert AuditChainRepository(session).recompute(self.chain).fault is None
        return self.size

    def offline(self) -> int:
        assert verify_export(io.BytesIO(self.file)).proven
        return self.size

    def counted(self) -> int:
        with open_session(Scope(TENANT), engine=self.engine) as session:
            count = select(func.count()).select_from(AuditChainEntry).where(AuditChainEntry.chain_id == self.chain)
            assert session.scalar(count) == self.size
        return self.size

    def hashed(self) -> int:
        """sha256 over the text of payload and of the row: the least that SQL can do."""
        row = func.jsonb_build_object("id", AuditChainEntry.entry_id, "hash", AuditChainEntry.payload_hash, type_=JSONB)
        sums = [
            func.sum(func.length(func.sha256(func.convert_to(part.cast(Text), "UTF8"))))
            for part in (AuditChainEntry.payload, row)
        ]
        with open_session(Scope(TENANT), engine=self.engine) as session:
            session.execute(select(*sums).where(AuditChainEntry.chain_id == self.chain)).one()
        return self.size

    def hashed_python(self) -> int:
        """json.loads and sha256 twice a line: the least that Python can do."""
        for line in self.lines:
            json.loads(line)
            hashlib.sha256(line).digest()
            hashlib.sha256(line).digest()
        return self.size


def best(work: dict[str, Callable[[], int]], rounds: int, progress: Progress) -> dict[str, float]:
    """The best entries per second of each piece of work, taken in turns."""
    task = progress.add_task("rounds", total=rounds * len(work))
    found = dict.fromkeys(work, 0.0)
    for _ in range(rounds):
        for name, piece in work.items():
            progress.update(task, description=name)
            began = time.perf_counter()
            count = piece()
            found[name] = max(found[name], count / (time.perf_counter() - began))
            progress.update(task, advance=1)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What an audit chain costs.")
    parser.add_argument("--entries", type=int, default=50_000, help="length of the chain that is verified")
    parser.add_argument("--single", type=int, default=400, help="entries appended one by one in a round")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with Progress(console=Console(stderr=True), transient=True) as progress, served() as server:
        engine = build_engine(server.url("app"), pool_size=SESSIONS)
        writers = Writers(engine, chosen.single)
        verifiers = Verifiers(engine, chosen.entries, progress)
        work: dict[str, Callable[[], int]] = {
            "INSERT, one a transaction": writers.single_plain,
            "append, one a transaction": writers.single,
            "INSERT, 1,000 a statement": writers.batch_plain,
            "append, 1,000 a call": writers.batch,
            "INSERT, 8 sessions": writers.eight_plain,
            "append, 8 sessions on 8 chains": writers.eight_on_eight,
            "append, 8 sessions on one chain": writers.eight_on_one,
            "count(*) in SQL": verifiers.counted,
            "sha256 twice an entry in SQL": verifiers.hashed,
            "verify in the database": verifiers.database,
            "json and sha256 in Python": verifiers.hashed_python,
            "verify in Python from the database": verifiers.python,
            "verify in Python from a file": verifiers.offline,
        }
        found = best(work, chosen.rounds, progress)
        engine.dispose()
    _show(found)


def _show(found: dict[str, float]) -> None:
    table = Table("", title="Audit chains", title_justify="left", box=None)
    for heading in ("entries/s", "of the plain"):
        table.add_column(heading, justify="right")
    plain = 0.0
    for name, rate in found.items():
        if name.startswith(("INSERT", "count", "sha256", "json")):
            plain = rate
            table.add_row(name, f"{rate:,.0f}", "", style="dim")
        else:
            table.add_row(name, f"{rate:,.0f}", f"{rate / plain:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
