"""Tables of the exceptions domain."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, Identity, Index, Integer, Numeric, Table, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hedgerow.core.base import Base
from hedgerow.core.keys import reference_fk, tenant_fk, tenant_relationship
from hedgerow.core.mixins import AppendOnly, Created, Reference, Shared, TenantOwned, Timestamped, WrittenUnsealed
from hedgerow.core.objects import Trigger, declare_trigger
from hedgerow.core.types import str50, str100, str255, uuid_pk
from hedgerow.exceptions.enums import ActorType, ExceptionSeverity, ExceptionStatus, ToolExecutionStatus


class DomainPackVersion(Created, Reference, Base):
    """Versioned domain configuration shared by all tenants."""

    __tablename__ = "domain_pack_version"
    __table_args__ = (UniqueConstraint("domain", "version"),)

    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    domain: Mapped[str100]
    version: Mapped[int]
    pack_json: Mapped[dict[str, Any]]


class TenantPolicyPackVersion(Created, TenantOwned, Base):
    """Versioned policy overlay of one tenant. A version does not change: a change is another version."""

    __tablename__ = "tenant_policy_pack_version"
    __app_privileges__ = ("SELECT", "INSERT")
    __table_args__ = (UniqueConstraint("tenant_id", "version"), Index(None, "tenant_id", "created_at"))

    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    version: Mapped[int]
    pack_json: Mapped[dict[str, Any]]


class Playbook(Created, TenantOwned, Base):
    """Resolution recipe of a tenant."""

    __tablename__ = "playbook"
    __table_args__ = (Index(None, "tenant_id", "created_at"),)

    playbook_id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    name: Mapped[str255]
    version: Mapped[int]
    conditions: Mapped[dict[str, Any]] = mapped_column(comment="When the recipe applies")

    steps: Mapped[list[PlaybookStep]] = tenant_relationship(
        "PlaybookStep.playbook_id",
        "Playbook.playbook_id",
        back_populates="playbook",
        order_by="PlaybookStep.step_order, PlaybookStep.step_id",
        # The foreign key cascades.
        passive_deletes="all",
    )


class PlaybookStep(Created, TenantOwned, Base):
    """Ordered step of a playbook; goes away with it."""

    __tablename__ = "playbook_step"
    __table_args__ = (
        *tenant_fk("playbook_id", "playbook.playbook_id", ondelete="CASCADE"),
        Index(None, "tenant_id", "step_order"),
        Index(None, "tenant_id", "created_at"),
    )

    step_id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    playbook_id: Mapped[int]
    step_order: Mapped[int]
    name: Mapped[str255]
    action_type: Mapped[str100] = mapped_column(comment="For example notify, force_settle, call_tool, escalate")
    params: Mapped[dict[str, Any]]

    playbook: Mapped[Playbook] = tenant_relationship(
        "PlaybookStep.playbook_id", "Playbook.playbook_id", back_populates="steps"
    )


class BusinessException(WrittenUnsealed, Created, TenantOwned, Base):
    """Current state of a business exception; its status follows from its events."""

    __tablename__ = "exception"
    __table_args__ = (
        *tenant_fk("current_playbook_id", "playbook.playbook_id"),
        Index(None, "tenant_id", "domain", "created_at"),
        Index(None, "tenant_id", "status", "severity"),
        Index(None, "tenant_id", "created_at"),
    )

    exception_id: Mapped[str255] = mapped_column(primary_key=True, comment="Chosen by the tenant")
    domain: Mapped[str100]
    type: Mapped[str100]
    severity: Mapped[ExceptionSeverity]
    status: Mapped[ExceptionStatus] = mapped_column(
        server_default=text("'open'"), comment="Kept by the database from exception_event; nobody else sets it"
    )
    source_system: Mapped[str100]
    entity: Mapped[str255 | None]
    amount: Mapped[Decimal | None] = mapped_column(Numeric(18, 2))
    sla_deadline: Mapped[datetime | None]
    owner: Mapped[str255 | None]
    current_playbook_id: Mapped[int | None]
    current_step: Mapped[int | None]
    updated_at: Mapped[datetime] = mapped_column(
        server_default=func.now(), sort_order=2, comment="Last change of the row, or time of a later event"
    )

    events: Mapped[list[ExceptionEvent]] = tenant_relationship(
        "ExceptionEvent.exception_id",
        "BusinessException.exception_id",
        back_populates="exception",
        order_by="ExceptionEvent.created_at, ExceptionEvent.event_id",
        # The foreign key refuses to delete an exception that has any.
        passive_deletes="all",
    )
    current_playbook: Mapped[Playbook | None] = tenant_relationship(
        "BusinessException.current_playbook_id", "Playbook.playbook_id"
    )

    @classmethod
    def __describe_table__(cls, table: Table) -> None:
        declare_trigger(
            table,
            # Depth 0: somebody's own statement, and not the trigger of the log.
            Trigger(
                "set_updated_at", "BEFORE UPDATE", "update_updated_at_column()", condition="pg_trigger_depth() = 0"
            ),
            Trigger(
                "forbid_status_by_hand",
                "BEFORE UPDATE",
                "app.forbid_exception_status()",
                condition="pg_trigger_depth() = 0 AND NEW.status IS DISTINCT FROM OLD.status",
            ),
            Trigger(
                "forbid_status_at_birth",
                # Afterwards, so that a row of another tenant is refused as that.
                "AFTER INSERT",
                "app.forbid_exception_status()",
                condition="NEW.status IS DISTINCT FROM 'open'",
            ),
        )


class ExceptionEvent(WrittenUnsealed, Created, AppendOnly, TenantOwned, Base):
    """Append-only history of everything that happened to an exception."""

    __tablename__ = "exception_event"
    __table_args__ = (
        *tenant_fk("exception_id", "exception.exception_id", ondelete="RESTRICT", index=False),
        # An event at the end of time would decide the status for ever.
        CheckConstraint("isfinite(created_at)", name="created_at"),
        Index(None, "tenant_id", "exception_id", "created_at"),
        Index(None, "tenant_id", "created_at"),
        Index(None, "tenant_id", "event_type"),
    )

    event_id: Mapped[uuid_pk] = mapped_column(comment="Given by the writer, it makes a replay harmless")
    exception_id: Mapped[str255]
    event_type: Mapped[str100] = mapped_column(comment="For example TriageCompleted; decides the status")
    actor_type: Mapped[ActorType]
    actor_id: Mapped[str255 | None]
    payload: Mapped[dict[str, Any]]

    exception: Mapped[BusinessException] = tenant_relationship(
        "ExceptionEvent.exception_id", "BusinessException.exception_id", back_populates="events"
    )

    @classmethod
    def __describe_table__(cls, table: Table) -> None:
        declare_trigger(
            table,
            Trigger(
                "keep_exception_status",
                "AFTER INSERT",
                "app.keep_exception_status()",
                level="STATEMENT",
                referencing="NEW TABLE AS added",
            ),
        )


class ToolDefinition(Created, Shared, Base):
    """Tool that playbooks can call, of one tenant or of all."""

    __tablename__ = "tool_definition"
    __table_args__ = (Index(None, "tenant_id", "created_at"),)

    tool_id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    name: Mapped[str255]
    type: Mapped[str50] = mapped_column(comment="For example webhook, rest, email, workflow")
    config: Mapped[dict[str, Any]]

    @classmethod
    def __describe_table__(cls, table: Table) -> None:
        declare_trigger(
            table,
            Trigger(
                "forbid_new_owner",
                "BEFORE UPDATE",
                "app.forbid_tool_owner()",
                condition="NEW.tenant_id IS DISTINCT FROM OLD.tenant_id",
            ),
        )


class ToolExecution(WrittenUnsealed, Timestamped, TenantOwned, Base):
    """Execution of a tool, optionally for an exception."""

    __tablename__ = "tool_execution"
    __table_args__ = (
        *reference_fk("tool_id", "tool_definition.tool_id", ondelete="RESTRICT"),
        *tenant_fk("exception_id", "exception.exception_id"),
        Index(None, "tenant_id", "status"),
        Index(None, "tenant_id", "created_at"),
    )

    id: Mapped[uuid_pk]
    tool_id: Mapped[int] = mapped_column(comment="A tool of the tenant or of all tenants")
    exception_id: Mapped[str255 | None]
    status: Mapped[ToolExecutionStatus] = mapped_column(server_default=text("'requested'"))
    requested_by_actor_type: Mapped[ActorType]
    requested_by_actor_id: Mapped[str255]
    input_payload: Mapped[dict[str, Any]]
    output_payload: Mapped[dict[str, Any] | None]
    error_message: Mapped[str | None]

    tool: Mapped[ToolDefinition] = relationship()

    @classmethod
    def __describe_table__(cls, table: Table) -> None:
        declare_trigger(
            table, Trigger("require_own_tool", "BEFORE INSERT OR UPDATE OF tool_id", "app.require_own_tool()")
        )
