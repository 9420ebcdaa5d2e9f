"""Questions about experiments and models."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from hedgerow.mlops.models import Experiment, RegisteredModel
from hedgerow.mlops.repository import AsyncExperimentRepository, AsyncRegisteredModelRepository
from world import OTHER, TENANT, World, make_world


@pytest.fixture(scope="module")
def world(module_database: Any) -> World:
    world = make_world(module_database)
    for tenant in (TENANT, OTHER):
        with world.session("train", "test", "unassigned", tenant=tenant) as session:
            churn, again, empty = (
                Experiment(
                    experiment_name=name, prediction_target="churn", created_at=datetime(2024, month, 1, tzinfo=UTC)
                )
                for name, month in (("churn", 1), ("churn", 2), ("empty", 3))
            )
            session.add_all([churn, again, empty])
            session.flush()
            registered = datetime(2024, 5, 1, tzinfo=UTC)
            for version, experiment, split, champion, stage in [
                ("1.9", churn, "train", True, "production"),
                ("1.10", churn, "train", False, "staging"),
                ("2.0", churn, "test", False, "staging"),
                ("1.1", again, "train", True, "development"),
                ("0.1", None, "train", True, "production"),
            ]:
                session.add(
                    RegisteredModel(
                        experiment_id=None if experiment is None else experiment.id,
                        model_name="m",
                        model_version=version,
                        algorithm="logistic",
                        split_assignment=split,
                        is_champion=champion,
                        stage=stage,
                        registered_at=registered,
                    )
                )
            session.commit()
    return world


@pytest.fixture(params=["psycopg", "asyncpg"])
def models(world: World, request: pytest.FixtureRequest) -> Iterator[Any]:
    with world.repository(request.param, AsyncRegisteredModelRepository, world.scope()) as repository:
        yield repository


def test_latest_model(models: Any) -> None:
    latest = models.get_latest_model("churn")
    assert (latest.tenant_id, latest.model_version) == (TENANT, "1.10"), "1.10 is after 1.9, and 2.0 is of test"
    assert models.get_latest_model("empty") is None
    assert models.get_latest_model("unheard of") is None


def test_champions(models: Any) -> None:
    by_version = {model.model_version: model for model in models.get_many({})}
    assert models.get_champion(by_version["1.10"].experiment_id).model_version == "1.9"
    assert models.get_champion(str(by_version["1.1"].experiment_id)).model_version == "1.1"
    assert models.get_champion(None).model_version == "0.1"
    listed = [(row.experiment_name, row.model_version) for row in models.get_champion_models()]
    assert listed == [("churn", "1.9")], "in production or staging, with an experiment"


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_experiments_by_name(driver: str, world: World) -> None:
    with world.repository(driver, AsyncExperimentRepository, world.scope()) as experiments:
        assert [row.created_at.month for row in experiments.get_by_name("churn")] == [2, 1]
        assert experiments.get_by_name("Churn") == []
        assert experiments.get_by_name("churn", "train") == []
