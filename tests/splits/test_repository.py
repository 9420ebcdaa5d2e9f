"""Questions about the splits: windows, patients, statistics, audits and the access log."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from hedgerow.core.errors import AppendOnlyError
from hedgerow.core.repository import ReadOnlyError, RowNotFoundError
from hedgerow.core.scope import Split
from hedgerow.splits.assignment import assign
from hedgerow.splits.enums import LeakageSeverity
from hedgerow.splits.models import PreprocessingMetadata
from hedgerow.splits.repository import (
    AsyncPatientSplitRepository,
    AsyncSplitAccessRepository,
    AsyncSplitConfigRepository,
    FeatureStats,
)
from world import DATED, OTHER, TENANT, World, make_world, register

DRIVERS = ("psycopg", "asyncpg")
pytestmark = pytest.mark.parametrize("driver", DRIVERS)


@pytest.fixture
def world(database: Any) -> World:
    return make_world(database)


def test_windows_are_a_gap_apart(driver: str, world: World) -> None:
    register(world, content=DATED)
    with world.repository(driver, AsyncSplitConfigRepository, world.scope()) as configs:
        windows = [(window.split, window.start_date, window.end_date) for window in configs.boundaries()]
    assert windows == [
        (Split.TRAIN, date(2023, 1, 1), date(2023, 12, 31)),
        (Split.VALIDATION, date(2024, 1, 8), date(2024, 6, 30)),
        (Split.TEST, date(2024, 7, 8), date(2024, 12, 31)),
        (Split.HOLDOUT, date(2025, 1, 8), date(2025, 12, 31)),
    ]


def test_without_dates_there_are_no_windows(driver: str, world: World) -> None:
    with world.repository(driver, AsyncSplitConfigRepository, world.scope()) as configs:
        assert [window.split for window in configs.boundaries()] == list(Split)[:4]
        assert {(window.start_date, window.end_date) for window in configs.boundaries()} == {(None, None)}
        assert configs.boundaries("00000000-0000-0000-0000-000000000000") == []


def test_patients_are_registered_once_and_counted(driver: str, world: World) -> None:
    ids = [f"P{number}" for number in range(40)]
    expected = Counter(map(assign, ids))
    with world.repository(driver, AsyncPatientSplitRepository, world.scope()) as patients:
        assert patients.split_of("P1") is None
        assert [patients.register(patient) for patient in ids] == [assign(patient) for patient in ids]
        assert [patients.register(patient) for patient in ids] == [assign(patient) for patient in ids]
        assert patients.split_of("P1") is assign("P1")
        assert patients.count_by_split() == {split: expected[split] for split in Split}
        patients.session.commit()
    with world.repository(driver, AsyncSplitConfigRepository, world.scope()) as configs:
        assert [window.patient_count for window in configs.boundaries()] == [expected[s] for s in list(Split)[:4]]
    with world.repository(driver, AsyncPatientSplitRepository, world.scope(tenant=OTHER)) as patients:
        assert patients.split_of("P1") is None, "another tenant's patient of the same id is another patient"


def test_preprocessing_stats(driver: str, world: World) -> None:
    with world.repository(driver, AsyncSplitConfigRepository, world.scope()) as configs:
        assert configs.preprocessing_stats() == []
        config_id = configs.get_active().split_config_id
    with world.session("train") as session:
        session.add(
            PreprocessingMetadata(
                split_config_id=config_id,
                feature_means={"b": 1.5, "a": 2},
                feature_stds={"a": 0.5},
                feature_mins={"a": 0},
            )
        )
        session.commit()
    with world.repository(driver, AsyncSplitConfigRepository, world.scope()) as configs:
        assert configs.preprocessing_stats() == configs.preprocessing_stats(str(config_id))
        assert configs.preprocessing_stats() == [
            FeatureStats("a", Decimal(2), Decimal("0.5"), Decimal(0), None),
            FeatureStats("b", Decimal("1.5"), None, None, None),
        ]


def test_a_leakage_audit_is_returned_and_recorded(driver: str, world: World) -> None:
    with world.repository(driver, AsyncSplitConfigRepository, world.scope("train")) as configs:
        findings = configs.leakage_audit()
        configs.session.commit()
    assert [(finding.check_type, finding.passed, finding.severity) for finding in findings] == [
        ("patient_isolation", True, LeakageSeverity.INFO),
        ("preprocessing_source", False, LeakageSeverity.CRITICAL),
        ("temporal_boundaries", True, LeakageSeverity.INFO),
    ]
    assert world.admin("SELECT count(*) FROM ml_leakage_audit WHERE tenant_id = :t", t=TENANT)[0][0] == 3


def test_an_audit_needs_a_configuration(driver: str, world: World) -> None:
    world.admin("DELETE FROM ml_split_registry WHERE tenant_id = :t", t=TENANT)
    with (
        world.repository(driver, AsyncSplitConfigRepository, world.scope()) as configs,
        pytest.raises(RowNotFoundError, match="hedgerow splits configure TENANT"),
    ):
        configs.leakage_audit()


def test_the_access_log_shows_the_newest_first(driver: str, world: World) -> None:
    with world.session("test") as session:
        session.connection()
    world.admin(
        "INSERT INTO ml_split_access_log (tenant_id, table_name, requested_split, allowed, accessed_at)"
        " VALUES (:t, 'triggers', 'holdout', false, now() - interval '1 day'), (:o, 'triggers', 'test', false, now())",
        t=TENANT,
        o=OTHER,
    )
    with world.repository(driver, AsyncSplitAccessRepository, world.scope()) as log:
        assert [(entry.requested_split, entry.allowed) for entry in log.access_log()] == [
            ("test", True),
            ("holdout", False),
        ]
        assert [entry.requested_split for entry in log.access_log(refused_only=True)] == ["holdout"]
        assert len(log.access_log(limit=1)) == 1
        entry = log.access_log()[0]
        assert entry.reason == "a test of repositories, logged in as hedgerow_evaluation"
        with pytest.raises(AppendOnlyError):
            log.delete(entry.access_id)
        with pytest.raises(AppendOnlyError):
            log.update(entry.access_id, {"allowed": False})


def test_sessions_do_not_write_configurations_or_move_patients(driver: str, world: World) -> None:
    with world.repository(driver, AsyncSplitConfigRepository, world.scope()) as configs:
        with pytest.raises(ReadOnlyError, match="may not update its rows"):
            configs.update(configs.get_active().split_config_id, {"train_ratio": 1})
        with pytest.raises(ReadOnlyError, match="may not delete its rows"):
            configs.delete(configs.get_active().split_config_id)
    with world.repository(driver, AsyncPatientSplitRepository, world.scope()) as patients:
        patients.register("P1")
        assignment = patients.get_many({"patient_id": "P1"})[0]
        with pytest.raises(ReadOnlyError):
            patients.update(assignment.assignment_id, {"assigned_split": "test"})
