"""Questions about journeys: by brand, and those that several sources know."""

from __future__ import annotations

from typing import Any

import pytest

from hedgerow.patients.models import PatientJourney
from hedgerow.patients.repository import AsyncPatientJourneyRepository
from world import OTHER, TENANT, World, make_world, patients


@pytest.fixture(scope="module")
def world(module_database: Any) -> World:
    """A journey of each brand and flag for a patient of each split, in both tenants."""
    world = make_world(module_database)
    for tenant in (TENANT, OTHER):
        splits = ("train", "validation", "test", "holdout")
        with world.session(*splits, tenant=tenant) as session:
            for split in splits:
                (patient,) = patients(split, 1)
                for brand in ("Kisqali", "kisqali", "Fabhalta"):
                    for flag in (True, False, None):
                        session.add(PatientJourney(patient_id=patient, brand=brand, source_stacking_flag=flag))
            session.commit()
    return world


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_by_brand(driver: str, world: World) -> None:
    with world.repository(driver, AsyncPatientJourneyRepository, world.scope()) as journeys:
        found = journeys.get_by_brand("Kisqali")
        assert {(row.tenant_id, row.brand) for row in found} == {(TENANT, "Kisqali")}, "letter case counts"
        assert sorted(row.split_assignment for row in found) == ["train"] * 3 + ["validation"] * 3
        assert [row.split_assignment for row in journeys.get_by_brand("Kisqali", "validation")] == ["validation"] * 3
        assert journeys.get_by_brand("unheard of") == []


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_cross_source_matches(driver: str, world: World) -> None:
    with world.repository(driver, AsyncPatientJourneyRepository, world.scope()) as journeys:
        found = journeys.get_cross_source_matches("Kisqali")
        assert [row.source_stacking_flag for row in found] == [True, True], "NULL is no match"
        assert [row.split_assignment for row in journeys.get_cross_source_matches("Kisqali", "train")] == ["train"]
