"""Traits of a table. Each one is a promise; the wall, the filter, the triggers and the tests read it from here."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, String, Table, func, text
from sqlalchemy.orm import Mapped, mapped_column

from hedgerow.core.objects import APPEND_ONLY, Trigger, declare_trigger
from hedgerow.core.predicate import SOFT_DELETE_INFO, ScopeRule
from hedgerow.core.scope import Split
from hedgerow.core.types import check_enum
from hedgerow.core.wall import AUDIENCE_INFO, UNSEALED_INFO, Audience

check_enum("data_split_type")(Split)

CURRENT_TENANT = "NULLIF(current_setting('app.current_tenant', true), '')"
"""Server default of every tenant_id: the scope's tenant, and NULL (hence refused) where no scope is open.

It reads a plain setting and not the verified claim, since it is evaluated for every row: whatever somebody writes
there, the policies check what it stamps.
"""


class TenantOwned:
    """Rows belong to one tenant: ``tenant_id`` leads the primary key, and the wall compares it with the scope.

    ``__audience__`` says who inside the tenant sees and writes a row; every member where a model names nobody.
    """

    __audience__: ClassVar[tuple[Audience, ...]] = ()

    tenant_id: Mapped[str] = mapped_column(
        String(50),
        ForeignKey("tenant.id", ondelete="RESTRICT"),
        primary_key=True,
        server_default=text(CURRENT_TENANT),
        sort_order=-1,
        comment="Tenant that owns the row; stamped from the scope",
    )

    @classmethod
    def __describe_table__(cls, table: Table) -> None:
        partial = issubclass(cls, PartlySplit)
        rule = ScopeRule(
            split_column="split_assignment" if issubclass(cls, SplitAware) else None,
            event_time=getattr(cls, "__event_time__", ()),
            artefact=issubclass(cls, SplitAware) and not cls.__event_time__ and not partial,
            partial=partial,
        )
        if rule.event_time:
            # Whatever has no instant lies in no window: it would be stored and never seen, not even by an audit.
            known = ", ".join(f"isfinite({column})" for column in rule.event_time)
            table.append_constraint(CheckConstraint(f"coalesce({known}, false)", name="dated"))
        table.info["hedgerow.scope"] = rule
        if cls.__audience__:
            table.info[AUDIENCE_INFO] = cls.__audience__


class Shared:
    """Rows belong to one tenant or, where ``tenant_id`` is NULL, to all of them.

    A session reads its tenant's rows and those of all, and writes its tenant's only. Rows of all tenants are written
    by the owner of the schema. The key is the table's own: ``tenant_id`` cannot lead one, and no foreign key can say
    that a row is referred to by its own tenant; a table that refers to such a one needs a trigger.
    """

    tenant_id: Mapped[str | None] = mapped_column(
        String(50),
        ForeignKey("tenant.id", ondelete="RESTRICT"),
        sort_order=-1,
        comment="Tenant that owns the row; NULL for a row of all tenants",
    )

    @classmethod
    def __describe_table__(cls, table: Table) -> None:
        table.info["hedgerow.scope"] = ScopeRule(shared=True)


class SplitAware:
    """Rows belong to an ML split, shown only to scopes that hold it.

    ``__event_time__`` names the columns, first non-NULL wins, whose instant must lie in the split's window; a
    model without one is an artefact labelled with the split that it was computed on, not a dated record.
    """

    __event_time__: ClassVar[tuple[str, ...]] = ()


class PartlySplit(SplitAware):
    """Some rows belong to a split and are shown only to scopes that hold it; the others, whose split is NULL, belong to
    the whole tenant. A CHECK of the model has to say which rows may go without."""


class WrittenFromTrain:
    """Rows are learnt from the train split: writing them takes a scope that holds no other split."""

    @classmethod
    def __describe_table__(cls, table: Table) -> None:
        table.info["hedgerow.written_from"] = (Split.TRAIN.value,)


class WrittenUnsealed:
    """Every scope of the tenant reads the rows: writing them takes a scope that holds neither test nor holdout.

    Or what was seen in a sealed split would be written down where a session that trains reads it. Of a table whose rows
    may belong to a split (:class:`PartlySplit`) it speaks of the rows that belong to none.
    """

    @classmethod
    def __describe_table__(cls, table: Table) -> None:
        table.info[UNSEALED_INFO] = True


class AppendOnly:
    """Rows are written once: UPDATE, DELETE and TRUNCATE are refused by trigger, for the owner too."""

    __app_privileges__: ClassVar[tuple[str, ...]] = ("SELECT", "INSERT")
    __auditor_reads__: ClassVar[bool] = True

    @classmethod
    def __describe_table__(cls, table: Table) -> None:
        table.info["hedgerow.append_only"] = True
        declare_trigger(table, *APPEND_ONLY)


class Reference:
    """Global reference data, the same for every tenant: application sessions only read it."""

    __app_privileges__: ClassVar[tuple[str, ...]] = ("SELECT",)


class SoftDelete:
    """Deleting sets ``deleted_at``; rows that carry it behave as absent.

    Both are the work of the filter: it shows such a row to nobody who has not said ``include_deleted``, and renders
    DELETE as an UPDATE of ``deleted_at``. The wall takes no part: a policy that hides the row would refuse the very
    UPDATE that deletes it.
    """

    # Whoever deletes a row that somebody else has deleted meanwhile has what he wants.
    __mapper_args__: ClassVar[dict[str, Any]] = {"confirm_deleted_rows": False}

    deleted_at: Mapped[datetime | None] = mapped_column(
        sort_order=3, comment="When the row was deleted; NULL while it lives"
    )

    @classmethod
    def __describe_table__(cls, table: Table) -> None:
        table.info[SOFT_DELETE_INFO] = True


class Created:
    """``created_at``, filled by the server."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), sort_order=1)


class KeepsUpdatedAt:
    """A trigger keeps ``updated_at``, which the model declares."""

    @classmethod
    def __describe_table__(cls, table: Table) -> None:
        table.info["hedgerow.timestamped"] = True
        declare_trigger(table, Trigger("set_updated_at", "BEFORE UPDATE", "update_updated_at_column()"))


class Timestamped(KeepsUpdatedAt, Created):
    """``created_at`` and ``updated_at``; a trigger keeps the latter."""

    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), sort_order=2)
