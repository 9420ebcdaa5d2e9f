"""Views of the customers domain, as classes to select from. Each shows what whoever asks may see of its tables."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from hedgerow.core.base import ViewBase
from hedgerow.core.types import bigint, str50
from hedgerow.customers.enums import CustomerTier, RenewalStage


class CustomerHealth(ViewBase):
    """Customer with the parts of its newest health score, all of them NULL where there is none."""

    __tablename__ = "v_customer_health"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[str50] = mapped_column(primary_key=True)
    name: Mapped[str]
    arr: Mapped[Decimal]
    tier: Mapped[CustomerTier | None]
    renewal_date: Mapped[date | None]
    csm_id: Mapped[UUID | None]
    status: Mapped[str | None]
    created_at: Mapped[datetime | None]
    updated_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    customer_health_score: Mapped[int | None]
    health_score: Mapped[int | None]
    product: Mapped[int | None]
    risk: Mapped[int | None]
    outcomes: Mapped[int | None]
    voice: Mapped[int | None]
    engagement: Mapped[int | None]
    health_calculated_at: Mapped[datetime | None]


class AtRiskCustomer(ViewBase):
    """Customer with a score below 60 or an unresolved signal of severity high or critical."""

    __tablename__ = "v_at_risk_customers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[str50] = mapped_column(primary_key=True)
    name: Mapped[str]
    arr: Mapped[Decimal]
    tier: Mapped[CustomerTier | None]
    health_score: Mapped[int | None]
    renewal_date: Mapped[date | None]
    csm_id: Mapped[UUID | None]
    status: Mapped[str | None]
    created_at: Mapped[datetime | None]
    updated_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    active_signals: Mapped[bigint]


class UpcomingRenewal(ViewBase):
    """Renewal of today or the next 90 days (UTC), with its customer."""

    __tablename__ = "v_upcoming_renewals"

    customer_id: Mapped[UUID]
    tenant_id: Mapped[str50] = mapped_column(primary_key=True)
    name: Mapped[str]
    arr: Mapped[Decimal]
    tier: Mapped[CustomerTier | None]
    health_score: Mapped[int | None]
    csm_id: Mapped[UUID | None]
    status: Mapped[str | None]
    renewal_id: Mapped[UUID] = mapped_column(primary_key=True)
    renewal_date: Mapped[date]
    current_arr: Mapped[Decimal | None]
    forecasted_arr: Mapped[Decimal | None]
    stage: Mapped[RenewalStage | None]
    probability: Mapped[int | None]
    notes: Mapped[str | None]
