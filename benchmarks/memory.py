"""How well and how fast are memories found? The search beside what one would write by hand, in one run.

    exact, full vectors     WHERE tenant_id = ... ORDER BY content_embedding <=> query, no index: the truth
    HNSW, filtered          the same through an index over full vectors, as its documentation shows it
    HNSW, iterative         that with hnsw.iterative_scan = strict_order, which goes on until ten rows are found
    search                  search_episodic_memories, behind the wall
    repository              EpisodicMemoryRepository.search_episodic_memories, behind filter and wall, models loaded

The first three read a table without row-level security as superuser: nothing but the search is measured. Prints
recall@10 and the median latency, for tenants of 1,000 memories and for one of 20,000, among 50 tenants. A second table
takes both ways of the search at every size, which is where the number of rows comes from up to which it compares one by
one (``app.exact_search_rows``). Vectors have 1,536 dimensions and lie in clusters, as embeddings do; seeds are fixed.
"""

from __future__ import annotations

import argparse
import shutil
import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
from pgvector import Vector
from pgvector.psycopg import register_vector
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from hedgerow import Scope, open_session
from hedgerow.core.embedded import EmbeddedServer
from hedgerow.core.engine import build_engine
from hedgerow.core.settings import libpq_url
from hedgerow.core.vector import DIMENSIONS
from hedgerow.memory.repository import EpisodicMemoryRepository
from hedgerow.migrations.commands import upgrade

SMALL, LARGE = 1_000, 20_000
SIZES = (LARGE, 10_000, 5_000, 2_000)
"""Memories of the tenants that have more than the others."""
TENANTS, TOPICS = 50, 200
Connection = psycopg.Connection[Any]


class Topics:
    """Vectors in clusters: near a topic, and within it along a few directions more than along the others."""

    def __init__(self, seed: int) -> None:
        self._draw = np.random.default_rng(seed)
        self._centres = self._draw.standard_normal((TOPICS, DIMENSIONS)).astype("f4")
        self._spread = self._draw.standard_normal((64, DIMENSIONS)).astype("f4") / 8

    def near(self, count: int) -> Any:
        """Unit vectors about topics drawn at random: every tenant remembers something about each."""
        found = 0.7 * self._centres[self._draw.integers(0, TOPICS, count)]
        found += 0.7 * self._draw.standard_normal((count, 64), dtype="f4") @ self._spread
        found += 0.3 * self._draw.standard_normal((count, DIMENSIONS), dtype="f4")
        return found / np.linalg.norm(found, axis=1, keepdims=True)


@dataclass(slots=True)
class Corpus:
    """What was stored: ids and vectors of each tenant."""

    ids: dict[str, list[UUID]] = field(default_factory=dict)
    vectors: dict[str, Any] = field(default_factory=dict)

    def nearest(self, tenant: str, query: Any) -> set[UUID]:
        """The ten nearest memories of a tenant, by comparing all of them here."""
        places = np.argpartition(-(self.vectors[tenant] @ query), 10)[:10]
        return {self.ids[tenant][place] for place in places}


def sizes() -> dict[str, int]:
    """Number of memories of each tenant."""
    return {f"BENCH_{n:02d}": SIZES[n] if n < len(SIZES) else SMALL for n in range(TENANTS)}


@contextmanager
def served(console: Console) -> Iterator[tuple[EmbeddedServer, Connection]]:
    """A server of its own at head, removed in the end."""
    home = Path(tempfile.mkdtemp(prefix="hedgerow-bench-"))
    home.chmod(0o755)
    server = EmbeddedServer(home / "server", fast=True, settings={"shared_buffers": "2GB"})
    try:
        with console.status("Starting a server"):
            server.start()
            upgrade(server.url("owner"))
        with psycopg.connect(libpq_url(server.url("admin")), autocommit=True) as admin:
            register_vector(admin)
            yield server, admin
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


def load(admin: Connection, topics: Topics, progress: Progress) -> Corpus:
    """Store everything, tenants mixed as they would be after a while, and build the indexes."""
    corpus, wanted = Corpus(), sizes()
    total = sum(wanted.values())
    for tenant in wanted:
        admin.execute("INSERT INTO tenant (id, name) VALUES (%s, %s)", [tenant, tenant])
    admin.execute("DROP INDEX ix_episodic_memories_search_embedding")
    admin.execute("CREATE TABLE plain (tenant_id varchar(50), memory_id uuid, content_embedding vector(1536))")
    owners = np.random.default_rng(1).permutation([t for t, size in wanted.items() for _ in range(size)])
    made = progress.add_task("Storing memories", total=total)
    for start in range(0, total, 1_000):
        part, vectors = owners[start : start + 1_000], topics.near(min(1_000, total - start))
        copy_in(admin, part, vectors)
        for tenant in wanted:
            mine = vectors[part == tenant]
            kept = corpus.vectors.get(tenant)
            corpus.vectors[tenant] = mine if kept is None else np.vstack([kept, mine])
        progress.advance(made, len(part))
    admin.execute("INSERT INTO plain SELECT tenant_id, memory_id, content_embedding FROM episodic_memories")
    for tenant in wanted:
        # In the order in which they were stored, which their content says.
        rows = admin.execute(
            "SELECT memory_id FROM episodic_memories WHERE tenant_id = %s ORDER BY content::bigint", [tenant]
        )
        corpus.ids[tenant] = [row[0] for row in rows]
    options = "WITH (m = 16, ef_construction = 64)"
    half = f"episodic_memories USING hnsw (search_embedding halfvec_cosine_ops) {options}"
    full = f"plain USING hnsw (content_embedding vector_cosine_ops) {options}"
    build(admin, progress, "Index over half precision", total, half)
    build(admin, progress, "Index over full vectors", total, full)
    admin.execute("CREATE INDEX ON plain (tenant_id)")
    admin.execute("VACUUM ANALYZE plain")
    admin.execute("VACUUM ANALYZE episodic_memories")
    return corpus


def copy_in(admin: Connection, owners: Any, vectors: Any) -> None:
    """COPY a part of the memories; their content is a number that grows."""
    head = struct.pack(">HH", DIMENSIONS, 0)
    columns = "tenant_id, agent_name, content, content_embedding"
    copy = f"COPY episodic_memories ({columns}) FROM STDIN (FORMAT binary)"
    with admin.cursor() as cursor, cursor.copy(copy) as target:
        target.set_types(["text", "text", "text", "bytea"])
        for owner, vector in zip(owners, vectors.astype(">f4"), strict=True):
            target.write_row((str(owner), "explainer", f"{time.monotonic_ns()}", head + vector.tobytes()))


def build(admin: Connection, progress: Progress, what: str, rows: int, definition: str) -> None:
    """Create an index, and say how far it is as PostgreSQL sees it."""
    task = progress.add_task(what, total=rows)
    watched = "SELECT max(tuples_done) FROM pg_stat_progress_create_index"
    with psycopg.connect(admin.info.dsn, autocommit=True) as builder, ExitStack() as stack:
        builder.execute("SET maintenance_work_mem = '2GB'")
        builder.execute("SET max_parallel_maintenance_workers = 2")
        pool = stack.enter_context(ThreadPoolExecutor(1))
        running = pool.submit(builder.execute, f"CREATE INDEX ON {definition}")
        while not running.done():
            time.sleep(0.5)
            (done,) = admin.execute(watched).fetchone() or (0,)
            progress.update(task, completed=done or 0)
        running.result()
    progress.update(task, completed=rows)


Ask = Callable[[str, Any], list[UUID]]


def contenders(server: EmbeddedServer, stack: ExitStack) -> dict[str, Ask]:
    """A way to ask for each contender: tenant and query to ids."""

    def plain(order: str, *settings: str) -> Ask:
        connection = stack.enter_context(psycopg.connect(libpq_url(server.url("admin")), autocommit=True))
        register_vector(connection)
        for setting in settings:
            connection.execute(f"SET {setting}")
        sql = f"SELECT memory_id FROM plain WHERE tenant_id = %s ORDER BY {order} LIMIT 10"
        return lambda tenant, query: ids(connection.execute(sql, [tenant, Vector(query)], prepare=True, binary=True))

    through_index = ("enable_sort = off",)
    return {
        "exact, full vectors": plain("(content_embedding <=> %s) + 0"),
        "HNSW, filtered": plain("content_embedding <=> %s", *through_index),
        "HNSW, iterative": plain("content_embedding <=> %s", *through_index, "hnsw.iterative_scan = strict_order"),
        "search": function(server, stack, None),
        "repository": repository(server, stack),
    }


def function(server: EmbeddedServer, stack: ExitStack, rows: int | None) -> Ask:
    """The SQL function as the login role of sessions; ``rows`` forces the way that it goes."""
    connection = stack.enter_context(psycopg.connect(libpq_url(server.url("app"))))
    register_vector(connection)
    sql = "SELECT memory_id FROM search_episodic_memories(%s)"
    opened: list[str] = []

    def ask(tenant: str, query: Any) -> list[UUID]:
        if opened[-1:] != [tenant]:
            connection.rollback()
            connection.execute("SELECT * FROM app.open_scope(%s, NULL, '{train}', NULL)", [tenant])
            if rows is not None:
                connection.execute(f"SET LOCAL hedgerow.exact_search_rows = {rows}")
            opened.append(tenant)
        return ids(connection.execute(sql, [Vector(query)], prepare=True, binary=True))

    return ask


def repository(server: EmbeddedServer, stack: ExitStack) -> Ask:
    """The repository over a scoped session, one for each tenant."""
    engine = build_engine(server.url("app"), pool_size=TENANTS)
    sessions: dict[str, EpisodicMemoryRepository] = {}

    def ask(tenant: str, query: Any) -> list[UUID]:
        if tenant not in sessions:
            session = stack.enter_context(open_session(Scope(tenant), engine=engine))
            sessions[tenant] = EpisodicMemoryRepository(session)
        return [found.row.memory_id for found in sessions[tenant].search_episodic_memories(query)]

    return ask


def ids(rows: Any) -> list[UUID]:
    return [row[0] for row in rows.fetchall()]


def measured(
    ways: dict[str, Ask], corpus: Corpus, tenants: list[str], queries: Any, progress: Progress, what: str
) -> dict[str, tuple[float, float]]:
    """Recall@10 and median milliseconds of each way; they take turns, so that a slow moment hits all alike."""
    task = progress.add_task(what, total=len(queries))
    shares: dict[str, list[float]] = {way: [] for way in ways}
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for number, query in enumerate(queries):
        tenant = tenants[number % len(tenants)]
        truth = corpus.nearest(tenant, query)
        for way, ask in ways.items():
            # Twice: the first time opens the scope and plans.
            ask(tenant, query)
            began = time.perf_counter()
            found = ask(tenant, query)
            taken[way].append((time.perf_counter() - began) * 1e3)
            shares[way].append(len(truth & set(found)) / 10)
        progress.advance(task)
    return {way: (float(np.mean(shares[way])), median(taken[way])) for way in ways}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=100)
    given = parser.parse_args()
    console, topics = Console(highlight=False), Topics(7)
    columns = (TextColumn("{task.description:28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with ExitStack() as stack:
        server, admin = stack.enter_context(served(console))
        progress = stack.enter_context(Progress(*columns, console=console))
        corpus = load(admin, topics, progress)
        ways = contenders(server, stack)
        small = [tenant for tenant, size in sizes().items() if size == SMALL]
        table = Table("", "1,000: recall@10", "p50 ms", "20,000: recall@10", "p50 ms")
        found = [
            measured(ways, corpus, tenants, topics.near(given.queries), progress, f"Asking at {size:,}")
            for size, tenants in ((SMALL, small), (LARGE, ["BENCH_00"]))
        ]
        for way in ways:
            table.add_row(way, *(text for at in found for text in (f"{at[way][0]:.3f}", f"{at[way][1]:.1f}")))
        both = {"one by one": function(server, stack, 10**9), "index": function(server, stack, 0)}
        routes = Table("memories", "one by one, ms", "recall", "index, ms", "recall")
        for size in (SMALL, *reversed(SIZES)):
            tenants = [tenant for tenant, count in sizes().items() if count == size]
            at = measured(both, corpus, tenants, topics.near(given.queries // 2), progress, f"Both ways at {size:,}")
            routes.add_row(f"{size:,}", *(text for way in both for text in (f"{at[way][1]:.1f}", f"{at[way][0]:.3f}")))
        progress.stop()
    console.print(f"{sum(sizes().values()):,} memories of {TENANTS} tenants, 1,536 dimensions")
    console.print(table)
    console.print("The two ways of the search")
    console.print(routes)
    for at, least in zip(found, (0.99, 0.95), strict=True):
        if at["search"][0] < least:
            raise SystemExit(f"The search promises a recall of {least}, and has {at['search'][0]:.3f}")


if __name__ == "__main__":
    main()
