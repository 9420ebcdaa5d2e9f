"""Whoever can run any SQL as the role of sessions: the wall alone answers the truth, or refuses."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from hedgerow.core.open_scope import OPEN_SCOPE, opening_parameters
from isolation.oracle import refusal
from leakage.attacks import COUNTED, HINDERED, MET, READS, REFUSALS, REMEDY, Attack
from leakage.locks import DRIVERS, Grounds, plainly
from leakage.shapes_columns import SHAPES
from leakage.world import FOREIGN, OWN, SCOPES

RAW = {"no_parameters": True}


def carried_out(connection: Connection, attack: Attack, tenant: str | None = OWN) -> Any:
    """What was learnt; the transaction is rolled back."""
    try:
        if tenant is not None:
            connection.execute(OPEN_SCOPE, opening_parameters(SCOPES[tenant]))
        for statement in attack.statements:
            result = connection.exec_driver_sql(statement, execution_options=RAW)
        return plainly(list(result)) if result.returns_rows else result.rowcount
    finally:
        connection.rollback()


def behind_the_wall(grounds: Grounds, attack: Attack, driver: str) -> Any:
    engine = grounds.engine("wall", driver)
    if driver == "psycopg":
        with engine.connect() as connection:
            return carried_out(connection, attack)

    async def there() -> Any:
        async with engine.connect() as connection:
            return await connection.run_sync(carried_out, attack)

    return grounds.runner.run(there())


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("attack", READS)
def test_what_is_answered_is_the_truth(
    attack: Attack, driver: str, grounds: Grounds, truths: dict[str, Grounds]
) -> None:
    with grounds.engine("off").connect() as everything, truths[OWN].engine("off").connect() as true:
        right = carried_out(true, attack)
        assert _or_error(everything, attack) != right, "there is nothing to leak"
        assert behind_the_wall(grounds, attack, driver) == right


def _or_error(connection: Connection, attack: Attack) -> Any:
    try:
        return carried_out(connection, attack)
    except DBAPIError as error:
        return refusal(error)


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("attack", REFUSALS)
def test_what_is_not_answered_is_refused(attack: Attack, driver: str, grounds: Grounds) -> None:
    with pytest.raises(DBAPIError) as refused:
        behind_the_wall(grounds, attack, driver)
    assert refusal(refused.value) == attack.refused
    # The words about it quote no row of another tenant, but what the attack says itself.
    assert FOREIGN not in str(refused.value.orig) or any(FOREIGN in statement for statement in attack.statements)


def test_rows_of_others_still_count(leaky_template: str, fresh_database: Callable[..., Any]) -> None:
    """A residual risk, named in the docs: what is counted changes with rows that the scope does not see."""
    grown = Grounds(fresh_database(leaky_template))
    told = {}
    for rows in (0, 1_000):
        with grown.admin() as admin:
            admin.exec_driver_sql(
                "INSERT INTO hcp_profiles (tenant_id, hcp_id) "
                f"SELECT '{FOREIGN}', 'ANOTHER-' || n FROM generate_series(1, {rows}) AS n"
            )
            admin.exec_driver_sql("VACUUM FULL ANALYZE hcp_profiles")
            admin.exec_driver_sql("SELECT pg_stat_force_next_flush()")
        told[rows] = {attack.name: behind_the_wall(grown, attack, "psycopg") for attack in COUNTED}
    for attack in COUNTED:
        assert told[0][attack.name] != told[1_000][attack.name], f"{attack.name} is closed: take it off the list"
    grown.close()


@pytest.mark.parametrize("attack", MET)
def test_keys_still_tell_of_hidden_rows(attack: Attack, grounds: Grounds, truths: dict[str, Grounds]) -> None:
    """A residual risk, named in the docs: who writes meets the keys of rows that he does not see."""
    told = []
    for each in (grounds, truths[OWN]):
        with each.engine("wall").connect() as connection:
            told.append(_or_error(connection, attack))
    assert told[0] != told[1], "it is closed: take it off the list"


def test_tables_can_be_locked_for_everybody(grounds: Grounds) -> None:
    """A residual risk, named in the docs: of availability, not of secrecy."""
    with grounds.engine("wall").connect() as one, grounds.engine("wall").connect() as other:
        other.exec_driver_sql("SET lock_timeout = '50ms'")
        one.exec_driver_sql(HINDERED.statements[0])
        with pytest.raises(DBAPIError) as refused:
            carried_out(other, Attack("read", ("SELECT count(*) FROM hcp_profiles",)), FOREIGN)
        assert refusal(refused.value) == "55P03"


def test_grants_close_the_residual_risks(leaky_template: str, fresh_database: Callable[..., Any]) -> None:
    closed = Grounds(fresh_database(leaky_template))
    with closed.admin() as admin:
        admin.exec_driver_sql(REMEDY, execution_options=RAW)
    for attack in COUNTED:
        with pytest.raises(DBAPIError) as refused:
            behind_the_wall(closed, attack, "psycopg")
        assert refusal(refused.value) == "42501", attack.name
    # And everybody works on.
    entities = next(shape for shape in SHAPES if shape.name == "entity")
    for driver in DRIVERS:
        assert closed.ask(entities, "both", driver)
    closed.close()


def test_explained_filters_count_hidden_rows(grounds: Grounds) -> None:
    """The plan of a statement counts the rows that the policy removed: a residual risk, named in the docs."""
    attack = Attack("explained", ("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT * FROM hcp_profiles WHERE true",))
    assert "Rows Removed by Filter" in str(behind_the_wall(grounds, attack, "psycopg"))


def test_samples_of_values_are_hidden(grounds: Grounds) -> None:
    """PostgreSQL keeps samples of every column, and shows none of a table whose policies hold for the reader."""
    samples = Attack("samples", ("SELECT tablename, attname FROM pg_stats WHERE schemaname = 'public'",))
    with grounds.admin() as admin:
        admin.exec_driver_sql("ANALYZE hcp_profiles")
        assert ("hcp_profiles", "hcp_id") in set(map(tuple, admin.exec_driver_sql(samples.statements[0])))
    with grounds.admin() as admin:
        walled = set(admin.exec_driver_sql("SELECT relname FROM pg_class WHERE relrowsecurity").scalars())
    shown = {table.strip("'") for table, _ in behind_the_wall(grounds, samples, "psycopg")}
    assert not shown & walled


def copied(grounds: Grounds, lock: str, statement: str) -> list[bytes]:
    with grounds.engine(lock).connect() as connection:
        connection.execute(OPEN_SCOPE, opening_parameters(SCOPES[OWN]))
        driver: Any = connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            return sorted(bytes(part) for part in copy)


@pytest.mark.parametrize("statement", ["COPY hcp_profiles TO STDOUT", "COPY (TABLE patient_journeys) TO STDOUT"])
def test_copy_out(statement: str, grounds: Grounds, truths: dict[str, Grounds]) -> None:
    right = copied(truths[OWN], "off", statement)
    assert copied(grounds, "off", statement) != right
    assert copied(grounds, "wall", statement) == right


def test_copy_in_is_refused(grounds: Grounds) -> None:
    """PostgreSQL has no COPY FROM for tables with row-level security."""
    from psycopg.errors import FeatureNotSupported

    with grounds.engine("wall").connect() as connection:
        connection.execute(OPEN_SCOPE, opening_parameters(SCOPES[OWN]))
        driver: Any = connection.connection.driver_connection
        with (
            pytest.raises(FeatureNotSupported),
            driver.cursor() as cursor,
            cursor.copy("COPY hcp_profiles (tenant_id, hcp_id) FROM STDIN") as copy,
        ):
            copy.write_row((FOREIGN, "smuggled"))


async def test_copy_out_and_in_of_asyncpg(grounds: Grounds, truths: dict[str, Grounds]) -> None:
    """asyncpg copies in ways of its own."""
    import asyncpg

    async def copied_async(where: Grounds, lock: str, columns: list[str]) -> list[bytes]:
        engine = create_async_engine(where.engine(lock).url.set(drivername="postgresql+asyncpg"), poolclass=NullPool)
        async with engine.connect() as connection:
            await connection.execute(OPEN_SCOPE, opening_parameters(SCOPES[OWN]))
            driver: Any = (await connection.get_raw_connection()).driver_connection
            table, query = io.BytesIO(), io.BytesIO()
            await driver.copy_from_table("hcp_profiles", output=table, columns=columns)
            await driver.copy_from_query("SELECT id, brand FROM patient_journeys", output=query)
            if lock == "wall":
                with pytest.raises(asyncpg.FeatureNotSupportedError):
                    await driver.copy_records_to_table("hcp_profiles", records=[(FOREIGN, "smuggled")], columns=columns)
        return sorted(table.getvalue().splitlines() + query.getvalue().splitlines())

    columns = ["tenant_id", "hcp_id"]
    right = await copied_async(truths[OWN], "off", columns)
    assert await copied_async(grounds, "off", columns) != right
    assert await copied_async(grounds, "wall", columns) == right


@pytest.mark.parametrize(
    ("statement", "quoted"),
    [
        ("INSERT INTO hcp_profiles (hcp_id, decile) VALUES ('mine', 99)", "Failing row"),
        ("INSERT INTO hcp_profiles (hcp_id) SELECT min(hcp_id) FROM hcp_profiles", "already exists"),
    ],
    ids=["check", "unique"],
)
def test_errors_quote_no_row(statement: str, quoted: str, grounds: Grounds) -> None:
    """Where policies hold, PostgreSQL leaves the values out of its messages; without them it tells."""
    told = {}
    for lock in ("off", "wall"):
        with grounds.engine(lock).connect() as connection:
            connection.execute(OPEN_SCOPE, opening_parameters(SCOPES[OWN]))
            with pytest.raises(DBAPIError) as refused:
                connection.exec_driver_sql(statement, execution_options=RAW)
        told[lock] = str(refused.value.orig)
    assert quoted in told["off"]
    assert quoted not in told["wall"]


def test_a_prepared_statement_follows_the_scope(grounds: Grounds) -> None:
    """A plan that was made for one tenant and is executed for another."""
    with grounds.engine("wall").connect() as connection:
        seen = {}
        connection.exec_driver_sql("PREPARE planned AS SELECT DISTINCT tenant_id FROM hcp_profiles")
        connection.commit()
        # More than five executions, after which PostgreSQL may keep a generic plan.
        for tenant in (OWN, FOREIGN) * 6:
            connection.execute(OPEN_SCOPE, opening_parameters(SCOPES[tenant]))
            seen[tenant] = connection.exec_driver_sql("EXECUTE planned").scalars().all()
            connection.commit()
        assert connection.exec_driver_sql("EXECUTE planned").all() == []
        connection.exec_driver_sql("DEALLOCATE planned")
    assert seen == {OWN: [OWN], FOREIGN: [FOREIGN]}


def test_a_scope_is_gone_with_its_transaction(grounds: Grounds) -> None:
    with grounds.engine("wall").connect() as connection:
        count = text("SELECT count(*) FROM hcp_profiles")
        connection.execute(OPEN_SCOPE, opening_parameters(SCOPES[OWN]))
        assert connection.scalar(count)
        connection.commit()
        assert connection.scalar(count) == 0


def test_the_same_wall_for_coroutines_that_share_a_pool(grounds: Grounds) -> None:
    engine = grounds.engine("wall", "asyncpg")

    async def tenants(tenant: str) -> set[str]:
        async with engine.connect() as connection:
            await connection.execute(OPEN_SCOPE, opening_parameters(SCOPES[tenant]))
            await asyncio.sleep(0)
            found = await connection.execute(text("SELECT tenant_id FROM hcp_profiles"))
            return set(found.scalars())

    async def everybody() -> list[set[str]]:
        return await asyncio.gather(*(tenants((OWN, FOREIGN)[n % 2]) for n in range(30)))

    assert grounds.runner.run(everybody()) == [{(OWN, FOREIGN)[n % 2]} for n in range(30)]
