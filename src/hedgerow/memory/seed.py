"""Seeded rows of the memory domain."""

from typing import Final

from hedgerow.seeding.plan import TableSeed

SEEDS: Final[tuple[TableSeed, ...]] = ()
