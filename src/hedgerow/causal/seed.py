"""Seeded rows of the causal domain."""

from typing import Final

from hedgerow.seeding.plan import TableSeed

SEEDS: Final[tuple[TableSeed, ...]] = ()
