"""What do the locks cost a service? The example of ``examples/fastapi_app`` four ways, asked in turns over HTTP.

    neither    a superuser and a hand-written WHERE tenant_id = ...: nothing opens a scope, nothing else happens
    filter     the session of the example as a superuser: the filter alone
    wall       a plain session as the login role of sessions, the scope opened by hand: row-level security alone
    both       the example as it is

Each way is a process of its own on the same database. Prints the median requests per second of each, and the median of
its ratio to ``neither``, round by round. Server, service and client share the machine, so rates say less than ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import jwt
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from sqlalchemy import create_engine, text

from hedgerow.core.embedded import EmbeddedServer
from hedgerow.core.embedded.server import Role
from hedgerow.migrations.commands import upgrade

ROOT = Path(__file__).parents[1]
KEY = "a key that only the benchmark and its services know"
WAYS: dict[str, Role] = {"neither": "admin", "filter": "admin", "wall": "app", "both": "app"}
LOAD = """
    INSERT INTO tenant (id, name) SELECT 'BENCH_' || t, 'Bench' FROM generate_series(1, {tenants}) AS t;
    INSERT INTO interactions (tenant_id, assistant_mode, user_query, outcome, "timestamp", confidence_score)
    SELECT 'BENCH_' || n % {tenants} + 1, 'customer', 'question ' || n, 'resolved', now() - n * interval '1 s', 0.5
      FROM generate_series(1, {rows}) AS n;
    VACUUM ANALYZE interactions;
"""
BODY = {"assistant_mode": "customer", "user_query": "?", "outcome": "resolved"}
QUESTIONS = {"read 1": 1, "read 50": 50, "store 1": None}


@contextmanager
def loaded(rows: int, tenants: int) -> Iterator[EmbeddedServer]:
    """A server of its own with the table filled, removed in the end."""
    home = Path(tempfile.mkdtemp(prefix="hedgerow-bench-"))
    home.chmod(0o755)
    server = EmbeddedServer(home / "server", fast=True)
    try:
        server.start()
        upgrade(server.url("owner"))
        with create_engine(server.url("admin"), isolation_level="AUTOCOMMIT").connect() as admin:
            for statement in LOAD.format(rows=rows, tenants=tenants).split(";")[:-1]:
                admin.execute(text(statement))
        yield server
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def serving(server: EmbeddedServer, way: str) -> Iterator[str]:
    """One way as a process; yields its address."""
    environment = {
        "BENCH_WAY": way,
        "HEDGEROW_APP_URL": server.url(WAYS[way]).render_as_string(hide_password=False),
        "EXAMPLE_TOKEN_KEY": KEY,
    }
    options = ["--app-dir", str(ROOT / "benchmarks"), "--port", "0", "--no-access-log"]
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "_requests_app:app", *options],
        env={**os.environ, **environment},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        said = ""
        while not (running := re.search(r"running on (http://[\d.:]+)", said)):
            line = process.stderr.readline()
            if not line:
                raise SystemExit(f"the service did not start:\n{said}")
            said += line
        yield running[1]
    finally:
        process.terminate()
        process.wait(timeout=20)


def headers(tenant: int) -> dict[str, str]:
    """Of whoever asks for a tenant."""
    claims = {
        "tenant": f"BENCH_{tenant}",
        "sub": "00000000-0000-4000-8000-000000000001",
        "aud": "hedgerow-example",
        "exp": datetime.now(UTC) + timedelta(hours=6),
    }
    return {"Authorization": f"Bearer {jwt.encode(claims, KEY, 'HS256')}"}


async def rate(client: httpx.AsyncClient, limit: int | None, requests: int, at_once: int, tenants: int) -> float:
    """Requests per second, of many tenants in turns."""
    asking = [headers(tenant) for tenant in range(1, tenants + 1)]
    left = iter(range(requests))

    async def ask() -> None:
        for number in left:
            who = asking[number % tenants]
            if limit is None:
                answer = await client.post("/interactions", json=BODY, headers=who)
            else:
                answer = await client.get("/interactions", params={"limit": limit}, headers=who)
            answer.raise_for_status()

    began = time.perf_counter()
    await asyncio.gather(*(ask() for _ in range(at_once)))
    return requests / (time.perf_counter() - began)


async def check(client: httpx.AsyncClient, tenants: int) -> None:
    """Each way keeps tenants apart: the number of a loaded question says whose it is."""
    for tenant in (1, tenants):
        answer = await client.get("/interactions", params={"limit": 50}, headers=headers(tenant))
        numbers = [int(found["user_query"].split()[1]) for found in answer.raise_for_status().json()]
        assert len(numbers) == 50
        assert {number % tenants + 1 for number in numbers} == {tenant}


async def measure(given: argparse.Namespace, addresses: dict[str, str], console: Console) -> None:
    """Ask each way in turns and print."""
    table = Table("request", *(f"{way} /s" for way in addresses), *(f"{way} ×" for way in list(addresses)[1:]))
    clients = {way: httpx.AsyncClient(base_url=address, timeout=60) for way, address in addresses.items()}
    for client in clients.values():
        await check(client, given.tenants)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("Asking", total=len(QUESTIONS) * (given.rounds + 1) * len(addresses))
        for question, limit in QUESTIONS.items():
            found: dict[str, list[float]] = {way: [] for way in clients}
            for turn in range(given.rounds + 1):
                for way, client in clients.items():
                    reached = await rate(client, limit, given.requests, given.at_once, given.tenants)
                    if turn:  # the first turn fills caches and pools
                        found[way].append(reached)
                    progress.update(task, advance=1, description=f"{question} {way}")
            rates = {way: statistics.median(reached) for way, reached in found.items()}
            # Round by round, so that a slow moment of the machine hits both sides of a ratio.
            pairs = {way: zip(reached, found["neither"], strict=True) for way, reached in found.items()}
            ratios = [f"{statistics.median(own / base for own, base in pairs[way]):.2f}" for way in list(rates)[1:]]
            table.add_row(question, *(f"{each:,.0f}" for each in rates.values()), *ratios)
    for client in clients.values():
        await client.aclose()
    console.print(table)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--tenants", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--requests", type=int, default=120, help="in each round, of each way")
    parser.add_argument("--at-once", type=int, default=8)
    given = parser.parse_args()
    console = Console(highlight=False)
    with ExitStack() as stack:
        with console.status(f"Loading {given.rows:,} interactions of {given.tenants} tenants"):
            server = stack.enter_context(loaded(given.rows, given.tenants))
        addresses = {way: stack.enter_context(serving(server, way)) for way in WAYS}
        asyncio.run(measure(given, addresses, console))


if __name__ == "__main__":
    main()
