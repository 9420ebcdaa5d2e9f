"""The catalogue's functions over splits, called as a session: windows, dates and statistics."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, text

from isolation.oracle import TENANT_A, TENANT_B, open_scope
from planting import become_session, planting, refused

DAY = timedelta(days=1)
# First and last day of each window of the seed's chronological tenant; a week between them.
WINDOWS = {
    "train": (date(2023, 1, 1), date(2024, 6, 30)),
    "validation": (date(2024, 7, 8), date(2024, 12, 31)),
    "test": (date(2025, 1, 8), date(2025, 6, 30)),
    "holdout": (date(2025, 7, 8), date(2025, 12, 31)),
}
UNKNOWN = UUID(int=0)
DATES = {
    None: "unassigned",
    date(1900, 1, 1): "train",
    date(2024, 7, 4): "unassigned",
    date(2099, 1, 1): "holdout",
    **{day: split for split, window in WINDOWS.items() for day in window},
    **{WINDOWS[split][1] + DAY: "unassigned" for split in ("train", "validation", "test")},
    **{WINDOWS[split][0] - DAY: "unassigned" for split in ("validation", "test", "holdout")},
}


@pytest.fixture
def app(seeded: Any) -> Iterator[Connection]:
    with seeded.engine("app").connect() as connection:
        yield connection


@pytest.fixture
def planted(seeded: Any) -> Iterator[Connection]:
    with planting(seeded) as connection:
        yield connection


def config(connection: Connection, tenant: str = TENANT_A) -> UUID:
    """The tenant's configuration, read by a superuser."""
    found = connection.scalar(text("SELECT split_config_id FROM ml_split_registry WHERE tenant_id = :t"), {"t": tenant})
    assert isinstance(found, UUID)
    return found


def split_of(connection: Connection, day: date | None, config_id: UUID | None) -> str | None:
    call = text("SELECT CAST(assign_patient_split(CAST(:d AS date), :c) AS text)")
    return connection.scalar(call, {"d": day, "c": config_id})


def windows(connection: Connection, config_id: UUID | None = None) -> list[tuple[Any, ...]]:
    call = text("SELECT * FROM get_split_boundaries(CAST(:c AS uuid))")
    return [tuple(row) for row in connection.execute(call, {"c": config_id})]


@pytest.mark.parametrize(("day", "split"), DATES.items(), ids=str)
def test_a_date_lies_in_one_window_or_in_none(day: date | None, split: str, planted: Connection) -> None:
    config_id = config(planted)
    become_session(planted)
    open_scope(planted, TENANT_A)
    assert split_of(planted, day, config_id) == split


def test_a_date_without_windows_is_unassigned(planted: Connection) -> None:
    own, foreign = config(planted), config(planted, TENANT_B)
    become_session(planted)
    assert split_of(planted, date(2023, 6, 1), own) == "unassigned", "no scope is open"
    open_scope(planted, TENANT_A)
    assert split_of(planted, date(2023, 6, 1), own) == "train"
    for config_id in (UNKNOWN, None, foreign):
        assert split_of(planted, date(2023, 6, 1), config_id) == "unassigned"
    open_scope(planted, TENANT_B)
    for day in DATES:
        assert split_of(planted, day, foreign) == "unassigned", "patient_stratified has no windows"


def test_without_a_gap_the_windows_touch(planted: Connection) -> None:
    planted.execute(text("UPDATE ml_split_registry SET temporal_gap_days = 0"))
    config_id = config(planted)
    become_session(planted)
    open_scope(planted, TENANT_A)
    assert [split_of(planted, WINDOWS["train"][1] + n * DAY, config_id) for n in (0, 1)] == ["train", "validation"]
    assert windows(planted)[1][1] == WINDOWS["train"][1] + DAY


def test_boundaries_of_the_active_configuration(planted: Connection) -> None:
    active = config(planted)
    other = planted.scalar(
        text("""INSERT INTO ml_split_registry (tenant_id, config_name, is_active, temporal_gap_days, data_start_date,
                                               train_end_date, validation_end_date, test_end_date, data_end_date)
                VALUES (:t, 'another', false, 1, '2020-01-01', '2020-03-31', '2020-06-30', '2020-09-30', '2020-12-31')
                RETURNING split_config_id"""),
        {"t": TENANT_A},
    )
    counted = planted.execute(
        text("""SELECT assigned_split, count(*) FROM ml_patient_split_assignments
                 WHERE split_config_id = :c GROUP BY 1"""),
        {"c": active},
    ).all()
    foreign = config(planted, TENANT_B)
    become_session(planted)
    assert windows(planted) == [], "no scope is open"
    open_scope(planted, TENANT_A)
    patients = {row[0]: row[1] for row in counted}
    wanted = [(split, *window, patients[split]) for split, window in WINDOWS.items()]
    assert windows(planted) == windows(planted, active) == wanted
    assert windows(planted, other)[1] == ("validation", date(2020, 4, 2), date(2020, 6, 30), 0)
    assert windows(planted, UNKNOWN) == windows(planted, foreign) == []


def test_boundaries_of_a_tenant_that_is_divided_by_patient(app: Connection) -> None:
    open_scope(app, TENANT_B)
    found = windows(app)
    assert [row[:3] for row in found] == [(split, None, None) for split in WINDOWS]
    assert all(row[3] > 0 for row in found)


@pytest.mark.parametrize("splits", [("train",), ("validation",)], ids="+".join)
def test_statistics_by_feature(splits: tuple[str, ...], planted: Connection) -> None:
    own, foreign = config(planted), config(planted, TENANT_B)
    call = text("SELECT * FROM get_preprocessing_stats(CAST(:c AS uuid))")
    planted.execute(
        text("""UPDATE ml_preprocessing_metadata
                   SET feature_means = '{"b": 1.5, "a": "2"}', feature_stds = '{"a": 0.5, "c": 9}',
                       feature_mins = '{"b": null}', feature_maxs = '{}'""")
    )
    become_session(planted)
    assert planted.execute(call, {"c": own}).all() == [], "no scope is open"
    open_scope(planted, TENANT_A, splits)
    assert [tuple(row) for row in planted.execute(call, {"c": own})] == [
        ("a", Decimal(2), Decimal("0.5"), None, None),
        ("b", Decimal("1.5"), None, None, None),
    ]
    for config_id in (UNKNOWN, foreign, None):
        assert planted.execute(call, {"c": config_id}).all() == []


def test_statistics_that_are_no_numbers(planted: Connection) -> None:
    own = config(planted)
    planted.execute(text("""UPDATE ml_preprocessing_metadata SET feature_means = '{"a": "much"}'"""))
    become_session(planted)
    open_scope(planted, TENANT_A)
    with refused(planted, "22P02"):
        planted.execute(text("SELECT * FROM get_preprocessing_stats(:c)"), {"c": own})
