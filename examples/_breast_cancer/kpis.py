"""The KPI views of a tenant, as one line each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import func, select

from hedgerow import Scope, ScopeError, open_session
from hedgerow.core.base import view_metadata
from hedgerow.registry import domains

PREFIX: Final = "v_kpi_"


@dataclass(frozen=True, slots=True)
class Kpi:
    """What a view shows.

    :ivar rows: how many rows it has.
    :ivar latest: the last of them by its key, column by column; None for an empty view.
    """

    rows: int
    latest: dict[str, Any] | None


def views() -> list[str]:
    """Names of the KPI views, by name."""
    domains()  # declares them
    return sorted(name for name in view_metadata.tables if name.startswith(PREFIX))


def read(tenant_id: str) -> dict[str, Kpi] | None:
    """Every KPI view in the default scope of a tenant; None if there is no such tenant."""
    names = views()
    with open_session(Scope(tenant_id)) as session:
        try:
            session.connection()
        except ScopeError:
            return None
        found = {}
        for name in names:
            view = view_metadata.tables[name]
            rows = session.scalar(select(func.count()).select_from(view)) or 0
            order = [column.desc().nulls_last() for column in view.primary_key]
            latest = session.execute(select(view).order_by(*order).limit(1)).mappings().first()
            found[name] = Kpi(rows, None if latest is None else dict(latest))
        return found


def rows(kpis: dict[str, Kpi]) -> list[tuple[str, str, str, str]]:
    """The views that have rows: name, number of rows, key and figures of the latest one."""
    return [
        (name.removeprefix(PREFIX), f"{kpi.rows:,}", *_words(name, kpi.latest))
        for name, kpi in kpis.items()
        if kpi.latest
    ]


def _words(name: str, latest: dict[str, Any]) -> tuple[str, str]:
    keys = view_metadata.tables[name].primary_key.columns.keys()
    label = ", ".join(_value(latest[key]) for key in keys if isinstance(latest[key], str | date))
    figures = [f"{key} {_value(value)}" for key, value in latest.items() if not isinstance(value, str | date)]
    return label, ", ".join(figures)


def _value(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, Decimal | float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return "–" if value is None else str(value)
