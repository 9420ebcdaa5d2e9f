"""Customers, the people there, and what they bought."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from hedgerow.core.base import Base
from hedgerow.core.keys import tenant_fk, tenant_relationship
from hedgerow.core.mixins import KeepsUpdatedAt, SoftDelete, TenantOwned
from hedgerow.core.types import uuid_pk
from hedgerow.customers.audience import ASSIGNED, ON_A_CUSTOMER
from hedgerow.customers.enums import CustomerTier, Sentiment, StakeholderRole
from hedgerow.tenancy.models import User

if TYPE_CHECKING:
    from hedgerow.customers.models.health import HealthScore, Qbr, Renewal, RiskSignal, UsageMetric
    from hedgerow.customers.models.work import AgentRun, AgentSession


class Customer(SoftDelete, KeepsUpdatedAt, TenantOwned, Base):
    """Account that a success manager looks after."""

    __tablename__ = "customers"
    __audience__ = ASSIGNED
    # The trigger of health_scores alone keeps it.
    __app_fixed__ = ("health_score",)
    __table_args__ = (
        *tenant_fk("csm_id", "users.id"),
        Index(None, "tenant_id", "health_score"),
        Index(None, "tenant_id", "renewal_date"),
        Index(None, "tenant_id", "created_at"),
    )

    id: Mapped[uuid_pk]
    name: Mapped[str]
    arr: Mapped[Decimal] = mapped_column(comment="Annual recurring revenue, in the currency of the tenant")
    tier: Mapped[CustomerTier | None]
    health_score: Mapped[int | None] = mapped_column(
        server_default=text("50"),
        comment="overall of the newest row of health_scores, by trigger; as created, or 50, while there is none",
    )
    renewal_date: Mapped[date | None] = mapped_column(
        comment="As the contract says; forecasts are in renewal_pipeline, and neither follows the other"
    )
    csm_id: Mapped[UUID | None] = mapped_column(comment="Success manager, who sees the customer and what hangs on it")
    status: Mapped[str | None] = mapped_column(
        server_default=text("'active'"), comment="For example active, paused, churned; not a closed list"
    )
    created_at: Mapped[datetime | None] = mapped_column(server_default=func.now(), sort_order=1)
    updated_at: Mapped[datetime | None] = mapped_column(server_default=func.now(), sort_order=2)

    csm: Mapped[User | None] = tenant_relationship("Customer.csm_id", "User.id")
    stakeholders: Mapped[list[Stakeholder]] = tenant_relationship(
        "Stakeholder.customer_id", "Customer.id", back_populates="customer", passive_deletes="all"
    )
    contracts: Mapped[list[Contract]] = tenant_relationship(
        "Contract.customer_id", "Customer.id", back_populates="customer", passive_deletes="all"
    )
    entitlements: Mapped[list[Entitlement]] = tenant_relationship(
        "Entitlement.customer_id", "Customer.id", back_populates="customer", passive_deletes="all"
    )
    health_scores: Mapped[list[HealthScore]] = tenant_relationship(
        "HealthScore.customer_id", "Customer.id", back_populates="customer", passive_deletes="all"
    )
    usage_metrics: Mapped[list[UsageMetric]] = tenant_relationship(
        "UsageMetric.customer_id", "Customer.id", back_populates="customer", passive_deletes="all"
    )
    risk_signals: Mapped[list[RiskSignal]] = tenant_relationship(
        "RiskSignal.customer_id", "Customer.id", back_populates="customer", passive_deletes="all"
    )
    renewals: Mapped[list[Renewal]] = tenant_relationship(
        "Renewal.customer_id", "Customer.id", back_populates="customer", passive_deletes="all"
    )
    qbrs: Mapped[list[Qbr]] = tenant_relationship(
        "Qbr.customer_id", "Customer.id", back_populates="customer", passive_deletes="all"
    )
    sessions: Mapped[list[AgentSession]] = tenant_relationship(
        "AgentSession.customer_id", "Customer.id", back_populates="customer", passive_deletes="all"
    )
    runs: Mapped[list[AgentRun]] = tenant_relationship(
        "AgentRun.customer_id", "Customer.id", back_populates="customer", passive_deletes="all"
    )


class Stakeholder(TenantOwned, Base):
    """Contact person at a customer."""

    __tablename__ = "stakeholders"
    __audience__ = ON_A_CUSTOMER
    __table_args__ = (
        *tenant_fk("customer_id", "customers.id"),
        Index("uq_stakeholders_primary", "tenant_id", "customer_id", unique=True, postgresql_where=text("is_primary")),
        Index(None, "tenant_id", "created_at"),
    )

    id: Mapped[uuid_pk]
    customer_id: Mapped[UUID | None]
    name: Mapped[str]
    email: Mapped[str]
    title: Mapped[str | None]
    role: Mapped[StakeholderRole | None]
    is_primary: Mapped[bool | None] = mapped_column(server_default=text("false"), comment="At most one per customer")
    sentiment: Mapped[Sentiment | None]
    created_at: Mapped[datetime | None] = mapped_column(server_default=func.now())

    customer: Mapped[Customer | None] = tenant_relationship(
        "Stakeholder.customer_id", "Customer.id", back_populates="stakeholders"
    )


class Contract(TenantOwned, Base):
    """Contract of a customer with data read from the document."""

    __tablename__ = "contracts"
    __audience__ = ON_A_CUSTOMER
    __table_args__ = (
        *tenant_fk("customer_id", "customers.id", index=False),
        # What entitlements refer to, so that they cannot name another customer's contract.
        UniqueConstraint("tenant_id", "customer_id", "id"),
        CheckConstraint("end_date >= start_date", name="ends_after_start"),
        Index(None, "tenant_id", "created_at"),
    )

    id: Mapped[uuid_pk]
    customer_id: Mapped[UUID | None]
    file_url: Mapped[str | None]
    parsed_data: Mapped[dict[str, Any] | None] = mapped_column(comment="What was read from the document")
    start_date: Mapped[date | None]
    end_date: Mapped[date | None]
    created_at: Mapped[datetime | None] = mapped_column(server_default=func.now())

    customer: Mapped[Customer | None] = tenant_relationship(
        "Contract.customer_id", "Customer.id", back_populates="contracts"
    )
    entitlements: Mapped[list[Entitlement]] = tenant_relationship(
        "Entitlement.contract_id", "Contract.id", back_populates="contract", passive_deletes="all"
    )


class Entitlement(TenantOwned, Base):
    """Product and quantity a customer bought."""

    __tablename__ = "entitlements"
    __audience__ = ON_A_CUSTOMER
    __table_args__ = (
        *tenant_fk("customer_id", "customers.id"),
        *tenant_fk("contract_id", "contracts.id", shared=("customer_id",)),
        # A foreign key with a NULL among its columns is not looked at.
        CheckConstraint("contract_id IS NULL OR customer_id IS NOT NULL", name="contract_has_customer"),
        Index(None, "tenant_id", "created_at"),
    )

    id: Mapped[uuid_pk]
    customer_id: Mapped[UUID | None]
    contract_id: Mapped[UUID | None] = mapped_column(comment="A contract of the same customer")
    product: Mapped[str]
    quantity: Mapped[int | None]
    status: Mapped[str | None] = mapped_column(server_default=text("'active'"), comment="Not a closed list")
    created_at: Mapped[datetime | None] = mapped_column(server_default=func.now())

    customer: Mapped[Customer | None] = tenant_relationship(
        "Entitlement.customer_id", "Customer.id", back_populates="entitlements"
    )
    contract: Mapped[Contract | None] = tenant_relationship(
        "Entitlement.contract_id", "Contract.id", back_populates="entitlements"
    )
