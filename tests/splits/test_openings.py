"""``holdout`` opens for a model as often as the owner of the database allows, whoever asks, however, and at once."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, QueuePool

from hedgerow import Scope, SplitAccessError, open_async_session, open_session
from hedgerow.core.engine import build_async_engine, build_engine
from hedgerow.core.errors import HoldoutBudgetError, PrivilegedRoleError, ScopeError
from hedgerow.patients import PatientJourney
from hedgerow.splits.budget import EVERY, BudgetError, HoldoutUse, holdout_budget, holdout_uses, set_holdout_budget
from planting import refused
from world import ADMIN, OTHER, TENANT, World, make_world

LOG = "SELECT requested_split, allowed, caller, reason FROM ml_split_access_log ORDER BY accessed_at, requested_split"
REQUEST = text("SELECT * FROM app.request_opening(CAST(:splits AS text[]), :model, :purpose, 'me')")
OPEN = text("SELECT * FROM app.open_scope(:tenant, NULL, CAST(:splits AS text[]), :purpose, NULL, :opening)")
COUNT = select(PatientJourney.patient_id)

Open = Callable[..., None]


@pytest.fixture
def world(database: Any) -> World:
    world = make_world(database)
    world.admin("DELETE FROM app.holdout_budget")
    return world


@pytest.fixture
def allow(world: World) -> Callable[..., None]:
    def change(openings: int, tenant: str = TENANT, model: str | None = None) -> None:
        with world.database.engine("owner").begin() as connection:
            set_holdout_budget(connection, tenant, openings, model=model)

    return change


def evaluation(
    model: str | None = "readmission", *, tenant: str = TENANT, split: str = "holdout", **other: Any
) -> Scope:
    return Scope.evaluation(tenant, {split}, "final evaluation", model=model, **other)


async def _asynchronously(url: Any, scope: Scope) -> None:
    engine = build_async_engine(url, poolclass=NullPool)
    async with open_async_session(scope, engine=engine) as session:
        await session.execute(COUNT)
        await session.rollback()


@pytest.fixture(params=["psycopg", "asyncpg"])
def evaluate(request: pytest.FixtureRequest, world: World) -> Open:
    """Opens a session of an evaluator over either driver, looks, and rolls back."""

    def over_psycopg(scope: Scope) -> None:
        with open_session(scope, engine=world.evaluator_engine) as session:
            session.execute(COUNT)
            session.rollback()

    def over_asyncpg(scope: Scope) -> None:
        asyncio.run(_asynchronously(world.database.url("evaluator"), scope))

    return over_psycopg if request.param == "psycopg" else over_asyncpg


def openings(world: World) -> list[Any]:
    return [row[0] for row in world.admin("SELECT holdout_number FROM app.split_opening ORDER BY opened_at")]


def test_once_unless_somebody_allows_more(world: World, evaluate: Open) -> None:
    evaluate(evaluation(user_id=ADMIN))
    with pytest.raises(HoldoutBudgetError) as error:
        evaluate(evaluation())
    refusal = error.value
    assert (refusal.model, refusal.budget, refusal.split) == ("readmission", 1, "holdout")
    assert refusal.opened_by == f"{ADMIN}, logged in as hedgerow_evaluation"
    assert refusal.opened_at is not None
    assert abs(refusal.opened_at - datetime.now(UTC)) < timedelta(minutes=5)
    said = str(refusal)
    assert str(ADMIN) in said
    assert f"{refusal.opened_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" in said
    assert f"hedgerow splits budget {TENANT} --model 'readmission' --openings 2" in said
    allowed, refused_ = world.admin(LOG)
    login = ", logged in as hedgerow_evaluation"
    assert allowed == ("holdout", True, str(ADMIN), f"final evaluation (model readmission){login}")
    assert refused_[:2] == ("holdout", False)
    assert refused_[3].startswith(f"holdout may be opened 1 time(s) for model readmission; opened by {ADMIN}")
    assert refused_[3].endswith(f" UTC{login}")


def test_a_refused_session_sees_nothing_and_stays_refused(world: World) -> None:
    world.session("holdout").connection()
    with world.session("holdout") as session:
        for _ in range(2):
            with pytest.raises(SplitAccessError):
                session.execute(COUNT)
            session.rollback()


def test_a_session_opens_once_however_many_transactions_it_has(world: World, evaluate: Open) -> None:
    with open_session(evaluation(), engine=world.evaluator_engine) as session:
        for _ in range(3):
            session.execute(COUNT)
            session.commit()
    assert openings(world) == [1]


def test_a_budget_of_two(world: World, evaluate: Open, allow: Any) -> None:
    allow(2)
    evaluate(evaluation())
    evaluate(evaluation())
    for _ in range(2):
        with pytest.raises(HoldoutBudgetError, match="may be opened twice"):
            evaluate(evaluation())
    assert openings(world) == [1, 2]
    allow(3)
    evaluate(evaluation())
    assert openings(world) == [1, 2, 3], "refused attempts use nothing up"
    with pytest.raises(HoldoutBudgetError, match="3 times"):
        evaluate(evaluation())


def test_each_model_of_each_tenant_has_its_own(world: World, evaluate: Open) -> None:
    evaluate(evaluation())
    evaluate(evaluation("churn"))
    evaluate(evaluation(tenant=OTHER))
    evaluate(evaluation(None))
    for scope in (evaluation(), evaluation(" churn "), evaluation(tenant=OTHER), evaluation(None)):
        with pytest.raises(HoldoutBudgetError):
            evaluate(scope)


def test_budgets_of_models_tenants_and_all(world: World, evaluate: Open, allow: Any) -> None:
    allow(0, EVERY)
    with pytest.raises(HoldoutBudgetError, match="may not be opened for the model 'churn'"):
        evaluate(evaluation("churn"))
    allow(1, model="churn")
    evaluate(evaluation("churn"))
    with pytest.raises(HoldoutBudgetError):
        evaluate(evaluation("made up"))
    with pytest.raises(HoldoutBudgetError):
        evaluate(evaluation(None))
    allow(2, OTHER)
    evaluate(evaluation("made up", tenant=OTHER))
    with world.database.engine("owner").connect() as owner:
        assert [holdout_budget(owner, TENANT, model) for model in ("churn", "made up", "")] == [1, 0, 0]
        assert holdout_budget(owner, OTHER, "churn") == 2
        (use,) = holdout_uses(owner, TENANT)
        assert (use.model, use.opened, use.budget) == ("churn", 1, 1)
        assert use.last_opened_by is not None
        assert holdout_uses(owner, OTHER, model="churn") == []


@pytest.mark.parametrize("blank", ["", " "])
def test_no_name_is_the_budget_of_openings_that_name_no_model(blank: str, world: World, allow: Any) -> None:
    """And not that of every model, which an empty variable of a shell would have changed."""
    allow(7)
    allow(0, model=blank)
    with world.database.engine("owner").connect() as owner:
        assert [holdout_budget(owner, TENANT, model) for model in ("", blank, "churn", EVERY)] == [0, 0, 7, 7]
        assert [(use.model, use.budget) for use in holdout_uses(owner, TENANT, model=blank)] == [("", 0)]
        assert holdout_uses(owner, TENANT, model="churn") == []


@pytest.mark.parametrize("arguments", [(TENANT, -1, None), (EVERY, 1, "churn"), (EVERY, 1, "")], ids=str)
def test_budgets_that_cannot_be(arguments: tuple[str, int, str | None], world: World) -> None:
    tenant, number, model = arguments
    with world.database.engine("owner").begin() as owner, pytest.raises(BudgetError):
        set_holdout_budget(owner, tenant, number, model=model)


def test_test_has_no_budget(world: World, evaluate: Open) -> None:
    for _ in range(3):
        evaluate(evaluation(split="test"))
    assert openings(world) == [None] * 3
    assert [row[:2] for row in world.admin(LOG)] == [("test", True)] * 3


def test_both_at_once_count_for_holdout(world: World, evaluate: Open) -> None:
    both = Scope.evaluation(TENANT, {"train", "test", "holdout"}, "figures", model="churn")
    evaluate(both)
    with pytest.raises(HoldoutBudgetError):
        evaluate(both)
    assert [row[:2] for row in world.admin(LOG)] == [
        ("holdout", True),
        ("test", True),
        ("holdout", False),
        ("test", False),
    ]


def test_two_at_once_open_once(world: World, evaluate: Open, allow: Any) -> None:
    allow(2, model="allowed twice")
    for model, budget in (("readmission", 1), ("allowed twice", 2)):
        together = Barrier(6)

        def race(_: int, model: str = model, together: Barrier = together) -> bool:
            together.wait(60)
            try:
                evaluate(evaluation(model))
            except HoldoutBudgetError:
                return False
            return True

        with ThreadPoolExecutor(6) as threads:
            assert sum(threads.map(race, range(6))) == budget
    assert sorted(openings(world)) == [1, 1, 2]
    assert sorted(row[1] for row in world.admin(LOG)) == [False] * 9 + [True] * 3


@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
def test_two_at_once_that_do_not_see_each_other_open_once(level: str, world: World) -> None:
    """Both transactions have their snapshot before either asks."""
    engine = create_engine(world.database.url("evaluator"), poolclass=NullPool, isolation_level=level)
    together = Barrier(2)

    def race(_: int) -> bool:
        with engine.connect() as connection:
            bare(connection)
            together.wait(60)
            try:
                answer = connection.execute(REQUEST, asked()).one()
                connection.commit()
            except DBAPIError:
                return False
            return answer.opening_id is not None

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(race, range(2))) == [False, True]
    assert openings(world) == [1]


def test_a_process_that_is_killed_has_opened(world: World) -> None:
    program = textwrap.dedent(f"""
        import os, signal, sys
        from sqlalchemy import text
        from hedgerow import Scope, open_session
        from hedgerow.core.engine import build_engine
        scope = Scope.evaluation({TENANT!r}, {{"holdout"}}, "final evaluation", model="readmission")
        session = open_session(scope, engine=build_engine(sys.argv[1]))
        session.connection()
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    url = world.database.url("evaluator").render_as_string(hide_password=False)
    done = subprocess.run([sys.executable, "-c", program, url], env=os.environ.copy(), check=False)
    assert done.returncode == -9
    with pytest.raises(HoldoutBudgetError), open_session(evaluation(), engine=world.evaluator_engine) as session:
        session.connection()


def test_a_pool_of_one_connection_and_repeatable_read(world: World) -> None:
    engine = build_engine(
        world.database.url("evaluator"),
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=3,
        isolation_level="REPEATABLE READ",
    )
    with open_session(evaluation(), engine=engine) as session:
        session.execute(COUNT)
    engine.dispose()
    assert openings(world) == [1]


def test_what_is_refused_for_another_reason_uses_nothing_up(world: World) -> None:
    attempts: list[tuple[type[Exception], Engine, Scope]] = [
        (PrivilegedRoleError, build_engine(world.database.url("admin"), poolclass=NullPool), evaluation()),
        (SplitAccessError, world.engine, evaluation()),
        (ScopeError, world.evaluator_engine, evaluation(tenant="NOBODY")),
        (ScopeError, world.evaluator_engine.execution_options(isolation_level="AUTOCOMMIT"), evaluation()),
    ]
    for error, engine, scope in attempts:
        with pytest.raises(error) as caught, open_session(scope, engine=engine) as session:
            session.execute(COUNT)
        assert not isinstance(caught.value, HoldoutBudgetError)
    assert openings(world) == []
    (refusal,) = world.admin(LOG)
    assert refusal[:2] == ("holdout", False)
    assert "no member of hedgerow_evaluator" in refusal[3]
    assert refusal[3].endswith(", logged in as hedgerow_session")


# -- whoever can run SQL as an evaluator ----------------------------------------------------------------------------


@pytest.fixture
def evaluator(world: World) -> Iterator[Connection]:
    with create_engine(world.database.url("evaluator"), poolclass=NullPool).connect() as connection:
        yield connection


def bare(connection: Connection, tenant: str = TENANT) -> None:
    connection.execute(OPEN, {"tenant": tenant, "splits": ["train"], "purpose": None, "opening": None})


def asked(**other: Any) -> dict[str, Any]:
    return {"splits": ["holdout"], "model": "readmission", "purpose": "a look"} | other


def opened(connection: Connection, opening: Any, **other: Any) -> None:
    values = {"tenant": TENANT, "splits": ["train", "holdout"], "purpose": "a look", "opening": opening} | other
    connection.execute(OPEN, values)


def granted(connection: Connection, **other: Any) -> Any:
    bare(connection)
    opening = connection.execute(REQUEST, asked(**other)).one().opening_id
    connection.commit()
    return opening


def test_sql_opens_what_is_on_record(evaluator: Connection, world: World) -> None:
    opening = granted(evaluator)
    opened(evaluator, opening)
    evaluator.rollback()
    assert granted(evaluator) is None
    assert [row[:3] for row in world.admin(LOG)] == [("holdout", True, "me"), ("holdout", False, "me")]


def test_without_an_opening_nothing_opens(evaluator: Connection) -> None:
    for opening in (None, "00000000-0000-0000-0000-000000000001"):
        for splits in (["holdout"], ["test"], ["train", "test", "holdout"]):
            with refused(evaluator, "42501"):
                opened(evaluator, opening, splits=splits)


def test_an_opening_does_not_open_its_own_transaction(evaluator: Connection, world: World) -> None:
    """Which could be rolled back, and would leave no trace of what was seen."""
    bare(evaluator)
    opening = evaluator.execute(REQUEST, asked()).one().opening_id
    assert opening is not None
    with refused(evaluator, "42501"):
        opened(evaluator, opening)
    with evaluator.begin_nested():
        again = evaluator.execute(REQUEST, asked(model="another")).one().opening_id
    with refused(evaluator, "42501"):
        opened(evaluator, again)
    evaluator.rollback()
    with refused(evaluator, "42501"):
        opened(evaluator, opening)
    assert openings(world) == []


def test_an_opening_opens_what_was_asked_and_nothing_else(evaluator: Connection, world: World) -> None:
    opening = granted(evaluator)
    for other in (
        {"tenant": OTHER},
        {"splits": ["test"]},
        {"splits": ["test", "holdout"]},
        {"purpose": "another look"},
    ):
        with refused(evaluator, "42501"):
            opened(evaluator, opening, **other)
    someone = text("SELECT * FROM app.open_scope(:t, :u, ARRAY['holdout'], 'a look', NULL, :o)")
    with refused(evaluator, "42501"):
        evaluator.execute(someone, {"t": TENANT, "u": str(ADMIN), "o": opening})
    test_only = granted(evaluator, splits=["test"])
    with refused(evaluator, "42501"):
        opened(evaluator, test_only)
    opened(evaluator, test_only, splits=["test"])


def forge(world: World, change: str) -> None:
    with world.database.engine("admin").begin() as admin:
        admin.execute(text("SET LOCAL session_replication_role = replica"))
        admin.execute(text(f"UPDATE app.split_opening SET {change}"))


@pytest.mark.parametrize("role", ["owner", "admin"])
@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM app.split_opening", "UPDATE app.split_opening SET model = 'x'", "TRUNCATE app.split_opening"],
)
def test_nobody_takes_an_opening_back(statement: str, role: Any, world: World, evaluator: Connection) -> None:
    """More openings are a row of app.holdout_budget that says so, and not a gap where one was."""
    granted(evaluator)
    with world.database.engine(role).connect() as connection, refused(connection, "23001"):
        connection.execute(text(statement))
    assert openings(world) == [1]


def test_an_opening_is_of_one_login_and_of_one_day(evaluator: Connection, world: World) -> None:
    opening = granted(evaluator)
    forge(world, "opened_at = opened_at - interval '23 hours'")
    opened(evaluator, opening)
    evaluator.rollback()
    forge(world, "opened_at = opened_at - interval '2 hours'")
    with refused(evaluator, "42501"):
        opened(evaluator, opening)
    # By the clock: to have begun a transaction in time keeps no opening alive.
    forge(world, "opened_at = now() - interval '1 day' + interval '1 second'")
    opened(evaluator, opening)
    with refused(evaluator, "42501"):
        evaluator.execute(text("SELECT pg_sleep(1.1)"))
        opened(evaluator, opening)
    evaluator.rollback()
    forge(world, "opened_at = now(), login = 'somebody'")
    with refused(evaluator, "42501"):
        opened(evaluator, opening)


@pytest.mark.parametrize(
    ("state", "other"),
    [
        ("22023", {"splits": ["train"]}),
        ("22023", {"splits": ["holdout", "train"]}),
        ("22023", {"splits": []}),
        ("22023", {"splits": None}),
        ("22023", {"splits": [None]}),
        ("42501", {"purpose": None}),
        ("42501", {"purpose": " \t"}),
    ],
    ids=str,
)
def test_requests_that_make_no_sense(state: str, other: Any, evaluator: Connection) -> None:
    bare(evaluator)
    with refused(evaluator, state):
        evaluator.execute(REQUEST, asked(**other))


def test_a_request_takes_a_scope_and_a_login_of_evaluators(evaluator: Connection, world: World) -> None:
    with refused(evaluator, "28000"):
        evaluator.execute(REQUEST, asked())
    with create_engine(world.database.url("app"), poolclass=NullPool).connect() as session:
        bare(session)
        with refused(session, "42501"):
            session.execute(REQUEST, asked())


FORBIDDEN = [
    "INSERT INTO app.holdout_budget (tenant_id, model, openings) VALUES ('*', '*', 99)",
    "UPDATE app.holdout_budget SET openings = 99",
    "DELETE FROM app.holdout_budget",
    "SELECT * FROM app.holdout_budget",
    "SELECT app.holdout_budget_of('WORLD_A', 'readmission')",
    "DELETE FROM app.split_opening",
    "UPDATE app.split_opening SET model = 'another'",
    "TRUNCATE app.split_opening",
    "SELECT * FROM app.split_opening",
    "INSERT INTO app.split_opening (opening_id, tenant_id, login, caller, splits, model, purpose)"
    " VALUES (gen_random_uuid(), 'WORLD_A', session_user, 'me', '{holdout}', 'x', 'a look')",
    "ALTER TABLE app.holdout_budget DISABLE TRIGGER ALL",
]


@pytest.mark.parametrize("role", ["app", "evaluator"])
@pytest.mark.parametrize("statement", FORBIDDEN)
def test_sessions_neither_raise_a_budget_nor_forge_an_opening(statement: str, role: Any, world: World) -> None:
    with create_engine(world.database.url(role), poolclass=NullPool).connect() as connection:
        bare(connection)
        with refused(connection, "42501"):
            connection.execute(text(statement))


@pytest.mark.parametrize(
    "statement", ["UPDATE ml_split_access_log SET allowed = false", "DELETE FROM ml_split_access_log"]
)
def test_the_log_of_openings_is_never_rewritten(statement: str, world: World, evaluator: Connection) -> None:
    granted(evaluator)
    bare(evaluator)
    with refused(evaluator, "42501"):
        evaluator.execute(text(statement))
    with world.database.engine("admin").connect() as admin, refused(admin, "23001"):
        admin.execute(text(statement))


def test_no_setting_raises_a_budget(evaluator: Connection) -> None:
    granted(evaluator)
    for name in ("app.holdout_budget", "app.budget", "hedgerow.holdout_budget"):
        evaluator.execute(text("SELECT set_config(:name, '99', false)"), {"name": name})
    assert granted(evaluator) is None


def test_uses_are_typed(world: World, evaluator: Connection) -> None:
    granted(evaluator)
    with world.database.engine("owner").connect() as owner:
        (use,) = holdout_uses(owner, TENANT)
    assert isinstance(use, HoldoutUse)
    assert (use.model, use.opened, use.budget, use.last_opened_by) == (
        "readmission",
        1,
        1,
        "me, logged in as hedgerow_evaluation",
    )
