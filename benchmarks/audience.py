"""What does it cost to tell apart who asks? The same questions over health scores, asked in turns in one run.

    explicit       a superuser with everything written out: the tenant, and the customers of the manager by sub-select
    manager        a scoped session of a success manager, behind both locks
    administrator  a scoped session of an administrator, who sees every customer

Three questions: the scores of one customer, the newest scores, and how many scores there are. The administrator is
shown those of every customer, of which the manager has one in a hundred.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from rich.console import Console
from rich.table import Table
from scope import medians
from sqlalchemy import Select, create_engine, func, select
from sqlalchemy.orm import Session

from hedgerow import Scope, open_session
from hedgerow.core.embedded import EmbeddedServer
from hedgerow.core.engine import build_engine
from hedgerow.customers import Customer, HealthScore
from hedgerow.migrations.commands import upgrade

TENANT = "BENCH_1"
ADMIN, MANAGER = UUID(int=1), UUID(int=1_000)

LOAD = """
    INSERT INTO tenant (id, name) SELECT 'BENCH_' || t, 'Bench' FROM generate_series(1, 5) AS t;
    SET session_replication_role = replica;
    INSERT INTO users (tenant_id, id, email, role) VALUES ('BENCH_1', '{admin}', 'a@bench.example', 'admin');
    INSERT INTO users (tenant_id, id, email, role)
    SELECT 'BENCH_1', lpad(to_hex(1000 + n), 32, '0')::uuid, 'm' || n || '@bench.example', 'csm'
      FROM generate_series(0, {managers} - 1) AS n;
    INSERT INTO customers (tenant_id, name, arr, csm_id)
    SELECT 'BENCH_' || 1 + mod(n, 5), 'C' || n, 1, lpad(to_hex(1000 + mod(n / 5, {managers})), 32, '0')::uuid
      FROM generate_series(0, 5 * {customers} - 1) AS n;
    INSERT INTO health_scores (tenant_id, customer_id, overall, calculated_at)
    SELECT c.tenant_id, c.id, 50, now() - n * interval '1 day' FROM customers AS c, generate_series(1, 10) AS n;
    SET session_replication_role = origin;
    VACUUM ANALYZE users, customers, health_scores;
"""


@contextmanager
def served(customers: int, managers: int) -> Iterator[EmbeddedServer]:
    """A server of its own with the tables filled, removed in the end."""
    home = Path(tempfile.mkdtemp(prefix="hedgerow-bench-"))
    home.chmod(0o755)
    server = EmbeddedServer(home / "server", fast=True)
    try:
        server.start()
        upgrade(server.url("owner"))
        with create_engine(server.url("admin"), isolation_level="AUTOCOMMIT").connect() as admin:
            for statement in LOAD.format(customers=customers, managers=managers, admin=ADMIN).split(";")[:-1]:
                admin.exec_driver_sql(statement)
        yield server
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


def questions(customer: UUID) -> dict[str, Select[Any]]:
    """What is asked; who asks is not part of it."""
    scores = select(HealthScore.id, HealthScore.overall)
    return {
        "one customer": scores.where(HealthScore.customer_id == customer),
        "the newest 20": scores.order_by(HealthScore.calculated_at.desc()).limit(20),
        "how many": select(func.count()).select_from(HealthScore),
    }


def written_out(statement: Select[Any]) -> Select[Any]:
    """The statement with what the locks add."""
    own = select(Customer.id).where(Customer.tenant_id == TENANT, Customer.csm_id == MANAGER)
    return statement.where(HealthScore.tenant_id == TENANT, HealthScore.customer_id.in_(own))


def ask(session: Session, statement: Select[Any]) -> object:
    """Run the statement and fetch every row."""
    return session.execute(statement).all()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=20_000, help="of each of five tenants")
    parser.add_argument("--managers", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=100)
    given = parser.parse_args()
    console = Console(highlight=False)
    with console.status(f"Loading {given.customers * 50:,} scores"), ExitStack() as stack:
        server = stack.enter_context(served(given.customers, given.managers))
        engine = build_engine(server.url("app"))
        sessions: dict[str, Session] = {
            "explicit": stack.enter_context(Session(create_engine(server.url("admin")))),
            "manager": stack.enter_context(open_session(Scope(TENANT, user_id=MANAGER), engine=engine)),
            "administrator": stack.enter_context(open_session(Scope(TENANT, user_id=ADMIN), engine=engine)),
        }
        customer = sessions["manager"].scalars(select(Customer.id).limit(1)).one()
        table = Table("question", *(f"{who} µs" for who in sessions), *(f"{who} ×" for who in list(sessions)[1:]))
        for name, statement in questions(customer).items():
            asked = {who: written_out(statement) if who == "explicit" else statement for who in sessions}
            work: dict[str, Callable[[], object]] = {
                who: partial(ask, session, asked[who]) for who, session in sessions.items()
            }
            found = medians(work, given.rounds)
            ratios = [f"{found[who] / found['explicit']:.2f}" for who in list(sessions)[1:]]
            table.add_row(name, *(f"{found[who]:,.0f}" for who in sessions), *ratios)
    console.print(table)


if __name__ == "__main__":
    main()
