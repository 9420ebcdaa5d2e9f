"""Two tenants, each with a patient in every split and a registered model; a reader in two roles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Connection, text

TENANT, OTHER = "PREDICT_A", "PREDICT_B"
SPLITS = ("train", "validation", "test", "holdout", "unassigned")


@dataclass(frozen=True)
class World:
    """A transaction of a superuser that is undone afterwards, read as ``role``."""

    connection: Connection
    role: str

    def scope(self, *splits: str, tenant: str = TENANT) -> None:
        self.connection.execute(
            text("SELECT * FROM app.open_scope(:tenant, NULL, CAST(:splits AS text[]), 'test of predictions')"),
            {"tenant": tenant, "splits": list(splits or ("train", "unassigned"))},
        )

    def become_reader(self) -> None:
        if self.role == "app":
            self.connection.execute(text("SET LOCAL ROLE hedgerow_app"))

    def insert(self, table: str, **values: Any) -> None:
        row = {"tenant_id": TENANT} | values
        columns, parameters = ", ".join(row), ", ".join(f":{name}" for name in row)
        self.connection.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({parameters})"), row)

    def explain(self, **values: Any) -> None:
        """Insert a real-time explanation, unless ``values`` say otherwise."""
        tenant = values.get("tenant_id", TENANT)
        model = self.connection.scalar(
            text("SELECT id FROM ml_model_registry WHERE tenant_id = :tenant"), {"tenant": tenant}
        )
        row = {"model_registry_id": model, "analysis_type": "local_realtime", "split_assignment": "train"}
        self.insert("ml_shap_analyses", **(row | values))

    def rows(self, sql: str, **values: Any) -> list[Any]:
        return list(self.connection.execute(text(sql), values))


@pytest.fixture(scope="module")
def db(module_database: Any) -> Any:
    with module_database.admin() as admin:
        for tenant in (TENANT, OTHER):
            admin.execute(text("INSERT INTO tenant (id, name) VALUES (:t, :t)"), {"t": tenant})
            admin.execute(
                text(
                    "INSERT INTO ml_split_registry (tenant_id, config_name, split_strategy, data_start_date,"
                    " train_end_date, validation_end_date, test_end_date, data_end_date)"
                    " VALUES (:t, 'c', 'patient_stratified', '2020-01-01', '2021-01-01', '2022-01-01', '2023-01-01',"
                    " '2024-01-01')"
                ),
                {"t": tenant},
            )
            for split in SPLITS[:-1]:
                admin.execute(
                    text(
                        "INSERT INTO ml_patient_split_assignments"
                        " (tenant_id, split_config_id, patient_id, assigned_split)"
                        " SELECT tenant_id, split_config_id, :p, :s FROM ml_split_registry WHERE tenant_id = :t"
                    ),
                    {"t": tenant, "p": f"patient in {split}", "s": split},
                )
            admin.execute(
                text(
                    "INSERT INTO ml_model_registry (tenant_id, model_name, model_version, algorithm)"
                    " VALUES (:t, 'm', '1', 'logistic')"
                ),
                {"t": tenant},
            )
    return module_database


@pytest.fixture(params=["admin", "app"])
def world(db: Any, request: pytest.FixtureRequest) -> Iterator[World]:
    with db.engine("admin").connect() as connection:
        world = World(connection, request.param)
        world.scope()
        yield world


@pytest.fixture
def admin_world(db: Any) -> Iterator[World]:
    with db.engine("admin").connect() as connection:
        world = World(connection, "admin")
        world.scope()
        yield world
