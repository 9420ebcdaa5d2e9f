"""What a scope ought to see, computed in Python from every row that exists: the truth that both locks must match."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, Table, text
from sqlalchemy.exc import DBAPIError

from hedgerow.core.embedded.bootstrap import EVALUATION
from hedgerow.core.predicate import scope_rule
from hedgerow.registry import domains
from hedgerow.seeding import World
from hedgerow.tenancy.seed import user_ids

TENANT_A = "TEST_TENANT_001"
TENANT_B = "TEST_TENANT_002"
OPEN = ("train", "validation", "unassigned")
ADMINS = {tenant: user_ids(World(number))[0] for number, tenant in ((1, TENANT_A), (2, TENANT_B))}
"""Administrators, as whom laws look: no audience hides a row of the tenant from them."""
ORDER = ("unassigned", "train", "validation", "test", "holdout")


def tenant_tables() -> list[Table]:
    """Every table that belongs to a tenant."""
    return [table for domain in domains() for table in domain.tables if scope_rule(table) is not None]


def split_tables() -> list[Table]:
    """Every table whose rows belong to a split."""
    return [table for table in tenant_tables() if "split_assignment" in table.columns]


def is_shared(table: Table) -> bool:
    """Whether rows without a tenant are every tenant's to read."""
    return bool(table.columns["tenant_id"].nullable) if "tenant_id" in table.columns else False


def is_partly_split(table: Table) -> bool:
    """Whether rows without a split belong to the whole tenant; spelt out here, and not asked of the declaration."""
    return table.name in {"feature_values"}


def name(table: Table) -> str:
    return table.name


def key(table: Table, row: Any) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in table.primary_key)


def truth(
    admin: Connection,
    table: Table,
    tenant: str,
    splits: Collection[str],
    *,
    deleted: bool = True,
    shared: bool = True,
) -> set[tuple[Any, ...]]:
    """Keys of the rows of ``table`` that a scope of ``tenant`` and ``splits`` should see.

    ``admin`` bypasses every policy. The wall shows rows that were deleted softly, the filter does not: ``deleted`` says
    whether they count; ``shared``, whether the rows of all tenants do, where the table has such. The split rules are
    spelt out here a second time on purpose.
    """
    everything = [dict(row) for row in admin.execute(text(f"SELECT * FROM {table.name}")).mappings()]
    tenant_column = "id" if table.name == "tenant" else "tenant_id"
    owners = {tenant, None} if shared and is_shared(table) else {tenant}
    own = [row for row in everything if row[tenant_column] in owners and (deleted or not row.get("deleted_at"))]
    if "split_assignment" in table.columns:
        event_time = table.info["hedgerow.model"].__event_time__
        if event_time:
            windows = _windows(admin, tenant)
            own = [row for row in own if row["split_assignment"] in splits and _in_window(row, event_time, windows)]
        elif is_partly_split(table):
            own = [row for row in own if row["split_assignment"] is None or row["split_assignment"] in splits]
        else:
            latest = max(ORDER.index(split) for split in splits)
            own = [
                row
                for row in own
                if row["split_assignment"] is not None and ORDER.index(row["split_assignment"]) <= latest
            ]
    return {key(table, row) for row in own}


def _windows(admin: Connection, tenant: str) -> dict[str, tuple[datetime, datetime]]:
    earliest, latest = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    config = (
        admin.execute(text("SELECT * FROM ml_split_registry WHERE tenant_id = :t AND is_active"), {"t": tenant})
        .mappings()
        .one()
    )
    if config["split_strategy"] == "patient_stratified":
        return dict.fromkeys(ORDER, (earliest, latest))
    gap = timedelta(days=config["temporal_gap_days"])

    def after(day: date) -> datetime:
        return datetime.combine(day + timedelta(days=1), time(), UTC)

    train, validation, test = (after(config[f"{s}_end_date"]) for s in ("train", "validation", "test"))
    return {
        "unassigned": (earliest, latest),
        "train": (earliest, train),
        "validation": (train + gap, validation),
        "test": (validation + gap, test),
        "holdout": (test + gap, latest),
    }


def _in_window(row: dict[str, Any], event_time: tuple[str, ...], windows: dict[str, tuple[datetime, datetime]]) -> bool:
    moment = next((row[column] for column in event_time if row[column] is not None), None)
    if row["split_assignment"] == "unassigned":
        return True
    if moment is None:
        return False
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time(), UTC)
    start, end = windows[row["split_assignment"]]
    return start <= moment < end


def open_scope(
    connection: Connection,
    tenant: str,
    splits: tuple[str, ...] = OPEN,
    purpose: str | None = None,
    *,
    user: str | None = None,
    as_administrator: bool = True,
) -> None:
    if user is None and as_administrator and tenant in ADMINS:
        user = str(ADMINS[tenant])
    values = {"tenant": tenant, "user": user, "splits": list(splits), "purpose": purpose}
    connection.execute(
        text("SELECT * FROM app.open_scope(:tenant, :user, CAST(:splits AS text[]), :purpose, NULL, :opening)"),
        values | {"opening": opening(connection, **values)},
    )


def opening(connection: Connection, tenant: str, user: str | None, splits: Collection[str], purpose: Any) -> Any:
    """Have sealed splits opened, in a transaction of its own, for the login of ``connection``; None where none are.

    Superusers and the owner need no opening: they could write one.
    """
    sealed = [split for split in splits if split in ("test", "holdout")]
    if not sealed or connection.engine.url.username != EVALUATION:
        return None
    with connection.engine.begin() as asking:
        bare = text("SELECT * FROM app.open_scope(:tenant, :user, ARRAY['train'], NULL)")
        asking.execute(bare, {"tenant": tenant, "user": user})
        request = text("SELECT opening_id FROM app.request_opening(CAST(:splits AS text[]), NULL, :purpose)")
        return asking.scalar(request, {"splits": sealed, "purpose": purpose})


def refusal(error: DBAPIError) -> str:
    """SQLSTATE of a refused statement."""
    return str(getattr(error.orig, "sqlstate", None))
