"""A world with two tenants, and validations and reviews that can be planted into it, past every wall."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, text

from isolation.oracle import open_scope
from world import OTHER, TENANT, World, make_world

WHEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
ZONES = ("Pacific/Kiritimati", "Pacific/Pago_Pago")
"""The first and the last to begin a day: between them it is another day than in UTC at any time."""


@pytest.fixture(scope="module")
def world(module_database: Any) -> World:
    return make_world(module_database)


class Desk:
    """One transaction, in which rows are planted as superuser and read as superuser or as session."""

    def __init__(self, connection: Connection, role: str) -> None:
        self.connection, self.role = connection, role

    def insert(self, table: str, values: dict[str, Any]) -> UUID:
        key = "validation_id" if table == "causal_validations" else "review_id"
        self.connection.execute(text("RESET ROLE"))
        sql = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(f':{name}' for name in values)})"
        return self.connection.execute(text(f"{sql} RETURNING {key}"), values).scalar_one()

    def validate(self, estimate: UUID, gate: str | None = "proceed", **values: Any) -> UUID:
        row = {
            "tenant_id": TENANT,
            "estimate_id": estimate,
            "test_type": "placebo_treatment",
            "status": "passed",
            "split_assignment": "train",
            "created_at": WHEN,
        }
        return self.insert("causal_validations", row | ({} if gate is None else {"gate_decision": gate}) | values)

    def review(self, status: str = "approved", **values: Any) -> UUID:
        row = {
            "tenant_id": TENANT,
            "review_type": "dag_approval",
            "reviewer_id": "expert",
            "approval_status": status,
            "created_at": WHEN,
        }
        return self.insert("expert_reviews", row | values)

    def today(self, days: int = 0) -> Any:
        """Today in UTC, by the clock of the database, and some days on."""
        return self.connection.scalar(text("SELECT (now() AT TIME ZONE 'UTC')::date")) + timedelta(days=days)

    def become(self, *splits: str, tenant: str = TENANT, zone: str = "UTC") -> None:
        self.connection.execute(text("RESET ROLE"))
        open_scope(self.connection, tenant, splits or ("train", "unassigned"), "a test of the gate")
        self.connection.execute(text(f"SET LOCAL TIME ZONE '{zone}'"))
        if self.role == "app":
            self.connection.execute(text("SET LOCAL ROLE hedgerow_app"))

    def ask(self, sql: str, **values: Any) -> Any:
        return self.connection.scalar(text(f"SELECT {sql}"), values)

    def rows(self, sql: str, **values: Any) -> list[Any]:
        return list(self.connection.execute(text(sql), values))


@pytest.fixture(params=["admin", "app"])
def desk(world: World, request: pytest.FixtureRequest) -> Iterator[Desk]:
    """Everything is rolled back."""
    with world.database.engine("admin").connect() as connection:
        yield Desk(connection, request.param)


__all__ = ["OTHER", "TENANT", "WHEN", "ZONES", "Desk"]
