"""The registries themselves: what a configuration may say, and how a patient gets a split for ever."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from sqlalchemy import Connection, text

from hedgerow.splits.assignment import assign
from isolation.oracle import OPEN, TENANT_A, TENANT_B, open_scope
from planting import become_session, planting, refused

REGISTERING = text("SELECT * FROM app.register_patient(:t, :p)")


@pytest.fixture
def app(seeded: Any) -> Iterator[Connection]:
    with seeded.engine("app").connect() as connection:
        yield connection


def new_patient(split: str) -> str:
    return next(f"NEW-{n}" for n in count() if assign(f"NEW-{n}") == split)


@pytest.mark.parametrize(
    "change",
    [
        "temporal_gap_days = 181 + 3",
        "temporal_gap_days = -1",
        # The gap of a week leaves nothing of validation, then of test.
        "train_end_date = validation_end_date - 7",
        "test_end_date = validation_end_date + 7",
        "data_start_date = '-infinity'",
        "data_end_date = 'infinity'",
        "test_end_date = 'infinity', data_end_date = 'infinity'",
        "data_start_date = train_end_date",
        "data_end_date = test_end_date - 1",
        "train_ratio = 0.59",
    ],
)
def test_a_configuration_makes_sense(change: str, seeded: Any) -> None:
    with planting(seeded) as connection, refused(connection, "23514"):
        connection.execute(text(f"UPDATE ml_split_registry SET {change} WHERE tenant_id = :t"), {"t": TENANT_A})


@pytest.mark.parametrize(
    "change", ["train_end_date = validation_end_date - 8", "temporal_gap_days = 0", "data_end_date = test_end_date"]
)
def test_a_window_of_a_day_is_one(change: str, seeded: Any) -> None:
    with planting(seeded) as connection:
        connection.execute(text(f"UPDATE ml_split_registry SET {change} WHERE tenant_id = :t"), {"t": TENANT_A})


def test_one_configuration_is_active(seeded: Any) -> None:
    columns = "train_end_date, validation_end_date, test_end_date, data_start_date, data_end_date"
    another = text(
        f"""INSERT INTO ml_split_registry (tenant_id, config_name, is_active, {columns})
            SELECT tenant_id, 'another', :active, {columns} FROM ml_split_registry WHERE tenant_id = :t"""
    )
    with planting(seeded) as connection:
        with refused(connection, "23505"):
            connection.execute(another, {"t": TENANT_A, "active": True})
        connection.execute(another, {"t": TENANT_A, "active": False})
        with refused(connection, "23505"):
            connection.execute(text("UPDATE ml_split_registry SET is_active = true"))


def test_a_new_patient_is_registered_by_the_rule(app: Connection) -> None:
    open_scope(app, TENANT_A)
    config = app.scalar(text("SELECT split_config_id FROM ml_split_registry"))
    for split in ("train", "validation", "test", "holdout"):
        patient = new_patient(split)
        first = app.execute(REGISTERING, {"t": TENANT_A, "p": patient}).mappings().one()
        assert (first["tenant_id"], first["patient_id"], first["assigned_split"]) == (TENANT_A, patient, split)
        assert (first["split_config_id"], first["assignment_reason"]) == (config, "hash")
        assert app.execute(REGISTERING, {"t": TENANT_A, "p": patient}).mappings().one() == first


def test_the_registered_split_wins_over_the_rule(seeded: Any) -> None:
    with planting(seeded, triggers=True) as connection:
        connection.execute(
            text("""INSERT INTO ml_patient_split_assignments (tenant_id, split_config_id, patient_id, assigned_split)
                    SELECT tenant_id, split_config_id, :p, 'test' FROM ml_split_registry WHERE tenant_id = :t"""),
            {"t": TENANT_A, "p": new_patient("train")},
        )
        become_session(connection)
        open_scope(connection, TENANT_A)
        found = connection.execute(REGISTERING, {"t": TENANT_A, "p": new_patient("train")}).mappings().one()
        assert found["assigned_split"] == "test"


def test_two_at_once_agree(seeded: Any) -> None:
    """The second waits for the first, and then reads what the first has written."""
    values = {"t": TENANT_A, "p": new_patient("validation") + "-twice"}
    answers: list[dict[str, Any]] = []

    def register() -> None:
        with seeded.engine("app").begin() as connection:
            open_scope(connection, TENANT_A)
            answers.append(dict(connection.execute(REGISTERING, values).mappings().one()))

    with seeded.engine("app").begin() as first:
        open_scope(first, TENANT_A)
        mine = dict(first.execute(REGISTERING, values).mappings().one())
        second = threading.Thread(target=register)
        second.start()
        second.join(0.3)
        assert second.is_alive(), "it did not wait"
    second.join(10)
    assert answers == [mine]
    with seeded.admin() as admin:
        forget = text("DELETE FROM ml_patient_split_assignments WHERE tenant_id = :t AND patient_id = :p")
        assert admin.execute(forget, values).rowcount == 1


@pytest.mark.parametrize("tenant", [TENANT_B, "NOBODY", None])
def test_a_patient_of_another_tenant_is_refused(tenant: str | None, app: Connection) -> None:
    open_scope(app, TENANT_A)
    with refused(app, "42501"):
        app.execute(REGISTERING, {"t": tenant, "p": new_patient("train")})


def test_without_a_scope_nobody_registers(fresh_database: Any, seeded_template: str) -> None:
    """Not even where the schema belongs to a superuser, whom no policy would stop inside the function."""
    copy = fresh_database(seeded_template)
    with copy.admin() as admin:
        admin.execute(text("ALTER FUNCTION app.register_patient(text, text) OWNER TO CURRENT_USER"))
    with copy.engine("app").connect() as session:
        for patient in (new_patient("train"), "PAT-00000001"):
            with refused(session, "42501"):
                session.execute(REGISTERING, {"t": TENANT_A, "p": patient})


def test_without_a_configuration_nobody_is_registered(seeded: Any) -> None:
    with planting(seeded) as connection:
        connection.execute(text("UPDATE ml_split_registry SET is_active = false"))
        become_session(connection)
        open_scope(connection, TENANT_A)
        with refused(connection, "55000"):
            connection.execute(REGISTERING, {"t": TENANT_A, "p": new_patient("train")})


@pytest.mark.parametrize("stated", ["", "unassigned", "train"], ids=lambda s: s or "nothing")
def test_a_row_gets_the_split_of_its_patient(stated: str, app: Connection) -> None:
    open_scope(app, TENANT_A, OPEN)
    row = _journey(app, new_patient("train"), stated or None)
    assert (row.split_assignment, row.assigned_split) == ("train", "train")
    assert row.split_config_id == row.config


@pytest.mark.parametrize("stated", ["", "unassigned"], ids=lambda s: s or "nothing")
def test_a_row_that_gets_a_sealed_split_is_refused(stated: str, app: Connection) -> None:
    open_scope(app, TENANT_A, OPEN)
    with refused(app, "42501"):
        _journey(app, new_patient("holdout"), stated or None)


def test_a_row_cannot_state_another_split(app: Connection) -> None:
    open_scope(app, TENANT_A, OPEN)
    with refused(app, "23503"):
        _journey(app, new_patient("train"), "validation", "2024-08-01")


def _journey(connection: Connection, patient: str, split: str | None, day: str = "2023-06-01") -> Any:
    return connection.execute(
        text("""WITH written AS (
                    INSERT INTO patient_journeys (patient_id, brand, journey_start_date, split_assignment)
                    VALUES (:p, 'kisqali', CAST(:d AS date), :s)
                    RETURNING patient_id, split_assignment, split_config_id)
                SELECT w.*, (app.register_patient(app.current_tenant(), w.patient_id)).assigned_split,
                       (SELECT split_config_id FROM ml_split_registry WHERE is_active) AS config
                  FROM written AS w"""),
        {"p": patient, "s": split, "d": day},
    ).one()
