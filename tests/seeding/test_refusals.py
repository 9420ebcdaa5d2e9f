"""What the seed refuses, what it says then, and the command line around it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from hedgerow.cli import app
from hedgerow.core.base import metadata
from hedgerow.migrations import downgrade
from hedgerow.seeding import SeedError, seed
from hedgerow.seeding.copytext import columns_of, encoded


def refusal(*arguments: Any, **options: Any) -> str:
    with pytest.raises(SeedError) as refused:
        seed(*arguments, **options)
    assert refused.value.remedy
    return str(refused.value)


def execute(database: Any, *statements: str) -> None:
    with database.admin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_an_empty_database_is_not_at_head(empty_database: Any) -> None:
    said = refusal(empty_database.url("owner"))
    assert "not at head" in said
    assert "hedgerow db upgrade" in said


def test_an_older_revision_is_not_head(database: Any) -> None:
    # Back from the last revision, in which a value of an enum appears and no table.
    downgrade(database.url("owner"), "-1")
    said = refusal(database.url("owner"))
    assert "not at head" in said
    assert "hedgerow db upgrade" in said


def test_the_role_of_sessions_cannot_seed(database: Any) -> None:
    said = refusal(database.url("app"))
    assert "not the owner" in said
    assert "DATABASE_URL" in said


def test_nobody_answers() -> None:
    said = refusal("postgresql://user:secret@localhost:1/nothing")
    assert "does not answer" in said
    assert "secret" not in said


def test_a_database_of_somebody_else_needs_force(database: Any) -> None:
    execute(database, "INSERT INTO tenant (id, name) VALUES ('DEMO_X', 'Example'), ('ACME', 'Acme')")
    said = refusal(database.url("owner"))
    assert "ACME" in said
    assert "DEMO_X" not in said
    assert "--force" in said
    assert seed(database.url("owner"), force=True).inserted > 0
    with database.admin() as connection:
        forced = connection.scalar(text("SELECT relforcerowsecurity FROM pg_class WHERE oid = 'tenant'::regclass"))
    assert forced


def test_sessions_at_work_do_not_hang_the_check(database: Any) -> None:
    with database.engine("owner").begin() as busy:
        busy.execute(text("LOCK TABLE tenant IN ACCESS SHARE MODE"))
        assert "at work" in refusal(database.url("owner"))


def test_a_tenant_that_is_not_active_is_named(database: Any) -> None:
    execute(database, "INSERT INTO tenant (id, name, status) VALUES ('TEST_TENANT_002', 'Theirs', 'archived')")
    said = refusal(database.url("owner"))
    assert "TEST_TENANT_002" in said
    assert "archived" in said


def test_rows_in_the_way_are_named_and_nothing_is_left(database: Any) -> None:
    execute(
        database,
        "INSERT INTO tenant (id, name) VALUES ('TEST_TENANT_001', 'Theirs')",
        "INSERT INTO users (tenant_id, email) VALUES ('TEST_TENANT_001', 'ada.admin@tenant001.example')",
    )
    said = refusal(database.url("owner"))
    assert "uq_users_tenant_id_email" in said
    assert "[table users]" in said
    with database.admin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM ml_split_registry")) == 0


@pytest.mark.parametrize("options", [{"tenants": 0}, {"tenants": 1000}, {"scale": 0}, {"scale": 10_001}], ids=str)
def test_numbers_without_a_meaning(options: dict[str, int]) -> None:
    assert "choose a number" in refusal("postgresql:///unused", **options)


def test_a_seed_cannot_leave_a_column_to_the_clock_or_to_chance() -> None:
    users = metadata.tables["users"]
    with pytest.raises(SeedError, match="leaves id to its default"):
        columns_of(users, {"email": "x"})
    with pytest.raises(SeedError, match="not for it to write"):
        columns_of(users, {"tenant_id": "x"})
    with pytest.raises(SeedError, match="not for it to write"):
        columns_of(metadata.tables["triggers"], {"search_vector": "x"})
    with pytest.raises(SeedError, match="has 2 columns"):
        encoded(users, ("email",), [{"email": "x"}, {"email": "x", "role": "csm"}])


def test_copy_text_survives_the_database(database: Any) -> None:
    import psycopg

    from hedgerow.core.settings import libpq_url

    odd = ["tab\there", "line\nfeed\rreturn", "back\\slash", "\\N", "\\.", 'quote"d', "{brace,s}", "é 🌿 \u2028", ""]
    table = metadata.tables["treatment_events"]
    given = [{"event_subtype": item, "icd_codes": [item, "x"], "lab_values": {item: item}} for item in odd]
    given.append({"event_subtype": None, "icd_codes": None, "lab_values": None})
    data, count = encoded(table, tuple(given[0]), given)
    assert count == len(given)
    with psycopg.connect(libpq_url(database.url("owner"))) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE t (event_subtype text, icd_codes text[], lab_values jsonb)")
        with cursor.copy("COPY t FROM STDIN") as copy:
            copy.write(data)
        assert [tuple(row.values()) for row in given] == cursor.execute("SELECT * FROM t").fetchall()


def test_the_command_line(database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database.url("owner").render_as_string(hide_password=False))
    first = CliRunner().invoke(app, ["seed", "--tenants", "1"])
    assert first.exit_code == 0, first.output
    assert "treatment_events" in first.output
    assert "rows/s" in first.output
    silent = CliRunner().invoke(app, ["seed", "--tenants", "1", "--quiet"])
    assert (silent.exit_code, silent.output) == (0, "")
    monkeypatch.setenv("DATABASE_URL", database.url("app").render_as_string(hide_password=False))
    refused = CliRunner().invoke(app, ["seed"])
    assert refused.exit_code == 1
    assert "Remedy" in refused.output
