"""Seeded features: of patients, from their journeys, and of prescribers; with late, corrected and retracted values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from hedgerow.features.enums import FeatureDataType, FeatureStatus, FeatureValueStatus
from hedgerow.features.models import PATIENT, FeatureDefinition, FeatureGroup, FeatureValue
from hedgerow.patients.seed_cohort import PRESCRIBERS, cohort, prescriber_id
from hedgerow.seeding import NOW, Draw, Row, World, later, per_tenant
from hedgerow.splits.seed import patients

HCP: Final = "hcp"
CREATED: Final = NOW.replace(year=2023)
PATIENTS: Final = 150
"""Patients of the first unit with values; enough for every split."""


@dataclass(frozen=True, slots=True)
class Group:
    """A group of features."""

    name: str
    entity_type: str
    description: str
    owner: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Feature:
    """One version of a feature."""

    group: str
    name: str
    data_type: FeatureDataType
    logic: str
    sla_hours: int
    status: FeatureStatus
    version: int = 1


GROUPS: Final = (
    Group("patient_state", PATIENT, "Where a patient stands in treatment", "data-science", ("clinical", "daily")),
    Group("patient_labs", PATIENT, "Laboratory results", "data-science", ("clinical",)),
    Group("hcp_engagement", HCP, "How a prescriber answers", "commercial", ("engagement", "daily")),
)

_NUMERIC, _ACTIVE = FeatureDataType.NUMERIC, FeatureStatus.ACTIVE
FEATURES: Final = (
    Feature("patient_state", "risk_score", _NUMERIC, "risk model 1", 24, FeatureStatus.DEPRECATED),
    Feature("patient_state", "risk_score", _NUMERIC, "risk model 2", 24, _ACTIVE, 2),
    Feature("patient_state", "treatment_stage", FeatureDataType.CATEGORICAL, "last event", 48, _ACTIVE),
    Feature("patient_state", "on_treatment", FeatureDataType.BOOLEAN, "stage is on_treatment", 48, _ACTIVE),
    Feature("patient_labs", "haemoglobin", _NUMERIC, "last result, g/dl", 720, _ACTIVE),
    Feature("patient_labs", "panel", FeatureDataType.JSON, "last panel as delivered", 720, _ACTIVE),
    Feature(
        "patient_labs", "embedding", FeatureDataType.EMBEDDING, "text of the last report", 720, FeatureStatus.DRAFT
    ),
    Feature("hcp_engagement", "calls_90d", _NUMERIC, "calls of the last 90 days", 24, _ACTIVE),
    Feature("hcp_engagement", "channels", FeatureDataType.ARRAY, "channels by use", 168, _ACTIVE),
    Feature("hcp_engagement", "segment", FeatureDataType.CATEGORICAL, "rule of 2022", 168, FeatureStatus.ARCHIVED),
)

_STAGES: Final = ("diagnosed", "initiated", "on_treatment", "switched")
_CHANNELS: Final = ("email", "phone", "visit", "webinar")


def group_id(world: World, name: str) -> UUID:
    """Id of a group."""
    return world.id("feature_groups", name)


def feature_id(world: World, name: str, version: int = 1) -> UUID:
    """Id of a version of a feature."""
    return world.id("feature_definitions", name, version)


@per_tenant(FeatureGroup)
def groups(world: World) -> Iterator[Row]:
    """Two groups about patients, one about prescribers."""
    for group in GROUPS:
        yield {
            "group_id": group_id(world, group.name),
            "group_name": group.name,
            "description": group.description,
            "entity_type": group.entity_type,
            "owner": group.owner,
            "tags": group.tags,
            "created_at": CREATED,
            "updated_at": CREATED,
        }


@per_tenant(FeatureDefinition)
def definitions(world: World) -> Iterator[Row]:
    """Every type and every status."""
    for number, feature in enumerate(FEATURES):
        made = CREATED + timedelta(days=number)
        yield {
            "feature_id": feature_id(world, feature.name, feature.version),
            "feature_name": feature.name,
            "group_id": group_id(world, feature.group),
            "data_type": feature.data_type,
            "description": f"{feature.name.replace('_', ' ').capitalize()} ({feature.logic})",
            "computation_logic": feature.logic,
            "source_tables": ("hcp_profiles",) if feature.group == "hcp_engagement" else ("patient_journeys",),
            "freshness_sla_hours": feature.sla_hours,
            "status": feature.status,
            "version": feature.version,
            "created_at": made,
            "updated_at": made,
        }


@per_tenant(FeatureValue)
def values(world: World) -> Iterator[Row]:
    """Three or four values of each feature; some arrive late, some are corrections, a few were wrong."""
    draw = world.draw("feature_values")
    begun = {journey.patient.patient_id: journey.moment for journey in reversed(cohort(world, 0))}
    people = [patient for patient in patients(world, 0) if patient.patient_id in begun][:PATIENTS]
    for feature in FEATURES:
        if feature.group == "hcp_engagement":
            asked = [(prescriber_id(number), HCP, CREATED) for number in range(1, PRESCRIBERS + 1)]
        else:
            asked = [(patient.patient_id, PATIENT, begun[patient.patient_id]) for patient in people]
        for entity, kind, moment in asked:
            yield from _history(world, draw, feature, entity, kind, moment)


def _history(world: World, draw: Draw, feature: Feature, entity: str, kind: str, begun: datetime) -> Iterator[Row]:
    holds = begun
    for sequence in range(draw.whole(2, 4)):
        holds = later(holds, days=draw.whole(5, 40), minutes=draw.whole(0, 1439))
        # Mostly known within a day; now and then weeks later, when the next value is known already.
        known = later(holds, minutes=draw.whole(5, 1439), days=draw.whole(20, 60) if draw.chance(0.05) else 0)
        wrong = draw.chance(0.02)
        # An end in the future is none yet: no seeded moment is later than the present.
        end = holds + timedelta(days=90)
        stated = end if feature.group == "patient_labs" and end <= NOW else None
        yield {
            "value_id": world.id("feature_values", feature.name, feature.version, entity, sequence),
            "feature_id": feature_id(world, feature.name, feature.version),
            "entity_id": entity,
            "entity_type": kind,
            "value": _value(draw, feature),
            # Two moments of one entity that are cut off at the present would have one key.
            "computed_at": known - timedelta(seconds=10 - sequence),
            "valid_from": holds - timedelta(seconds=20 - sequence),
            "valid_until": stated,
            "status": FeatureValueStatus.INVALID if wrong else _status(feature),
            "source_version": f"build-{feature.version}.{sequence}",
            "event_timestamp": holds - timedelta(seconds=20 - sequence),
        }


def _status(feature: Feature) -> FeatureValueStatus:
    match feature.status:
        case FeatureStatus.ARCHIVED:
            return FeatureValueStatus.EXPIRED
        case FeatureStatus.DEPRECATED:
            return FeatureValueStatus.STALE
        case _:
            return FeatureValueStatus.CURRENT


def _value(draw: Draw, feature: Feature) -> Any:
    match feature.data_type:
        case FeatureDataType.NUMERIC:
            return draw.whole(20, 980) / 1000 if feature.name == "risk_score" else draw.whole(70, 170) / 10
        case FeatureDataType.CATEGORICAL:
            return draw.pick(_STAGES)
        case FeatureDataType.BOOLEAN:
            return draw.chance(0.6)
        case FeatureDataType.ARRAY:
            return draw.some(_CHANNELS, draw.whole(1, 3))
        case FeatureDataType.JSON:
            return {"neutrophils": draw.whole(10, 80) / 10, "platelets": draw.whole(100, 400)}
        case FeatureDataType.EMBEDDING:
            return [draw.whole(-100, 100) / 100 for _ in range(4)]


SEEDS: Final = (groups, definitions, values)
