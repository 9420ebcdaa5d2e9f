"""Agent sessions of users, what is said and done in them, and what needs a person's approval."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from hedgerow.core.base import Base
from hedgerow.core.keys import tenant_fk, tenant_relationship
from hedgerow.core.mixins import KeepsUpdatedAt, TenantOwned, WrittenUnsealed
from hedgerow.core.types import uuid_pk
from hedgerow.customers.audience import APPROVALS, MESSAGES, RUNS, SESSIONS, STEPS
from hedgerow.customers.enums import ApprovalStatus, MessageRole, RunStatus, StepType
from hedgerow.customers.models.accounts import Customer
from hedgerow.tenancy.models import User


class AgentSession(KeepsUpdatedAt, TenantOwned, Base):
    """Conversation between a user and the assistant about a customer."""

    __tablename__ = "agent_sessions"
    __audience__ = SESSIONS
    # Whoever has asked for an approval stays the one who asked.
    __app_fixed__ = ("user_id",)
    __table_args__ = (
        *tenant_fk("customer_id", "customers.id"),
        *tenant_fk("user_id", "users.id"),
        Index(None, "tenant_id", "created_at"),
    )

    id: Mapped[uuid_pk]
    customer_id: Mapped[UUID | None]
    user_id: Mapped[UUID | None] = mapped_column(comment="Whose session it is; NULL is seen by administrators only")
    title: Mapped[str | None]
    created_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime | None] = mapped_column(server_default=func.now())

    customer: Mapped[Customer | None] = tenant_relationship(
        "AgentSession.customer_id", "Customer.id", back_populates="sessions"
    )
    user: Mapped[User | None] = tenant_relationship("AgentSession.user_id", "User.id")
    messages: Mapped[list[AgentMessage]] = tenant_relationship(
        "AgentMessage.session_id", "AgentSession.id", back_populates="session", passive_deletes="all"
    )
    runs: Mapped[list[AgentRun]] = tenant_relationship(
        "AgentRun.session_id", "AgentSession.id", back_populates="session", passive_deletes="all"
    )
    approvals: Mapped[list[Approval]] = tenant_relationship(
        "Approval.session_id", "AgentSession.id", back_populates="session", passive_deletes="all"
    )


class AgentMessage(WrittenUnsealed, TenantOwned, Base):
    """Message inside an agent session."""

    __tablename__ = "agent_messages"
    __audience__ = MESSAGES
    __table_args__ = (
        *tenant_fk("session_id", "agent_sessions.id", index=False),
        Index(None, "tenant_id", "session_id", "created_at"),
        Index(None, "tenant_id", "created_at"),
    )

    id: Mapped[uuid_pk]
    session_id: Mapped[UUID | None]
    role: Mapped[MessageRole | None]
    content: Mapped[str | None]
    thinking: Mapped[str | None]
    tool_calls: Mapped[list[Any] | None]
    metadata_: Mapped[dict[str, Any] | None] = mapped_column("metadata")
    created_at: Mapped[datetime | None] = mapped_column(server_default=func.now())

    session: Mapped[AgentSession | None] = tenant_relationship(
        "AgentMessage.session_id", "AgentSession.id", back_populates="messages"
    )


class AgentRun(WrittenUnsealed, TenantOwned, Base):
    """Execution trace of an agent run."""

    __tablename__ = "agent_runs"
    __audience__ = RUNS
    __table_args__ = (
        *tenant_fk("session_id", "agent_sessions.id"),
        *tenant_fk("customer_id", "customers.id"),
        Index(None, "tenant_id", "started_at"),
    )

    id: Mapped[uuid_pk]
    session_id: Mapped[UUID | None]
    agent_id: Mapped[str]
    agent_type: Mapped[str] = mapped_column(comment="Free text; not the enum of the analytics agents")
    customer_id: Mapped[UUID | None]
    status: Mapped[RunStatus | None]
    input: Mapped[str | None]
    output: Mapped[str | None]
    total_tokens_input: Mapped[int | None]
    total_tokens_output: Mapped[int | None]
    started_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]
    metadata_: Mapped[dict[str, Any] | None] = mapped_column("metadata")

    session: Mapped[AgentSession | None] = tenant_relationship(
        "AgentRun.session_id", "AgentSession.id", back_populates="runs"
    )
    customer: Mapped[Customer | None] = tenant_relationship(
        "AgentRun.customer_id", "Customer.id", back_populates="runs"
    )
    steps: Mapped[list[AgentStep]] = tenant_relationship(
        "AgentStep.run_id", "AgentRun.id", back_populates="run", passive_deletes="all"
    )


class AgentStep(WrittenUnsealed, TenantOwned, Base):
    """Single action inside an agent run."""

    __tablename__ = "agent_steps"
    __audience__ = STEPS
    __table_args__ = (
        *tenant_fk("run_id", "agent_runs.id", index=False),
        Index(None, "tenant_id", "run_id", "created_at"),
        Index(None, "tenant_id", "created_at"),
    )

    id: Mapped[uuid_pk]
    run_id: Mapped[UUID | None]
    step_type: Mapped[StepType | None]
    name: Mapped[str | None]
    input: Mapped[dict[str, Any] | None]
    output: Mapped[dict[str, Any] | None]
    duration_ms: Mapped[int | None] = mapped_column(comment="Milliseconds")
    created_at: Mapped[datetime | None] = mapped_column(server_default=func.now())

    run: Mapped[AgentRun | None] = tenant_relationship("AgentStep.run_id", "AgentRun.id", back_populates="steps")


class Approval(TenantOwned, Base):
    """Human decision on an action an agent wants to take."""

    __tablename__ = "approvals"
    __audience__ = APPROVALS
    __app_privileges__ = ("SELECT", "INSERT", "UPDATE")
    # What was asked for stays as it was asked; only the decision is written later.
    __app_fixed__ = ("session_id", "action_type", "action_description", "action_data", "created_at", "expires_at")
    __table_args__ = (
        *tenant_fk("session_id", "agent_sessions.id"),
        *tenant_fk("decided_by", "users.id"),
        Index("ix_approvals_pending", "tenant_id", "session_id", postgresql_where=text("status = 'pending'")),
        Index(None, "tenant_id", "created_at"),
    )

    id: Mapped[uuid_pk]
    session_id: Mapped[UUID | None] = mapped_column(comment="Who asks is the session's user")
    action_type: Mapped[str]
    action_description: Mapped[str | None]
    action_data: Mapped[dict[str, Any] | None]
    status: Mapped[ApprovalStatus | None] = mapped_column(
        server_default=text("'pending'"), comment="Decided once; pending counts as expired from expires_at on"
    )
    decided_by: Mapped[UUID | None] = mapped_column(comment="Never the person who asked")
    decided_at: Mapped[datetime | None]
    notes: Mapped[str | None]
    created_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]

    session: Mapped[AgentSession | None] = tenant_relationship(
        "Approval.session_id", "AgentSession.id", back_populates="approvals"
    )
