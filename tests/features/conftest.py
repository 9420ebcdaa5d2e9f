"""Two tenants with the same groups, features and entities, and ways to write their values: what these tests share."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from hedgerow.features import FeatureDefinition, FeatureGroup, FeatureValue
from world import OTHER, TENANT, World, make_world

T0 = datetime(2024, 1, 1, tzinfo=UTC)
TYPES = ("numeric", "categorical", "boolean", "array", "json", "embedding")


def day(number: float) -> datetime:
    """Days after the first one."""
    return T0 + timedelta(days=number)


@dataclass
class Store:
    """The world, and a feature of each type in each of the groups ``labs`` (of patients) and ``calls`` (of hcp)."""

    world: World
    features: dict[tuple[str, str, str], UUID] = field(default_factory=dict)

    def id(self, name: str = "numeric", group: str = "calls", tenant: str = TENANT) -> UUID:
        return self.features[tenant, group, name]

    def group(self, name: str = "calls", tenant: str = TENANT) -> UUID:
        (row,) = self.world.admin(
            "SELECT group_id FROM feature_groups WHERE tenant_id = :t AND group_name = :n", t=tenant, n=name
        )
        return row.group_id

    def value(self, value: Any = 1, at: float = 0, entity: str = "H1", **more: Any) -> FeatureValue:
        """A value that holds, and is known, since a day."""
        given = {
            "feature_id": self.id(),
            "entity_id": entity,
            "entity_type": "hcp",
            "value": value,
            "computed_at": day(at),
            "valid_from": day(at),
        }
        return FeatureValue(**{**given, **more})

    def history(self, feature_id: UUID | None = None, entity: str = "H1") -> list[tuple[Any, ...]]:
        """(value, first day, last day, status) of what is stored, by start and computation."""
        rows = self.world.admin(
            """SELECT value, valid_from, valid_until, status FROM feature_values
                WHERE tenant_id = :t AND feature_id = :f AND entity_id = :e ORDER BY valid_from, computed_at""",
            t=TENANT,
            f=feature_id or self.id(),
            e=entity,
        )
        return [(r.value, days(r.valid_from), days(r.valid_until), r.status) for r in rows]


def days(moment: datetime | None) -> float | None:
    return None if moment is None else (moment - T0) / timedelta(days=1)


def make_store(database: Any) -> Store:
    """Create both tenants' groups and features, all of them active."""
    store = Store(make_world(database))
    for tenant in (TENANT, OTHER):
        with store.world.session(tenant=tenant) as session:
            for name, entity_type in (("labs", "patient"), ("calls", "hcp")):
                group = FeatureGroup(group_name=name, entity_type=entity_type)
                session.add(group)
                session.flush()
                for kind in TYPES:
                    feature = FeatureDefinition(
                        group_id=group.group_id, feature_name=kind, data_type=kind, status="active"
                    )
                    session.add(feature)
                    session.flush()
                    store.features[tenant, name, kind] = feature.feature_id
            session.commit()
    return store


@pytest.fixture
def store(database: Any) -> Store:
    """A database of its own for one test."""
    return make_store(database)


@pytest.fixture(scope="module")
def shared(module_database: Any) -> Store:
    """One database for the tests of a module, which roll back or write entities of their own."""
    return make_store(module_database)


@pytest.fixture
def clean(shared: Store) -> Store:
    """The shared database without values."""
    with shared.world.database.admin() as connection:
        connection.execute(text("TRUNCATE feature_values"))
    return shared
