"""Laws over every split-aware table: a scope sees the splits it holds, inside their windows, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Table, literal_column, select, text
from sqlalchemy.exc import DBAPIError

from hedgerow import Scope, Split
from hedgerow.core.predicate import Claims, scope_predicate, scope_rule
from hedgerow.core.wall import WALL_CLAIMS, sql_text
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


def expected(admin: Connection, table: Table, condition: str) -> int:
    """How many rows the planner expects, from fresh statistics."""
    admin.exec_driver_sql(f"ANALYZE {table.name}")
    plan = admin.exec_driver_sql(f"EXPLAIN (FORMAT JSON) SELECT FROM {table.name} WHERE {condition}").scalar_one()
    rows: int = plan[0]["Plan"]["Plan Rows"]
    return rows


@pytest.mark.parametrize("table", split_tables(), ids=name)
def test_the_planner_expects_that_locks_leave_a_tenant_its_rows(table: Table, admin: Connection) -> None:
    """Expecting less from each lock, it would sort a whole tenant rather than follow an index for the first rows."""
    rule = scope_rule(table)
    assert rule is not None
    windows = literal_column('\'{NULL,"(,2024-01-01)",NULL,NULL,NULL,"(,)","(,)",NULL,NULL,NULL}\'::tstzrange[]')
    by_hand = f"{rule.tenant_column} = '{TENANT_A}'"
    filtered = Claims(tenant=literal_column(f"'{TENANT_A}'"), windows=windows)
    both = " AND ".join(sql_text(scope_predicate(table, rule, claims)) for claims in (filtered, WALL_CLAIMS))
    wanted = expected(admin, table, by_hand)
    assert wanted > 3, "too few to tell"
    assert expected(admin, table, both) > 0.9 * wanted


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
