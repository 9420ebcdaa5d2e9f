"""What is measured, forecast and planned about customers."""

from __future__ import annotations

import datetime as dt
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Table, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from hedgerow.core.base import Base
from hedgerow.core.keys import tenant_fk, tenant_relationship
from hedgerow.core.mixins import TenantOwned
from hedgerow.core.objects import Trigger, declare_trigger
from hedgerow.core.types import uuid_pk
from hedgerow.customers.audience import ON_A_CUSTOMER
from hedgerow.customers.enums import QbrStatus, RenewalStage, RiskSeverity, RiskSignalType
from hedgerow.customers.models.accounts import Customer

PARTS = ("overall", "product", "risk", "outcomes", "voice", "engagement")


class HealthScore(TenantOwned, Base):
    """Dated health score of a customer and its five parts (PROVE), each 0 to 100."""

    __tablename__ = "health_scores"
    __audience__ = ON_A_CUSTOMER
    __table_args__ = (
        *tenant_fk("customer_id", "customers.id", index=False),
        *(CheckConstraint(f"{part} BETWEEN 0 AND 100", name=f"{part}_range") for part in PARTS),
        # In the order that "the newest" means everywhere.
        Index(
            "ix_health_scores_newest",
            "tenant_id",
            "customer_id",
            text("calculated_at DESC NULLS LAST"),
            "id",
        ),
        Index(None, "tenant_id", "calculated_at"),
    )

    id: Mapped[uuid_pk]
    customer_id: Mapped[UUID | None]
    overall: Mapped[int] = mapped_column(comment="Given by the writer: no weights of the parts are laid down")
    product: Mapped[int | None]
    risk: Mapped[int | None]
    outcomes: Mapped[int | None]
    voice: Mapped[int | None]
    engagement: Mapped[int | None]
    calculated_at: Mapped[datetime | None] = mapped_column(
        server_default=func.now(), comment="The newest counts; a row without a time is older than any"
    )

    customer: Mapped[Customer | None] = tenant_relationship(
        "HealthScore.customer_id", "Customer.id", back_populates="health_scores"
    )

    @classmethod
    def __describe_table__(cls, table: Table) -> None:
        declare_trigger(
            table,
            Trigger(
                "keep_customer_score",
                "AFTER INSERT OR DELETE OR UPDATE OF customer_id, overall, calculated_at",
                "app.keep_customer_score()",
            ),
        )


class UsageMetric(TenantOwned, Base):
    """Daily product usage of a customer."""

    __tablename__ = "usage_metrics"
    __audience__ = ON_A_CUSTOMER
    __table_args__ = (
        *tenant_fk("customer_id", "customers.id", index=False),
        # A day is loaded once.
        UniqueConstraint("tenant_id", "customer_id", "date"),
    )

    id: Mapped[uuid_pk]
    customer_id: Mapped[UUID | None]
    date: Mapped[dt.date]
    dau: Mapped[int | None] = mapped_column(comment="Daily active users")
    wau: Mapped[int | None] = mapped_column(comment="Weekly active users")
    mau: Mapped[int | None] = mapped_column(comment="Monthly active users")
    session_duration_avg: Mapped[int | None] = mapped_column(comment="Seconds")
    feature_adoption: Mapped[dict[str, Any] | None] = mapped_column(comment="Feature to share of users, 0 to 1")
    adoption_score: Mapped[int | None]

    customer: Mapped[Customer | None] = tenant_relationship(
        "UsageMetric.customer_id", "Customer.id", back_populates="usage_metrics"
    )


class RiskSignal(TenantOwned, Base):
    """Warning sign on a customer, open until resolved_at is set."""

    __tablename__ = "risk_signals"
    __audience__ = ON_A_CUSTOMER
    __table_args__ = (
        *tenant_fk("customer_id", "customers.id"),
        Index("ix_risk_signals_unresolved", "tenant_id", "customer_id", postgresql_where=text("resolved_at IS NULL")),
        Index(None, "tenant_id", "detected_at"),
    )

    id: Mapped[uuid_pk]
    customer_id: Mapped[UUID | None]
    signal_type: Mapped[RiskSignalType | None]
    severity: Mapped[RiskSeverity | None]
    description: Mapped[str | None]
    detected_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    resolved_at: Mapped[datetime | None]

    customer: Mapped[Customer | None] = tenant_relationship(
        "RiskSignal.customer_id", "Customer.id", back_populates="risk_signals"
    )


class Renewal(TenantOwned, Base):
    """Forecast of a coming renewal."""

    __tablename__ = "renewal_pipeline"
    __audience__ = ON_A_CUSTOMER
    __table_args__ = (
        *tenant_fk("customer_id", "customers.id"),
        Index(None, "tenant_id", "renewal_date"),
    )

    id: Mapped[uuid_pk]
    customer_id: Mapped[UUID | None]
    renewal_date: Mapped[date]
    current_arr: Mapped[Decimal | None]
    forecasted_arr: Mapped[Decimal | None]
    stage: Mapped[RenewalStage | None]
    probability: Mapped[int | None] = mapped_column(comment="Percent")
    notes: Mapped[str | None]

    customer: Mapped[Customer | None] = tenant_relationship(
        "Renewal.customer_id", "Customer.id", back_populates="renewals"
    )


class Qbr(TenantOwned, Base):
    """Quarterly business review meeting."""

    __tablename__ = "qbrs"
    __audience__ = ON_A_CUSTOMER
    __table_args__ = (*tenant_fk("customer_id", "customers.id"),)

    id: Mapped[uuid_pk]
    customer_id: Mapped[UUID | None]
    scheduled_date: Mapped[date | None]
    status: Mapped[QbrStatus | None]
    attendees: Mapped[list[Any] | None]
    presentation_url: Mapped[str | None]
    action_items: Mapped[list[Any] | None]
    notes: Mapped[str | None]

    customer: Mapped[Customer | None] = tenant_relationship("Qbr.customer_id", "Customer.id", back_populates="qbrs")
