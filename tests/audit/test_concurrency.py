"""Writers in parallel, over real connections: no gap, no fork, no duplicate, no deadlock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text

from bouncer import bouncing, require_pgbouncer
from hedgerow import open_session
from hedgerow.audit import ChainConflictError
from hedgerow.audit.repository import AuditChainRepository, NewAuditEntry
from hedgerow.core.engine import build_engine
from world import OTHER, TENANT, World

WRITERS = 8


@contextmanager
def writing(world: World, tenant: str = TENANT) -> Iterator[AuditChainRepository]:
    with world.session(tenant=tenant) as session:
        yield AuditChainRepository(session)


@pytest.fixture(scope="module", autouse=True)
def warm(world: World) -> None:
    """The engine gets its filter before threads meet."""
    world.session().close()


def in_parallel(work: Callable[[int], Any], count: int = WRITERS) -> list[Any]:
    """Run the work in threads that start together; what one raises is raised here."""
    barrier = Barrier(count)

    def begin(number: int) -> Any:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count)))


def stored(world: World, chain: UUID) -> list[Any]:
    return world.admin(
        "SELECT * FROM audit_chain_entries WHERE tenant_id = :t AND chain_id = :c ORDER BY sequence_number",
        t=TENANT,
        c=chain,
    )


def proven(world: World, chain: UUID, count: int) -> None:
    rows = stored(world, chain)
    assert [row.sequence_number for row in rows] == list(range(1, count + 1))
    assert len({row.entry_id for row in rows}) == count
    assert [row.previous_hash for row in rows] == [None, *(row.entry_hash for row in rows[:-1])]
    with writing(world) as repository:
        state, report = repository.inspect(chain), repository.recompute(chain)
    assert (state.fault, report.fault) == (None, None)
    assert (state.entries, report.entries) == (count, count)


def test_eight_writers_of_one_chain(world: World) -> None:
    chain = uuid4()

    def work(number: int) -> None:
        with writing(world) as repository:
            for turn in range(15):
                repository.append(chain, "writer", str(number), "wrote", {"turn": turn})
                repository.session.commit()

    in_parallel(work)
    proven(world, chain, 15 * WRITERS)
    for number in range(WRITERS):
        turns = [row.payload["turn"] for row in stored(world, chain) if row.entity_id == str(number)]
        assert turns == list(range(15)), "each writer's entries are in the order in which it wrote them"


def test_batches_and_single_entries_and_rollbacks(world: World) -> None:
    chain = uuid4()

    def work(number: int) -> int:
        kept = 0
        with writing(world) as repository:
            for turn in range(9):
                if number % 2:
                    repository.append_many(NewAuditEntry(chain, "batch", f"{number}", "wrote") for _ in range(7))
                else:
                    repository.append(chain, "single", f"{number}", "wrote")
                if turn % 3 == 2:
                    repository.session.rollback()
                else:
                    repository.session.commit()
                    kept += 7 if number % 2 else 1
        return kept

    proven(world, chain, sum(in_parallel(work)))
    kinds = [row.entity_type + row.entity_id for row in stored(world, chain)]
    for place, kind in enumerate(kinds):
        if kind.startswith("batch") and kinds[place - 1] != kind:
            assert kinds[place : place + 7] == [kind] * 7, "nobody steps into a batch"


def test_a_chain_that_begins_eight_times_at_once(world: World) -> None:
    for _ in range(5):
        chain = uuid4()

        def work(number: int, chain: UUID = chain) -> None:
            with writing(world) as repository:
                repository.append(chain, "writer", str(number), "began")
                repository.session.commit()

        in_parallel(work)
        proven(world, chain, WRITERS)


def test_batches_over_the_same_chains_in_opposite_order(world: World) -> None:
    chains = [uuid4() for _ in range(6)]

    def work(number: int) -> None:
        ordered = chains if number % 2 else list(reversed(chains))
        with writing(world) as repository:
            for _ in range(6):
                repository.append_many(NewAuditEntry(chain, "writer", str(number), "wrote") for chain in ordered)
                repository.session.commit()

    in_parallel(work)
    for chain in chains:
        proven(world, chain, 6 * WRITERS)


def test_verifications_while_writers_write(world: World) -> None:
    """What a verification saw stays true, whatever was being written next to it."""
    chain = uuid4()

    def work(number: int) -> None:
        with writing(world) as repository:
            for _ in range(12):
                if number < 2:
                    if stored(world, chain):
                        assert repository.verify(chain)
                else:
                    repository.append(chain, "writer", str(number), "wrote")
                repository.session.commit()

    in_parallel(work)
    proven(world, chain, 12 * (WRITERS - 2))


def test_writers_of_different_chains_and_tenants_do_not_wait(world: World) -> None:
    chain = uuid4()
    with writing(world) as one, writing(world) as two, writing(world, OTHER) as three:
        one.append(chain, "a", "1", "x")
        # Each would wait for ever if it needed what the first holds.
        for other, id in ((two, uuid4()), (three, chain)):
            other.session.execute(text("SET LOCAL lock_timeout = '2s'"))
            other.append(id, "a", "1", "x")
            other.session.commit()
        one.session.commit()


def test_under_repeatable_read_the_loser_is_told_to_try_again(world: World) -> None:
    chain = uuid4()
    engine = world.engine.execution_options(isolation_level="REPEATABLE READ")
    with open_session(world.scope(), engine=engine) as session, writing(world) as other:
        late = AuditChainRepository(session)
        assert late.for_entity("late", "1") == []  # takes the snapshot
        other.append(chain, "a", "1", "first")
        other.session.commit()
        with pytest.raises(ChainConflictError, match="again"):
            late.append(chain, "a", "1", "second")
        session.rollback()
        late.append(chain, "a", "1", "second")
        session.commit()
    proven(world, chain, 2)


def test_nothing_is_held_that_outlives_a_transaction(world: World) -> None:
    chain = uuid4()
    held = """SELECT count(*) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
               WHERE l.locktype = 'advisory' AND d.datname = current_database()"""
    with writing(world) as repository:
        repository.append(chain, "a", "1", "x")
        assert world.admin(held)[0][0] == 0


@pytest.mark.parametrize("connections", [1, 3])
def test_writers_behind_a_pooler_in_transaction_mode(world: World, connections: int) -> None:
    """Eight clients, fewer connections: each transaction runs on whichever is free."""
    require_pgbouncer()
    chain = uuid4()
    with bouncing(world.database.url("app"), connections=connections) as url:
        engine = build_engine(url, pooler="transaction", pool_size=WRITERS)
        open_session(world.scope(), engine=engine).close()

        def work(number: int) -> set[int]:
            backends = set()
            with open_session(world.scope(), engine=engine) as session:
                repository = AuditChainRepository(session)
                for turn in range(6):
                    repository.append(chain, "writer", str(number), "wrote", {"turn": turn})
                    repository.append_many([NewAuditEntry(chain, "writer", str(number), "wrote")] * 2)
                    backends.add(session.scalar(select(func.pg_backend_pid())))
                    session.commit()
            return backends

        backends = set.union(*in_parallel(work))
        engine.dispose()
    assert len(backends) <= connections, "they did share them"
    proven(world, chain, 18 * WRITERS)
