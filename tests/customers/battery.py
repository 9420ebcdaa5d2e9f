"""Who may do what with a row of each table: the rows, the people, and one try of one command by one of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from hedgerow.core.base import metadata
from hedgerow.core.embedded.bootstrap import OWNER, SESSION
from hedgerow.core.wall import updatable_columns
from hedgerow.registry import domains
from hedgerow.seeding import World
from hedgerow.tenancy.seed import user_ids
from isolation.oracle import OPEN, TENANT_A, TENANT_B, open_scope, refusal

domains()  # declares the tables

ADA, CARLA, CARL, ANNA = user_ids(World(1))[:4]
FOREIGN_ADA = user_ids(World(2))[0]

COMMANDS: Final = {"S": "select", "I": "insert", "U": "update", "D": "delete"}


@dataclass(frozen=True)
class Who:
    """Somebody who asks: role of the database, tenant and user of the scope."""

    user: UUID | None
    tenant: str = TENANT_A
    role: str = SESSION


PEOPLE: Final = {
    "anonymous": Who(None),
    "user": Who(ANNA),
    "csm": Who(CARLA),
    "other csm": Who(CARL),
    "administrator": Who(ADA),
    "administrator of another tenant": Who(FOREIGN_ADA, TENANT_B),
    # The same person, in the scope of a tenant in which she is nobody.
    "administrator elsewhere": Who(FOREIGN_ADA),
    "owner of the schema": Who(None, role=OWNER),
}

X, S, R = (uuid4() for _ in range(3))
"""A customer of Carla's, a session of Anna's about it, and a run in that session."""

ROWS: Final[dict[str, dict[str, Any]]] = {
    "customers": {"name": "'Y'", "arr": "1", "csm_id": f"'{CARLA}'"},
    **{
        name: {"customer_id": f"'{X}'", **more}
        for name, more in {
            "stakeholders": {"name": "'N'", "email": "'n@x.example'"},
            "contracts": {},
            "entitlements": {"product": "'P'"},
            "health_scores": {"overall": "50"},
            "usage_metrics": {"date": "DATE '2030-01-01' + (random() * 100000)::int"},
            "risk_signals": {"severity": "'low'"},
            "renewal_pipeline": {"renewal_date": "'2030-01-01'"},
            "qbrs": {},
        }.items()
    },
    "agent_sessions": {"customer_id": f"'{X}'", "user_id": f"'{ANNA}'"},
    "agent_messages": {"session_id": f"'{S}'"},
    "agent_runs of a session": {"session_id": f"'{S}'", "agent_id": "'a'", "agent_type": "'t'"},
    "agent_runs of a customer": {"customer_id": f"'{X}'", "agent_id": "'a'", "agent_type": "'t'"},
    "agent_steps": {"run_id": f"'{R}'"},
    "approvals": {"session_id": f"'{S}'", "action_type": "'a'"},
    "users": {"email": "gen_random_uuid()::text"},
}
"""What to write into each table; the rows that are there already belong to the same people."""

PARENTS: Final = ("customer_id", "user_id", "session_id", "run_id", "csm_id")
ROWS |= {
    f"{what.split(' of ')[0]} of nobody": {column: value for column, value in values.items() if column not in PARENTS}
    for what, values in list(ROWS.items())
    if what != "users"
}

TARGETS: Final = {what: uuid4() for what in ROWS} | {"users": ANNA}
"""Id of the row that everybody tries himself on. Nothing hangs on it."""


def table_of(what: str) -> str:
    return what.split()[0]


def plant(admin: Connection) -> None:
    """Put the rows into tenant A, as a superuser; the trigger of scores asks who he is."""
    open_scope(admin, TENANT_A)
    for sql in (
        f"INSERT INTO customers (tenant_id, id, name, arr, csm_id) VALUES ('{TENANT_A}', '{X}', 'X', 1, '{CARLA}')",
        f"""INSERT INTO agent_sessions (tenant_id, id, customer_id, user_id)
            VALUES ('{TENANT_A}', '{S}', '{X}', '{ANNA}')""",
        f"""INSERT INTO agent_runs (tenant_id, id, session_id, agent_id, agent_type)
            VALUES ('{TENANT_A}', '{R}', '{S}', 'a', 't')""",
        *(insert(what, target) for what, target in TARGETS.items() if what != "users"),
    ):
        admin.execute(text(sql))


def insert(what: str, key: UUID) -> str:
    values = {"tenant_id": f"'{TENANT_A}'", "id": f"'{key}'", **ROWS[what]}
    return f"INSERT INTO {table_of(what)} ({', '.join(values)}) VALUES ({', '.join(values.values())})"


def statement(what: str, command: str, who: Who) -> str:
    """One command on the target."""
    name, where = table_of(what), f"WHERE tenant_id = '{TENANT_A}' AND id = '{TARGETS[what]}'"
    if command == "I":
        return insert(what, uuid4())
    if command == "S":
        return f"SELECT FROM {name} {where}"
    if command == "D":
        return f"DELETE FROM {name} {where}"
    column = "email" if name == "users" else updatable_columns(metadata.tables[name])[0]
    change = f"{column} = {column}"
    if name == "approvals":
        me = "NULL" if who.user is None else f"'{who.user}'"
        change = f"status = 'approved', decided_by = {me}, decided_at = now()"
    return f"UPDATE {name} SET {change} {where}"


@contextmanager
def acting(connection: Connection, who: Who) -> Iterator[None]:
    """What is inside is done by somebody, and undone."""
    savepoint = connection.begin_nested()
    try:
        connection.execute(text(f"SET LOCAL ROLE {who.role}"))
        connection.execute(
            text("SELECT FROM app.open_scope(:tenant, :user, CAST(:splits AS text[]), NULL)"),
            {"tenant": who.tenant, "user": None if who.user is None else str(who.user), "splits": list(OPEN)},
        )
        yield
    finally:
        savepoint.rollback()


def may(connection: Connection, what: str, command: str, who: Who) -> bool:
    """Whether somebody gets what he asks for: a row seen, written, changed or deleted; or is refused."""
    try:
        with acting(connection, who):
            return bool(connection.execute(text(statement(what, command, who))).rowcount == 1)
    except DBAPIError as error:
        # A foreign key that keeps a row from being deleted is asked only where the wall lets the deletion through.
        if command == "D" and refusal(error) == "23503":
            return True
        if refusal(error) != "42501":
            raise
        return False


def outcome(connection: Connection, what: str, who: Who) -> str:
    """What somebody may do, as in ``S-U-``."""
    return "".join(command if may(connection, what, command, who) else "-" for command in COMMANDS)
