"""Laws of the seed: the same bytes everywhere, twice is once, and more never changes what is there."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Table, text

from hedgerow.core.embedded import find_installation
from hedgerow.core.settings import libpq_url
from hedgerow.registry import domains
from hedgerow.seeding import TableSeed, World, seed, steps, table_seeds
from hedgerow.seeding.load import BATCH, jobs

Make = Callable[[str | None], Any]
TABLES = [table for domain in domains() for table in domain.tables]
UNITS = [item for item in table_seeds() if item.kind == "unit"]


def dump(database: Any) -> dict[str, list[str]]:
    """Every row of every table as text, ordered by primary key."""

    def lines(connection: Any, table: Table) -> list[str]:
        keys = ", ".join(column.name for column in table.primary_key)
        return list(connection.scalars(text(f"SELECT t::text FROM {table.name} AS t ORDER BY {keys}")))

    with database.admin() as connection:
        return {table.name: lines(connection, table) for table in TABLES}


def test_two_databases_hold_the_same_bytes(seeded: Any, database: Any) -> None:
    seed(database.url("owner"))
    assert dump(database) == dump(seeded)


def test_pg_dump_agrees(seeded: Any, database: Any) -> None:
    program = find_installation().program("pg_dump")
    if not program.is_file():
        pytest.skip("the installation brings no pg_dump")
    seed(database.url("owner"))

    def dumped(from_database: Any) -> list[str]:
        command = [str(program), "--data-only", "--inserts", libpq_url(from_database.url("admin"))]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        # The key that newer versions write against injected commands is random.
        return sorted(line for line in done.stdout.splitlines() if not line.startswith("\\"))

    assert dumped(database) == dumped(seeded)


def test_twice_is_once(seeded: Any) -> None:
    before = dump(seeded)
    report = seed(seeded.url("owner"))
    assert report.inserted == 0
    assert sum(count.present for count in report.tables.values()) == sum(map(len, before.values()))
    assert dump(seeded) == before


def test_more_adds_rows_and_changes_none(seeded_template: str, template: str, fresh_database: Make) -> None:
    """Growing step by step leaves the same bytes as asking for all of it at once."""
    grown, at_once = fresh_database(seeded_template), fresh_database(template)
    before = dump(grown)
    assert seed(grown.url("owner"), tenants=3, scale=2).inserted > 0
    assert seed(grown.url("owner"), tenants=3, scale=4).inserted > 0
    after = dump(grown)
    for table, lines in before.items():
        assert set(lines) <= set(after[table]), table
    seed(at_once.url("owner"), tenants=3, scale=4)
    assert dump(at_once) == after
    # The later units are recognised by the last one of each batch.
    again = seed(grown.url("owner"), tenants=3, scale=4)
    assert again.inserted == 0
    assert dump(grown) == after


def test_a_row_that_went_missing_comes_back(seeded_template: str, fresh_database: Make) -> None:
    database = fresh_database(seeded_template)
    before = dump(database)
    with database.admin() as connection:
        connection.execute(text("DELETE FROM user_sessions WHERE pages_viewed > 20"))
        connection.execute(text("UPDATE users SET full_name = 'Renamed' WHERE email LIKE 'ada%'"))
    report = seed(database.url("owner"))
    assert report.inserted == report.tables["user_sessions"].inserted > 0
    after = dump(database)
    assert after["user_sessions"] == before["user_sessions"]
    # What somebody changed since is theirs.
    assert any("Renamed" in line for line in after["users"])


def test_two_at_once_wait_for_each_other(database: Any, seeded: Any) -> None:
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda _: seed(database.url("owner")), range(2)))
    assert dump(database) == dump(seeded)
    assert sum(report.inserted for report in reports) == max(report.inserted for report in reports)


def test_a_run_that_is_stopped_leaves_nothing_half_done(database: Any) -> None:
    def stop(table: str, done: int) -> None:
        if table == "treatment_events":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        seed(database.url("owner"), progress=stop)
    left = {table for table, lines in dump(database).items() if lines}
    assert left == {item.table.name for item in table_seeds() if item.kind in ("reference", "shared")}
    with database.admin() as connection:
        # Of a table that has rows of all tenants and of one, only the former.
        assert connection.scalar(text("SELECT count(tenant_id) FROM tool_definition")) == 0


@pytest.mark.parametrize("item", UNITS, ids=lambda item: item.table.name)
def test_a_unit_depends_on_nothing_but_itself(item: TableSeed) -> None:
    alone = list(item.make(World(1), 2))
    world = World(1)
    for other in UNITS:
        for unit in (0, 2, 1):
            list(other.make(world, unit))
    assert list(item.make(world, 2)) == alone
    assert list(item.make(world, 1)) != alone


@pytest.mark.parametrize("number", [*range(3, 30), 500, 999])
def test_every_tenant_can_be_made(number: int) -> None:
    """Figures that are computed from chance fit their columns and divide by nothing empty, whatever the tenant."""
    world = World(number)
    for item in table_seeds():
        made = list(item.make(world, 0))
        assert made
        for name in made[0]:
            digits = getattr(item.table.columns[name].type, "precision", None)
            if isinstance(digits, int):
                whole = digits - (item.table.columns[name].type.scale or 0)
                assert all(row[name] is None or abs(row[name]) < 10**whole for row in made), (item.table.name, name)


def test_progress_counts_every_step(database: Any) -> None:
    done: list[int] = []
    seed(database.url("owner"), tenants=1, scale=2, progress=lambda _, steps: done.append(steps))
    assert sum(done) == steps(1, 2)


def test_batches_cover_every_unit_once() -> None:
    for scale in (1, 2, BATCH, BATCH + 1, BATCH + 2, 3 * BATCH + 5):
        for item in UNITS:
            covered = [unit for job in jobs(table_seeds(), scale) if job.seed is item for unit in job.units]
            assert covered == list(range(scale))
