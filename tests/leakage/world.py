"""The database that must not leak, and its twin that holds nothing to leak.

The world is the seeded database with fewer rows: two tenants whose natural keys are the same, all splits, one tenant
chronological, so that rows of open splits lie in temporal gaps. The truth is a copy from which everything was deleted
that the scope must not see, as computed in Python (``isolation.oracle``). Whatever is asked behind a lock must be
answered as the truth answers it to somebody without any lock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, bindparam, text

from hedgerow import Scope
from hedgerow.core.base import Base, metadata
from hedgerow.registry import domains
from isolation.oracle import OPEN, TENANT_A, TENANT_B, key, tenant_tables, truth

#: Chronological: the tenant of most scopes, with rows in temporal gaps.
OWN, FOREIGN = TENANT_A, TENANT_B
SCOPES: Mapping[str, Scope] = {tenant: Scope(tenant, splits=OPEN) for tenant in (OWN, FOREIGN)}

_PATIENTS = 14
_PATIENT_TABLES = ("treatment_events", "triggers", "ml_predictions", "patient_journeys", "ml_patient_split_assignments")
#: Of these every n-th row is enough.
_THINNED = {
    "user_sessions": 40,
    "business_metrics": 9,
    "data_source_tracking": 13,
    "agent_activities": 5,
    "ml_annotations": 12,
    "etl_pipeline_metrics": 8,
    "hcp_intent_surveys": 5,
    "reference_universe": 3,
}
#: Shapes tell their rows apart, or scopes stand on them.
_WHOLE = (
    "tenant",
    "users",
    "ml_split_registry",
    "hcp_profiles",
    "ml_shap_analyses",
    "ml_experiments",
    "ml_model_registry",
)
#: Of every other table so many rows of each tenant and split.
_ROWS = 6
#: Patients whose rows lie outside of the window of their split: behind the tenant's own bounds.
_STRAY = f"""
    SELECT patient_id FROM patient_journeys
    WHERE tenant_id = '{OWN}'
      AND (split_assignment = 'train' AND journey_start_date > '2024-06-30'
           OR split_assignment = 'validation' AND journey_start_date NOT BETWEEN '2024-07-08' AND '2024-12-31')
    ORDER BY patient_id LIMIT 4
"""

#: Rows that straddle a window: what they belong to lies on the other side of it.
_STRADDLING = (
    # A journey that is seen, with events that are not.
    f"""UPDATE treatment_events SET event_date = '2024-07-03'
         WHERE tenant_id = '{OWN}' AND patient_id = (
               SELECT min(patient_id) FROM patient_journeys AS j
                WHERE tenant_id = '{OWN}' AND split_assignment = 'train' AND journey_start_date < '2024-06-30'
                  AND EXISTS (SELECT FROM treatment_events AS e
                               WHERE (e.tenant_id, e.patient_journey_id) = (j.tenant_id, j.id)))""",
    # Events that are seen, of a journey that is not.
    f"""UPDATE patient_journeys SET journey_start_date = '2024-07-03'
         WHERE tenant_id = '{OWN}' AND id = (
               SELECT patient_journey_id FROM treatment_events
                WHERE tenant_id = '{OWN}' AND split_assignment = 'train' AND event_date < '2024-06-30'
                ORDER BY treatment_event_id DESC LIMIT 1)""",
    # A trigger that is seen, of one that is not.
    f"""UPDATE triggers SET trigger_timestamp = '2024-07-03'
         WHERE tenant_id = '{OWN}' AND trigger_id = (
               SELECT min(previous_trigger_id) FROM triggers
                WHERE tenant_id = '{OWN}' AND split_assignment = 'train' AND trigger_timestamp < '2024-06-30')""",
)

Key = tuple[Any, ...]


@dataclass(frozen=True)
class Keys:
    """Primary keys of rows, per mapped class, that shapes ask for by name.

    :ivar own: in scope; :ivar closed: of the own tenant, in test or holdout; :ivar gap: of the own tenant and an
        open split, outside of its window; :ivar foreign: of the other tenant.
    """

    own: Mapping[type[Base], Key]
    closed: Mapping[type[Base], Key]
    gap: Mapping[type[Base], Key]
    foreign: Mapping[type[Base], Key]


def tables() -> list[Table]:
    """Every table, those of no tenant included."""
    return [table for domain in domains() for table in domain.tables]


def thin(admin: Connection) -> None:
    """Leave enough rows of every kind, and no more: the battery reads them thousands of times."""
    admin.execute(text("SET session_replication_role = replica"))
    admin.execute(text("CREATE TEMP TABLE kept (patient_id text)"))
    admin.execute(
        text(f"INSERT INTO kept SELECT 'PAT-' || lpad(n::text, 8, '0') FROM generate_series(1, {_PATIENTS}) n")
    )
    admin.execute(text(f"INSERT INTO kept {_STRAY}"))
    for name in _PATIENT_TABLES:
        admin.execute(text(f"DELETE FROM {name} WHERE patient_id NOT IN (SELECT patient_id FROM kept)"))
    for name, step in _THINNED.items():
        admin.execute(
            text(f"""DELETE FROM {name} WHERE ctid IN (
                         SELECT ctid FROM (SELECT ctid, row_number() OVER (ORDER BY tenant_id, created_at, ctid) AS n
                                             FROM {name}) AS t WHERE n % {step} <> 0)""")
        )
    for table in tenant_tables():
        if table.name in (*_PATIENT_TABLES, *_THINNED, *_WHOLE):
            continue
        kind = ", ".join(name for name in ("tenant_id", "split_assignment") if name in table.columns)
        order = ", ".join(column.name for column in table.primary_key)
        admin.execute(
            text(f"""DELETE FROM {table.name} WHERE ctid IN (
                         SELECT ctid FROM (SELECT ctid, row_number() OVER (PARTITION BY {kind} ORDER BY {order}) AS n
                                             FROM {table.name}) AS t WHERE n > {_ROWS})""")
        )
    admin.execute(text("UPDATE hcp_intent_surveys SET previous_survey_id = NULL"))
    for straddling in _STRADDLING:
        assert admin.execute(text(straddling)).rowcount, "the seed has nobody to straddle with"
    admin.execute(text("DROP TABLE kept"))
    admin.execute(text("SET session_replication_role = origin"))


def leave_only_visible(admin: Connection, tenant: str) -> None:
    """Delete what a scope of ``tenant`` must not see. Foreign keys stay silent: what they refer to is the point."""
    admin.execute(text("SET session_replication_role = replica"))
    seen = {table.name: truth(admin, table, tenant, OPEN) for table in tenant_tables()}
    for table in tenant_tables():
        names = [column.name for column in table.primary_key]
        hidden = [dict(zip(names, row, strict=True)) for row in _keys(admin, table) - seen[table.name]]
        if hidden:
            matches = " AND ".join(f"{name} = :{name}" for name in names)
            types = [bindparam(name, type_=table.c[name].type) for name in names]
            admin.execute(text(f"DELETE FROM {table.name} WHERE {matches}").bindparams(*types), hidden)
    admin.execute(text("SET session_replication_role = origin"))


def find_keys(admin: Connection) -> Keys:
    """Choose the rows that shapes ask for; the first of each kind."""
    kinds: list[dict[type[Base], Key]] = [{}, {}, {}, {}]
    for table in tenant_tables():
        model = table.info["hedgerow.model"]
        everything = _keys(admin, table)
        open_rows, all_rows = (truth(admin, table, OWN, splits) for splits in (OPEN, (*OPEN, "test", "holdout")))
        gaps: set[Key] = set()
        if model.__dict__.get("__event_time__"):
            labelled = admin.execute(
                text(f"SELECT * FROM {table.name} WHERE tenant_id = :own AND split_assignment = ANY (:open)"),
                {"own": OWN, "open": list(OPEN)},
            )
            gaps = {key(table, row) for row in labelled.mappings()} - open_rows
        closed = all_rows - open_rows - gaps
        foreign = {row for row in everything if row[0] == FOREIGN}
        for found, rows in zip(kinds, (open_rows, closed, gaps, foreign), strict=True):
            if rows:
                found[model] = min(rows, key=str)
    return Keys(*kinds)


def _keys(admin: Connection, table: Table) -> set[Key]:
    return {key(table, row) for row in admin.execute(text(f"SELECT * FROM {table.name}")).mappings()}


def in_reach(table: str, row: Mapping[str, Any]) -> bool:
    """Whether a scope of the own tenant may write such a row: its tenant and split, whatever its window."""
    if row.get("tenant_id", OWN) != OWN:
        return False
    return row.get("split_assignment") not in ("test", "holdout")


# -- the whole database, before and after a write ------------------------------------------------------------------

Rows = Counter[tuple[str, str]]

PRISTINE = "pristine"


def keep_copy(admin: Connection) -> None:
    """Keep a copy of every table where no session looks, to put back what a write changed."""
    admin.execute(text(f"CREATE SCHEMA {PRISTINE}"))
    for table in tables():
        admin.execute(text(f"CREATE TABLE {PRISTINE}.{table.name} AS TABLE {table.name}"))


def snapshot(admin: Connection) -> Rows:
    """Every row of every table, as text."""
    parts = " UNION ALL ".join(f"SELECT '{t.name}', to_jsonb(t)::text FROM {t.name} AS t" for t in tables())
    return Counter((name, row) for name, row in admin.execute(text(parts)))


def put_back(admin: Connection, names: set[str]) -> None:
    """Undo every change of some tables."""
    if not names:
        return
    admin.execute(text("SET session_replication_role = replica"))
    for name in names:
        columns = ", ".join(c.name for c in metadata.tables[name].columns if c.computed is None)
        admin.execute(text(f"DELETE FROM {name}"))
        admin.execute(text(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM {PRISTINE}.{name}"))
    admin.execute(text("SET session_replication_role = origin"))
