"""``hedgerow db doctor``: one fault to each question is named with its remedy, and the exit status says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from hedgerow.cli import app
from hedgerow.core.embedded.server import Role
from hedgerow.migrations import Catalogue
from hedgerow.migrations.check import check, declared_catalogue
from hedgerow.migrations.scratch import embedded_database
from planting import quiet_roles

Run = Callable[..., Result]

#: What is done by hand, and the words of question, problem and remedy that the doctor then prints. A fault that the
#: comparison with the declarations sees as well is told twice, which is no harm.
FAULTS = {
    "an extension": (
        "UPDATE pg_extension SET extversion = '0.8.0' WHERE extname = 'vector'",
        "Every extension is of the version",
        "vector 0.8.0, the server has",
        "ALTER EXTENSION ... UPDATE",
    ),
    "row security": (
        "ALTER TABLE users NO FORCE ROW LEVEL SECURITY",
        "Row-level security is forced",
        "users",
        "FORCE ROW LEVEL SECURITY",
    ),
    "a policy": (
        "DROP POLICY tenant_isolation ON users",
        "the policies that its model declares",
        "users.tenant_isolation is missing",
        "alembic/snapshots",
    ),
    "an owner": (
        "ALTER TABLE users OWNER TO postgres",
        "The walls hold for the owner",
        "postgres is a superuser",
        "REASSIGN OWNED",
    ),
    "a view": (
        "ALTER VIEW v_champion_models RESET (security_invoker)",
        "the rights of its caller",
        "v_champion_models",
        "SET (security_invoker = true)",
    ),
    "a function": (
        "ALTER FUNCTION is_admin(uuid) RESET search_path",
        "fixes its search_path",
        "is_admin",
        "SET search_path = pg_catalog, public, pg_temp",
    ),
    "a grant to everybody": (
        "GRANT SELECT ON users TO PUBLIC",
        "Nothing is granted to PUBLIC",
        "users",
        "REVOKE ALL ON TABLE",
    ),
    "a schema open to everybody": (
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        "Sessions can create neither",
        "hedgerow_session may create objects in the schema public",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    ),
    "a trigger": (
        "ALTER TABLE users DISABLE TRIGGER set_updated_at",
        "Every trigger fires",
        "users.set_updated_at",
        "ENABLE TRIGGER ALL",
    ),
    "an index": (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = CAST('pk_users' AS regclass)",
        "Every index is valid",
        "pk_users",
        "REINDEX INDEX CONCURRENTLY",
    ),
    "drift": (
        "ALTER POLICY self ON users USING (true)",
        "The database is as declared",
        "policy users.self is changed",
        "hedgerow db check shows the differences",
    ),
    "a pending revision": (
        "DELETE FROM alembic_version; INSERT INTO alembic_version VALUES ('0001_core')",
        "Every revision has run",
        "0002_tenancy",
        "run hedgerow db upgrade",
    ),
}


@pytest.fixture(scope="module")
def declared(server: Any) -> Catalogue:
    return declared_catalogue(lambda: embedded_database(server))


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the doctor in the test's process on a database, whose sessions log in as ``role``."""
    monkeypatch.setenv("COLUMNS", "400")

    def run(database: Any, *options: str, role: Role = "app", code: int = 0) -> Result:
        for variable, who in (("DATABASE_URL", "owner"), ("HEDGEROW_APP_URL", role)):
            monkeypatch.setenv(variable, database.url(who).render_as_string(hide_password=False))
        result = CliRunner().invoke(app, ["db", "doctor", *options])
        assert result.exit_code == code, result.output or result.exception
        return result

    return run


@pytest.fixture
def compared(declared: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spares each test the building of another scratch database."""
    monkeypatch.setattr("hedgerow.cli.doctor.check", lambda make: check(declared=declared))


def lines(result: Result) -> list[str]:
    return [line.strip() for line in result.stdout.splitlines()]


@pytest.mark.usefixtures("compared")
@pytest.mark.parametrize(("fault", "question", "problem", "remedy"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_named_with_its_remedy(
    fault: str, question: str, problem: str, remedy: str, doctor: Run, database: Any
) -> None:
    with database.admin() as admin:
        for statement in fault.split("; "):
            admin.execute(text(statement))
    said = lines(doctor(database, code=1))
    start = next(number for number, line in enumerate(said) if line.startswith("✗") and question in line)
    end = next((n for n in range(start + 1, len(said)) if said[n].startswith(("✓", "✗"))), len(said))
    found = "\n".join(said[start:end])
    assert problem in found
    assert remedy in found


@pytest.mark.usefixtures("compared")
def test_sessions_of_a_superuser_fail(doctor: Run, database: Any) -> None:
    said = doctor(database, role="admin", code=1).stdout
    assert "postgres is a superuser" in said
    assert "IN ROLE hedgerow_app" in said


def test_a_healthy_database_passes(doctor: Run, database: Any, fresh_database: Any) -> None:
    scratch = fresh_database(None).url("owner").render_as_string(hide_password=False)
    with quiet_roles():
        said = lines(doctor(database, "--scratch-url", scratch))
        found = json.loads(doctor(database, "--scratch-url", scratch, "--json").stdout)
    assert len(said) > 10
    assert {line[0] for line in said} == {"✓"}
    assert found["healthy"]
    assert len(found["findings"]) == len(said)
    assert {(one["healthy"], one["remedy"]) for one in found["findings"]} == {(True, None)}


@pytest.mark.usefixtures("compared")
def test_json_says_everything(doctor: Run, database: Any) -> None:
    with database.admin() as admin:
        for number in range(40):
            admin.execute(text(f'CREATE VIEW "[bold]v{number:02}" AS SELECT 1 AS x'))
    found = json.loads(doctor(database, "--json", code=1).stdout)
    assert not found["healthy"]
    (views,) = [one for one in found["findings"] if one["question"] == "Every view runs with the rights of its caller"]
    assert views["problems"] == [f"[bold]v{number:02}" for number in range(40)]
    assert "security_invoker" in views["remedy"]
    said = doctor(database, code=1).stdout
    assert "[bold]v29\n" in said.replace(" ", "")
    assert "[bold]v30\n" not in said.replace(" ", "")
    assert "and 10 more" in said


def test_what_cannot_be_compared_is_not_healthy(doctor: Run, database: Any) -> None:
    """The owner of the test server may not create databases."""
    said = doctor(database, code=1).stdout
    assert "may not create one" in said
    assert "--scratch-url" in said
