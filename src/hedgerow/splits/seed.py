"""Seeded split configurations, the patients registered under them, and who opened a sealed split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from hedgerow.core.scope import Split
from hedgerow.seeding import NOW, UNIT, Row, World, at, per_tenant, per_unit
from hedgerow.splits.assignment import assign
from hedgerow.splits.models import PatientSplitAssignment, SplitAccessLog, SplitConfig
from hedgerow.splits.registration import stored_values


@dataclass(frozen=True, slots=True)
class SeedPatient:
    """A patient, the split that the hash gives, and the number of the patient's journeys."""

    patient_id: str
    split: Split
    journeys: int


@lru_cache(maxsize=64)
def patients(world: World, unit: int) -> tuple[SeedPatient, ...]:
    """The patients of one unit of scale: together they have exactly :data:`~hedgerow.seeding.UNIT` journeys."""
    draw, left = world.draw("ml_patient_split_assignments", unit), UNIT
    found: list[SeedPatient] = []
    while left:
        journeys = min(left, draw.weighted(((1, 60), (2, 25), (3, 10), (4, 5))))
        patient_id = f"PAT-{unit * UNIT + len(found) + 1:08d}"
        found.append(SeedPatient(patient_id, assign(patient_id, world.config.ratios), journeys))
        left -= journeys
    return tuple(found)


@per_tenant(SplitConfig)
def configs(world: World) -> Iterator[Row]:
    """The tenant's only configuration, and so its active one."""
    stored = stored_values(world.config)
    yield {
        **stored,
        "split_config_id": world.config_id,
        "patient_level_isolation": True,
        "is_active": True,
        "created_by": "hedgerow seed",
        "notes": "Divides by patient and by time" if world.config.has_dates else "Divides by patient alone",
        "created_at": at(date(2023, 1, 1)),
        "updated_at": at(date(2023, 1, 1)),
    }


@per_unit(PatientSplitAssignment)
def assignments(world: World, unit: int) -> Iterator[Row]:
    """Every patient by the hash rule, registered before the patient's first row."""
    registered = at(date(2023, 1, 1))
    for patient in patients(world, unit):
        yield {
            "assignment_id": world.id("ml_patient_split_assignments", patient.patient_id),
            "split_config_id": world.config_id,
            "patient_id": patient.patient_id,
            "assigned_split": patient.split,
            "assignment_reason": "hash",
            "assigned_at": registered,
        }


@per_tenant(SplitAccessLog)
def accesses(world: World) -> Iterator[Row]:
    """A refusal and an opening of each sealed split, a month apart."""
    cases = (
        ("patient_journeys", Split.TEST, "notebook", False, "the scope holds train"),
        ("*", Split.TEST, "evaluation job", True, "quarterly evaluation of the champion"),
        ("ml_predictions", Split.HOLDOUT, "dashboard", False, "the scope holds train, validation"),
        ("*", Split.HOLDOUT, "evaluation job", True, "final evaluation before release"),
        ("treatment_events", None, "notebook", False, "raw SQL names a scoped table"),
    )
    for number, (table, split, caller, allowed, reason) in enumerate(cases):
        yield {
            "access_id": world.id("ml_split_access_log", number),
            "table_name": table,
            "requested_split": split,
            "caller": caller,
            "allowed": allowed,
            "reason": reason,
            "accessed_at": NOW - timedelta(days=30 * (len(cases) - number)),
        }


SEEDS = (configs, assignments, accesses)
