"""Whatever is changed by hand in a database, the check says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hedgerow.migrations import Catalogue, Key, ScratchDatabaseError
from hedgerow.migrations.check import check
from hedgerow.migrations.scratch import given

from .conftest import execute

CHANGES = {
    "a view": (
        "CREATE OR REPLACE VIEW v_train_patient_journeys WITH (security_invoker = true) AS "
        "SELECT * FROM patient_journeys WHERE split_assignment = 'holdout'",
        Key("view", "v_train_patient_journeys"),
    ),
    "an option of a view": (
        "ALTER VIEW v_train_patient_journeys RESET (security_invoker)",
        Key("view", "v_train_patient_journeys"),
    ),
    "a function": (
        "CREATE OR REPLACE FUNCTION app.current_tenant() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE "
        "RETURN current_setting('app.current_tenant', true)",
        Key("function", "app.current_tenant()"),
    ),
    "a policy": ("ALTER POLICY tenant_isolation ON users USING (true)", Key("policy", "users.tenant_isolation")),
    "who asks": (
        "CREATE OR REPLACE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE "
        "RETURN '00000000-0000-0000-0000-000000000001'::uuid",
        Key("function", "auth.uid()"),
    ),
    "a missing policy": ("DROP POLICY self ON users", Key("policy", "users.self")),
    "row security": ("ALTER TABLE users NO FORCE ROW LEVEL SECURITY", Key("row_security", "users")),
    "a predicate of an index": (
        "DROP INDEX uq_ml_split_registry_active; "
        "CREATE UNIQUE INDEX uq_ml_split_registry_active ON ml_split_registry (tenant_id) WHERE NOT is_active",
        Key("index", "uq_ml_split_registry_active"),
    ),
    "a check": (
        "ALTER TABLE ml_split_registry DROP CONSTRAINT ck_ml_split_registry_gap_not_negative, "
        "ADD CONSTRAINT ck_ml_split_registry_gap_not_negative CHECK (temporal_gap_days >= -1)",
        Key("constraint", "ml_split_registry.ck_ml_split_registry_gap_not_negative"),
    ),
    "a foreign key": (
        "ALTER TABLE users DROP CONSTRAINT fk_users_tenant_id_tenant, ADD CONSTRAINT fk_users_tenant_id_tenant "
        "FOREIGN KEY (tenant_id) REFERENCES tenant (id) ON DELETE CASCADE",
        Key("constraint", "users.fk_users_tenant_id_tenant"),
    ),
    "a grant": ("GRANT DELETE ON tenant TO hedgerow_app", Key("grant", "tenant to hedgerow_app")),
    "a grant on columns": ("GRANT UPDATE (tenant_id) ON users TO hedgerow_app", Key("grant", "users to hedgerow_app")),
    "a grant to everybody": (
        "GRANT EXECUTE ON FUNCTION forbid_mutation() TO PUBLIC",
        Key("grant", "forbid_mutation() to PUBLIC"),
    ),
    "a trigger": (
        "ALTER TABLE ml_leakage_audit DISABLE TRIGGER forbid_mutation",
        Key("trigger", "ml_leakage_audit.forbid_mutation"),
    ),
    "a comment": ("COMMENT ON TABLE users IS 'People'", Key("comment", "table users")),
    "a comment of a column": ("COMMENT ON COLUMN users.id IS NULL", Key("comment", "column users.id")),
    "a column": ("ALTER TABLE users ADD COLUMN nickname text", Key("column", "users.nickname")),
    "a type": ("ALTER TABLE users ALTER COLUMN full_name TYPE text", Key("column", "users.full_name")),
    "a default": ("ALTER TABLE users ALTER COLUMN is_active DROP DEFAULT", Key("column", "users.is_active")),
    "the storage of a column": (
        "ALTER TABLE episodic_memories ALTER COLUMN search_embedding SET STORAGE EXTERNAL",
        Key("storage", "episodic_memories.search_embedding"),
    ),
    "a nullability": ("ALTER TABLE users ALTER COLUMN full_name SET NOT NULL", Key("column", "users.full_name")),
    "an enum": ("ALTER TYPE region_type ADD VALUE 'abroad'", Key("enum", "region_type")),
    "a table": ("CREATE TABLE notes (note text)", Key("table", "notes")),
    "a storage option": ("ALTER TABLE users SET (fillfactor = 50)", Key("table", "users")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_by_hand_is_reported(change: str, database: Any, declared: Catalogue) -> None:
    statement, key = CHANGES[change]
    execute(database, statement)
    report = check(database.url("owner"), declared=declared)
    assert key in {difference.key for difference in report.differences}
    assert not report.clean


def test_the_scratch_database_can_be_given_and_stays_empty(
    database: Any, fresh_database: Callable[[str | None], Any]
) -> None:
    scratch = fresh_database(None)
    for _ in range(2):
        assert check(database.url("owner"), given(scratch.url("owner"))).clean


def test_a_scratch_database_that_is_in_use_is_refused(database: Any, template: str) -> None:
    with pytest.raises(ScratchDatabaseError, match="is not empty"):
        check(database.url("owner"), given(database.url("owner")))
