"""Laws over every append-only table: what was written stays, for the owner and for a superuser too."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Table, text
from sqlalchemy.exc import DBAPIError

from hedgerow.registry import domains
from isolation.oracle import TENANT_A, name, open_scope, refusal

APPEND_ONLY = [t for d in domains() for t in d.tables if t.info.get("hedgerow.append_only")]
STATEMENTS = ("UPDATE {0} SET tenant_id = tenant_id", "DELETE FROM {0}", "TRUNCATE {0} CASCADE")


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda s: s.split()[0])
@pytest.mark.parametrize("role", ["admin", "owner"])
@pytest.mark.parametrize("table", APPEND_ONLY, ids=name)
def test_nobody_changes_history(table: Table, role: Any, statement: str, seeded: Any) -> None:
    with seeded.engine(role).connect() as connection:
        if role == "owner":
            open_scope(connection, TENANT_A)
        assert connection.scalar(text(f"SELECT count(*) FROM {table.name}")) > 0
        with pytest.raises(DBAPIError) as refused:
            connection.execute(text(statement.format(table.name)))
        assert refusal(refused.value) == "23001"


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda s: s.split()[0])
@pytest.mark.parametrize("table", APPEND_ONLY, ids=name)
def test_sessions_have_no_grant_to_try(table: Table, statement: str, seeded: Any) -> None:
    with seeded.engine("app").connect() as connection:
        open_scope(connection, TENANT_A)
        with pytest.raises(DBAPIError) as refused:
            connection.execute(text(statement.format(table.name)))
        assert refusal(refused.value) == "42501"
