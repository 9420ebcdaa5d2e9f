"""Laws over every split-aware table: a scope sees the splits it holds, inside their windows, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Table, select, text
from sqlalchemy.exc import DBAPIError

from hedgerow import Scope, Split
from isolation.oracle import TENANT_A, key, name, open_scope, refusal, split_tables, truth

SCOPES = [("train",), ("validation",), ("train", "validation", "unassigned"), ("test",), ("holdout",), tuple(Split)]
RECORDS = [table for table in split_tables() if table.info["hedgerow.model"].__event_time__]
PATIENTS = [table for table in RECORDS if "patient_id" in table.columns]


@pytest.fixture(scope="module")
def admin(seeded: Any) -> Iterator[Connection]:
    with seeded.admin() as connection:
        yield connection


@pytest.fixture
def app(seeded: Any) -> Iterator[Connection]:
    """A plain connection of somebody who may open every split: the wall alone."""
    with seeded.engine("evaluator").connect() as connection:
        yield connection


@pytest.mark.parametrize("splits", SCOPES, ids="+".join)
@pytest.mark.parametrize("table", split_tables(), ids=name)
def test_wall_filter_and_both_agree_with_the_truth(
    table: Table, splits: tuple[str, ...], admin: Connection, app: Connection, sessions: Any
) -> None:
    wanted = truth(admin, table, TENANT_A, splits)
    purpose = "law over all tables" if {"test", "holdout"} & set(splits) else None
    open_scope(app, TENANT_A, splits, purpose)
    assert {key(table, row) for row in app.execute(text(f"SELECT * FROM {table.name}")).mappings()} == wanted
    for lock in ("filter", "both"):
        with sessions(Scope(TENANT_A, splits=splits, purpose=purpose), lock) as session:
            assert {tuple(row) for row in session.execute(select(*table.primary_key.columns))} == wanted


@pytest.mark.parametrize("table", RECORDS, ids=name)
def test_there_is_something_to_leak_in_every_sealed_split(table: Table, admin: Connection) -> None:
    for split in ("test", "holdout"):
        assert truth(admin, table, TENANT_A, (split,)), split


@pytest.mark.parametrize("table", PATIENTS, ids=name)
def test_a_patient_is_in_one_split_everywhere(table: Table, admin: Connection) -> None:
    astray = admin.scalar(
        text(f"""SELECT count(*) FROM {table.name} AS t
                   LEFT JOIN ml_patient_split_assignments AS a USING (tenant_id, patient_id)
                  WHERE a.assigned_split IS DISTINCT FROM t.split_assignment""")
    )
    assert astray == 0


@pytest.mark.parametrize("table", PATIENTS, ids=name)
def test_the_key_refuses_another_split(table: Table, admin: Connection) -> None:
    """As a superuser: not even somebody who bypasses every policy can put a patient into two splits."""
    with pytest.raises(DBAPIError) as refused:
        admin.execute(
            text(f"""UPDATE {table.name}
                        SET split_assignment = CASE split_assignment WHEN 'train' THEN 'test' ELSE 'train' END""")
        )
    assert refusal(refused.value) in ("23503", "23001")


@pytest.mark.parametrize("split", ["test", "holdout"])
def test_a_sealed_split_needs_a_purpose_in_the_database_too(split: str, app: Connection) -> None:
    with pytest.raises(DBAPIError) as refused:
        open_scope(app, TENANT_A, (split,))
    assert refusal(refused.value) == "42501"
