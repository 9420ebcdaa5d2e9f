"""Seeded rows of the features domain."""

from typing import Final

from hedgerow.seeding.plan import TableSeed

SEEDS: Final[tuple[TableSeed, ...]] = ()
