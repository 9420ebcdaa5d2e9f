"""No data loss without consent."""

from __future__ import annotations

from typing import Any

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from hedgerow.migrations import DataLossError
from hedgerow.migrations.commands import downgrade
from hedgerow.migrations.guard import OPTION, DataLossGuard, Target, guard_sql, targets

from .conftest import execute, revisions

TENANT = "INSERT INTO tenant (id, name) VALUES ('T', 'A tenant')"
KEEPSAKE = """
CREATE TABLE keepsake (what text, since date);
ALTER TABLE keepsake OWNER TO hedgerow_owner;
ALTER TABLE keepsake ENABLE ROW LEVEL SECURITY;
ALTER TABLE keepsake FORCE ROW LEVEL SECURITY;
INSERT INTO keepsake VALUES ('a ring');
"""
"""A table whose rows policies hide from everybody, since there is none that shows them."""

USER = "INSERT INTO users (tenant_id, email) VALUES ('T', 'a@example.org')"

STATEMENTS = {
    "DROP TABLE users": [Target("users")],
    "drop table if exists a, public.b cascade": [Target("a"), Target("public.b")],
    "DROP TABLE a; -- DROP TABLE b\n/* DROP TABLE c */ DROP TABLE d;": [Target("a"), Target("d")],
    "TRUNCATE users": [Target("users")],
    "TRUNCATE TABLE ONLY users, tenant RESTART IDENTITY": [Target("users"), Target("tenant")],
    "TRUNCATE a CASCADE": [Target(None, statement="TRUNCATE a CASCADE"), Target("a")],
    'ALTER TABLE "Odd ""name""" DROP COLUMN x': [Target('"Odd ""name"""', "x")],
    "ALTER TABLE a DROP b, DROP COLUMN IF EXISTS c": [Target("a", "b"), Target("a", "c")],
    "ALTER TABLE users DROP CONSTRAINT c, ALTER COLUMN role DROP DEFAULT": [],
    "DROP TYPE t CASCADE": [Target(None, statement="DROP TYPE t CASCADE")],
    "DROP TYPE t": [],
    "DROP VIEW v": [],
    "DO $$ BEGIN EXECUTE 'DROP TABLE users'; END $$": [
        Target(None, statement="DO $$ BEGIN EXECUTE 'DROP TABLE users'  END $$")
    ],
    "CREATE TRIGGER t BEFORE TRUNCATE ON users FOR EACH STATEMENT EXECUTE FUNCTION f()": [],
    "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ DROP TABLE users; $$": [],
    "COMMENT ON TABLE users IS 'never; DROP TABLE users'": [],
}


@pytest.mark.parametrize("statement", STATEMENTS)
def test_what_a_statement_destroys_is_seen(statement: str) -> None:
    found = list(targets(statement))
    expected = STATEMENTS[statement]
    assert [(target.table, target.column) for target in found] == [(t.table, t.column) for t in expected]


def test_a_downgrade_lists_every_table_that_holds_data_and_changes_nothing(database: Any) -> None:
    execute(database, TENANT, USER)
    downgrade(database.url("owner"), revisions()[1])
    with pytest.raises(DataLossError) as refusal:
        downgrade(database.url("owner"), "base")
    assert "table users: 1 row" in str(refusal.value).replace('"', "")
    assert "table tenant: 1 row" in str(refusal.value).replace('"', "")
    assert "allow-data-loss" in str(refusal.value)
    with database.admin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM users")) == 1
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == revisions()[1]
        assert connection.scalar(text("SELECT relforcerowsecurity FROM pg_class WHERE oid = 'users'::regclass"))


def test_rows_that_policies_hide_from_the_owner_are_data(database: Any) -> None:
    execute(database, KEEPSAKE)
    with database.engine("owner").connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM keepsake")) == 0
    with pytest.raises(DataLossError, match="table keepsake: 1 row"):
        drop(database, "DROP TABLE keepsake")


def test_with_consent_data_goes(database: Any) -> None:
    execute(database, TENANT, USER)
    downgrade(database.url("owner"), "base", allow_data_loss=True)
    with database.admin() as connection:
        assert connection.scalar(text("SELECT to_regclass('users')")) is None


def test_a_budget_of_holdout_is_data(database: Any) -> None:
    with pytest.raises(DataLossError, match=r"table app\.holdout_budget: 1 row"):
        downgrade(database.url("owner"), "base")


def test_without_data_no_consent_is_needed(database: Any) -> None:
    execute(database, "DELETE FROM app.holdout_budget")  # of the tests
    downgrade(database.url("owner"), "base")


def test_reference_rows_that_somebody_changed_are_data(database: Any) -> None:
    execute(database, "UPDATE agent_registry SET tier = 5 WHERE agent_name = 'orchestrator'")
    with pytest.raises(DataLossError, match=r"table agent_registry: 1 row"):
        downgrade(database.url("owner"), "base")


@pytest.mark.parametrize(
    ("statement", "loss"),
    [
        ("DROP TABLE keepsake", "table keepsake: 1 row"),
        ("ALTER TABLE keepsake DROP COLUMN what", "column what of table keepsake: 1 row"),
        ("TRUNCATE keepsake", "table keepsake: 1 row"),
        ("DO $$ BEGIN DROP TABLE keepsake; END $$", "whatever this reaches"),
    ],
)
def test_raw_statements_are_watched(database: Any, statement: str, loss: str) -> None:
    execute(database, KEEPSAKE)
    with pytest.raises(DataLossError, match=loss):
        drop(database, statement)


def test_columns_without_values_may_go(database: Any) -> None:
    execute(database, KEEPSAKE)
    drop(database, "ALTER TABLE keepsake DROP COLUMN since")


def test_operations_are_watched(database: Any) -> None:
    execute(database, TENANT, USER)
    with pytest.raises(DataLossError, match="column email of table users"):
        drop(database, lambda op: op.drop_column("users", "email"))


def test_nothing_is_committed_before_a_block_outside_of_the_transaction(database: Any) -> None:
    execute(database, TENANT, USER)

    def migrate(op: Operations) -> None:
        op.drop_column("users", "email")
        with op.get_context().autocommit_block():
            op.execute("SELECT 1")

    with pytest.raises(DataLossError):
        drop(database, migrate)
    with database.admin() as connection:
        assert connection.scalar(text("SELECT count(email) FROM users")) == 1


@pytest.mark.parametrize("target", [Target("users"), Target("users", "email"), Target(None, statement="DROP it all")])
def test_a_script_guards_itself(database: Any, target: Target) -> None:
    execute(database, TENANT, USER)
    engine = create_engine(database.url("owner"), poolclass=NullPool)
    with pytest.raises(DBAPIError, match="would destroy data"), engine.begin() as connection:
        connection.exec_driver_sql(guard_sql(target), execution_options={"no_parameters": True})


def test_a_guarded_script_goes_on_where_there_is_no_data(database: Any) -> None:
    engine = create_engine(database.url("owner"), poolclass=NullPool)
    with engine.begin() as connection:
        for target in (Target("users"), Target("users", "email"), Target("no_such_table")):
            connection.exec_driver_sql(guard_sql(target), execution_options={"no_parameters": True})


def drop(database: Any, statement: Any) -> None:
    """Run a statement, or a function of operations, as a revision would."""
    guard = DataLossGuard(allowed=False)
    with database.engine("owner").connect() as connection:
        context = MigrationContext.configure(connection, opts={OPTION: guard, "transaction_per_migration": True})
        guard.install(context)
        with guard.watch(connection), context.begin_transaction(_per_migration=True):
            operations = Operations(context)
            if callable(statement):
                statement(operations)
            else:
                operations.execute(statement)
            guard.conclude()
