"""What the page of the domain shows runs, and says what it says."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, text

from customers.battery import CARLA
from docs.test_snippets import ROOT, blocks
from hedgerow import Scope, open_session, unscoped_sql
from hedgerow.core.engine import dispose_engines
from hedgerow.customers import Customer
from isolation.oracle import TENANT_A


def test_the_page_runs(
    fresh_database: Any, seeded_template: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    database = fresh_database(seeded_template)
    monkeypatch.setenv("DATABASE_URL", database.url("owner").render_as_string(hide_password=False))
    monkeypatch.setenv("HEDGEROW_APP_URL", database.url("app").render_as_string(hide_password=False))
    seen: dict[str, Any] = {}
    try:
        for snippet in blocks(ROOT / "docs" / "domains" / "customers.md"):
            exec(compile(snippet, "customers.md", "exec"), seen)
    finally:
        dispose_engines()
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "Lakeside Hospital Group 41 2"
    assert said[-2:] == ["63", "['Fenland Surgery']"]


def test_a_customer_is_erased_by_marked_text(fresh_database: Any, seeded_template: str) -> None:
    database = fresh_database(seeded_template)
    engine = database.scoped_engine("app")
    with open_session(Scope(TENANT_A, user_id=CARLA), engine=engine) as session:
        customer = Customer(name="To be erased", arr=1, csm_id=CARLA)
        session.add(customer)
        session.flush()
        erase = text("DELETE FROM customers WHERE name = :name OR csm_id IS DISTINCT FROM :me")
        marked = unscoped_sql("a person asked for it")
        erased = session.execute(erase, {"name": "To be erased", "me": CARLA}, execution_options=marked).rowcount
        assert erased == 1, "behind the policies, nothing else"
        found = select(Customer.name).where(Customer.name == "To be erased")
        assert session.scalars(found, execution_options={"include_deleted": True}).all() == []
    engine.dispose()
