"""A transaction with two tenants in it, and a desk to fill tables and to read views as anybody from anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import Connection, insert, text

from hedgerow.core.base import metadata
from hedgerow.core.objects import View
from hedgerow.kpi.objects import DOMAIN
from hedgerow.registry import domains

domains()  # declares the tables of the other domains, which the views read as well

SPLITS = ("train", "validation", "test", "holdout", "unassigned")
ZONES = ("UTC", "America/Los_Angeles", "Asia/Kolkata", "Pacific/Kiritimati")
ROLES = ("superuser", "session")
SCOPES = (("A", SPLITS), ("B", SPLITS), ("A", ("train",)), ("B", ("validation", "unassigned")))
TRAIN_ENDS, VALIDATION_ENDS, TEST_ENDS = date(2024, 6, 30), date(2024, 9, 30), date(2024, 11, 30)

Row = dict[str, Any]


class Desk:
    """Fills tables as superuser, whom no policy holds, and reads views as whoever is asked for."""

    splits = SPLITS

    def __init__(self, db: Connection) -> None:
        self.db = db
        self.now: datetime = db.scalar(text("SELECT now()"))

    def add(self, table: str, *rows: Row) -> None:
        """Insert rows that may name different columns."""
        for row in rows:
            self.db.execute(insert(metadata.tables[table]).values(row))

    def tenant(self, name: str, strategy: str = "patient_stratified") -> None:
        """A tenant with five patients ``P0`` to ``P4``, one in each split."""
        self.add("tenant", {"id": name, "name": name})
        config = self.db.scalar(
            insert(metadata.tables["ml_split_registry"])
            .values(
                tenant_id=name,
                config_name="kpi",
                split_strategy=strategy,
                temporal_gap_days=7,
                data_start_date=date(2024, 1, 1),
                train_end_date=TRAIN_ENDS,
                validation_end_date=VALIDATION_ENDS,
                test_end_date=TEST_ENDS,
                data_end_date=date(2024, 12, 31),
            )
            .returning(metadata.tables["ml_split_registry"].c.split_config_id)
        )
        for number, split in enumerate(SPLITS):
            self.add(
                "ml_patient_split_assignments",
                {
                    "tenant_id": name,
                    "split_config_id": config,
                    "patient_id": f"P{number}",
                    "assigned_split": split,
                },
            )

    def fix_clock(self, view: str, moment: datetime) -> None:
        """Until the transaction ends, the view takes ``moment`` for now."""
        source = DOMAIN.sql(View(view))
        assert "now()" in source
        source = source.replace("CREATE VIEW", "CREATE OR REPLACE VIEW")
        source = source.replace("now()", f"TIMESTAMPTZ '{moment.isoformat()}'")
        self.db.exec_driver_sql(source)

    def become(self, role: str = "superuser", tenant: str | None = None, splits: Sequence[str] = SPLITS) -> None:
        """Be a superuser or a member of hedgerow_app, with a scope or, for no tenant, without one."""
        self.db.exec_driver_sql("RESET ROLE")
        self.db.execute(text("SELECT set_config('app.scope', '', true)"))
        if role == "session":
            self.db.exec_driver_sql("SET LOCAL ROLE hedgerow_session")
        if tenant is not None:
            self.db.execute(
                text("SELECT * FROM app.open_scope(:tenant, NULL, :splits, 'test of the figures')"),
                {"tenant": tenant, "splits": list(splits)},
            )

    def read(
        self,
        view: str,
        tenant: str | None,
        splits: Sequence[str] = SPLITS,
        *,
        role: str = "superuser",
        zone: str = "UTC",
        where: str = "true",
    ) -> list[Row]:
        """Rows of a view as ``role`` in a scope; instants in UTC. Leaves the transaction as superuser, scope open."""
        self.become(role, tenant, splits)
        self.db.execute(text("SELECT set_config('TimeZone', :zone, true)"), {"zone": zone})
        found = self.db.execute(text(f"SELECT * FROM {view} WHERE {where}")).mappings().all()
        self.db.exec_driver_sql("RESET ROLE")
        self.db.exec_driver_sql("SET LOCAL TIME ZONE 'UTC'")
        return [{name: _in_utc(value) for name, value in row.items()} for row in found]

    def check(self, view: str, expected: Callable[[str, Sequence[str]], list[Row]], keys: Sequence[str]) -> None:
        """The view shows what ``expected(tenant, splits)`` says: to superuser and session, in every time zone."""
        for tenant, splits in SCOPES:
            wanted = _sorted(expected(tenant, splits), keys)
            for role in ROLES:
                for zone in ZONES:
                    got = _sorted(self.read(view, tenant, splits, role=role, zone=zone), keys)
                    agree(got, wanted, f"{view} for {role} of {tenant} {splits} in {zone}")


def agree(got: list[Row], wanted: list[Row], where: str = "") -> None:
    """Same rows; fractions, which no decimal number may equal, to twelve digits."""
    assert len(got) == len(wanted), f"{where}: {got} instead of {wanted}"
    for have, want in zip(got, wanted, strict=True):
        assert list(have) == list(want), where
        for name, value in want.items():
            if isinstance(value, Fraction):
                assert have[name] is not None, f"{where}: {name} of {have}"
                assert float(have[name]) == pytest.approx(float(value), rel=1e-12, abs=1e-12), f"{where}: {name}"
            else:
                assert have[name] == value, f"{where}: {name} of {have}, not {value!r}"


def _sorted(rows: list[Row], keys: Sequence[str]) -> list[Row]:
    return sorted(rows, key=lambda row: [(row[key] is not None, str(row[key])) for key in keys])


def _in_utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


@pytest.fixture
def desk(module_database: Any) -> Iterator[Desk]:
    """Two tenants, A and B, in a transaction that is rolled back."""
    with module_database.engine("admin").connect() as db:
        desk = Desk(db)
        desk.tenant("A")
        desk.tenant("B")
        yield desk
        db.rollback()
