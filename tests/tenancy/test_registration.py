"""Creating tenants: the owner's work, in Python and on the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from typer.testing import CliRunner, Result

from hedgerow.cli.tenants import app
from hedgerow.core.engine import dispose_engines
from hedgerow.core.errors import ScopeError
from hedgerow.tenancy.registration import TenantExistsError, create_tenant

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def forget(module_database: Any) -> Iterator[None]:
    """The tenants of one test are not there in the next."""
    yield
    with module_database.admin() as admin:
        admin.execute(text("DELETE FROM tenant"))


@pytest.fixture
def run(module_database: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    for variable, role in (("DATABASE_URL", "owner"), ("HEDGEROW_APP_URL", "app")):
        monkeypatch.setenv(variable, module_database.url(role).render_as_string(hide_password=False))
    yield lambda *arguments: CliRunner().invoke(app, list(arguments))
    dispose_engines()


def tenants(database: Any) -> list[tuple[str, str, str]]:
    with database.admin() as admin:
        return [tuple(row) for row in admin.execute(text("SELECT id, name, status FROM tenant ORDER BY id"))]


@pytest.mark.parametrize("tenant", ["ONE", "x" * 50, "O'Brien & Söhne"])
def test_a_tenant_is_created(tenant: str, module_database: Any) -> None:
    with module_database.engine("owner").begin() as owner:
        create_tenant(owner, tenant, "An organisation")
    assert tenants(module_database) == [(tenant, "An organisation", "active")]


def test_a_tenant_is_created_once(module_database: Any) -> None:
    with module_database.engine("owner").begin() as owner:
        create_tenant(owner, "ONE", "First")
        with pytest.raises(TenantExistsError, match="'ONE' exists already"):
            create_tenant(owner, "ONE", "Second")
        create_tenant(owner, "TWO", "The transaction goes on")
    assert [row[:2] for row in tenants(module_database)] == [("ONE", "First"), ("TWO", "The transaction goes on")]


@pytest.mark.parametrize("tenant", ["", "  ", "x" * 51, "A\nB", "A\x00B", None, 7], ids=repr)
def test_what_is_no_id_is_refused(tenant: Any, module_database: Any) -> None:
    with module_database.engine("owner").begin() as owner, pytest.raises(ScopeError):
        create_tenant(owner, tenant, "Nobody")
    assert tenants(module_database) == []


def test_a_session_creates_none(module_database: Any) -> None:
    with (
        module_database.engine("app").begin() as session,
        pytest.raises(ProgrammingError, match="permission denied for function issue_scope"),
    ):
        create_tenant(session, "ONE", "Mine")


def test_on_the_command_line(run: Run, module_database: Any) -> None:
    assert run("add", "ONE").output.strip() == "Created ONE"
    assert run("add", "TWO", "--name", "The second").exit_code == 0
    assert tenants(module_database) == [("ONE", "ONE", "active"), ("TWO", "The second", "active")]
    assert isinstance(run("add", "ONE").exception, TenantExistsError)
    assert isinstance(run("add", " ").exception, ScopeError)
    assert len(tenants(module_database)) == 2
