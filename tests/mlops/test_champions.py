"""One champion per experiment: a new one takes the flag, and two are impossible whatever happens at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, IntegrityError

TENANT, OTHER = "CHAMPION_A", "CHAMPION_B"
ROLES = ("admin", "app")


def scope(connection: Connection, *splits: str, tenant: str = TENANT) -> None:
    connection.execute(
        text("SELECT * FROM app.open_scope(:tenant, NULL, CAST(:splits AS text[]), 'test of champions')"),
        {"tenant": tenant, "splits": list(splits or ("train", "unassigned"))},
    )


def experiment(connection: Connection, tenant: str = TENANT) -> UUID:
    return connection.execute(
        text(
            "INSERT INTO ml_experiments (tenant_id, experiment_name, prediction_target)"
            " VALUES (:tenant, 'churn', 'churn') RETURNING id"
        ),
        {"tenant": tenant},
    ).scalar_one()


def register(
    connection: Connection,
    version: str,
    of: UUID | None,
    champion: bool = False,
    split: str = "train",
    tenant: str = TENANT,
    then: str = "",
) -> None:
    connection.execute(
        text(
            "INSERT INTO ml_model_registry"
            " (tenant_id, experiment_id, model_name, model_version, algorithm, is_champion, split_assignment)"
            f" VALUES (:tenant, :of, 'm', :version, 'logistic', :champion, :split) {then}"
        ),
        {"tenant": tenant, "of": of, "version": version, "champion": champion, "split": split},
    )


def promote(connection: Connection, version: str) -> None:
    connection.execute(
        text("UPDATE ml_model_registry SET is_champion = true WHERE tenant_id = :t AND model_version = :v"),
        {"t": TENANT, "v": version},
    )


def champions(connection: Connection, tenant: str = TENANT) -> set[str]:
    return set(
        connection.scalars(
            text("SELECT model_version FROM ml_model_registry WHERE tenant_id = :t AND is_champion"), {"t": tenant}
        )
    )


@pytest.fixture(scope="module")
def db(module_database: Any) -> Any:
    with module_database.admin() as admin:
        for tenant in (TENANT, OTHER):
            admin.execute(text("INSERT INTO tenant (id, name) VALUES (:t, :t)"), {"t": tenant})
    return module_database


@pytest.fixture(params=ROLES)
def connection(db: Any, request: pytest.FixtureRequest) -> Iterator[Connection]:
    """A transaction in the scope of TENANT, as superuser and as an application session; undone afterwards."""
    with db.engine(request.param).connect() as connection:
        scope(connection)
        yield connection


@pytest.fixture
def admin(db: Any) -> Iterator[Connection]:
    with db.engine("admin").connect() as connection:
        yield connection


@pytest.fixture(params=["of an experiment", "without experiment"])
def of(request: pytest.FixtureRequest, connection: Connection) -> UUID | None:
    return experiment(connection) if request.param == "of an experiment" else None


def test_a_new_champion_takes_the_flag(connection: Connection, of: UUID | None) -> None:
    register(connection, "1", of, champion=True)
    register(connection, "2", of, champion=True)
    assert champions(connection) == {"2"}
    promote(connection, "1")
    assert champions(connection) == {"1"}


def test_two_champions_in_one_statement_leave_the_last(connection: Connection, of: UUID | None) -> None:
    connection.execute(
        text(
            "INSERT INTO ml_model_registry (experiment_id, model_name, model_version, algorithm, is_champion)"
            " SELECT :of, 'm', n::text, 'logistic', true FROM generate_series(1, 5) AS n ORDER BY n"
        ),
        {"of": of},
    )
    assert champions(connection) == {"5"}


def test_a_champion_that_stays_one_deposes_nobody_and_may_step_down(connection: Connection, of: UUID | None) -> None:
    register(connection, "1", of, champion=True)
    connection.execute(text("UPDATE ml_model_registry SET stage = 'production', is_champion = true"))
    assert champions(connection) == {"1"}
    connection.execute(text("UPDATE ml_model_registry SET is_champion = NULL"))
    assert champions(connection) == set()


def test_each_experiment_has_its_own(connection: Connection) -> None:
    first, second = experiment(connection), experiment(connection)
    for version, of in (("1", first), ("2", second), ("3", None)):
        register(connection, version, of, champion=True)
    assert champions(connection) == {"1", "2", "3"}
    connection.execute(
        text("UPDATE ml_model_registry SET experiment_id = :of WHERE model_version = '1'"), {"of": second}
    )
    assert champions(connection) == {"1", "3"}, "a champion that moves wins where it arrives"


def test_an_insert_that_meets_its_own_row_deposes_nobody(connection: Connection, of: UUID | None) -> None:
    register(connection, "1", of, champion=True)
    register(connection, "2", of, champion=True)
    register(connection, "1", of, champion=True, then="ON CONFLICT DO NOTHING")
    assert champions(connection) == {"2"}
    register(
        connection,
        "1",
        of,
        champion=True,
        then="ON CONFLICT (tenant_id, model_name, model_version) DO UPDATE SET is_champion = excluded.is_champion",
    )
    assert champions(connection) == {"1"}


def test_a_swap_in_one_statement_never_makes_two(connection: Connection, of: UUID | None) -> None:
    register(connection, "1", of, champion=True)
    register(connection, "2", of)
    for winner in ("2", "1"):
        # Refused (27000) or not, depending on which row comes first.
        with suppress(DBAPIError), connection.begin_nested():
            connection.execute(text("UPDATE ml_model_registry SET is_champion = model_version = :w"), {"w": winner})
        assert len(champions(connection)) == 1
        promote(connection, winner)
        assert champions(connection) == {winner}


def test_another_tenant_keeps_its_champion(admin: Connection) -> None:
    for tenant in (TENANT, OTHER):
        register(admin, "1", None, champion=True, tenant=tenant)
    register(admin, "2", None, champion=True)
    assert champions(admin) == {"2"}
    assert champions(admin, OTHER) == {"1"}


def test_the_index_holds_without_the_trigger(admin: Connection) -> None:
    admin.execute(text("ALTER TABLE ml_model_registry DISABLE TRIGGER ensure_single_champion"))
    for of in (None, experiment(admin)):
        register(admin, f"first {of}", of, champion=True)
        with pytest.raises(IntegrityError, match="uq_ml_model_registry_champion"), admin.begin_nested():
            register(admin, f"second {of}", of, champion=True)


def test_a_champion_of_a_sealed_split_is_not_deposed_by_who_cannot_see_it(db: Any, admin: Connection) -> None:
    try:
        register(admin, "sealed", None, champion=True, split="test")
        admin.commit()
        with db.engine("app").connect() as session:
            scope(session, "train", "unassigned")
            with pytest.raises(IntegrityError, match="uq_ml_model_registry_champion"):
                register(session, "open", None, champion=True)
        assert champions(admin) == {"sealed"}
    finally:
        admin.execute(text("DELETE FROM ml_model_registry"))
        admin.commit()


@pytest.mark.parametrize("with_experiment", [True, False], ids=["of an experiment", "without experiment"])
@pytest.mark.parametrize("incumbent", [True, False], ids=["with incumbent", "without incumbent"])
def test_promotions_at_once_all_succeed_and_leave_one(
    db: Any, admin: Connection, with_experiment: bool, incumbent: bool
) -> None:
    contenders = [str(n) for n in range(6)]
    of = experiment(admin) if with_experiment else None
    for version in contenders:
        register(admin, version, of)
    if incumbent:
        register(admin, "incumbent", of, champion=True)
    admin.commit()
    barrier, failures = threading.Barrier(len(contenders)), []

    def contend(version: str) -> None:
        try:
            with db.engine("app").connect() as session:
                scope(session)
                barrier.wait(30)
                promote(session, version)
                session.commit()
        except Exception as error:
            failures.append(error)

    try:
        threads = [threading.Thread(target=contend, args=(version,)) for version in contenders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert failures == []
        assert len(champions(admin)) == 1
        assert champions(admin) <= set(contenders)
    finally:
        admin.execute(text("DELETE FROM ml_model_registry"))
        admin.commit()


def test_a_model_cannot_belong_to_an_experiment_of_another_tenant(admin: Connection) -> None:
    with pytest.raises(IntegrityError, match="foreign key"):
        register(admin, "1", experiment(admin, OTHER))
    admin.rollback()
    with pytest.raises(IntegrityError, match="foreign key"):
        register(admin, "1", uuid4())
