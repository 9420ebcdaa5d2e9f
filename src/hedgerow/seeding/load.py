"""One tenant into one database: generate, COPY into a staging table, insert what is not there yet.

COPY FROM is refused for tables with row-level security, and it knows no "unless it is there"; hence the staging
table. All of a tenant is one transaction, so that whatever stops it leaves nothing half done. While the server
inserts one batch, a thread makes the next.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from time import perf_counter
from typing import Any, Final

import psycopg
from psycopg import sql
from sqlalchemy import Table

from hedgerow.core.scope import Split
from hedgerow.seeding.copytext import columns_of, encoded
from hedgerow.seeding.plan import SeedError, TableSeed
from hedgerow.seeding.world import World

Connection = psycopg.Connection[tuple[Any, ...]]

ONCE: Final = ("reference", "shared")
"""Kinds of rows that are loaded once a database, before any tenant."""

LOCK: Final = 0x68656467
"""Advisory lock of a transaction that seeds: a second run waits, and then finds everything there."""

BATCH: Final = 10
"""Units of scale that are loaded at once: 5,000 journeys."""

AHEAD: Final = 3
"""Batches that are made before they are needed: a table of many rows is made while smaller ones are stored."""


@dataclass(slots=True)
class TableCount:
    """What happened to one table.

    :ivar inserted: rows that are new.
    :ivar present: rows that were there already, as far as they were looked at.
    :ivar seconds: time from having the rows to having them stored.
    """

    inserted: int = 0
    present: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float | None:
        """New rows per second, None where nothing is new."""
        return self.inserted / self.seconds if self.inserted and self.seconds else None


Counts = defaultdict[str, TableCount]
Progress = Callable[[str, int], None]
"""Told the table at hand, and the number of steps that are done since the last call."""


@dataclass(frozen=True, slots=True)
class Job:
    """One table, and the units of it that are loaded at once."""

    seed: TableSeed
    units: range


@dataclass(frozen=True, slots=True)
class Batch:
    """A job's rows, ready for COPY."""

    job: Job
    columns: tuple[str, ...]
    data: bytes
    rows: int


def jobs(seeds: Iterable[TableSeed], scale: int) -> list[Job]:
    """Everything to do for a tenant. The first unit stands alone, since rows about no patient refer to it."""
    seeds = tuple(seeds)
    first = [Job(seed, range(1)) for seed in seeds]
    growing = [seed for seed in seeds if seed.kind == "unit"]
    starts = range(1, scale, BATCH)
    return first + [Job(seed, range(start, min(start + BATCH, scale))) for start in starts for seed in growing]


def load_reference(connection: Connection, seeds: Iterable[TableSeed], counts: Counts) -> None:
    """Make sure that the reference rows are there; those that the revisions brought stay as they are."""
    with connection.transaction():
        _lock(connection)
        for seed in seeds:
            _store(connection, render(World(1), Job(seed, range(1))), counts)


def load_tenant(
    connection: Connection, world: World, seeds: Iterable[TableSeed], scale: int, counts: Counts, progress: Progress
) -> None:
    """Load one tenant in one transaction.

    :param scale: units of scale, at least 1.
    :param counts: is added to.
    :raises SeedError: the tenant is not active, or its rows collide with others.
    """
    todo = jobs(seeds, scale)
    with connection.transaction():
        _lock(connection)
        _issue(connection, world, ())
        fresh = connection.execute("SELECT FROM tenant WHERE id = %s", [world.tenant_id]).fetchone() is None
        # The tenant comes before the scope, which is not opened for one that does not exist.
        _store(connection, render(world, todo[0]), counts)
        progress(todo[0].seed.table.name, 1)
        _open_wide(connection, world)
        grown: Counter[str] = Counter()
        known: Counter[str] = Counter()
        for batch in _batches(connection, world, todo[1:], fresh, progress):
            name = batch.job.seed.table.name
            with _allowed_to_write(connection, world, batch.job.seed.table):
                grown[name] += _store(connection, batch, counts, fresh=fresh)
            if batch.job.seed.kind == "unit" and grown[name] > 2 * known[name]:
                _analyze(connection, name, counts)
                known[name] = grown[name]
            progress(name, len(batch.job.units))


def render(world: World, job: Job) -> Batch:
    """Make the rows of a job."""
    seed = job.seed
    rows = iter(chain.from_iterable(seed.make(world, unit) for unit in job.units))
    first = next(rows, None)
    if first is None:
        return Batch(job, (), b"", 0)
    columns = columns_of(seed.table, first)
    return Batch(job, columns, *encoded(seed.table, columns, chain((first,), rows)))


def _batches(connection: Connection, world: World, todo: list[Job], fresh: bool, progress: Progress) -> Iterator[Batch]:
    """The batches of the jobs, made while their predecessors are stored."""
    with ThreadPoolExecutor(1, "hedgerow-seed") as maker:
        coming: deque[Future[Batch]] = deque()
        for job in todo:
            if not fresh and len(job.units) > 1 and _is_there(connection, world, job):
                progress(job.seed.table.name, len(job.units))
                continue
            coming.append(maker.submit(render, world, job))
            if len(coming) > AHEAD:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()


def _is_there(connection: Connection, world: World, job: Job) -> bool:
    """Whether the last unit of a job is stored: then its earlier ones, of the same transaction, are so too."""
    batch = render(world, Job(job.seed, job.units[-1:]))
    if not batch.rows:
        return False
    stage = _staged(connection, batch)
    missing = sql.SQL("SELECT FROM {stage} AS s WHERE {absent} LIMIT 1").format(
        stage=stage, absent=_absent(batch.job.seed.table)
    )
    return connection.execute(missing).fetchone() is None


def _open_wide(connection: Connection, world: World) -> None:
    """Open a scope of the tenant with every split, and its windows without bounds.

    The wall holds for the owner too. Real sources deliver rows outside of the window of their split: late ones, and
    ones dated inside a gap. They are what the windows are there to hide, and they are part of the fixtures; a load
    that did not see those that are there would store them twice. So the owner, and nobody else, widens the windows,
    for this one transaction. Within the tenant it acts as the administrator, from whom no audience hides a row.
    """
    try:
        connection.execute(
            "SELECT FROM app.open_scope(%s, NULL, %s::text[], 'seed')",
            [world.tenant_id, [split.value for split in Split]],
        )
    except psycopg.errors.InvalidAuthorizationSpecification as error:
        raise SeedError(
            f"{error.diag.message_primary}, so it is not seeded.",
            remedy=f"set its status to active, or seed fewer tenants than {world.number}",
            table="tenant",
        ) from error
    _issue(connection, world, Split)


@contextmanager
def _allowed_to_write(connection: Connection, world: World, table: Table) -> Iterator[None]:
    """Hold only the splits that a table may be written from, where it names some; all of them again afterwards."""
    only = table.info.get("hedgerow.written_from")
    if only is not None:
        _issue(connection, world, only)
    yield
    if only is not None:
        _issue(connection, world, Split)


def _issue(connection: Connection, world: World, splits: Iterable[str]) -> None:
    """Be in a scope without windows, unasked: what the owner of the schema may do and nobody else."""
    from hedgerow.tenancy.seed import user_ids  # here, since the seeds of domains import this package

    connection.execute(
        "SELECT app.issue_scope(%s, %s, %s::text[])",
        [world.tenant_id, str(user_ids(world)[0]), [str(split) for split in splits]],
    )


def _lock(connection: Connection) -> None:
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def _analyze(connection: Connection, table: str, counts: Counts) -> None:
    """Tell the planner how large a table has become.

    Triggers and foreign keys look into tables that were empty when the transaction began. Planned for an empty table
    these look-ups walk through all rows of the tenant, and the load takes quadratic time.
    """
    began = perf_counter()
    connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))
    counts[table].seconds += perf_counter() - began


def _store(connection: Connection, batch: Batch, counts: Counts, *, fresh: bool = False) -> int:
    """Insert the rows of a batch whose keys are not there yet; return how many.

    :param fresh: the tenant began to exist in this transaction, so by its foreign keys nothing of it was there.
    """
    if not batch.rows:
        return 0
    began = perf_counter()
    table = batch.job.seed.table
    stage = _staged(connection, batch)
    owned = "tenant_id" in table.columns
    numbered = [name for name in batch.columns if table.columns[name].identity is not None]
    target = [sql.Identifier(name) for name in batch.columns]
    source: list[sql.Composable] = [sql.SQL("s.{}").format(name) for name in target]
    if owned:
        target.insert(0, sql.Identifier("tenant_id"))
        source.insert(0, sql.SQL("app.current_tenant()"))
    # Without ON CONFLICT: a collision on another key than the primary one is an error, not a row that goes missing.
    # Reference rows may be there under another id; rows of all tenants are not seen without a scope.
    statement = sql.SQL(
        "INSERT INTO {table} ({target}) {numbers} SELECT {source} FROM {stage} AS s{absent}{rest}"
    ).format(
        table=sql.Identifier(table.name),
        target=sql.SQL(", ").join(target),
        source=sql.SQL(", ").join(source),
        stage=stage,
        # A join may turn rows round, and an audit chain takes its entries in the order of their numbers only.
        absent=sql.SQL("") if fresh else sql.SQL(" WHERE {} ORDER BY s.ctid").format(_absent(table)),
        numbers=sql.SQL("OVERRIDING SYSTEM VALUE" if numbered else ""),
        rest=sql.SQL(" ON CONFLICT DO NOTHING" if batch.job.seed.kind in ONCE else ""),
    )
    try:
        inserted = connection.execute(statement).rowcount
        for name in numbered:
            _advance(connection, table, name, stage)
    except psycopg.errors.IntegrityError as error:
        raise SeedError(
            f"Rows that somebody else wrote stand in the way: {error.diag.message_primary}.",
            table=table.name,
            remedy="remove those rows, or seed a database of its own",
        ) from error
    count = counts[table.name]
    count.inserted += inserted
    count.present += batch.rows - inserted
    count.seconds += perf_counter() - began
    return inserted


def _advance(connection: Connection, table: Table, column: str, stage: sql.Identifier) -> None:
    """Let the numbers that the server gives out begin behind those of the staged rows."""
    sequence = connection.execute("SELECT pg_get_serial_sequence(%s, %s)", [table.name, column]).fetchone()
    assert sequence is not None
    connection.execute(
        sql.SQL("SELECT setval({}, greatest((SELECT max({}) FROM {}), (SELECT last_value FROM {})))").format(
            sequence[0], sql.Identifier(column), stage, sql.SQL(sequence[0])
        )
    )


def _staged(connection: Connection, batch: Batch) -> sql.Identifier:
    """Copy a batch into the table's staging table, which this transaction drops at its end."""
    table = batch.job.seed.table
    stage = sql.Identifier(f"seed_{table.name}")
    columns = sql.SQL(", ").join(map(sql.Identifier, batch.columns))
    with connection.cursor() as cursor:
        if cursor.execute("SELECT to_regclass(%s)", [f"pg_temp.seed_{table.name}"]).fetchone() == (None,):
            cursor.execute(
                sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(
                    stage, columns, sql.Identifier(table.name)
                )
            )
        else:
            cursor.execute(sql.SQL("TRUNCATE {}").format(stage))
        with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(stage, columns)) as copy:
            copy.write(batch.data)
    return stage


def _absent(table: Table) -> sql.Composed:
    """SQL: the staged row ``s`` has no counterpart with its primary key in the table."""
    keys = [
        sql.SQL("t.tenant_id = (SELECT app.current_tenant())")
        if column.name == "tenant_id"
        else sql.SQL("t.{0} = s.{0}").format(sql.Identifier(column.name))
        for column in table.primary_key.columns
    ]
    return sql.SQL("NOT EXISTS (SELECT FROM {} AS t WHERE {})").format(
        sql.Identifier(table.name), sql.SQL(" AND ").join(keys)
    )
