"""The service as a process of its own, over real HTTP: two tenants on one small pool, and nothing crosses."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import pytest
from sqlalchemy import URL, text

from bouncer import bouncing, require_pgbouncer
from hedgerow.core.embedded.bootstrap import SESSION
from hedgerow.seeding import World
from hedgerow.tenancy.seed import user_ids

ROOT = Path(__file__).parents[2]
KEY = "a key that only this test and the service know"
A, B = "TEST_TENANT_001", "TEST_TENANT_002"
TENANTS = (A, B)
REQUESTS = 2_000
"""Of both tenants in turns."""
CONNECTIONS = 3
"""Size of the service's pool."""
AT_ONCE = 24


def token(tenant: object = A, user: UUID | str | None = None, *, key: str = KEY, **claims: Any) -> str:
    """What the sign-in service would give out; the user is the tenant's administrator unless one is named."""
    administrators = {name: user_ids(World(number))[0] for number, name in enumerate(TENANTS, 1)}
    standard = {
        "tenant": tenant,
        "sub": str(user or administrators.get(str(tenant), uuid4())),
        "aud": "hedgerow-example",
        "exp": datetime.now(UTC) + timedelta(hours=1),
    }
    return jwt.encode({name: value for name, value in (standard | claims).items() if value is not None}, key, "HS256")


def bearer(*args: Any, **kwargs: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(*args, **kwargs)}"}


@contextmanager
def serving(url: URL, **environment: str) -> Iterator[str]:
    """The service on a free port of the loopback interface; yields its address."""
    variables = {
        "HEDGEROW_APP_URL": url.render_as_string(hide_password=False),
        "EXAMPLE_TOKEN_KEY": KEY,
        "EXAMPLE_POOL_SIZE": str(CONNECTIONS),
    }
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "uvicorn",
            "fastapi_app.main:app",
            "--app-dir",
            "examples",
            "--port",
            "0",
            "--no-access-log",
        ],
        cwd=ROOT,
        env={**os.environ, **variables, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    said: list[str] = []
    assert process.stdout is not None
    reader = Thread(target=lambda out: said.extend(iter(out.readline, "")), args=(process.stdout,), daemon=True)
    reader.start()
    try:
        yield _address(process, said)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join(timeout=5)


def _address(process: subprocess.Popen[str], said: list[str]) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        running = re.search(r"running on (http://127\.0\.0\.1:\d+)", "".join(said))
        if running:
            return running[1]
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise AssertionError("the service did not start:\n" + "".join(said))


@pytest.fixture(scope="module")
def address(seeded: Any) -> Iterator[str]:
    with serving(seeded.url("app")) as found:
        yield found


@pytest.fixture
def http(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=60) as client:
        yield client


def admin(database: Any, sql: str, **values: Any) -> list[Any]:
    """Past every wall."""
    with database.admin() as connection:
        result = connection.execute(text(sql), values)
        return list(result) if result.returns_rows else []


def interaction(**values: Any) -> dict[str, Any]:
    return {"assistant_mode": "customer", "user_query": "?", "outcome": "resolved"} | values


# --- Who asks -----------------------------------------------------------------------------------------------------


def unsigned() -> str:
    """A token that says of itself that it needs no signature."""
    parts = token().split(".")
    head = urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    return f"{head}.{parts[1]}."


@pytest.mark.parametrize(
    ("authorization", "reason", "says"),
    [
        (lambda: None, "no_token", "no bearer token"),
        (lambda: "Basic YTpi", "no_token", "no bearer token"),
        (lambda: "Bearer nonsense", "unreadable", "cannot be read"),
        (lambda: f"Bearer {unsigned()}", "unreadable", "cannot be read"),
        (lambda: f"Bearer {token()[:-4]}AAAA", "foreign", "not signed by our"),
        (lambda: f"Bearer {token(key='x' * 40)}", "foreign", "not signed by our"),
        (lambda: f"Bearer {token(aud='another service')}", "foreign", "for another service"),
        (lambda: f"Bearer {token(exp=datetime.now(UTC) - timedelta(seconds=1))}", "expired", "has expired"),
        (lambda: f"Bearer {token(exp=None)}", "incomplete", "no claim 'exp'"),
        (lambda: f"Bearer {token(None)}", "incomplete", "no claim 'tenant'"),
        (lambda: f"Bearer {token(sub='nobody')}", "no_scope", "not a UUID"),
        (lambda: f"Bearer {token(7)}", "no_scope", "a tenant id is text"),
        (lambda: f"Bearer {token('')}", "no_scope", "tenant id is empty"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_token_that_does_not_count(
    http: httpx.Client, authorization: Callable[[], str | None], reason: str, says: str
) -> None:
    header = authorization()
    headers = {"Authorization": header} if header else {}
    for method, path in (("GET", "/interactions"), ("POST", "/interactions"), ("GET", "/customers/at-risk")):
        answer = http.request(method, path, headers=headers, json=interaction() if method == "POST" else None)
        assert answer.status_code == 401
        detail = answer.json()["detail"]
        assert detail["reason"] == reason
        assert says in detail["message"]
        assert detail["remedy"]
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert KEY not in answer.text


@pytest.mark.parametrize("tenant", ["NOBODY", "SUSPENDED"])
def test_a_tenant_that_is_not_served(http: httpx.Client, seeded: Any, tenant: str) -> None:
    admin(
        seeded,
        "INSERT INTO tenant (id, name, status) VALUES ('SUSPENDED', 'S', 'suspended') ON CONFLICT DO NOTHING",
    )
    answer = http.get("/interactions", headers=bearer(tenant))
    assert answer.status_code == 403
    assert answer.json()["detail"]["reason"] == "no_scope"
    admin(seeded, "DELETE FROM tenant WHERE id = 'SUSPENDED'")


def test_nothing_but_the_token_says_who_asks(http: httpx.Client, seeded: Any) -> None:
    theirs = {str(key) for (key,) in admin(seeded, "SELECT id FROM interactions WHERE tenant_id = :t", t=B)}
    answer = http.get(
        "/interactions",
        params={"limit": 500, "tenant": B, "tenant_id": B},
        headers={**bearer(A), "X-Tenant": B, "Cookie": f"tenant={B}"},
    )
    assert answer.status_code == 200
    assert answer.json()
    assert not {found["id"] for found in answer.json()} & theirs
    refused = http.post("/interactions", json=interaction(tenant_id=B), headers=bearer(A))
    assert refused.status_code == 422
    assert refused.json()["detail"][0]["loc"] == ["body", "tenant_id"]


# --- What it does -------------------------------------------------------------------------------------------------


def test_health_needs_no_token(http: httpx.Client) -> None:
    assert http.get("/health").json() == {"status": "ok"}


def test_an_interaction_is_stored_when_the_answer_says_so(http: httpx.Client, seeded: Any) -> None:
    given = interaction(user_query="stored?", citations=[{"number": 1, "source": "Fees"}], confidence_score=0.5)
    answer = http.post("/interactions", json=given, headers=bearer(B))
    assert answer.status_code == 201
    ((tenant, query, citations),) = admin(
        seeded, "SELECT tenant_id, user_query, citations FROM interactions WHERE id = :id", id=answer.json()["id"]
    )
    assert (tenant, query, citations) == (B, "stored?", [{"number": 1, "source": "Fees"}])
    assert http.get("/interactions", headers=bearer(B)).json()[0]["id"] == answer.json()["id"]


def test_a_row_that_does_not_fit_is_explained(http: httpx.Client) -> None:
    answer = http.post("/interactions", json=interaction(confidence_score=7, intent_name="x" * 101), headers=bearer())
    assert answer.status_code == 422
    detail = answer.json()["detail"]
    assert [problem["column"] for problem in detail["problems"]] == ["intent_name"]
    answer = http.post("/interactions", json=interaction(confidence_score=7), headers=bearer())
    assert answer.json()["detail"]["problems"][0] | {"detail": ""} == {
        "column": "confidence_score",
        "reason": "refused",
        "detail": "",
    }
    assert "tenant=" not in answer.text, "the scope is nobody's business"


def test_a_commit_that_fails_is_no_success(http: httpx.Client, seeded: Any) -> None:
    """What is checked at the end of the transaction must reach whoever asked."""
    admin(
        seeded,
        """CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
           BEGIN RAISE EXCEPTION 'not at commit' USING ERRCODE = 'integrity_constraint_violation'; END $$""",
    )
    admin(
        seeded,
        """CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON interactions DEFERRABLE INITIALLY DEFERRED
           FOR EACH ROW WHEN (NEW.user_query = 'fails at commit') EXECUTE FUNCTION public.refuse()""",
    )
    try:
        # The server closes the connection after an error that nobody handled: do not ask it anything more.
        alone = bearer() | {"Connection": "close"}
        answer = http.post("/interactions", json=interaction(user_query="fails at commit"), headers=alone)
        assert answer.status_code == 500
        assert admin(seeded, "SELECT count(*) FROM interactions WHERE user_query = 'fails at commit'") == [(0,)]
        for _ in range(2 * CONNECTIONS):
            assert http.post("/interactions", json=interaction(), headers=bearer()).status_code == 201, "it goes on"
    finally:
        admin(seeded, "DROP TRIGGER refuse ON interactions")
        admin(seeded, "DROP FUNCTION public.refuse()")


def test_customers_at_risk_are_those_of_whoever_asks(http: httpx.Client, seeded: Any) -> None:
    ada, carla, carl = user_ids(World(1))[:3]

    def names(user: UUID) -> set[str]:
        answer = http.get("/customers/at-risk", headers=bearer(A, user))
        assert answer.status_code == 200
        return {customer["name"] for customer in answer.json()}

    everybody = {name for (name,) in admin(seeded, "SELECT name FROM customers WHERE tenant_id = :t", t=A)}
    assert names(carla) | names(carl) < names(ada) < everybody
    assert names(carla)
    assert names(carl)
    assert not names(carla) & names(carl)
    assert names(uuid4()) == set(), "a user that the tenant does not know"


def test_audit_entries_are_sealed_by_whoever_asks(http: httpx.Client, seeded: Any) -> None:
    chain, user = uuid4(), user_ids(World(1))[1]
    entry = {"entity_type": "order", "entity_id": "17", "action": "approved", "payload": {"by": "desk"}}
    first, second = (
        http.post(f"/audit/{chain}/entries", json=entry, headers=bearer(A, user)).json()["id"] for _ in range(2)
    )
    found = http.get("/audit/order/17/entries", headers=bearer(A)).json()
    assert [(row["entry_id"], row["actor_id"]) for row in found] == [(first, str(user)), (second, str(user))]
    assert http.get("/audit/order/17/entries", headers=bearer(B)).json() == []
    assert http.post(f"/audit/{chain}/entries", json=entry | {"actor_id": "x"}, headers=bearer()).status_code == 422
    linked = "SELECT sequence_number, previous_hash IS NULL FROM audit_chain_entries WHERE chain_id = :c ORDER BY 1"
    assert [tuple(row) for row in admin(seeded, linked, c=chain)] == [(1, True), (2, False)]


def test_a_request_that_finds_no_connection_is_told(seeded: Any) -> None:
    with (
        serving(seeded.url("app"), EXAMPLE_POOL_SIZE="1", EXAMPLE_POOL_TIMEOUT="0.3") as address,
        seeded.engine("admin").connect() as blocker,
        httpx.Client(base_url=address, timeout=60, headers=bearer()) as http,
    ):
        blocker.execute(text("LOCK TABLE interactions IN ACCESS EXCLUSIVE MODE"))
        waiting = Thread(target=lambda: answers.append(http.get("/interactions").status_code))
        answers: list[int] = []
        waiting.start()
        while not admin(seeded, "SELECT FROM pg_locks WHERE NOT granted"):
            time.sleep(0.01)
        refused = http.get("/interactions")
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        blocker.rollback()
        waiting.join(timeout=30)
        assert answers == [200]


def test_it_does_not_start_without_a_key(seeded: Any) -> None:
    with pytest.raises(AssertionError, match="token_key"), serving(seeded.url("app"), EXAMPLE_TOKEN_KEY="short"):
        pass


def test_it_does_not_serve_as_a_role_that_no_wall_holds_for(seeded: Any) -> None:
    for role in ("admin", "owner"):
        with serving(seeded.url(role)) as address, httpx.Client(base_url=address, timeout=60) as http:
            assert http.get("/interactions", headers=bearer()).status_code == 500


# --- Two tenants at once ------------------------------------------------------------------------------------------


@dataclass
class Seen:
    """Ids that were shown to each tenant, by table; and what was answered."""

    ids: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    answers: Counter[int] = field(default_factory=Counter)
    connections: int = 0


async def hammer(address: str, chain: UUID, watch: Callable[[], int]) -> Seen:
    """Requests of both tenants in turns, many at once."""
    seen, room = Seen(), asyncio.Semaphore(AT_ONCE)
    headers = {tenant: bearer(tenant) for tenant in TENANTS}

    async def ask(client: httpx.AsyncClient, number: int) -> None:
        tenant, kind = TENANTS[number % 2], number // 2 % 5
        async with room:
            if kind == 0:
                body = interaction(user_query=f"question {number} of {tenant}")
                answer = await client.post("/interactions", json=body, headers=headers[tenant])
                table = "interactions"
            elif kind == 1:
                body = {
                    "entity_type": "order",
                    "entity_id": "shared",
                    "action": f"by {tenant}",
                    "payload": {"n": number},
                }
                answer = await client.post(f"/audit/{chain}/entries", json=body, headers=headers[tenant])
                table = "audit_chain_entries"
            elif kind == 2:
                answer = await client.get("/audit/order/shared/entries", headers=headers[tenant])
                table = "audit_chain_entries"
            elif kind == 3:
                answer = await client.get("/customers/at-risk", headers=headers[tenant])
                table = "customers"
            else:
                answer = await client.get("/interactions?limit=100", headers=headers[tenant])
                table = "interactions"
            seen.answers[answer.status_code] += 1
            found = answer.json()
            rows = found if isinstance(found, list) else [found]
            seen.ids[tenant, table].update(row.get("entry_id") or row["id"] for row in rows)
            if number % 50 == 0:
                seen.connections = max(seen.connections, await asyncio.to_thread(watch))

    limits = httpx.Limits(max_connections=AT_ONCE)
    async with httpx.AsyncClient(base_url=address, timeout=120, limits=limits) as client:
        await asyncio.wait_for(asyncio.gather(*(ask(client, number) for number in range(REQUESTS))), timeout=480)
    return seen


@pytest.fixture(params=["direct", "pgbouncer"])
def service(request: pytest.FixtureRequest, seeded: Any) -> Iterator[str]:
    """The service, connected to the server or to a pooler that holds still fewer connections."""
    if request.param == "direct":
        yield request.getfixturevalue("address")
        return
    require_pgbouncer()
    with (
        bouncing(seeded.url("app"), connections=CONNECTIONS - 1) as url,
        serving(url, HEDGEROW_POOLER="transaction", EXAMPLE_POOL_SIZE="8") as address,
    ):
        yield address


async def test_two_tenants_on_one_pool_see_nothing_of_each_other(service: str, seeded: Any) -> None:
    keys = {"interactions": "id", "customers": "id", "audit_chain_entries": "entry_id"}
    for table in ("interactions", "customers"):
        there = dict(map(tuple, admin(seeded, f"SELECT tenant_id, count(*) FROM {table} GROUP BY 1")))
        assert there[A] > 0, "there is something to leak"
        assert there[B] > 0, "there is something to leak"

    def connections() -> int:
        sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = :d AND usename = :u"
        ((number,),) = admin(seeded, sql, d=seeded.name, u=SESSION)
        return int(number)

    chain = uuid4()
    seen = await hammer(service, chain, connections)
    assert seen.answers == {201: REQUESTS * 2 // 5, 200: REQUESTS * 3 // 5}
    # The direct service of this module is connected while the other one is asked.
    assert 0 < seen.connections <= 2 * CONNECTIONS

    for table, key in keys.items():
        owner = {str(row_id): tenant for row_id, tenant in admin(seeded, f"SELECT {key}, tenant_id FROM {table}")}
        for tenant in TENANTS:
            shown = seen.ids[tenant, table]
            assert shown, f"{tenant} was shown nothing of {table}"
            assert {owner[row_id] for row_id in shown} == {tenant}, table
    # What was written belongs to whoever wrote it.
    asked = "SELECT user_query LIKE '% of ' || tenant_id FROM interactions WHERE user_query LIKE 'question % of %'"
    assert {tuple(row) for row in admin(seeded, asked)} == {(True,)}
    written = "SELECT tenant_id, count(*), max(sequence_number) FROM audit_chain_entries WHERE chain_id = :c GROUP BY 1"
    each = REQUESTS // 10
    assert sorted(tuple(row) for row in admin(seeded, written, c=chain)) == [(A, each, each), (B, each, each)]
    mixed = "SELECT count(*) FROM audit_chain_entries WHERE chain_id = :c AND action <> 'by ' || tenant_id"
    assert admin(seeded, mixed, c=chain) == [(0,)]
