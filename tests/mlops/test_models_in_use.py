"""The newest model of an experiment, the list of champions, and the rules of both tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hedgerow.mlops import ChampionModel, ModelStage

TENANT, OTHER = "MODELS_A", "MODELS_B"
WHEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROLES = ("admin", "app")


def scope(connection: Connection, *splits: str, tenant: str = TENANT) -> None:
    connection.execute(
        text("SELECT * FROM app.open_scope(:tenant, NULL, CAST(:splits AS text[]), 'test of models')"),
        {"tenant": tenant, "splits": list(splits or ("train", "unassigned"))},
    )


def experiment(connection: Connection, name: str, *, tenant: str = TENANT, split: str = "train") -> UUID:
    return connection.execute(
        text(
            "INSERT INTO ml_experiments"
            " (tenant_id, experiment_name, prediction_target, brand, region, split_assignment)"
            " VALUES (:tenant, :name, 'relapse', 'Kisqali', 'west', :split) RETURNING id"
        ),
        {"tenant": tenant, "name": name, "split": split},
    ).scalar_one()


def register(connection: Connection, of: UUID | None, version: str, **values: Any) -> None:
    row = {
        "tenant_id": TENANT,
        "experiment_id": of,
        "model_name": "m",
        "model_version": version,
        "algorithm": "logistic",
        "stage": "production",
        "split_assignment": "train",
        **values,
    }
    connection.execute(
        text(f"INSERT INTO ml_model_registry ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})"), row
    )


def latest(connection: Connection, name: str | None) -> list[str]:
    found = connection.execute(text("SELECT model_version FROM get_latest_model(:name)"), {"name": name})
    return list(found.scalars())


@pytest.fixture(scope="module")
def db(module_database: Any) -> Any:
    with module_database.admin() as admin:
        for tenant in (TENANT, OTHER):
            admin.execute(text("INSERT INTO tenant (id, name) VALUES (:t, :t)"), {"t": tenant})
    return module_database


@pytest.fixture
def admin(db: Any) -> Iterator[Connection]:
    with db.engine("admin").connect() as connection:
        yield connection


@pytest.fixture(params=ROLES)
def reader(admin: Connection, request: pytest.FixtureRequest) -> Iterator[Connection]:
    """The transaction of ``admin``, read as superuser and as an application session."""
    scope(admin)

    def read_as_session() -> None:
        if request.param == "app":
            admin.execute(text("SET LOCAL ROLE hedgerow_app"))

    admin.info["read"] = read_as_session
    yield admin
    admin.info.pop("read")


def test_latest_by_time_of_registration(reader: Connection) -> None:
    of = experiment(reader, "e")
    register(reader, of, "9", registered_at=WHEN, auc=0.7125, stage="shadow")
    register(reader, of, "1", registered_at=WHEN + timedelta(microseconds=1))
    register(reader, of, "99", registered_at=None)
    reader.info["read"]()
    assert latest(reader, "e") == ["1"]
    assert latest(reader, "unknown") == []
    assert latest(reader, None) == []


@pytest.mark.parametrize(
    ("versions", "winner"),
    [
        (["1.9.0", "1.10.0", "1.2"], "1.10.0"),
        (["v2", "v10", "v1"], "v10"),
        (["alpha", "beta"], "beta"),
        (["2", "2.0", "1.99"], "2.0"),
        (["2024-09-30", "2024-10-01"], "2024-10-01"),
    ],
)
def test_models_registered_together_are_told_apart_by_version(
    reader: Connection, versions: list[str], winner: str
) -> None:
    of = experiment(reader, "e")
    for version in Random(3).sample(versions, len(versions)):
        register(reader, of, version, registered_at=WHEN)
    reader.info["read"]()
    assert latest(reader, "e") == [winner]


def test_latest_agrees_with_python_over_many_models(reader: Connection) -> None:
    random, rows = Random(20), []
    experiments = {(name, copy): experiment(reader, name) for name in "abc" for copy in (1, 2)}
    for n in range(60):
        name, copy = random.choice(sorted(experiments))
        at = random.choice([None, WHEN, WHEN + timedelta(days=1)])
        version = f"{random.randrange(12)}.{random.randrange(12)}"
        rows.append((name, at, version, f"model {n}"))
        register(reader, experiments[name, copy], version, model_name=f"model {n}", registered_at=at)
    reader.info["read"]()
    for name in "abc":
        own = sorted((row for row in rows if row[0] == name), key=lambda row: row[3])
        newest = max(
            own, key=lambda r: (r[1] is not None, r[1] or WHEN, [int(part) for part in re.findall(r"\d+", r[2])], r[2])
        )
        found = reader.execute(text("SELECT * FROM get_latest_model(:name)"), {"name": name}).one()
        assert (found.model_version, found.model_name) == newest[2:]


def test_latest_returns_the_row_and_stays_inside_the_scope(reader: Connection) -> None:
    of = experiment(reader, "e")
    register(reader, of, "1", registered_at=WHEN, auc=0.7125, stage="staging")
    register(reader, of, "2", registered_at=WHEN + timedelta(days=1), split_assignment="test")
    register(reader, experiment(reader, "e", split="holdout"), "3", registered_at=WHEN + timedelta(days=1))
    theirs = experiment(reader, "e", tenant=OTHER)
    register(reader, theirs, "4", registered_at=WHEN + timedelta(days=2), tenant_id=OTHER)
    reader.info["read"]()
    found = reader.execute(text("SELECT * FROM get_latest_model('e')")).one()
    assert tuple(found._mapping) == ("model_id", "model_name", "model_version", "auc", "stage")
    assert tuple(found)[1:] == ("m", "1", Decimal("0.7125"), "staging")
    scope(reader, "test")
    assert latest(reader, "e") == ["2"], "what an earlier split taught is visible to a later one, not the reverse"
    scope(reader, tenant=OTHER)
    assert latest(reader, "e") == ["4"]


def test_champions_listed(reader: Connection) -> None:
    expected = []
    for stage in (*ModelStage, None):
        of = experiment(reader, f"experiment {stage}")
        register(reader, of, f"champion {stage}", stage=stage, is_champion=True, auc=0.8, pr_auc=0.4, trained_at=WHEN)
        register(reader, of, f"contender {stage}", stage=stage)
        if stage in ("production", "staging"):
            expected.append((f"experiment {stage}", f"champion {stage}", stage))
    register(reader, None, "without experiment", is_champion=True)
    register(reader, experiment(reader, "sealed"), "sealed", is_champion=True, split_assignment="holdout")
    register(reader, experiment(reader, "t", tenant=OTHER), "theirs", is_champion=True, tenant_id=OTHER)
    reader.info["read"]()
    rows = reader.execute(text("SELECT * FROM v_champion_models")).all()
    assert {(row.experiment_name, row.model_version, row.stage) for row in rows} == {
        (name, version, stage.value) for name, version, stage in expected
    }
    row = rows[0]
    assert (row.prediction_target, row.brand, row.region, row.algorithm) == ("relapse", "Kisqali", "west", "logistic")
    assert (float(row.auc), float(row.pr_auc), row.trained_at) == (0.8, 0.4, WHEN)
    with Session(reader) as session:
        mapped = session.scalars(select(ChampionModel)).all()
        assert {(m.experiment_name, m.model_version, m.stage) for m in mapped} == set(expected)


@pytest.mark.parametrize("splits", [("train",), ("validation",), ("test",), ("holdout",)], ids=str)
def test_a_champion_is_seen_from_its_split_onwards(reader: Connection, splits: tuple[str]) -> None:
    order = ["unassigned", "train", "validation", "test", "holdout"]
    for split in order:
        register(reader, experiment(reader, split, split=split), split, is_champion=True, split_assignment=split)
    scope(reader, *splits)
    reader.info["read"]()
    visible = set(reader.scalars(text("SELECT model_version FROM v_champion_models")))
    assert visible == set(order[: order.index(splits[0]) + 1])
    known = reader.scalar(text("SELECT app.current_artefact_splits()"))
    assert known == order[: order.index(splits[0]) + 1]


@pytest.mark.parametrize("role", ROLES)
def test_without_a_scope_there_is_nothing(db: Any, role: str) -> None:
    with db.engine("admin").begin() as admin:
        register(admin, experiment(admin, "e"), "kept", is_champion=True)
    try:
        with db.engine(role).connect() as connection:
            assert connection.execute(text("SELECT * FROM v_champion_models")).all() == []
            assert latest(connection, "e") == []
            assert connection.scalar(text("SELECT app.current_artefact_splits()")) is None
            scope(connection)
            assert latest(connection, "e") == ["kept"]
    finally:
        with db.engine("admin").begin() as admin:
            admin.execute(text("DELETE FROM ml_model_registry"))
            admin.execute(text("DELETE FROM ml_experiments"))


def test_updated_at_is_kept(admin: Connection) -> None:
    of = experiment(admin, "e")
    admin.execute(text("UPDATE ml_experiments SET updated_at = '2020-01-01'"))
    admin.execute(text("UPDATE ml_experiments SET description = 'changed' WHERE id = :id"), {"id": of})
    assert admin.scalar(text("SELECT updated_at = now() FROM ml_experiments WHERE id = :id"), {"id": of})


@pytest.mark.parametrize(
    ("column", "good", "bad"),
    [("minimum_auc", 0.5, 0.499), ("minimum_precision_at_k", 0, -0.001), ("minimum_precision_at_k", 1, 1.001)],
)
def test_success_criteria_are_plausible(admin: Connection, column: str, good: float, bad: float) -> None:
    of = experiment(admin, "e")
    change = text(f"UPDATE ml_experiments SET {column} = :value WHERE id = :id")
    admin.execute(change, {"value": good, "id": of})
    with pytest.raises(IntegrityError, match="check constraint"):
        admin.execute(change, {"value": bad, "id": of})


def test_model_stage_enum(admin: Connection) -> None:
    labels = admin.scalar(text("SELECT enum_range(NULL::model_stage_enum)::text[]"))
    assert labels == [stage.value for stage in ModelStage]
