"""What do the two locks cost? The same SELECT five ways, taken in turns, on one table of many tenants.

    by hand    a hand-written WHERE tenant_id = ... AND split_assignment = ..., as a superuser: nothing else happens
    filter     a scoped session as a superuser: the filter alone
    wall       a plain session as the login role of sessions, the scope opened by hand: row-level security alone
    both       a scoped session as the login role of sessions: what an application has
    both, key  the same where a scope key is installed, so that only signed scopes are opened

Prints the median of each in microseconds and its ratio to ``by hand``. The statement that opens a scope is measured by
itself, without and with a signature: it is paid once per transaction, the others once per statement.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from uuid import UUID

from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, Select, create_engine, select
from sqlalchemy.orm import Session

from hedgerow import Scope, open_session
from hedgerow.core.embedded import EmbeddedServer
from hedgerow.core.embedded.server import Role
from hedgerow.core.engine import build_engine
from hedgerow.core.filter import install_filter
from hedgerow.core.open_scope import OPEN_SCOPE, opening_parameters
from hedgerow.core.scope_keys import install_key
from hedgerow.core.token import Signer
from hedgerow.migrations.commands import upgrade
from hedgerow.patients import PatientJourney

TENANT = "BENCH_007"
SCOPE = Scope(TENANT, splits={"train"})

LOAD = """
    INSERT INTO tenant (id, name)
    SELECT 'BENCH_' || to_char(t, 'FM000'), 'Bench' FROM generate_series(1, {tenants}) AS t;
    INSERT INTO ml_split_registry
           (tenant_id, config_name, data_start_date, train_end_date, validation_end_date, test_end_date, data_end_date)
    SELECT id, 'bench', '2020-01-01', '2023-12-31', '2024-06-30', '2024-12-31', '2025-12-31' FROM tenant;
    SET session_replication_role = replica;
    INSERT INTO patient_journeys (tenant_id, patient_id, brand, journey_start_date, split_assignment)
    SELECT 'BENCH_' || to_char(n - n / {tenants} * {tenants} + 1, 'FM000'), 'P' || n, 'Kisqali',
           date '2021-01-01' + mod(n / {tenants}, 700), CASE WHEN random() < 0.7 THEN 'train' ELSE 'test' END
      FROM generate_series(0, {rows} - 1) AS n;
    SET session_replication_role = origin;
    VACUUM ANALYZE patient_journeys;
"""


@contextmanager
def served(rows: int, tenants: int) -> Iterator[EmbeddedServer]:
    """A server of its own with the table filled, removed in the end."""
    home = Path(tempfile.mkdtemp(prefix="hedgerow-bench-"))
    home.chmod(0o755)
    server = EmbeddedServer(home / "server", fast=True)
    try:
        server.start()
        upgrade(server.url("owner"))
        with create_engine(server.url("admin"), isolation_level="AUTOCOMMIT").connect() as admin:
            for statement in LOAD.format(rows=rows, tenants=tenants).split(";")[:-1]:
                admin.exec_driver_sql(statement)
        yield server
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


def contenders(server: EmbeddedServer, signer: Signer, stack: ExitStack) -> dict[str, Session]:
    """An open session for each of the five ways, its transaction begun.

    The key is installed before the last one begins: the transactions of the others have their scopes already.
    """

    def scoped(role: Role, signer: Signer | None = None) -> Session:
        engine = build_engine(server.url(role))
        install_filter(engine, signer=signer)
        return stack.enter_context(open_session(SCOPE, engine=engine, allow_privileged=role == "admin"))

    sessions = {
        "by hand": stack.enter_context(Session(create_engine(server.url("admin")))),
        "filter": scoped("admin"),
        "wall": stack.enter_context(Session(create_engine(server.url("app")))),
        "both": scoped("app"),
    }
    sessions["wall"].execute(OPEN_SCOPE, opening_parameters(SCOPE))
    for session in sessions.values():
        session.execute(select(PatientJourney.id).limit(1))
    with create_engine(server.url("owner")).begin() as owner:
        install_key(owner, signer)
    sessions["both, key"] = scoped("app", signer)
    return sessions


def question(way: str, limit: int) -> Select[tuple[UUID, str]]:
    """The statement, with the condition written out where no lock adds it.

    Each number of rows is a statement of its own: PostgreSQL decides from the first executions of a prepared statement
    whether it plans each of the others anew, and would decide for a thousand rows from what one costs.
    """
    found = PatientJourney.brand.label(f"brand_of_{limit}")
    statement = select(PatientJourney.id, found).order_by(PatientJourney.id).limit(limit)
    if way == "by hand":
        statement = statement.where(PatientJourney.tenant_id == TENANT, PatientJourney.split_assignment == "train")
    return statement


def ask(session: Session, statement: Select[tuple[UUID, str]]) -> object:
    """Run the statement and fetch every row."""
    return session.execute(statement).all()


def medians(work: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median microseconds of each piece of work, taken in turns so that a slow moment hits all alike."""
    taken: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(rounds + 5):
        for name, piece in work.items():
            began = time.perf_counter()
            piece()
            if turn >= 5:  # the first turns fill caches
                taken[name].append((time.perf_counter() - began) * 1e6)
    return {name: statistics.median(times) for name, times in taken.items()}


def opening(connection: Connection, signer: Signer | None) -> None:
    """What the first statement of a scoped transaction costs."""
    connection.execute(OPEN_SCOPE, opening_parameters(SCOPE, signer)).all()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--tenants", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=300)
    given = parser.parse_args()
    console, signer = Console(highlight=False), Signer.create("bench")
    with console.status(f"Loading {given.rows:,} rows of {given.tenants} tenants") as status, ExitStack() as stack:
        server = stack.enter_context(served(given.rows, given.tenants))
        app = stack.enter_context(create_engine(server.url("app")).connect())
        once = medians({"unsigned": partial(opening, app, None)}, given.rounds)
        sessions = contenders(server, signer, stack)
        once |= medians({"signed": partial(opening, app, signer)}, given.rounds)
        table = Table("rows", *(f"{way} µs" for way in sessions), *(f"{way} ×" for way in list(sessions)[1:]))
        for limit in (1, 1_000):
            status.update(f"Reading {limit:,} rows, {given.rounds} rounds of {len(sessions)} ways")
            work = {way: partial(ask, session, question(way, limit)) for way, session in sessions.items()}
            found = medians(work, given.rounds)
            ratios = [f"{found[way] / found['by hand']:.2f}" for way in list(sessions)[1:]]
            table.add_row(f"{limit:,}", *(f"{found[way]:,.0f}" for way in sessions), *ratios)
    console.print(table)
    for how, taken in once.items():
        console.print(f"Opening a scope, {how}, once per transaction: {taken:,.0f} µs")


if __name__ == "__main__":
    main()
