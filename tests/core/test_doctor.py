"""The doctor finds nothing in a healthy database, and every fault that is planted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, text

from hedgerow.core.roles import LARGE_OBJECTS
from hedgerow.doctor import Finding, examine
from planting import planting, quiet_roles

ORDINARY = "Sessions connect as an ordinary role"
FORCED = "Row-level security is forced on every tenant table"
POLICIES = "Every tenant table has the policies that its model declares, and no others"
OWNERS = "The walls hold for the owner of tables and functions"
VIEWS = "Every view runs with the rights of its caller"
FUNCTIONS = "Every SECURITY DEFINER function fixes its search_path"
PUBLIC = "Nothing is granted to PUBLIC"
TRIGGERS = "Every trigger fires and every constraint holds"
EXTENSIONS = "Every extension is of the version that the server brings"
INDEXES = "Every index is valid"
RULES = "No rule rewrites what is done to a table"
SETTINGS = "No setting of a role or database changes what statements mean"
LARGE = "Nobody but superusers keeps anything in large objects"
OTHERS = "No other login of a group passes the walls"
APART = "Who only reads or audits is no member of those who write"
COPIES = "No publication copies tables"
LEAKPROOF = "No function claims to be leakproof"
OUTSIDE = "Nothing that members of a group may use reaches out of the database"
SERVER = "Nothing of the server itself is granted to members of a group"

FAULTS = {
    "a rule": ("CREATE RULE also AS ON UPDATE TO users DO ALSO SELECT 1", RULES, "users.also"),
    "a setting of every role": (
        "ALTER ROLE ALL SET transform_null_equals = on",
        SETTINGS,
        "every role sets transform_null_equals",
    ),
    "a setting that a role gave itself": (
        "ALTER ROLE hedgerow_evaluation SET search_path = public, app",
        SETTINGS,
        "role hedgerow_evaluation sets search_path",
    ),
    "files of the server": (
        "GRANT EXECUTE ON FUNCTION pg_read_file(text) TO hedgerow_app",
        SERVER,
        "pg_read_file to hedgerow_app",
    ),
    "values in statistics": (
        "GRANT SELECT ON pg_statistic TO hedgerow_session",
        SERVER,
        "pg_statistic to hedgerow_session",
    ),
    "another login that is a superuser": (
        "CREATE ROLE other_login LOGIN SUPERUSER IN ROLE hedgerow_readonly",
        OTHERS,
        "other_login is a superuser",
    ),
    "another login whom no policy stops": (
        "CREATE ROLE other_login LOGIN BYPASSRLS IN ROLE hedgerow_evaluator",
        OTHERS,
        "other_login has BYPASSRLS",
    ),
    "another login that copies": (
        "CREATE ROLE between IN ROLE hedgerow_auditor; CREATE ROLE other_login LOGIN REPLICATION IN ROLE between",
        OTHERS,
        "other_login has REPLICATION, which copies every table",
    ),
    "another login that may become one whom no policy stops": (
        "CREATE ROLE mighty BYPASSRLS; CREATE ROLE other_login LOGIN IN ROLE hedgerow_app, mighty",
        OTHERS,
        "other_login is a member of mighty",
    ),
    "another login that reads everything": (
        "GRANT pg_read_all_data TO hedgerow_auditing",
        OTHERS,
        "hedgerow_auditing is a member of pg_read_all_data",
    ),
    "a reader who writes": (
        "GRANT hedgerow_app TO hedgerow_reading",
        APART,
        "hedgerow_reading is a member of hedgerow_app, hedgerow_readonly",
    ),
    "an auditor who writes": (
        "GRANT hedgerow_evaluator TO hedgerow_auditing",
        APART,
        "hedgerow_auditing is a member of hedgerow_app, hedgerow_auditor, hedgerow_evaluator",
    ),
    "a publication of everything": ("CREATE PUBLICATION copy FOR ALL TABLES", COPIES, "copy"),
    "a publication of a schema": ("CREATE PUBLICATION copy FOR TABLES IN SCHEMA public", COPIES, "copy"),
    "a publication of a table": ("CREATE PUBLICATION copy FOR TABLE app.scope_key", COPIES, "copy"),
    "a function that is called before the policies": (
        "ALTER FUNCTION app.assign_split(text, numeric, numeric, numeric) LEAKPROOF",
        LEAKPROOF,
        "assign_split",
    ),
    "connections of sessions to anywhere": ("CREATE EXTENSION dblink", OUTSIDE, "functions of dblink"),
    "a server for sessions": (
        "CREATE EXTENSION postgres_fdw; CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw;"
        "GRANT USAGE ON FOREIGN SERVER elsewhere TO hedgerow_app",
        OUTSIDE,
        "the server elsewhere",
    ),
    "files for sessions": (
        "CREATE EXTENSION file_fdw; GRANT USAGE ON FOREIGN DATA WRAPPER file_fdw TO hedgerow_session",
        OUTSIDE,
        "the foreign data wrapper file_fdw",
    ),
    "large objects": (
        "GRANT EXECUTE ON FUNCTION lo_from_bytea(oid, bytea) TO PUBLIC",
        LARGE,
        "lo_from_bytea(oid,bytea) is open to PUBLIC",
    ),
    "row security that spares the owner": (
        "ALTER TABLE treatment_events NO FORCE ROW LEVEL SECURITY",
        FORCED,
        "treatment_events",
    ),
    "no row security": ("ALTER TABLE tenant DISABLE ROW LEVEL SECURITY", FORCED, "tenant"),
    "a table of tenants that nobody declared": (
        "CREATE TABLE copied (tenant_id text, secret text)",
        FORCED,
        "copied",
    ),
    "no tenant policy": ("DROP POLICY tenant_isolation ON users", POLICIES, "users.tenant_isolation is missing"),
    "a tenant policy that is permissive": (
        "DROP POLICY tenant_isolation ON users; CREATE POLICY tenant_isolation ON users USING (true)",
        POLICIES,
        "users.tenant_isolation is PERMISSIVE FOR ALL TO PUBLIC, and not RESTRICTIVE FOR ALL TO PUBLIC",
    ),
    "a tenant policy for reading only": (
        "DROP POLICY tenant_isolation ON users;"
        "CREATE POLICY tenant_isolation ON users AS RESTRICTIVE FOR SELECT USING (true)",
        POLICIES,
        "users.tenant_isolation is RESTRICTIVE FOR SELECT TO PUBLIC, and not RESTRICTIVE FOR ALL TO PUBLIC",
    ),
    "a tenant policy for one role only": (
        "ALTER POLICY tenant_isolation ON users TO hedgerow_owner",
        POLICIES,
        "users.tenant_isolation is RESTRICTIVE FOR ALL TO hedgerow_owner, and not RESTRICTIVE FOR ALL TO PUBLIC",
    ),
    "a tenant policy that lets read everything": (
        "ALTER POLICY tenant_isolation ON users USING (true)",
        POLICIES,
        "users.tenant_isolation does not ask for the tenant of the scope",
    ),
    "a tenant policy that lets write everything": (
        "ALTER POLICY tenant_isolation ON users WITH CHECK (true)",
        POLICIES,
        "users.tenant_isolation does not ask for the tenant of the scope",
    ),
    "an audience that nobody declared": (
        "CREATE POLICY everybody ON users USING (true)",
        POLICIES,
        "users.everybody is not declared",
    ),
    "an audience that is gone": (
        "DROP POLICY tenant_members ON patient_journeys",
        POLICIES,
        "patient_journeys.tenant_members is missing",
    ),
    "a table that a superuser owns": ("ALTER TABLE users OWNER TO postgres", OWNERS, "postgres is a superuser"),
    "a function that a superuser owns": (
        "ALTER FUNCTION app.register_patient(text, text) OWNER TO postgres",
        OWNERS,
        "postgres is a superuser",
    ),
    "an owner whom no policy stops": ("ALTER ROLE hedgerow_owner BYPASSRLS", OWNERS, "hedgerow_owner has BYPASSRLS"),
    "a view of its owner": (
        "ALTER VIEW v_champion_models SET (security_invoker = false)",
        VIEWS,
        "v_champion_models",
    ),
    "a new view of its owner": ("CREATE VIEW everything AS SELECT * FROM patient_journeys", VIEWS, "everything"),
    "a materialised view": (
        "CREATE MATERIALIZED VIEW everything AS SELECT * FROM patient_journeys",
        VIEWS,
        "everything",
    ),
    "a function of its owner that looks anywhere": (
        "ALTER FUNCTION is_admin(uuid) RESET search_path",
        FUNCTIONS,
        "is_admin",
    ),
    "a function of its owner that looks into temporary tables first": (
        "ALTER FUNCTION is_admin(uuid) SET search_path = pg_catalog, public",
        FUNCTIONS,
        "is_admin",
    ),
    "another function of its owner": (
        "ALTER FUNCTION app.assign_split(text, numeric, numeric, numeric) SECURITY DEFINER",
        FUNCTIONS,
        "assign_split",
    ),
    "a table for PUBLIC": ("GRANT SELECT ON agent_registry TO PUBLIC", PUBLIC, "agent_registry"),
    "a view for PUBLIC": ("GRANT SELECT ON v_champion_models TO PUBLIC", PUBLIC, "v_champion_models"),
    "a column for PUBLIC": ("GRANT SELECT (email) ON users TO PUBLIC", PUBLIC, "users"),
    "a function for PUBLIC": (
        "GRANT EXECUTE ON FUNCTION app.register_patient(text, text) TO PUBLIC",
        PUBLIC,
        "register_patient",
    ),
    "a schema that everybody fills": ("GRANT CREATE ON SCHEMA public TO PUBLIC", PUBLIC, "CREATE on schema public"),
    "a schema that everybody enters": ("GRANT USAGE ON SCHEMA app TO PUBLIC", PUBLIC, "USAGE on schema app"),
    "tables to come for PUBLIC": (
        "ALTER DEFAULT PRIVILEGES FOR ROLE hedgerow_owner GRANT SELECT ON TABLES TO PUBLIC",
        PUBLIC,
        "SELECT by default, of hedgerow_owner",
    ),
    "a trigger that sleeps": (
        "ALTER TABLE ml_split_access_log DISABLE TRIGGER forbid_mutation",
        TRIGGERS,
        "ml_split_access_log.forbid_mutation",
    ),
    "foreign keys that are not checked": (
        "UPDATE pg_trigger SET tgenabled = 'D' WHERE tgisinternal AND tgrelid = CAST('users' AS regclass)",
        TRIGGERS,
        "users: foreign keys are not checked",
    ),
    "a constraint that old rows may break": (
        "ALTER TABLE users ADD CONSTRAINT late CHECK (email <> '') NOT VALID",
        TRIGGERS,
        "users.late",
    ),
    "an extension that was left behind": (
        "UPDATE pg_extension SET extversion = '0.8.0' WHERE extname = 'vector'",
        EXTENSIONS,
        "vector 0.8.0, the server has {vector}",
    ),
    "an index that is not valid": (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = CAST('pk_users' AS regclass)",
        INDEXES,
        "pk_users",
    ),
}


@pytest.fixture(autouse=True)
def roles_of_the_server(request: pytest.FixtureRequest) -> Iterator[None]:
    """Roles are of the whole server: nobody asks while another test has made a login with what it should not have."""
    with quiet_roles(changing="powerful" in request.fixturenames):
        yield


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
        brought = connection.scalar(text("SELECT default_version FROM pg_available_extensions WHERE name = 'vector'"))
        found = faults(list(examine(connection, module_database.url("app"))))
    assert found == {question: (problem.format(vector=brought),)}


def test_the_page_for_your_own_server_says_what_the_doctor_wants() -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / "own-postgresql.md"
    assert f"REVOKE EXECUTE ON FUNCTION {LARGE_OBJECTS} FROM PUBLIC;" in " ".join(page.read_text("utf-8").split())


def test_servers_that_are_too_old_are_found(module_database: Any) -> None:
    with planting(module_database) as connection:
        connection.execute(text("UPDATE pg_extension SET extversion = '0.7.4' WHERE extname = 'vector'"))
        found = faults(list(examine(connection, module_database.url("app"))))
        assert found["PostgreSQL 16 or newer with pgvector 0.8 or newer"] == ("vector 0.7.4",)
        connection.execute(text("DELETE FROM pg_extension WHERE extname = 'vector'"))
        found = faults(list(examine(connection, module_database.url("app"))))
        assert found["PostgreSQL 16 or newer with pgvector 0.8 or newer"] == ("the extension vector is missing",)


@pytest.mark.parametrize(
    ("role", "problems"),
    [
        ("admin", {"postgres is a superuser", "postgres has BYPASSRLS", "postgres has REPLICATION"}),
        ("owner", {"hedgerow_owner owns tables", "hedgerow_owner is no member of hedgerow_app"}),
    ],
)
def test_sessions_of_the_powerful_are_found(role: Any, problems: set[str], module_database: Any) -> None:
    with module_database.engine("owner").connect() as connection:
        found = faults(list(examine(connection, module_database.url(role))))
    said = {problem.partition(",")[0] for problem in found[ORDINARY]}
    assert problems <= said
    assert [name for name in found if not name.startswith("Sessions")] == []


@pytest.fixture
def powerful(module_database: Any) -> Iterator[Any]:
    """Makes a login of its own, with what it should not have: tests that run meanwhile share the roles of sessions."""
    login, group = f"login_{module_database.name}", f"group_{module_database.name}"
    with module_database.admin() as admin:

        def make(*statements: str) -> URL:
            for statement in ("CREATE ROLE {login} LOGIN IN ROLE hedgerow_app", *statements):
                admin.execute(text(statement.format(login=login, group=group, database=module_database.name)))
            url: URL = module_database.url("app")
            return url.set(username=login)

        yield make
        admin.execute(text(f"DROP OWNED BY {login}"))
        admin.execute(text(f"DROP ROLE IF EXISTS {login}, {group}"))


@pytest.mark.parametrize(
    ("statements", "problem"),
    [
        (["ALTER ROLE {login} SUPERUSER"], "is a superuser"),
        (["ALTER ROLE {login} BYPASSRLS"], "has BYPASSRLS"),
        (
            ["ALTER ROLE {login} SET session_replication_role = replica"],
            "runs with session_replication_role = replica, so that no trigger fires",
        ),
        (["ALTER ROLE {login} REPLICATION"], "has REPLICATION, which copies every table"),
        (["GRANT pg_read_all_data TO {login}"], "is a member of pg_read_all_data"),
        (["GRANT pg_write_all_data TO {login}"], "is a member of pg_write_all_data"),
        (["GRANT pg_monitor TO {login}"], "is a member of pg_monitor, pg_read_all_stats"),
        (["GRANT hedgerow_owner TO {login}"], "is a member of hedgerow_owner"),
        # What is not inherited can be had all the same: SET ROLE.
        (["GRANT hedgerow_owner TO {login} WITH INHERIT FALSE"], "is a member of hedgerow_owner"),
        (["CREATE ROLE {group} BYPASSRLS", "GRANT {group} TO {login}"], "is a member of {group}"),
        (
            ["GRANT SET ON PARAMETER session_replication_role TO {login}"],
            "may set session_replication_role, which silences triggers",
        ),
        (["REVOKE hedgerow_app FROM {login}"], "is no member of hedgerow_app"),
    ],
    ids=str,
)
def test_sessions_with_a_way_around_are_found(
    statements: list[str], problem: str, powerful: Any, module_database: Any
) -> None:
    url = powerful("GRANT CONNECT ON DATABASE {database} TO {login}", *statements)
    with module_database.engine("owner").connect() as connection:
        found = faults(list(examine(connection, url)))
    wanted = f"{url.username} {problem.format(group=f'group_{module_database.name}')}"
    assert wanted in found[ORDINARY]
    if "SUPERUSER" not in statements[0] and "hedgerow_owner" not in statements[0]:
        assert found == {ORDINARY: (wanted,)}


def test_evaluators_are_asked_too(powerful: Any, module_database: Any) -> None:
    app = module_database.url("app")
    plain = powerful()
    with module_database.engine("owner").connect() as connection:
        assert faults(list(examine(connection, app, module_database.url("evaluator")))) == {}
        assert faults(list(examine(connection, app, app))) == {}, "one login for both"
        found = faults(list(examine(connection, app, plain)))
    assert found == {
        "Evaluators connect as an ordinary role": (f"{plain.username} is no member of hedgerow_evaluator",)
    }


def test_a_role_assumed_at_login_hides_nothing(module_database: Any) -> None:
    url = module_database.url("admin").update_query_dict({"options": "-c role=hedgerow_session"})
    with module_database.engine("owner").connect() as connection:
        found = faults(list(examine(connection, url)))
    assert "postgres is a superuser" in found[ORDINARY]


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
