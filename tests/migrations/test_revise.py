"""The writer of revisions, on a chain that was tampered with: it finds the way to the declarations and back.

Every revision it writes is run up, down and up again by the writer itself, which fails unless both ends are met.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hedgerow.migrations import Key, MigrationError
from hedgerow.migrations.check import check
from hedgerow.migrations.commands import upgrade
from hedgerow.migrations.config import scripts
from hedgerow.migrations.regenerate import story
from hedgerow.migrations.revise import Declared, Request, Reviser, Written, read_declared, write_revision
from hedgerow.migrations.scratch import Databases, domains_until

# What a revision did that is declared nowhere, and what the writer must notice among other things.
TAMPERED: dict[str, tuple[str, Key | None]] = {
    "a function with another body": (
        """
        CREATE OR REPLACE FUNCTION get_split_boundaries_before() RETURNS int LANGUAGE sql RETURN 1;
        CREATE OR REPLACE FUNCTION app.current_tenant() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
        RETURN current_setting('app.current_tenant', true);
        """,
        Key("function", "app.current_tenant()"),
    ),
    "a view with fewer columns and a view upon it": (
        """
        DROP VIEW v_train_patient_journeys;
        CREATE VIEW v_train_patient_journeys WITH (security_invoker = true) AS
        SELECT tenant_id, id FROM patient_journeys;
        CREATE VIEW v_upon AS SELECT id FROM v_train_patient_journeys;
        GRANT SELECT ON v_train_patient_journeys, v_upon TO hedgerow_app;
        COMMENT ON COLUMN v_upon.id IS 'Whose';
        """,
        Key("view", "v_train_patient_journeys"),
    ),
    "another comment of a view": (
        """
        COMMENT ON VIEW v_train_patient_journeys IS 'Rows';
        """,
        Key("comment", "view v_train_patient_journeys"),
    ),
    "another policy": (
        """
        ALTER POLICY tenant_members ON hcp_profiles USING (false);
        """,
        Key("policy", "hcp_profiles.tenant_members"),
    ),
    "a column that is stored like its type": (
        """
        ALTER TABLE episodic_memories ALTER COLUMN search_embedding SET STORAGE DEFAULT;
        """,
        Key("storage", "episodic_memories.search_embedding"),
    ),
    "a column that is stored in a way of its own": (
        """
        ALTER TABLE users ALTER COLUMN full_name SET STORAGE EXTERNAL;
        """,
        Key("storage", "users.full_name"),
    ),
    "no row security": (
        """
        ALTER TABLE hcp_profiles NO FORCE ROW LEVEL SECURITY;
        """,
        Key("row_security", "hcp_profiles"),
    ),
    "another trigger": (
        """
        DROP TRIGGER set_updated_at ON hcp_profiles;
        CREATE TRIGGER set_updated_at AFTER UPDATE ON hcp_profiles
        FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
        """,
        Key("trigger", "hcp_profiles.set_updated_at"),
    ),
    "other grants": (
        """
        REVOKE INSERT ON hcp_profiles FROM hedgerow_app;
        GRANT TRIGGER ON hcp_profiles TO hedgerow_app;
        GRANT UPDATE (hcp_id) ON hcp_profiles TO hedgerow_app;
        """,
        Key("grant", "hcp_profiles to hedgerow_app"),
    ),
    "a function that everybody may call": (
        """
        GRANT EXECUTE ON FUNCTION get_split_boundaries TO PUBLIC;
        """,
        None,
    ),
    "another type below views": (
        """
        DROP VIEW v_train_treatment_events, v_validation_treatment_events, v_test_treatment_events,
        v_holdout_treatment_events;
        ALTER TABLE treatment_events ALTER COLUMN event_subtype TYPE varchar(40);
        CREATE VIEW v_train_treatment_events AS SELECT tenant_id, event_subtype FROM treatment_events;
        """,
        Key("column", "treatment_events.event_subtype"),
    ),
    "another default, nullability and comment of a column": (
        """
        ALTER TABLE hcp_profiles ALTER COLUMN coverage_status SET DEFAULT false, ALTER COLUMN npi SET NOT NULL;
        COMMENT ON COLUMN hcp_profiles.npi IS 'Number';
        """,
        Key("column", "hcp_profiles.npi"),
    ),
    "another comment of a table": (
        """
        COMMENT ON TABLE hcp_profiles IS 'Doctors';
        """,
        Key("comment", "table hcp_profiles"),
    ),
    "another predicate of an index": (
        """
        DROP INDEX uq_ml_split_registry_active;
        CREATE UNIQUE INDEX uq_ml_split_registry_active ON ml_split_registry (tenant_id) WHERE NOT is_active;
        """,
        Key("index", "uq_ml_split_registry_active"),
    ),
    "other indexes": (
        """
        DROP INDEX ix_hcp_profiles_tenant_id_created_at;
        CREATE INDEX ix_surplus ON hcp_profiles (tenant_id, city);
        """,
        Key("index", "ix_surplus"),
    ),
    "another check": (
        """
        ALTER TABLE hcp_profiles DROP CONSTRAINT ck_hcp_profiles_decile,
            ADD CONSTRAINT ck_hcp_profiles_decile CHECK (decile > 0),
            ADD CONSTRAINT ck_surplus CHECK (npi <> '');
        """,
        Key("constraint", "hcp_profiles.ck_surplus"),
    ),
    "another enum type": (
        """
        ALTER TYPE journey_status_type ADD VALUE 'paused' AFTER 'stable';
        """,
        Key("enum", "journey_status_type"),
    ),
    "another table": (
        """
        CREATE TABLE surplus (id int PRIMARY KEY, note text);
        CREATE VIEW v_surplus AS SELECT note FROM surplus;
        """,
        Key("table", "surplus"),
    ),
}


@pytest.fixture(scope="session")
def everything(make: Databases) -> Declared:
    return read_declared(make, domains_until())


@pytest.fixture
def write(
    workshop: Path, fresh_database: Callable[[str | None], Any], template: str, everything: Declared
) -> Callable[[Request], Written | None]:
    """Writes revisions after the chain of the workshop."""
    head = scripts().get_current_head()

    def run(request: Request) -> Written | None:
        # The template spares the time of the revisions that no test touched.
        untouched = (workshop / "versions" / f"{head}.py").exists()
        url = fresh_database(template if untouched else None).url("owner")
        upgrade(url)
        return Reviser(everything, url).write(request)

    return run


@pytest.mark.parametrize("what", TAMPERED)
def test_a_difference_is_bridged_both_ways(what: str, workshop: Path, write: Any) -> None:
    sql, key = TAMPERED[what]
    add_revision(workshop, sql)
    written = write(Request(message="Repair"))
    assert written is not None
    if key is not None:
        assert key in {difference.key for difference in written.differences}
    # Nothing is left to do.
    assert write(Request(message="Again")) is None


def test_nothing_is_written_when_nothing_differs(workshop: Path, write: Any) -> None:
    files = sorted(workshop.rglob("*"))
    assert write(Request(message="Nothing")) is None
    assert sorted(workshop.rglob("*")) == files


def test_what_is_held_is_left_to_the_next_revision(workshop: Path, write: Any) -> None:
    cut(workshop, 4)
    first = write(Request(domain="patients", hold=("view v_train_patient_journeys", "enum event_type.procedure")))
    names = {str(difference.key) for difference in first.differences}
    assert first.revision == "0004_patients"
    assert "view v_train_patient_journeys" not in names
    assert "view v_test_patient_journeys" in names
    assert "'procedure'" not in (workshop / "versions" / "0004_patients.py").read_text("utf-8")
    value = write(Request(message="Procedures", only=("enum event_type.procedure",)))
    assert [str(difference.key) for difference in value.differences] == ["enum event_type"]
    rest = write(Request(domain="patients", message="The rest", revision="0006_rest"))
    assert {difference.key.kind for difference in rest.differences} == {"view", "grant", "comment"}
    assert write(Request(domain="patients")) is None


def test_a_later_domain_does_not_stand_in_the_way(workshop: Path, make: Databases) -> None:
    cut(workshop, 2)
    written = write_revision(Request(domain="tenancy"), make)
    assert written is not None
    assert written.revision == "0002_tenancy"


def test_reference_rows_that_a_database_lacks_come_with_the_next_revision(workshop: Path, write: Any) -> None:
    add_revision(workshop, "DELETE FROM data_sources WHERE source_id = 'komodo';")
    written = write(Request(message="Reference rows"))
    assert "rows_data_sources.sql" in {file.name for file in written.files}
    assert write(Request(message="Again")) is None


def test_reference_rows_with_other_values_need_a_person(workshop: Path, write: Any) -> None:
    add_revision(workshop, "UPDATE data_sources SET priority = 9 WHERE source_id = 'komodo';")
    with pytest.raises(MigrationError, match="reference row"):
        write(Request(message="Reference rows"))


def test_a_function_that_a_check_needs_is_left_to_a_person(workshop: Path, write: Any) -> None:
    add_revision(
        workshop,
        "DROP FUNCTION assign_patient_split CASCADE;"
        "CREATE FUNCTION assign_patient_split(p text) RETURNS int LANGUAGE sql IMMUTABLE RETURN 1;"
        "CREATE TABLE odd (a text CHECK (assign_patient_split(a) = 1));",
    )
    with pytest.raises(MigrationError):
        write(Request(message="Too much"))


def test_identifiers_fit_their_column(write: Any, workshop: Path) -> None:
    add_revision(workshop, "COMMENT ON TABLE users IS NULL;")
    written = write(Request(message="A very long message that says a lot and then some more"))
    assert re.fullmatch(r"\d{4}_[a-z_]{1,27}", written.revision)


def test_the_revisions_begin_with_the_story(workshop: Path) -> None:
    written = [script.revision[5:] for script in scripts().walk_revisions()][::-1]
    told = [step["name"] for step in story(workshop) if step["name"] in written]
    assert written[: len(told)] == told


def test_a_check_of_the_tampered_chain_sees_it(workshop: Path, empty_database: Any, declared: Any) -> None:
    add_revision(workshop, "DROP VIEW v_train_patient_journeys;")
    upgrade(empty_database.url("owner"))
    report = check(empty_database.url("owner"), declared=declared)
    assert Key("view", "v_train_patient_journeys") in {difference.key for difference in report.differences}


def add_revision(workshop: Path, sql: str) -> None:
    """Append a revision that does what no declaration says."""
    head = scripts().get_current_head()
    name = f"{int(str(head)[:4]) + 1:04d}_tampered"
    code = (
        f'"""Does what it should not."""\nfrom alembic import op\n\nrevision = "{name}"\ndown_revision = "{head}"\n\n\n'
        f"def upgrade() -> None:\n    op.get_bind().exec_driver_sql({sql!r})\n\n\ndef downgrade() -> None:\n    pass\n"
    )
    (workshop / "versions" / f"{name}.py").write_text(code, "utf-8")


def cut(workshop: Path, number: int) -> None:
    """Take revision ``number`` and all later ones away."""
    for path in (workshop / "versions").glob("*.py"):
        if int(path.name[:4]) >= number:
            path.unlink()
