"""customers.health_score has one owner, the trigger of health_scores: it is the newest score, come as they may."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, insert, text

from customers.battery import CARLA, PEOPLE, TARGETS, acting
from hedgerow import AudienceError, Scope, ScopeError, open_session
from hedgerow.core.repository import ReadOnlyError
from hedgerow.customers import Customer, HealthScore
from hedgerow.customers.repository import CustomerRepository, HealthScoreRepository
from isolation.oracle import TENANT_A
from planting import refused

Y = TARGETS["customers"]


def score(connection: Connection, customer: UUID = Y) -> int | None:
    found: int | None = connection.scalar(text("SELECT health_score FROM customers WHERE id = :id"), {"id": customer})
    return found


def add(connection: Connection, overall: int, at: str | None, key: UUID | None = None, customer: UUID = Y) -> None:
    connection.execute(
        text("INSERT INTO health_scores (id, customer_id, overall, calculated_at) VALUES (:id, :c, :o, :at)"),
        {"id": key or uuid4(), "c": customer, "o": overall, "at": at},
    )


@pytest.mark.parametrize("name", ["csm", "administrator"])
def test_the_newest_score_is_the_customers(name: str, planted: Connection) -> None:
    with acting(planted, PEOPLE[name]):
        assert score(planted) == 50, "without a score, the default"
        add(planted, 70, "2030-01-02")
        assert score(planted) == 70
        add(planted, 11, "2030-01-01")
        assert score(planted) == 70, "an older one that comes later changes nothing"
        add(planted, 12, None)
        assert score(planted) == 70, "one without a time is older than any"
        add(planted, 0, "2030-01-03")
        assert score(planted) == 0
        planted.execute(text("UPDATE health_scores SET overall = 33 WHERE customer_id = :c AND overall = 0"), {"c": Y})
        assert score(planted) == 33
        planted.execute(
            text("UPDATE health_scores SET calculated_at = '2029-01-01' WHERE customer_id = :c AND overall = 33"),
            {"c": Y},
        )
        assert score(planted) == 70
        planted.execute(text("DELETE FROM health_scores WHERE customer_id = :c AND overall <> 12"), {"c": Y})
        assert score(planted) == 12
        planted.execute(text("DELETE FROM health_scores WHERE customer_id = :c"), {"c": Y})
        assert score(planted) == 50


def test_of_two_scores_of_one_moment_the_lower_id_counts(planted: Connection) -> None:
    low, high = sorted((uuid4(), uuid4()))
    with acting(planted, PEOPLE["csm"]):
        add(planted, 20, "2030-01-01", high)
        add(planted, 10, "2030-01-01", low)
        assert score(planted) == 10


def test_a_score_that_moves_changes_both_customers(planted: Connection) -> None:
    other = uuid4()
    with acting(planted, PEOPLE["csm"]):
        planted.execute(
            text("INSERT INTO customers (id, name, arr, csm_id) VALUES (:id, 'O', 1, :m)"), {"id": other, "m": CARLA}
        )
        add(planted, 90, "2030-01-01")
        planted.execute(text("UPDATE health_scores SET customer_id = :o WHERE customer_id = :c"), {"o": other, "c": Y})
        assert (score(planted), score(planted, other)) == (50, 90)


def test_many_scores_in_one_statement(planted: Connection) -> None:
    with acting(planted, PEOPLE["csm"]):
        planted.execute(
            text("""INSERT INTO health_scores (customer_id, overall, calculated_at)
                    SELECT :c, n, TIMESTAMPTZ '2030-01-01' + n * interval '1 h' FROM generate_series(1, 90) AS n"""),
            {"c": Y},
        )
        assert score(planted) == 90


@pytest.mark.parametrize("value", [-1, 101])
@pytest.mark.parametrize("part", ["overall", "product", "risk", "outcomes", "voice", "engagement"])
def test_parts_are_0_to_100(part: str, value: int, planted: Connection) -> None:
    columns = {"overall": 1, part: value}
    values = ", ".join(map(str, columns.values()))
    sql = f"INSERT INTO health_scores (customer_id, {', '.join(columns)}) VALUES (:c, {values})"
    with acting(planted, PEOPLE["csm"]), refused(planted, "23514"):
        planted.execute(text(sql), {"c": Y})


def test_nobody_else_writes_it(planted: Connection) -> None:
    with acting(planted, PEOPLE["administrator"]), refused(planted, "42501"):
        planted.execute(text("UPDATE customers SET health_score = 99"))


def test_what_the_orm_says_of_it(session_of: Any) -> None:
    session = session_of("csm")
    customers = CustomerRepository(session)
    (customer,) = customers.get_many({"name": "Northwind Clinics"})
    key = customer.id
    with pytest.raises(ReadOnlyError, match="health_score cannot be changed"):
        customers.update(key, {"health_score": 1})
    HealthScoreRepository(session).create(HealthScore(customer_id=key, overall=3))
    session.refresh(customer)
    assert customer.health_score == 3
    customer.health_score = 4
    with pytest.raises(ScopeError, match="permission denied"):
        session.flush()
    with pytest.raises(AudienceError, match="not for the user of the scope"):
        session_of("other csm").execute(insert(HealthScore).values(customer_id=key, overall=1))


def test_writers_of_one_customer_take_turns(fresh_database: Any, seeded_template: str) -> None:
    """The later one sees what the earlier one wrote, though its statement began before that was committed."""
    database = fresh_database(seeded_template)
    engine = database.scoped_engine("app")
    scope = Scope(TENANT_A, user_id=CARLA)
    with open_session(scope, engine=engine) as session:
        customer = Customer(name="C", arr=1, csm_id=CARLA)
        session.add(customer)
        session.commit()
        key = customer.id
    first = open_session(scope, engine=engine)
    first.execute(insert(HealthScore).values(customer_id=key, overall=99, calculated_at=text("'2031-01-01'")))
    begun, done = threading.Event(), threading.Event()

    def older() -> None:
        with open_session(scope, engine=engine) as second:
            second.execute(insert(HealthScore).values(customer_id=key, overall=1, calculated_at=text("'2030-01-01'")))
            second.commit()
        done.set()

    writer = threading.Thread(target=older)
    writer.start()
    with database.admin() as admin:
        waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        for _ in range(500):
            if admin.scalar(waiting):
                begun.set()
                break
            done.wait(0.01)
        assert begun.is_set(), "the second writer waits for the first one"
        first.commit()
        first.close()
        assert done.wait(10)
        writer.join()
        assert admin.scalar(text("SELECT health_score FROM customers WHERE id = :id"), {"id": key}) == 99
    engine.dispose()


def test_no_score_is_stored_that_does_not_reach_its_customer(planted: Connection) -> None:
    """A superuser without a scope writes past every policy, but the trigger has an owner, who does not."""
    planted.execute(text("SELECT set_config('app.scope', '', true)"))
    with refused(planted, "42501"):
        planted.execute(
            text("INSERT INTO health_scores (tenant_id, customer_id, overall) VALUES (:t, :c, 1)"),
            {"t": TENANT_A, "c": Y},
        )


def test_the_seed_is_what_the_trigger_makes_of_it(planted: Connection) -> None:
    planted.execute(text("CREATE TEMP TABLE was AS SELECT id, health_score FROM customers"))
    with acting(planted, PEOPLE["administrator"]):
        planted.execute(text("UPDATE health_scores SET overall = overall"))
        scores = dict(map(tuple, planted.execute(text("SELECT id, health_score FROM customers"))))
    was = dict(map(tuple, planted.execute(text("SELECT id, health_score FROM was"))))
    assert len(scores) > 10
    assert scores.items() <= was.items()
