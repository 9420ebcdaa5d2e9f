"""``run_leakage_audit``: each leak that is planted is found, whatever the caller may see, and nothing stays open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, text

from isolation.oracle import TENANT_A, TENANT_B, open_scope
from planting import become_session, planting, refused

CHECKS = ("patient_isolation", "preprocessing_source", "temporal_boundaries")
ONE = "ctid = (SELECT min(ctid) FROM {0} WHERE tenant_id = 'TEST_TENANT_001' AND split_assignment = '{1}')"
JOURNEY, EVENT = "patient_journeys", "treatment_events"


def on(table: str, split: str, change: str) -> str:
    return f"UPDATE {table} SET {change} WHERE {ONE.format(table, split)}"


LEAKS = {
    "a journey in another split": ("patient_isolation", on(JOURNEY, "train", "split_assignment = 'unassigned'")),
    "a sealed journey in another split": (
        "patient_isolation",
        on(JOURNEY, "holdout", "split_assignment = 'unassigned'"),
    ),
    "an event in another split": ("patient_isolation", on(EVENT, "test", "split_assignment = 'unassigned'")),
    "a journey of a patient that nobody registered": ("patient_isolation", on(JOURNEY, "test", "patient_id = 'GHOST'")),
    "an event of a patient that nobody registered": ("patient_isolation", on(EVENT, "test", "patient_id = 'GHOST'")),
    "no statistics": ("preprocessing_source", "DELETE FROM ml_preprocessing_metadata"),
    "statistics of another split": (
        "preprocessing_source",
        "ALTER TABLE ml_preprocessing_metadata DROP CONSTRAINT ck_ml_preprocessing_metadata_train_only;"
        "UPDATE ml_preprocessing_metadata SET computed_on_split = 'validation'",
    ),
    "a journey in the gap": ("temporal_boundaries", on(JOURNEY, "train", "journey_start_date = '2024-07-04'")),
    "a sealed journey in an earlier window": (
        "temporal_boundaries",
        on(JOURNEY, "holdout", "journey_start_date = '2023-06-01'"),
    ),
    "a journey dated by its source": (
        "temporal_boundaries",
        on(JOURNEY, "test", "journey_start_date = NULL, source_timestamp = '2025-07-01T00:00Z'"),
    ),
    "a journey dated by its creation": (
        "temporal_boundaries",
        on(JOURNEY, "train", "journey_start_date = NULL, source_timestamp = NULL, created_at = '2024-07-01T00:00Z'"),
    ),
    "an event in a later window": ("temporal_boundaries", on(EVENT, "train", "event_date = '2024-08-01'")),
    "an event in the gap before holdout": ("temporal_boundaries", on(EVENT, "holdout", "event_date = '2025-07-07'")),
}


@pytest.fixture
def planted(seeded: Any) -> Iterator[Connection]:
    with planting(seeded) as connection:
        yield connection


def audit(connection: Connection) -> dict[str, bool]:
    found = connection.execute(text("SELECT * FROM run_leakage_audit()")).all()
    assert [row.check_type for row in found] == list(CHECKS)
    assert all(row.severity == ("info" if row.passed else "critical") for row in found)
    return {row.check_type: row.passed for row in found}


def settings(connection: Connection) -> list[str]:
    names = ("app.scope", "app.current_tenant")
    return [str(connection.scalar(text("SELECT current_setting(:n, true)"), {"n": name})) for name in names]


@pytest.mark.parametrize("splits", [("train",), ("train", "validation", "test", "holdout")], ids=len)
@pytest.mark.parametrize(("check", "leak"), LEAKS.values(), ids=LEAKS)
def test_a_leak_is_found_and_logged(check: str, leak: str, splits: tuple[str, ...], planted: Connection) -> None:
    _mend(planted)
    log = text("SELECT check_type, passed, severity, affected_records FROM ml_leakage_audit WHERE audited_by = 'me'")
    for statement in leak.split(";"):
        planted.execute(text(statement))
    become_session(planted)
    values = {"t": TENANT_A, "s": list(splits)}
    planted.execute(text("SELECT count(*) FROM app.open_scope(:t, 'me', CAST(:s AS text[]), 'an audit')"), values)
    assert audit(planted) == {name: name != check for name in CHECKS}
    logged = {row.check_type: row for row in planted.execute(log)}
    assert {name: row.passed for name, row in logged.items()} == {name: name != check for name in CHECKS}
    assert logged[check].severity == "critical"
    assert logged[check].affected_records == (0 if check == "preprocessing_source" else 1)


@pytest.mark.parametrize("tenant", [TENANT_A, TENANT_B])
def test_a_clean_tenant_passes(tenant: str, planted: Connection) -> None:
    _mend(planted)
    become_session(planted)
    open_scope(planted, tenant, ("train",))
    assert set(audit(planted).values()) == {True}


def test_a_leak_of_another_tenant_is_not_ours(planted: Connection) -> None:
    _mend(planted)
    for check, leak in LEAKS.values():
        if check != "preprocessing_source":
            planted.execute(text(leak))
    become_session(planted)
    open_scope(planted, TENANT_B, ("train",))
    assert set(audit(planted).values()) == {True}


def test_the_windows_close_again(planted: Connection) -> None:
    become_session(planted)
    open_scope(planted, TENANT_A, ("train",))
    before, seen = settings(planted), planted.scalar(text("SELECT count(*) FROM patient_journeys"))
    audit(planted)
    assert settings(planted) == before
    assert planted.scalar(text("SELECT count(*) FROM patient_journeys")) == seen


@pytest.mark.parametrize("table", [JOURNEY, "ml_leakage_audit"])
def test_the_windows_close_after_an_error(table: str, planted: Connection) -> None:
    """A caller may catch the error in a savepoint and go on."""
    planted.execute(text(f"REVOKE ALL ON {table} FROM hedgerow_owner"))
    become_session(planted)
    open_scope(planted, TENANT_A, ("train",))
    before = settings(planted)
    with refused(planted, "42501"):
        audit(planted)
    assert settings(planted) == before


def test_an_unknown_configuration_is_named(planted: Connection) -> None:
    become_session(planted)
    open_scope(planted, TENANT_A, ("train",))
    before = settings(planted)
    with refused(planted, "P0002"):
        planted.execute(text("SELECT * FROM run_leakage_audit('00000000-0000-0000-0000-000000000000')"))
    assert settings(planted) == before


def _mend(planted: Connection) -> None:
    """Move all rows into their windows: the seed has some that lie outside, as life does."""
    inside = """CASE split_assignment WHEN 'train' THEN DATE '2024-06-30' WHEN 'validation' THEN '2024-07-08'
                                      WHEN 'test' THEN '2025-01-08' ELSE '2025-07-08' END"""
    for table, column in ((JOURNEY, "journey_start_date"), (EVENT, "event_date")):
        planted.execute(text(f"UPDATE {table} SET {column} = {inside} WHERE tenant_id = '{TENANT_A}'"))
