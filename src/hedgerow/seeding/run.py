"""Seeding from start to end: check the database, load the reference rows, load tenant after tenant."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import psycopg
from sqlalchemy import URL

from hedgerow.core.settings import libpq_url, resolve_urls
from hedgerow.seeding.guard import check_database
from hedgerow.seeding.load import ONCE, Counts, Progress, TableCount, jobs, load_reference, load_tenant
from hedgerow.seeding.plan import SeedError, table_seeds
from hedgerow.seeding.world import World


@dataclass(frozen=True, slots=True)
class SeedReport:
    """What a run did.

    :ivar tables: figures per table, referenced tables first.
    :ivar seconds: duration of the whole run.
    """

    tables: dict[str, TableCount]
    seconds: float

    @property
    def inserted(self) -> int:
        """Rows that are new, over all tables."""
        return sum(count.inserted for count in self.tables.values())

    @property
    def rate(self) -> float:
        """New rows per second of the whole run."""
        return self.inserted / self.seconds


def steps(tenants: int = 2, scale: int = 1) -> int:
    """How many steps :func:`seed` reports in all."""
    seeds = [seed for seed in table_seeds() if seed.kind not in ONCE]
    return tenants * sum(len(job.units) for job in jobs(seeds, scale))


def seed(
    url: str | URL | None = None,
    *,
    tenants: int = 2,
    scale: int = 1,
    force: bool = False,
    progress: Progress = lambda table, done: None,
) -> SeedReport:
    """Load the fixtures; rows that are there already stay as they are.

    The same call leaves the same bytes in every database. A larger call adds rows and changes none.

    :param url: database of the owner; None for the settings' (``DATABASE_URL``, else the embedded server).
    :param tenants: how many tenants, ``TEST_TENANT_001`` and on.
    :param scale: units of 500 patient journeys for each tenant.
    :param force: go on in a database that holds tenants of somebody else.
    :param progress: told the table at hand and the steps done since, see :func:`steps`.
    :raises SeedError: the database is not reachable, not at head, not ours, or holds rows that collide.
    """
    if not 1 <= tenants <= 999:
        raise SeedError(f"{tenants} tenants cannot be seeded.", remedy="choose a number from 1 to 999")
    if not 1 <= scale <= 10_000:
        raise SeedError(f"The scale {scale} cannot be seeded.", remedy="choose a number from 1 to 10000")
    began = perf_counter()
    counts: Counts = defaultdict(TableCount)
    seeds = table_seeds()
    owned = [item for item in seeds if item.kind not in ONCE]
    with connect(url) as connection:
        check_database(connection, force=force)
        load_reference(connection, [item for item in seeds if item.kind in ONCE], counts)
        for number in range(1, tenants + 1):
            load_tenant(connection, World(number), owned, scale, counts, progress)
    tables = {item.table.name: counts[item.table.name] for item in seeds}
    return SeedReport(tables, perf_counter() - began)


def connect(url: str | URL | None = None) -> psycopg.Connection[tuple[Any, ...]]:
    """An autocommitting connection of the owner, whose transactions are opened explicitly.

    Raises:
        SeedError: nobody answers.
    """
    target = resolve_urls().owner if url is None else url
    try:
        return psycopg.connect(libpq_url(target), autocommit=True, application_name="hedgerow seed")
    except psycopg.OperationalError as error:
        raise SeedError(
            f"The database does not answer: {' '.join(str(error).split())}.",
            remedy="start it (hedgerow db start), or correct DATABASE_URL",
        ) from None
