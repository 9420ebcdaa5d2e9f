"""Laws over every grant: each role may do what is declared, PUBLIC may do nothing, the owner is walled in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Table, text

from hedgerow.core.embedded.bootstrap import AUDITING, EVALUATION, READING, SESSION
from hedgerow.core.objects import Function
from hedgerow.core.predicate import scope_rule
from hedgerow.core.roles import APP_ROLE, AUDITOR_ROLE, EVALUATOR_ROLE, READONLY_ROLE
from hedgerow.core.wall import AUDIENCE_INFO, TENANT_POLICY, updatable_columns
from hedgerow.registry import domains
from isolation.oracle import name, tenant_tables

PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
BY_COLUMN = ("SELECT", "INSERT", "UPDATE", "REFERENCES")
TABLES = [table for domain in domains() for table in domain.tables]
VIEWS = [view.name for domain in domains() for view in domain.views]
AUDITED_VIEWS = {"v_audit_chain_integrity", "v_audit_chain_summary", "v_audit_chain_daily_stats"}
FUNCTIONS: list[Function] = [function for domain in domains() for function in domain.functions]
#: Each group role and the login that the embedded server gives for it.
WRITERS = (APP_ROLE, SESSION, EVALUATOR_ROLE, EVALUATION)
READERS = (READONLY_ROLE, READING)
AUDITORS = (AUDITOR_ROLE, AUDITING)
ROLES = (*WRITERS, *READERS, *AUDITORS)
#: The trail and the logs, spelt out a second time; those that a domain adds are declared with AppendOnly.
AUDITED = {
    "audit_chain_entries",
    "audit_chain_verification_log",
    "ml_leakage_audit",
    "ml_split_access_log",
}
READ_ONLY = ("tenant", "users", "ml_split_registry", "ml_patient_split_assignments")
OURS = """n.nspname IN ('public', 'app') AND NOT EXISTS (
    SELECT FROM pg_depend AS d WHERE d.objid = o.oid AND d.deptype = 'e')"""


@pytest.fixture(scope="module")
def admin(seeded: Any) -> Iterator[Connection]:
    with seeded.admin() as connection:
        yield connection


def held(admin: Connection, relation: str, role: str) -> set[str]:
    """Privileges on the whole relation, whoever they were granted to."""
    return {
        privilege
        for privilege in PRIVILEGES
        if admin.scalar(text("SELECT has_table_privilege(:r, :t, :p)"), {"r": role, "t": relation, "p": privilege})
    }


def columns_held(admin: Connection, relation: str, role: str, privilege: str) -> set[str]:
    found = admin.scalars(
        text("""SELECT attname FROM pg_attribute
                 WHERE attrelid = CAST(:t AS regclass) AND attnum > 0 AND NOT attisdropped
                   AND has_column_privilege(:r, attrelid, attnum, :p)"""),
        {"r": role, "t": relation, "p": privilege},
    )
    return set(found)


def declared_privileges(table: Table, role: str) -> set[str]:
    model = table.info["hedgerow.model"]
    privileges = set(model.__app_privileges__)
    if role in WRITERS:
        return privileges
    if role in READERS:
        return privileges & {"SELECT"}
    return {"SELECT"} if model.__auditor_reads__ else set()


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("table", TABLES, ids=name)
def test_a_role_may_do_with_a_table_what_its_model_says(table: Table, role: str, admin: Connection) -> None:
    declared = declared_privileges(table, role)
    assert held(admin, table.name, role) == declared - {"UPDATE"}
    wanted = {privilege: set(table.columns.keys()) if privilege in declared else set() for privilege in BY_COLUMN}
    if "UPDATE" in declared:
        wanted["UPDATE"] = set(updatable_columns(table))
    assert {privilege: columns_held(admin, table.name, role, privilege) for privilege in BY_COLUMN} == wanted


def test_the_auditor_reads_the_trail_and_nothing_else(admin: Connection) -> None:
    found = {table.name for table in TABLES if held(admin, table.name, AUDITOR_ROLE)}
    assert found == {table.name for table in TABLES if table.info["hedgerow.model"].__auditor_reads__}
    assert found >= AUDITED
    assert not found & {"patient_journeys", "users", "tenant", "ml_patient_split_assignments"}


@pytest.mark.parametrize("role", ROLES)
def test_no_role_reads_the_keys_of_scopes(role: str, admin: Connection) -> None:
    assert held(admin, "app.scope_key", role) == set()
    assert not any(columns_held(admin, "app.scope_key", role, privilege) for privilege in BY_COLUMN)


def test_the_roles_are_ordinary_and_distinct(admin: Connection) -> None:
    found = admin.execute(
        text("""SELECT rolname, rolcanlogin, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication
                  FROM pg_roles WHERE rolname = ANY (:roles)"""),
        {"roles": list(ROLES)},
    )
    logins = {SESSION, EVALUATION, READING, AUDITING}
    assert {tuple(row) for row in found} == {(role, role in logins, False) for role in ROLES}
    member = text("SELECT pg_has_role(:role, :group, 'MEMBER')")
    for role in ROLES:
        for group in (EVALUATOR_ROLE, READONLY_ROLE, AUDITOR_ROLE, "hedgerow_owner", "pg_read_all_data"):
            own = {EVALUATOR_ROLE: WRITERS[2:], READONLY_ROLE: READERS, AUDITOR_ROLE: AUDITORS}.get(group, ())
            assert admin.scalar(member, {"role": role, "group": group}) == (role in own), (role, group)


@pytest.mark.parametrize("table", TABLES, ids=name)
def test_neither_key_nor_tenant_nor_split_can_be_updated(table: Table, admin: Connection) -> None:
    """Spelt out a second time, so that a mistake in the declaration is seen."""
    fixed = {column.name for column in table.primary_key} | {"tenant_id", "split_assignment"}
    assert not columns_held(admin, table.name, APP_ROLE, "UPDATE") & fixed


@pytest.mark.parametrize("relation", [*READ_ONLY, *(t.name for t in TABLES if scope_rule(t) is None)])
def test_what_decides_over_others_is_only_read(relation: str, admin: Connection) -> None:
    assert held(admin, relation, APP_ROLE) == {"SELECT"}
    assert not columns_held(admin, relation, APP_ROLE, "UPDATE")
    assert not columns_held(admin, relation, APP_ROLE, "INSERT")


@pytest.mark.parametrize("role", ROLES)
def test_views_are_only_read(role: str, admin: Connection) -> None:
    for view in VIEWS:
        assert held(admin, view, role) == ({"SELECT"} if role not in AUDITORS or view in AUDITED_VIEWS else set()), view
        assert not columns_held(admin, view, role, "UPDATE") | columns_held(admin, view, role, "INSERT"), view


def test_every_view_looks_with_the_eyes_of_its_caller(admin: Connection) -> None:
    found = admin.scalars(
        text(f"""SELECT o.relname FROM pg_class AS o JOIN pg_namespace AS n ON n.oid = o.relnamespace
                  WHERE o.relkind = 'v' AND {OURS} AND 'security_invoker=true' = ANY (o.reloptions)""")
    )
    assert sorted(found) == sorted(VIEWS)


@pytest.mark.parametrize("role", [SESSION, EVALUATION, READING])
def test_nothing_else_is_reachable(role: str, admin: Connection) -> None:
    """Relations that nobody declared, the table of revisions among them."""
    found = admin.scalars(
        text(f"""SELECT o.relname FROM pg_class AS o JOIN pg_namespace AS n ON n.oid = o.relnamespace
                  WHERE o.relkind IN ('r', 'v', 'p', 'm', 'f', 'S') AND {OURS}
                    AND has_any_column_privilege(:role, o.oid, 'SELECT, INSERT, UPDATE, REFERENCES')"""),
        {"role": role},
    )
    assert set(found) == {table.name for table in TABLES} | set(VIEWS)


@pytest.mark.parametrize(
    "sql",
    [
        f"""SELECT o.relname FROM pg_class AS o JOIN pg_namespace AS n ON n.oid = o.relnamespace,
                   aclexplode(o.relacl) AS a WHERE a.grantee = 0 AND {OURS}""",
        f"""SELECT o.relname || '.' || c.attname FROM pg_class AS o JOIN pg_namespace AS n ON n.oid = o.relnamespace
              JOIN pg_attribute AS c ON c.attrelid = o.oid, aclexplode(c.attacl) AS a WHERE a.grantee = 0 AND {OURS}""",
        # No ACL at all stands for the default, which lets PUBLIC execute.
        f"""SELECT o.proname FROM pg_proc AS o JOIN pg_namespace AS n ON n.oid = o.pronamespace,
                   aclexplode(coalesce(o.proacl, acldefault('f', o.proowner))) AS a WHERE a.grantee = 0 AND {OURS}""",
        """SELECT n.nspname FROM pg_namespace AS n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) AS a
            WHERE a.grantee = 0 AND (n.nspname = 'app' OR n.nspname = 'public' AND a.privilege_type <> 'USAGE')""",
        "SELECT d.defaclnamespace::text FROM pg_default_acl AS d, aclexplode(d.defaclacl) AS a WHERE a.grantee = 0",
    ],
    ids=["relations", "columns", "functions", "schemas", "defaults"],
)
def test_public_may_do_nothing(sql: str, admin: Connection) -> None:
    assert admin.scalars(text(sql)).all() == []


@pytest.mark.parametrize("role", [*ROLES, "hedgerow_owner"])
def test_nobody_keeps_anything_in_large_objects(role: str, admin: Connection) -> None:
    """No policy looks at them: what an evaluation put into one, every login of the database would read."""
    found = admin.execute(
        text("""SELECT CAST(oid AS regprocedure)::text, has_function_privilege(:role, oid, 'EXECUTE') FROM pg_proc
                 WHERE pronamespace = 'pg_catalog'::regnamespace AND proname ~ '^(lo_.*|loread|lowrite)$'"""),
        {"role": role},
    )
    privileges = {str(function): bool(may) for function, may in found}
    assert "lo_from_bytea(oid,bytea)" in privileges
    # Those that move in, or close, what somebody has opened.
    harmless = {"lo_close(integer)", "lo_lseek(integer,integer,integer)", "lo_lseek64(integer,bigint,integer)"}
    harmless |= {"lo_tell(integer)", "lo_tell64(integer)"}
    assert {function for function, may in privileges.items() if may} == harmless


@pytest.mark.parametrize("role", ROLES)
def test_a_session_creates_nothing(role: str, admin: Connection) -> None:
    for schema in ("public", "app"):
        arguments = {"r": role, "s": schema}
        assert not admin.scalar(text("SELECT has_schema_privilege(:r, :s, 'CREATE')"), arguments), schema
        assert admin.scalar(text("SELECT has_schema_privilege(:r, :s, 'USAGE')"), arguments), schema
    assert not admin.scalar(text("SELECT has_database_privilege(:r, current_database(), 'CREATE, TEMP')"), {"r": role})


@pytest.mark.parametrize("role", ROLES)
def test_a_role_executes_what_is_declared_with_callers(role: str, admin: Connection) -> None:
    found = admin.execute(
        text(f"""SELECT n.nspname, o.proname, o.provolatile, has_function_privilege(:role, o.oid, 'EXECUTE') AS may
                   FROM pg_proc AS o JOIN pg_namespace AS n ON n.oid = o.pronamespace WHERE {OURS}"""),
        {"role": role},
    ).all()
    assert {(f.nspname, f.proname) for f in found} == {(f.schema, f.name) for f in FUNCTIONS}
    group = APP_ROLE if role in WRITERS else READONLY_ROLE if role in READERS else AUDITOR_ROLE
    reading = {(f.nspname, f.proname) for f in found if f.provolatile in "si"}
    wanted = set()
    for function in FUNCTIONS:
        key, callers = (function.schema, function.name), function.callers or ()
        if group in callers or (group == READONLY_ROLE and APP_ROLE in callers and key in reading):
            wanted.add(key)
    assert {(f.nspname, f.proname) for f in found if f.may} == wanted


def test_few_functions_run_with_the_rights_of_their_owner(admin: Connection) -> None:
    found = admin.execute(
        text(f"""SELECT o.proname, o.proconfig FROM pg_proc AS o JOIN pg_namespace AS n ON n.oid = o.pronamespace
                  WHERE o.prosecdef AND {OURS} ORDER BY 1""")
    ).all()
    path = ["search_path=pg_catalog, public, pg_temp"]
    # They read what policies or grants hide, keep what sessions may not write, or seal the number of a lock.
    names = [
        "cascade_status_change",
        "is_admin",
        "keep_customer_score",
        "open_scope",
        "register_patient",
        "request_opening",
        "run_leakage_audit",
        "scope_claims",
        "take_turn",
        "update_feature_freshness",
        "verify_audit_chain",
    ]
    assert [tuple(row) for row in found] == [(name, path) for name in names]


@pytest.mark.parametrize("table", tenant_tables(), ids=name)
def test_the_wall_holds_for_the_owner(table: Table, seeded: Any, admin: Connection) -> None:
    count = text(f"SELECT count(*) FROM {table.name}")
    assert (admin.scalar(count) or 0) > 0, "there is nothing to leak"
    with seeded.engine("owner").connect() as owner:
        assert owner.scalar(count) == 0


@pytest.mark.parametrize("table", tenant_tables(), ids=name)
def test_the_tenant_policy_cannot_be_widened(table: Table, admin: Connection) -> None:
    policy = admin.execute(
        text("""SELECT permissive, cmd, roles::text[], qual, with_check FROM pg_policies
                 WHERE schemaname = 'public' AND tablename = :table AND policyname = :policy"""),
        {"table": table.name, "policy": TENANT_POLICY},
    ).one()
    assert (policy.permissive, policy.cmd, policy.roles) == ("RESTRICTIVE", "ALL", ["public"])
    assert "current_tenant" in policy.qual
    assert "current_tenant" in policy.with_check


def test_no_policy_but_an_audience_is_permissive(admin: Connection) -> None:
    declared = {
        (table.name, audience.name) for table in tenant_tables() for audience in table.info.get(AUDIENCE_INFO, ())
    } | {(table.name, "tenant_members") for table in tenant_tables() if AUDIENCE_INFO not in table.info}
    found = admin.execute(text("SELECT tablename, policyname FROM pg_policies WHERE permissive = 'PERMISSIVE'"))
    assert {tuple(row) for row in found} == declared
