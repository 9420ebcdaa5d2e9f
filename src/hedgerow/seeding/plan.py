"""What is seeded: each domain's ``seed.py`` names its tables and the pure functions that make their rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from sqlalchemy import Table

from hedgerow import registry
from hedgerow.core.base import Base, metadata
from hedgerow.core.errors import HedgerowError
from hedgerow.seeding.world import World

Row = Mapping[str, Any]
"""One row: column to value. All rows of a function have the same columns; ``tenant_id`` is not among them."""

Kind = Literal["reference", "shared", "tenant", "unit"]


class SeedError(HedgerowError):
    """The database cannot be seeded, or a seed function does not fit its table."""


@dataclass(frozen=True, slots=True)
class TableSeed:
    """The rows of one table.

    :ivar table: the table.
    :ivar kind: ``reference``: once a database, brought by its revisions; ``shared``: once a database, by the seed
        alone; ``tenant``: once a tenant; ``unit``: for each unit of scale.
    :ivar make: gives the rows of a unit; the others are asked for unit 0 only.
    """

    table: Table
    kind: Kind
    make: Callable[[World, int], Iterable[Row]]


def per_tenant(model: type[Base]) -> Callable[[Callable[[World], Iterable[Row]]], TableSeed]:
    """Declare a function that gives all rows of a tenant, whatever the scale."""

    def declare(rows: Callable[[World], Iterable[Row]]) -> TableSeed:
        return TableSeed(metadata.tables[model.__tablename__], "tenant", lambda world, _: rows(world))

    return declare


def per_unit(model: type[Base]) -> Callable[[Callable[[World, int], Iterable[Row]]], TableSeed]:
    """Declare a function that gives the rows of one unit of scale; they never depend on how many units there are."""

    def declare(rows: Callable[[World, int], Iterable[Row]]) -> TableSeed:
        return TableSeed(metadata.tables[model.__tablename__], "unit", rows)

    return declare


def reference(model: type[Base], rows: Callable[[], Iterable[Row]]) -> TableSeed:
    """Rows that the revisions bring along; for a database that was built otherwise."""
    return TableSeed(metadata.tables[model.__tablename__], "reference", lambda *_: rows())


def shared(model: type[Base]) -> Callable[[Callable[[], Iterable[Row]]], TableSeed]:
    """Declare a function that gives rows of all tenants which only the seed brings, and no revision.

    A table may have such rows beside those of each tenant.
    """

    def declare(rows: Callable[[], Iterable[Row]]) -> TableSeed:
        return TableSeed(metadata.tables[model.__tablename__], "shared", lambda *_: rows())

    return declare


def table_seeds() -> tuple[TableSeed, ...]:
    """The seeds of all domains, referenced tables first.

    Raises:
        SeedError: a table is seeded by two functions, or a domain has no ``SEEDS``.
    """
    found: dict[tuple[str, bool], TableSeed] = {}
    for name in registry.NAMES:
        seeds: tuple[TableSeed, ...] | None = getattr(import_module(f"hedgerow.{name}.seed"), "SEEDS", None)
        if seeds is None:
            raise SeedError(f"The domain {name} names no seeds.", remedy=f"give hedgerow/{name}/seed.py its SEEDS")
        for seed in seeds:
            if found.setdefault((seed.table.name, seed.kind == "shared"), seed) is not seed:
                raise SeedError(
                    f"{seed.table.name} is seeded twice, the second time by {name}.", remedy="merge the two functions"
                )
    keys = ((table.name, of_all) for table in metadata.sorted_tables for of_all in (True, False))
    return tuple(found[key] for key in keys if key in found)
