"""Seeded rows of the customers domain."""

from typing import Final

from hedgerow.seeding.plan import TableSeed

SEEDS: Final[tuple[TableSeed, ...]] = ()
