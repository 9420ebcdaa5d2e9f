"""Laws of the signed scope: nobody but the database writes one, and with a key nobody but the application asks for one.

Two defences. The *ticket* is what the policies read: the database signs it for one transaction, with or without a key.
The *grant* is what the application signs: once a key is installed, ``app.open_scope`` gives a ticket for nothing else.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, Engine, Table, create_engine, event, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from hedgerow import Scope, ScopeError, Split, open_async_session, open_session, unscoped_sql
from hedgerow.core.access import DatabaseAccessLog
from hedgerow.core.engine import build_async_engine, build_engine
from hedgerow.core.errors import HedgerowError, SplitAccessError
from hedgerow.core.filter import install_filter
from hedgerow.core.open_scope import OPEN_SCOPE, opening_parameters
from hedgerow.core.scope_keys import install_key, installed_keys, remove_key
from hedgerow.core.settings import libpq_url
from hedgerow.core.token import LIFETIME, ScopeKeyError, Signer
from hedgerow.patients import PatientJourney
from isolation.oracle import OPEN, TENANT_A, TENANT_B, open_scope, opening, refusal, split_tables

COUNT = text("SELECT count(*) FROM patient_journeys")
SCOPE = Scope(TENANT_A, splits=OPEN)
TICKET = text("SELECT current_setting('app.scope', true)")
SET = text("SELECT set_config('app.scope', :ticket, true)")


def session_of(database: Any, role: str = "app") -> Engine:
    return create_engine(database.url(role), poolclass=NullPool)


@pytest.fixture
def app(seeded: Any) -> Iterator[Connection]:
    with session_of(seeded).connect() as connection:
        yield connection


# -- the ticket ----------------------------------------------------------------------------------------------------


def foreign_ticket(database: Any, ticket: str) -> str:
    """A valid ticket of tenant B, from a transaction that is still open."""
    connection = session_of(database).connect()
    try:
        open_scope(connection, TENANT_B)
        return str(connection.scalar(TICKET))
    finally:
        connection.close()


def _payload(database: Any, ticket: str, change: Callable[[list[str]], None]) -> str:
    fields = ticket[64:].split("\x1f")
    change(fields)
    return ticket[:64] + "\x1f".join(fields)


def _field(position: int, value: str) -> Callable[[Any, str], str]:
    def forged(database: Any, ticket: str) -> str:
        return _payload(database, ticket, lambda fields: fields.__setitem__(position, value))

    return forged


WIDE = "{" + ",".join(['"[-infinity,infinity)"'] * 5) + "}"
ALL = "unassigned,train,validation,test,holdout"
FORGERIES: dict[str, Callable[[Any, str], str]] = {
    "a plain tenant": lambda db, t: TENANT_B,
    "a plain list of claims": lambda db, t: "\x1f".join(["0", TENANT_B, "", ALL, ALL, WIDE, ""]),
    "another tenant": _field(1, TENANT_B),
    "another user": _field(2, "00000000-0000-4000-8000-000000000001"),
    "more splits": _field(3, ALL),
    "more artefacts": _field(4, ALL),
    "wider windows": _field(5, WIDE),
    "other bounds": _field(6, "infinity,-infinity,infinity,-infinity,infinity,-infinity"),
    "one field more": lambda db, t: t + "\x1fx",
    "cut at the end": lambda db, t: t[:-1],
    "cut at the beginning": lambda db, t: t[1:],
    "the signature alone": lambda db, t: t[:64],
    "no signature": lambda db, t: t[64:],
    "a signature in capitals": lambda db, t: t[:64].upper() + t[64:],
    "another signature": lambda db, t: "0" * 64 + t[64:],
    "of another transaction and tenant": foreign_ticket,
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_ticket_that_was_not_issued_shows_nothing(forge: Any, seeded: Any, app: Connection) -> None:
    open_scope(app, TENANT_A)
    ticket = str(app.scalar(TICKET))
    assert app.scalar(COUNT), "there is nothing to show"
    app.execute(SET, {"ticket": forge(seeded, ticket)})
    for question in (
        COUNT,
        text("SELECT app.current_tenant()"),
        text("INSERT INTO hcp_profiles (hcp_id) VALUES ('x')"),
    ):
        with pytest.raises(DBAPIError) as error, app.begin_nested():
            app.execute(question)
        assert refusal(error.value) == "28000"
    app.execute(SET, {"ticket": ticket})
    assert app.scalar(COUNT), "the ticket itself still holds"


def test_a_ticket_of_an_earlier_transaction_is_void(app: Connection) -> None:
    open_scope(app, TENANT_A)
    ticket = app.scalar(TICKET)
    for end in (app.commit, app.rollback):
        end()
        assert app.scalar(COUNT) == 0
        app.execute(text("SELECT set_config('app.scope', :ticket, false)"), {"ticket": ticket})
        with pytest.raises(DBAPIError) as error:
            app.execute(COUNT)
        assert refusal(error.value) == "28000"
        app.rollback()


def test_transactions_of_one_message_share_a_ticket(seeded: Any) -> None:
    """They begin at one moment, as decision 0015 says: whoever sends them held the ticket, and gains nothing."""
    with psycopg.connect(libpq_url(seeded.url("app")), autocommit=True) as connection:
        results = connection.execute(f"""
            BEGIN; SELECT FROM app.open_scope('{TENANT_A}', NULL, '{{train}}', NULL);
            SELECT set_config('session.kept', current_setting('app.scope'), false); COMMIT;
            BEGIN; SELECT set_config('app.scope', current_setting('session.kept'), true);
            SELECT app.current_tenant(); COMMIT""")
        tenants = [results.fetchone() for _ in iter(results.nextset, None) if results.description]
        assert tenants[-1] == (TENANT_A,)
        connection.execute("BEGIN; SELECT set_config('app.scope', current_setting('session.kept'), true)")
        with pytest.raises(psycopg.errors.InvalidAuthorizationSpecification):
            connection.execute("SELECT app.current_tenant()")


@pytest.mark.parametrize("role", ["app", "evaluator", "owner"])
@pytest.mark.parametrize("field", ["tenant", "user"])
@pytest.mark.parametrize("character", ["\x1f", "\x01", "\t", "\n", "\x7f"], ids=repr)
def test_no_field_of_a_ticket_ends_early(character: str, field: str, role: str, seeded: Any) -> None:
    """Whoever opens a scope names its user: with a separator in it, the database would sign what follows as splits."""
    claims = {"tenant": TENANT_A, "user": "", "splits": ["train"]}
    claims[field] = f"{claims[field]}{character}{ALL}{character}{ALL}{character}{WIDE}{character}"
    with session_of(seeded, role).connect() as connection:
        for function in ("open_scope", "issue_scope") if role == "owner" else ("open_scope",):
            purpose = ", NULL" if function == "open_scope" else ""
            asked = text(f"SELECT FROM app.{function}(:tenant, :user, CAST(:splits AS text[]){purpose})")
            with pytest.raises(DBAPIError, match="control character") as error, connection.begin_nested():
                connection.execute(asked, claims)
            assert refusal(error.value) == "22023"
        assert connection.scalar(COUNT) == 0


@pytest.mark.parametrize("empty", ["", None])
def test_no_ticket_no_rows(empty: str | None, app: Connection) -> None:
    app.execute(SET, {"ticket": empty})
    assert app.scalar(COUNT) == 0


def test_plain_settings_mean_nothing(app: Connection) -> None:
    """What opened a scope before it was signed."""
    open_scope(app, TENANT_A, ("train",))
    seen = app.scalar(COUNT)
    for name, value in (("current_tenant", TENANT_B), ("splits", ALL), ("test_from", "-infinity"), ("windows", WIDE)):
        app.execute(text("SELECT set_config('app.' || :name, :value, true)"), {"name": name, "value": value})
    assert app.scalar(COUNT) == seen
    assert app.scalar(text("SELECT app.current_tenant()")) == TENANT_A
    # The default of tenant_id follows the setting; the policy refuses what it stamps.
    with pytest.raises(DBAPIError) as error:
        app.execute(text("INSERT INTO hcp_profiles (hcp_id) VALUES ('stamped')"))
    assert refusal(error.value) == "42501"


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM app.scope_key",
        "SELECT app.sealed('x')",
        f"SELECT app.issue_scope('{TENANT_B}', NULL, '{{train}}')",
        "UPDATE app.scope_key SET inner_pad = outer_pad",
        "COPY app.scope_key TO STDOUT",
    ],
)
@pytest.mark.parametrize("role", ["app", "evaluator", "readonly", "auditor"])
def test_nobody_gets_at_the_key(role: str, statement: str, seeded: Any) -> None:
    with session_of(seeded, role).connect() as connection, pytest.raises(DBAPIError) as error:
        connection.execute(text(statement))
    assert refusal(error.value) == "42501"


def test_each_database_has_a_key_of_its_own(database: Any, fresh_database: Any) -> None:
    from hedgerow.migrations.commands import upgrade

    other = fresh_database(None)
    upgrade(other.url("owner"))
    keys = set()
    for one in (database, other):
        with one.admin() as admin:
            found = admin.execute(text("SELECT key_id, inner_pad, outer_pad FROM app.scope_key")).all()
        assert [row.key_id for row in found] == ["database"]
        assert found[0].inner_pad != found[0].outer_pad
        keys.add(bytes(found[0].inner_pad))
    assert len(keys) == 2


def first_and_second(table: str, switch: str) -> tuple[str, ...]:
    """SQL that looks up the tenant of one scope, and the splits and windows of the next, for one look at a table.

    No row passes the first turn of the loop, so that nobody asks for the splits before ``switch`` is called.
    """
    return (
        *(f"SET LOCAL enable_{way} = off" for way in ("hashjoin", "mergejoin", "seqscan", "bitmapscan", "material")),
        f"""SELECT found.tenant_id, found.split_assignment
              FROM (SELECT turn, CASE turn WHEN 2 THEN ({switch}) ELSE 0 END AS switched
                      FROM generate_series(1, 2) AS turn OFFSET 0) AS turns,
                   LATERAL (SELECT * FROM {table} AS t
                             WHERE t.tenant_id >= CASE WHEN turn = 1 OR switched > 9 THEN 'zzz' ELSE '' END
                             OFFSET 0) AS found""",
    )


@pytest.mark.parametrize("table", split_tables(), ids=lambda table: table.name)
def test_the_scopes_of_a_statement_do_not_mix(table: Table, seeded: Any) -> None:
    """Policies read claims one after the other: neither tenant nor split of the second scope may help the first."""
    with session_of(seeded, "evaluator").connect() as connection:
        sealed = opening(connection, TENANT_A, None, ("test", "holdout"), "a look")
        open_scope(connection, TENANT_B, ("train",))
        own = truth_of(connection, table)
        switch = f"""SELECT count(*) FROM app.open_scope(
            '{TENANT_A}', NULL, '{{validation,test,holdout}}', 'a look', NULL, '{sealed}') WHERE turn = 2"""
        *settings, look = first_and_second(table.name, switch)
        for setting in settings:
            connection.execute(text(setting))
        found = {tuple(row) for row in connection.execute(text(look))}
        assert connection.scalar(text("SELECT app.current_tenant()")) == TENANT_A, "the scope did not change"
    with seeded.admin() as admin:
        assert {row for row in truth_of(admin, table) if row[0] == TENANT_B} - own, "there is nothing to leak"
    assert {row for row in found if row[0] == TENANT_B} <= own
    assert {row[1] for row in own} <= {"unassigned", "train", None}


def truth_of(connection: Connection, table: Table) -> set[tuple[Any, ...]]:
    """What a scope sees of a table by tenant and split."""
    return {tuple(row) for row in connection.execute(text(f"SELECT tenant_id, split_assignment FROM {table.name}"))}


# -- who may open a sealed split -----------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["app", "readonly", "auditor"])
@pytest.mark.parametrize("splits", [("test",), ("holdout",), ("train", "test")], ids="+".join)
def test_a_sealed_split_takes_the_role(splits: tuple[str, ...], role: str, seeded: Any) -> None:
    with session_of(seeded, role).connect() as connection:
        with pytest.raises(DBAPIError, match="hedgerow_evaluator") as error, connection.begin_nested():
            open_scope(connection, TENANT_A, splits, "curiosity")
        assert refusal(error.value) == "42501"
        open_scope(connection, TENANT_A)


def test_the_role_alone_opens_nothing(seeded: Any) -> None:
    with session_of(seeded, "evaluator").connect() as connection:
        assert connection.scalar(COUNT) == 0
        with pytest.raises(DBAPIError) as error, connection.begin_nested():
            open_scope(connection, TENANT_A, ("test",))
        assert refusal(error.value) == "42501"


def test_who_may_not_open_is_told_and_logged(seeded: Any) -> None:
    engine = build_engine(seeded.url("app"), poolclass=NullPool)
    scope = Scope.evaluation(TENANT_A, {"test"}, "a look that is refused")
    with pytest.raises(SplitAccessError, match="HEDGEROW_EVALUATOR_URL"), open_session(scope, engine=engine) as session:
        session.scalar(select(func.count()).select_from(PatientJourney))
    with seeded.admin() as admin:
        logged = admin.execute(
            text("SELECT table_name, requested_split, allowed FROM ml_split_access_log WHERE reason LIKE '%no member%'")
        ).all()
    assert [tuple(row) for row in logged] == [("*", "test", False)]


@pytest.mark.parametrize("role", ["readonly", "auditor"])
def test_readers_read_their_tenant(role: str, seeded: Any) -> None:
    with session_of(seeded, role).connect() as connection:
        open_scope(connection, TENANT_A)
        tenants = connection.scalars(text("SELECT DISTINCT tenant_id FROM ml_split_access_log")).all()
        assert tenants == [TENANT_A]
        if role == "readonly":
            assert connection.scalar(COUNT)
        chain = connection.scalar(text("SELECT min(chain_id::text)::uuid FROM audit_chain_entries"))
        fault, entries = connection.execute(
            text("SELECT fault, entry_count FROM app.inspect_audit_chain(:chain)"), {"chain": chain}
        ).one()
        assert (fault, entries > 0) == (None, True)
        assert connection.scalar(text("SELECT count(*) FROM v_audit_chain_integrity"))
        for write in ("DELETE FROM ml_split_access_log", "INSERT INTO hcp_profiles (hcp_id) VALUES ('x')"):
            with pytest.raises(DBAPIError) as error, connection.begin_nested():
                connection.execute(text(write))
            assert refusal(error.value) == "42501"


# -- the grant -----------------------------------------------------------------------------------------------------

KEY = Signer.create("first")


@pytest.fixture(scope="module")
def signed(fresh_database: Any, seeded_template: str) -> Any:
    """A database in which scopes must be signed."""
    database = fresh_database(seeded_template)
    with database.engine("owner").begin() as owner:
        install_key(owner, KEY)
    return database


def ask(database: Any, scope: Scope = SCOPE, *, role: str = "app", **changes: Any) -> int:
    """How many journeys the scope shows, or minus the SQLSTATE of a refusal; ``changes`` come after signing."""
    signer = changes.pop("signer", KEY)
    parameters = opening_parameters(scope, signer) | changes
    with session_of(database, role).connect() as connection:
        try:
            connection.execute(OPEN_SCOPE, parameters)
        except DBAPIError as error:
            return -int(refusal(error))
        return connection.scalar(COUNT) or 0


REFUSED = -28000


def test_a_signed_scope_opens(signed: Any, seeded: Any) -> None:
    assert ask(signed) == ask(seeded, signer=None) > 0
    assert ask(seeded) > 0, "without a key in the database a signature is not looked at"
    assert ask(signed, Scope(TENANT_B)) > 0


def test_an_unsigned_scope_is_refused(signed: Any) -> None:
    assert ask(signed, signer=None) == REFUSED
    assert ask(signed, grant="") == REFUSED


def _grant(**changes: Any) -> str:
    key_id, expiry, mac = KEY.sign(SCOPE).split(":")
    parts = {"key_id": key_id, "expiry": expiry, "mac": mac} | changes
    return ":".join(str(part) for part in parts.values())


TAMPERED: dict[str, Callable[[], dict[str, Any]]] = {
    "forged": lambda: {"grant": _grant(mac="0" * 64)},
    "truncated": lambda: {"grant": KEY.sign(SCOPE)[:-1]},
    "without its signature": lambda: {"grant": _grant(mac="")},
    "cut to the key": lambda: {"grant": "first"},
    "nonsense": lambda: {"grant": ":::::"},
    "in capitals": lambda: {"grant": _grant(mac=KEY.sign(SCOPE).rpartition(":")[2].upper())},
    "prolonged": lambda: {"grant": _grant(expiry=int(time.time()) + 10**6)},
    "with an expiry that is no number": lambda: {"grant": _grant(expiry="never")},
    "of another tenant": lambda: {"tenant": TENANT_B},
    "of no tenant": lambda: {"tenant": None},
    "of another user": lambda: {"user": "00000000-0000-4000-8000-000000000001"},
    "with more splits": lambda: {"splits": list(Split), "purpose": "all of them"},
    "with another split": lambda: {"splits": ["train"]},
    "with another purpose": lambda: {"purpose": "another"},
    "with a field moved": lambda: {"tenant": f"{TENANT_A}\x1f", "user": None},
    "of no key and cut": lambda: {"grant": "nobody"},
    "of no key and without its signature": lambda: {"grant": "nobody:9999999999"},
    "by a stranger": lambda: {"grant": Signer.create("stranger").sign(SCOPE)},
    "by a stranger who knows the id": lambda: {"grant": Signer.create("first").sign(SCOPE)},
    "by the key of the database": lambda: {"grant": _grant(key_id="database")},
    "expired": lambda: {"grant": Signer(KEY.key_id, KEY.secret, lifetime=-5).sign(SCOPE)},
}


@pytest.mark.parametrize("role", ["app", "evaluator"])
@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED)
def test_a_grant_that_the_application_did_not_give_opens_nothing(tamper: Any, role: str, signed: Any) -> None:
    assert ask(signed, role=role, **tamper()) == REFUSED


def test_the_role_is_asked_for_a_signed_scope_too(signed: Any) -> None:
    scope = Scope.evaluation(TENANT_A, {"test"}, "evaluate")
    assert ask(signed, scope) == -42501
    assert ask(signed, scope, role="evaluator") == -42501, "nothing is on record"
    log = DatabaseAccessLog(session_of(signed, "evaluator"), KEY)
    opening = log.request(scope, "a test", lambda _: None)
    assert ask(signed, scope, role="evaluator", opening=opening) > 0
    assert ask(signed, scope, role="evaluator", opening=opening, signer=None) == REFUSED


def test_keys_are_rotated_and_removed(database: Any) -> None:
    with database.admin() as admin:
        admin.execute(text("INSERT INTO tenant (id, name) VALUES (:t, :t)"), {"t": TENANT_A})
    first, second = Signer.create("first"), Signer.create("second")

    def opens() -> list[bool]:
        return [ask(database, signer=signer) >= 0 for signer in (first, second, None)]

    with database.engine("owner").connect() as owner:
        assert opens() == [True, True, True]
        install_key(owner, first)
        install_key(owner, first)
        owner.commit()
        assert opens() == [True, False, False]
        install_key(owner, second)
        owner.commit()
        assert opens() == [True, True, False]
        assert [key.key_id for key in installed_keys(owner)] == ["first", "second"]
        remove_key(owner, "first")
        owner.commit()
        assert opens() == [False, True, False]
        for mistake in (lambda: install_key(owner, Signer.create("second")), lambda: remove_key(owner, "first")):
            with pytest.raises(ScopeKeyError):
                mistake()
        with pytest.raises(ScopeKeyError):
            remove_key(owner, "database")
        owner.rollback()
        with pytest.raises(ScopeKeyError, match="last key: without it every session could open the scope of every"):
            remove_key(owner, "second")
        assert opens() == [False, True, False]
        remove_key(owner, "second", last=True)
        owner.commit()
        assert opens() == [True, True, True]


def test_a_transaction_outlives_its_grant(signed: Any) -> None:
    short = Signer(KEY.key_id, KEY.secret, lifetime=1)
    with session_of(signed).connect() as connection:
        parameters = opening_parameters(SCOPE, short)
        connection.execute(OPEN_SCOPE, parameters)
        seen = connection.scalar(COUNT)
        connection.execute(text("SELECT pg_sleep(2.1)"))
        assert connection.scalar(COUNT) == seen
        # The clock decides, and not when the transaction began: a grant that was picked up cannot be kept by waiting.
        with pytest.raises(DBAPIError, match="expired"), connection.begin_nested():
            connection.execute(OPEN_SCOPE, parameters)
        connection.rollback()
        with pytest.raises(DBAPIError, match="expired"):
            connection.execute(OPEN_SCOPE, parameters)


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_sessions_sign_by_themselves_and_an_injection_cannot(driver: str, signed: Any) -> None:
    """The whole way: an application session, and text from outside that is run in the middle of its transaction."""
    injections = {
        "a setting": f"SELECT set_config('app.current_tenant', '{TENANT_B}', true)",
        "the scope as a setting": f"SELECT set_config('app.scope', '{TENANT_B}', true)",
        "another opening": f"SELECT FROM app.open_scope('{TENANT_B}', NULL, '{{train}}', NULL)",
        "the own opening": f"SELECT FROM app.open_scope('{TENANT_A}', NULL, '{{train,test}}', 'x')",
        "reset": "RESET ALL",
        "reset of the role": "RESET ROLE",
        "no security": "SET LOCAL row_security = off",
        "the owner's function": f"SELECT app.issue_scope('{TENANT_B}', NULL, '{{train}}')",
    }
    leak = f"SELECT count(*) FROM patient_journeys WHERE tenant_id <> '{TENANT_A}' OR split_assignment = 'test'"

    def attack(execute: Callable[[str], Any], injection: str) -> Any:
        try:
            execute(injection)
            return execute(leak)
        except (HedgerowError, DBAPIError):
            return None

    found: dict[str, Any] = {}
    if driver == "psycopg":
        engine = build_engine(signed.url("app"), poolclass=NullPool)
        install_filter(engine, signer=KEY)
        for name, injection in injections.items():
            with open_session(SCOPE, engine=engine) as session, unscoped_sql("an injection"):
                assert session.scalar(select(func.count()).select_from(PatientJourney))
                found[name] = attack(lambda sql: _scalar(session.execute(text(sql))), injection)
    else:
        asynchronous = build_async_engine(signed.url("app"), poolclass=NullPool)
        install_filter(asynchronous.sync_engine, signer=KEY)

        async def run(injection: str) -> Any:
            async with open_async_session(SCOPE, engine=asynchronous) as session:
                with unscoped_sql("an injection"):
                    assert await session.scalar(select(func.count()).select_from(PatientJourney))
                    return await session.run_sync(
                        lambda sync: attack(lambda sql: _scalar(sync.execute(text(sql))), injection)
                    )

        found = {name: asyncio.run(run(injection)) for name, injection in injections.items()}
    assert set(found.values()) <= {None, 0}, found
    assert found["another opening"] is None


def _scalar(result: Any) -> Any:
    row = result.first() if result.returns_rows else None
    return row[0] if row else None


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_a_session_without_the_key_is_told_what_to_do(driver: str, signed: Any) -> None:
    count = select(func.count()).select_from(PatientJourney)

    def ask_plainly() -> None:
        with open_session(SCOPE, engine=build_engine(signed.url("app"), poolclass=NullPool)) as session:
            session.scalar(count)

    async def ask_awaiting() -> None:
        engine = build_async_engine(signed.url("app"), poolclass=NullPool)
        async with open_async_session(SCOPE, engine=engine) as session:
            await session.scalar(count)

    with pytest.raises(ScopeError, match="HEDGEROW_SCOPE_KEY"):
        ask_plainly() if driver == "psycopg" else asyncio.run(ask_awaiting())


def test_the_key_comes_from_the_environment(signed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEDGEROW_SCOPE_KEY", KEY.text)
    with open_session(SCOPE, engine=build_engine(signed.url("app"), poolclass=NullPool)) as session:
        assert session.scalar(select(func.count()).select_from(PatientJourney))
    monkeypatch.setenv("HEDGEROW_SCOPE_KEY", "first:tooshort")
    with pytest.raises(ScopeKeyError) as error:
        open_session(SCOPE, engine=build_engine(signed.url("app"), poolclass=NullPool))
    assert "tooshort" not in str(error.value)


def test_the_scope_costs_one_statement(signed: Any) -> None:
    engine = build_engine(signed.url("app"), poolclass=NullPool)
    install_filter(engine, signer=KEY).role_verified = True
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda c, cu, statement, *rest: statements.append(statement))
    with open_session(SCOPE, engine=engine) as session:
        session.scalar(select(func.count()).select_from(PatientJourney))
        session.scalar(select(func.count()).select_from(PatientJourney))
    assert ["open_scope" in statement for statement in statements] == [True, False, False]


def test_the_policies_verify_once_for_each_claim_and_statement(signed: Any) -> None:
    """An InitPlan for the tenant and one for the windows, whatever the number of rows."""
    with session_of(signed).connect() as connection:
        connection.execute(OPEN_SCOPE, opening_parameters(SCOPE, KEY))
        plan = "\n".join(connection.scalars(text("EXPLAIN (ANALYZE, COSTS OFF) SELECT * FROM patient_journeys")))
        assert plan.count("InitPlan 1\n") == plan.count("InitPlan 2\n") == 1
        assert "InitPlan 3" not in plan
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        scan = "\n".join(connection.scalars(text("EXPLAIN SELECT * FROM patient_journeys WHERE brand = 'Kisqali'")))
    assert "Index" in scan
    assert "tenant_id)::text = (InitPlan" in scan or "tenant_id)::text = $" in scan


# -- the key as text -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key", ["", "x", "x:", ":" + "0" * 64, "a b:" + "0" * 64, "x:" + "0" * 63, "x:" + "g" * 64, "database:" + "0" * 64]
)
def test_what_is_no_key(key: str) -> None:
    with pytest.raises(ScopeKeyError, match="Remedy"):
        Signer.read(key)


def test_a_key_reads_what_it_writes_and_shows_nothing() -> None:
    made = Signer.create("k1")
    assert Signer.read(f" {made.text}\n") == made
    assert made.secret.hex() not in repr(made)
    assert made != Signer.create("k1")
    assert abs(int(made.sign(SCOPE).split(":")[1]) - time.time() - LIFETIME) <= 2
    inner, outer = made.pads
    assert bytes(a ^ b for a, b in zip(inner, outer, strict=True)) == bytes([0x36 ^ 0x5C]) * 64
    assert inner[:32] == bytes(byte ^ 0x36 for byte in made.secret)
