"""How often ``holdout`` may be opened for a model, as the owner of the schema decides it, and how often it was.

What comes in: a connection of the owner, since sessions can neither read nor write a budget. What goes out: rows of
``app.holdout_budget``, which ``app.request_opening`` counts against.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from hedgerow.core.errors import HedgerowError

EVERY: Final = "*"
"""Stands for every tenant, or for every model, that has no budget of its own."""

ONCE: Final = 1
"""What holds where nobody decided anything."""


class BudgetError(HedgerowError, ValueError):
    """A budget that cannot be."""


@dataclass(frozen=True, slots=True)
class HoldoutUse:
    """One model, for which ``holdout`` was opened or has a budget.

    :ivar model: its name; empty for openings that named none, ``*`` for the budget of every other model.
    :ivar opened: how often ``holdout`` was opened for it.
    :ivar budget: how often it may be.
    :ivar last_opened_by: whom the client named, and the login that it had.
    """

    model: str
    opened: int
    budget: int
    last_opened_at: datetime | None
    last_opened_by: str | None


def set_holdout_budget(connection: Connection, tenant_id: str, openings: int, *, model: str | None = None) -> None:
    """Decide how often ``holdout`` may be opened, in all: what was opened counts.

    With 0 for every model, only models that have a budget of their own can be judged: nobody can make up another name.

    :param connection: as the owner of the schema; the caller commits.
    :param tenant_id: the tenant; ``*`` for every one without a budget.
    :param openings: 0 or more, for each model.
    :param model: of this one; empty for openings that name none, None for every one that has no budget of its own.
    :raises BudgetError: a negative number, or a budget of one model for every tenant.
    """
    if openings < 0 or (tenant_id == EVERY and model not in (None, EVERY)):
        raise BudgetError(
            f"The holdout cannot be opened {openings} times for model {model!r} of tenant {tenant_id!r}.",
            remedy="Name the tenant of a model, and 0 openings or more",
        )
    connection.execute(
        text(
            "INSERT INTO app.holdout_budget (tenant_id, model, openings) VALUES (:tenant, :model, :openings)"
            " ON CONFLICT (tenant_id, model) DO UPDATE SET openings = excluded.openings, changed_at = now()"
        ),
        {"tenant": tenant_id, "model": EVERY if model is None else model.strip(), "openings": openings},
    )


def holdout_budget(connection: Connection, tenant_id: str, model: str = "") -> int:
    """How often ``holdout`` may be opened for a model of a tenant.

    :param model: its name; empty for openings that name none, ``*`` for a model that has no budget of its own.
    """
    values = {"tenant": tenant_id, "model": model.strip()}
    return int(connection.scalar(text("SELECT app.holdout_budget_of(:tenant, :model)"), values) or 0)


def holdout_uses(connection: Connection, tenant_id: str, *, model: str | None = None) -> list[HoldoutUse]:
    """The models for which ``holdout`` was opened or has a budget of its own, by name.

    :param model: this one only; empty for openings that named none.
    """
    values = {"tenant": tenant_id, "model": None if model is None else model.strip()}
    return [HoldoutUse(*row) for row in connection.execute(text(_USES), values)]


_USES = """
    SELECT m.model, count(o.holdout_number)::integer, app.holdout_budget_of(:tenant, m.model), max(o.opened_at),
           (SELECT format('%s, logged in as %s', l.caller, l.login) FROM app.split_opening l
             WHERE l.tenant_id = :tenant AND l.model = m.model AND l.holdout_number = max(o.holdout_number))
      FROM (SELECT model FROM app.split_opening WHERE tenant_id = :tenant AND holdout_number IS NOT NULL
            UNION SELECT model FROM app.holdout_budget WHERE tenant_id = :tenant AND model <> '*') AS m
      LEFT JOIN app.split_opening o
        ON o.tenant_id = :tenant AND o.model = m.model AND o.holdout_number IS NOT NULL
     WHERE m.model = :model OR CAST(:model AS text) IS NULL
     GROUP BY m.model
     ORDER BY m.model
"""
