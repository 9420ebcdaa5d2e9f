"""The seeded patients as other rows need to know them: their journeys and events, and what train teaches.

Of a chronological tenant's journeys about 4 in 100 start inside a gap, and 3 in 100 on any day at all; events run on
past the end of a window now and then. These rows are what the windows hide, and what the leakage audit finds.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from math import fsum, sqrt
from typing import Final
from uuid import UUID

from hedgerow.core.scope import Split
from hedgerow.patients.enums import Brand, EventType, Region
from hedgerow.seeding import UNIT, Draw, World, at
from hedgerow.seeding.world import END, START
from hedgerow.splits.seed import SeedPatient, patients

PRESCRIBERS: Final = 25
"""Prescribers in one unit of scale."""

SOURCES: Final = ("iqvia_apld", "iqvia_laad", "healthverity", "komodo", "veeva_oce", "specialty_pharmacy")
"""Keys of data_sources that deliver patients."""

FOLLOW_UP: Final = 60
"""Days that a journey keeps to the end of its window, so that most of its events lie inside."""

_BRANDS: Final = ((Brand.KISQALI, 45), (Brand.REMIBRUTINIB, 35), (Brand.FABHALTA, 20))


@dataclass(frozen=True, slots=True)
class SeedJourney:
    """A journey as other rows need to know it.

    :ivar number: natural key, the same in every tenant.
    :ivar moment: event time of the journey's row.
    :ivar risk: risk score, None where nobody computed one.
    :ivar lag: hours until the source's record arrived, None where unknown.
    :ivar prescriber: the patient's usual prescriber.
    """

    number: int
    id: UUID
    patient: SeedPatient
    brand: Brand
    region: Region | None
    sources: tuple[str, ...]
    moment: datetime
    dated_by: str
    risk: Decimal | None
    lag: int | None
    prescriber: str


@dataclass(frozen=True, slots=True)
class SeedEvent:
    """An event of a journey; the last one says whether treatment was given up."""

    id: str
    journey: SeedJourney
    sequence: int
    day: date
    kind: EventType
    gave_up: bool


def prescriber_id(number: int) -> str:
    """Id of the prescriber with that number."""
    return f"HCP-{number:06d}"


@lru_cache(maxsize=64)
def cohort(world: World, unit: int) -> tuple[SeedJourney, ...]:
    """The journeys of one unit of scale, patient after patient."""
    draw = world.draw("patient_journeys", unit)
    found: list[SeedJourney] = []
    for patient in patients(world, unit):
        region = draw.pick(tuple(Region)) if draw.chance(0.95) else None
        prescriber = prescriber_id(unit * PRESCRIBERS + draw.whole(1, PRESCRIBERS))
        for _ in range(patient.journeys):
            number = unit * UNIT + len(found) + 1
            found.append(
                SeedJourney(
                    number,
                    world.id("patient_journeys", number),
                    patient,
                    draw.weighted(_BRANDS),
                    region,
                    tuple(draw.some(SOURCES, draw.weighted(((1, 45), (2, 35), (3, 20))))),
                    at(_start(world, patient.split, draw), draw.whole(0, 1439)),
                    draw.weighted((("journey_start_date", 94), ("source_timestamp", 4), ("created_at", 2))),
                    Decimal(draw.bell(2, 98)).scaleb(-2) if draw.chance(0.97) else None,
                    draw.bell(1, 96) if draw.chance(0.96) else None,
                    prescriber,
                )
            )
    return tuple(found)


def _start(world: World, split: Split, draw: Draw) -> date:
    """First day of a journey of that split; see the module's docstring for those outside of its window."""
    first, last = world.windows[split]
    if world.config.has_dates:
        gap = world.config.temporal_gap_days
        point = draw.share()
        if point < 0.04 and gap:
            # The gap behind the window, or before it for the last one, which ends with the data.
            edge = last if split is not Split.HOLDOUT else first - timedelta(days=gap + 1)
            return edge + timedelta(days=draw.whole(1, gap))
        if point < 0.07:
            return draw.day(START, END)
    return draw.day(first, max(first, last - timedelta(days=FOLLOW_UP)))


@lru_cache(maxsize=64)
def happenings(world: World, unit: int) -> tuple[SeedEvent, ...]:
    """The events of one unit of scale, journey after journey, each in order of time."""
    draw = world.draw("treatment_events", unit)
    found: list[SeedEvent] = []
    for journey in cohort(world, unit):
        count = draw.weighted(((1, 25), (2, 35), (3, 25), (4, 10), (5, 5)))
        # The higher the risk, the more give up: what the seeded models predict.
        gave_up = draw.chance(max(0.03, 2.2 * float(journey.risk or 0) - 0.7))
        day = journey.moment.date()
        for sequence in range(1, count + 1):
            key, kind = f"EVT-{journey.number:08d}-{sequence}", _kind(sequence, draw)
            found.append(SeedEvent(key, journey, sequence, day, kind, gave_up and sequence == count))
            day = min(day + timedelta(days=draw.whole(3, 21)), END)
    return tuple(found)


def _kind(sequence: int, draw: Draw) -> EventType:
    if sequence == 1:
        return EventType.DIAGNOSIS
    return draw.weighted(
        (
            (EventType.PRESCRIPTION, 40),
            (EventType.LAB_TEST, 25),
            (EventType.CONSULTATION, 22),
            (EventType.PROCEDURE, 8),
            (EventType.HOSPITALIZATION, 5),
        )
    )


@dataclass(frozen=True)
class Learnt:
    """Statistics of the train rows of the first unit, as a session with the split train sees them."""

    count: int
    values: dict[str, list[float]]
    categories: dict[str, Counter[str]]

    def mean(self, feature: str) -> float:
        return fsum(self.values[feature]) / len(self.values[feature])

    def deviation(self, feature: str) -> float:
        """Standard deviation of the population."""
        values, mean = self.values[feature], self.mean(feature)
        return sqrt(fsum((value - mean) ** 2 for value in values) / len(values))


def features(journey: SeedJourney) -> dict[str, float | None]:
    """The numbers that the seeded models look at."""
    return {
        "risk_score": None if journey.risk is None else float(journey.risk),
        "data_lag_hours": None if journey.lag is None else float(journey.lag),
        "source_count": float(len(journey.sources)),
    }


def in_window(world: World, split: Split, day: date) -> bool:
    """Whether a row of that split and day is visible in the split."""
    return not world.config.has_dates or world.split_on(day) is split


@lru_cache(maxsize=8)
def learnt(world: World) -> Learnt:
    """Look at the train rows; those outside of the window do not exist for training."""
    seen = [
        journey
        for journey in cohort(world, 0)
        if journey.patient.split is Split.TRAIN and in_window(world, Split.TRAIN, journey.moment.date())
    ]
    tables = [features(journey) for journey in seen]
    values = {name: [row[name] for row in tables if row[name] is not None] for name in tables[0]}
    return Learnt(
        len(seen),
        {name: [number for number in column if number is not None] for name, column in values.items()},
        {
            "brand": Counter(journey.brand.value for journey in seen),
            "geographic_region": Counter(journey.region.value for journey in seen if journey.region),
            "data_source": Counter(journey.sources[0] for journey in seen),
        },
    )
