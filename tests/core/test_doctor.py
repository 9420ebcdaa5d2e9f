"""The doctor finds nothing in a healthy database, and every fault that is planted."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from hedgerow.doctor import Finding, examine
from planting import planting

FAULTS = {
    "row security that spares the owner": (
        "ALTER TABLE treatment_events NO FORCE ROW LEVEL SECURITY",
        "Row-level security is forced on every tenant table",
        "treatment_events",
    ),
    "no row security": (
        "ALTER TABLE tenant DISABLE ROW LEVEL SECURITY",
        "Row-level security is forced on every tenant table",
        "tenant",
    ),
    "no tenant policy": (
        "DROP POLICY tenant_isolation ON users",
        "Every tenant table has its restrictive tenant policy",
        "users",
    ),
    "a tenant policy that is permissive": (
        "DROP POLICY tenant_isolation ON users; CREATE POLICY tenant_isolation ON users USING (true)",
        "Every tenant table has its restrictive tenant policy",
        "users",
    ),
    "a tenant policy for reading only": (
        "DROP POLICY tenant_isolation ON users;"
        "CREATE POLICY tenant_isolation ON users AS RESTRICTIVE FOR SELECT USING (true)",
        "Every tenant table has its restrictive tenant policy",
        "users",
    ),
    "a view of its owner": (
        "ALTER VIEW v_champion_models SET (security_invoker = false)",
        "Every view runs with the rights of its caller",
        "v_champion_models",
    ),
    "a new view of its owner": (
        "CREATE VIEW everything AS SELECT * FROM patient_journeys",
        "Every view runs with the rights of its caller",
        "everything",
    ),
    "a function of its owner that looks anywhere": (
        "ALTER FUNCTION is_admin(uuid) RESET search_path",
        "Every SECURITY DEFINER function fixes its search_path",
        "is_admin",
    ),
    "another function of its owner": (
        "ALTER FUNCTION app.assign_split(text, numeric, numeric, numeric) SECURITY DEFINER",
        "Every SECURITY DEFINER function fixes its search_path",
        "assign_split",
    ),
    "a table for PUBLIC": (
        "GRANT SELECT ON agent_registry TO PUBLIC",
        "Nothing is granted to PUBLIC",
        "agent_registry",
    ),
    "a view for PUBLIC": (
        "GRANT SELECT ON v_champion_models TO PUBLIC",
        "Nothing is granted to PUBLIC",
        "v_champion_models",
    ),
    "a column for PUBLIC": ("GRANT SELECT (email) ON users TO PUBLIC", "Nothing is granted to PUBLIC", "users"),
    "a function for PUBLIC": (
        "GRANT EXECUTE ON FUNCTION app.register_patient(text, text) TO PUBLIC",
        "Nothing is granted to PUBLIC",
        "register_patient",
    ),
    "an index that is not valid": (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = CAST('pk_users' AS regclass)",
        "Every index is valid",
        "pk_users",
    ),
}


def faults(findings: list[Finding]) -> dict[str, tuple[str, ...]]:
    assert all(finding.remedy for finding in findings)
    return {finding.question: finding.problems for finding in findings if not finding.healthy}


@pytest.mark.parametrize("role", ["owner", "admin"])
def test_a_healthy_database(role: Any, module_database: Any) -> None:
    with module_database.engine(role).connect() as connection:
        findings = list(examine(connection, module_database.url("app")))
    assert faults(findings) == {}
    assert {question for _, question, _ in FAULTS.values()} < {finding.question for finding in findings}


@pytest.mark.parametrize(("fault", "question", "problem"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_found(fault: str, question: str, problem: str, module_database: Any) -> None:
    with planting(module_database) as connection:
        for statement in fault.split(";"):
            connection.execute(text(statement))
        assert faults(list(examine(connection, module_database.url("app")))) == {question: (problem,)}


@pytest.mark.parametrize(
    ("role", "problems"),
    [
        ("admin", {"postgres is a superuser", "postgres has BYPASSRLS"}),
        ("owner", {"hedgerow_owner owns tables", "hedgerow_owner is no member of hedgerow_app"}),
    ],
)
def test_sessions_of_the_powerful_are_found(role: Any, problems: set[str], module_database: Any) -> None:
    with module_database.engine("owner").connect() as connection:
        found = faults(list(examine(connection, module_database.url(role))))
    assert problems <= set(found["Sessions connect as an ordinary role"])
    assert [name for name in found if not name.startswith("Sessions")] == []


def test_sessions_that_cannot_connect_are_a_finding(module_database: Any) -> None:
    with module_database.engine("owner").connect() as connection:
        found = faults(list(examine(connection, module_database.url("app").set(database="nowhere"))))
    assert next(iter(found)).startswith("Sessions")
    assert all("nowhere" in problem for problems in found.values() for problem in problems)


@pytest.mark.parametrize(
    ("grant", "problem"),
    [
        ("TEMPORARY ON DATABASE {0}", "hedgerow_session may create temporary tables in {0}"),
        ("CREATE ON SCHEMA public", "hedgerow_session may create objects in the schema public"),
    ],
)
def test_sessions_that_may_create_are_found(grant: str, problem: str, module_database: Any) -> None:
    grant, problem = grant.format(module_database.name), problem.format(module_database.name)
    with module_database.admin() as admin:
        admin.execute(text(f"GRANT {grant} TO hedgerow_app"))
        try:
            found = faults(list(examine(admin, module_database.url("app"))))
        finally:
            admin.execute(text(f"REVOKE {grant} FROM hedgerow_app"))
    assert found == {"Sessions can create neither temporary tables nor objects in public": (problem,)}
