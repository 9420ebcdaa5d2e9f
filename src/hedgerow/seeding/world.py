"""The world of one seeded tenant: its clock, its ids, its split windows, its streams of chance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

from hedgerow.core.scope import Split
from hedgerow.seeding.draw import EDITION, Draw
from hedgerow.splits.config import SplitConfigFile, parse_split_config

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""The present of every seeded row. Nothing is read from a clock, so that two databases hold the same bytes."""

START: Final = date(2023, 1, 1)
"""First day of the seeded data."""

END: Final = date(2025, 12, 31)
"""Last day of the seeded data."""

UNIT: Final = 500
"""Patient journeys in one unit of scale, per tenant."""

TENANT_PREFIX: Final = "TEST_TENANT_"

_NAMESPACE: Final = uuid5(NAMESPACE_URL, EDITION)

_RATIOS: Final = {
    "train_ratio": 0.60,
    "validation_ratio": 0.20,
    "test_ratio": 0.15,
    "holdout_ratio": 0.05,
    "temporal_gap_days": 7,
}
_CHRONOLOGICAL: Final = parse_split_config(
    {
        **_RATIOS,
        "config_name": "seed_chronological",
        "data_start_date": START,
        "train_end_date": date(2024, 6, 30),
        "validation_end_date": date(2024, 12, 31),
        "test_end_date": date(2025, 6, 30),
        "data_end_date": END,
    },
    source="of the chronological seed tenants",
)
_STRATIFIED: Final = parse_split_config(
    {**_RATIOS, "config_name": "seed_patient_stratified"}, source="of the stratified seed tenants"
)


def tenant_id(number: int) -> str:
    """Id of the seeded tenant with that number: ``TEST_TENANT_001`` and on."""
    return f"{TENANT_PREFIX}{number:03d}"


@dataclass(frozen=True, eq=False)
class World:
    """What the rows of one tenant are made from.

    Odd tenants divide by time as well (chronological), even ones by patient alone (patient_stratified). Natural keys
    (patients, prescribers, events) are the same in every tenant on purpose: nothing may cross even so.

    :ivar number: number of the tenant, from 1.
    """

    number: int

    @cached_property
    def tenant_id(self) -> str:
        return tenant_id(self.number)

    @cached_property
    def config(self) -> SplitConfigFile:
        """The tenant's split configuration."""
        return _CHRONOLOGICAL if self.number % 2 else _STRATIFIED

    @cached_property
    def config_id(self) -> UUID:
        return self.id("ml_split_registry", self.config.config_name)

    def id(self, table: str, *key: object) -> UUID:
        """Id of a row: follows from tenant, table and natural key."""
        return uuid5(_NAMESPACE, "/".join((self.tenant_id, table, *map(str, key))))

    def draw(self, table: str, unit: int = 0) -> Draw:
        """The stream of one table and unit, so that neither another table nor a larger scale changes its rows."""
        return Draw(self.tenant_id, table, unit)

    @cached_property
    def windows(self) -> dict[Split, tuple[date, date]]:
        """First and last day of each split; all of the data where the configuration has no dates."""
        config = self.config
        ends = (config.train_end_date, config.validation_end_date, config.test_end_date)
        if None in ends:
            return dict.fromkeys((Split.TRAIN, Split.VALIDATION, Split.TEST, Split.HOLDOUT), (START, END))
        train, validation, test = (end for end in ends if end is not None)
        pause = timedelta(days=config.temporal_gap_days + 1)
        return {
            Split.TRAIN: (START, train),
            Split.VALIDATION: (train + pause, validation),
            Split.TEST: (validation + pause, test),
            Split.HOLDOUT: (test + pause, END),
        }

    def split_on(self, day: date) -> Split:
        """The split in whose window a day lies, unassigned in a gap: ``assign_patient_split`` of the database.

        Only for a configuration with dates.
        """
        for split, (first, last) in self.windows.items():
            if first <= day <= last:
                return split
        return Split.TRAIN if day < START else Split.HOLDOUT if day > END else Split.UNASSIGNED

    def split_without_patient(self, key: str, day: date) -> Split:
        """Split of a dated row about no patient: by its day, or by its key where days do not divide."""
        from hedgerow.splits.assignment import assign

        return self.split_on(day) if self.config.has_dates else assign(key, self.config.ratios)


def at(day: date, minutes: int = 0) -> datetime:
    """A moment of a day, in minutes after midnight UTC; never later than :data:`NOW`."""
    return min(datetime.combine(day, time(), UTC) + timedelta(minutes=minutes), NOW)


def later(moment: datetime, **delta: float) -> datetime:
    """``moment`` plus a :class:`~datetime.timedelta`, but never later than :data:`NOW`."""
    return min(moment + timedelta(**delta), NOW)
