"""Views of the audit domain. They report what is stored; only a verification computes hashes."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from hedgerow.audit.enums import VerificationStatus
from hedgerow.core.base import ViewBase
from hedgerow.core.types import bigint, str100


class AuditChainIntegrity(ViewBase):
    """One chain: its size, its time span, and what its newest verification said."""

    __tablename__ = "v_audit_chain_integrity"

    chain_id: Mapped[UUID] = mapped_column(primary_key=True)
    entity_type: Mapped[str100 | None]
    entry_count: Mapped[bigint]
    first_entry_at: Mapped[datetime | None]
    last_entry_at: Mapped[datetime | None]
    last_verified_at: Mapped[datetime | None]
    is_valid: Mapped[bool | None]
    verification_status: Mapped[VerificationStatus]


class AuditChainSummary(ViewBase):
    """Chains and entries about one kind of entity."""

    __tablename__ = "v_audit_chain_summary"

    entity_type: Mapped[str100] = mapped_column(primary_key=True)
    chain_count: Mapped[bigint]
    total_entries: Mapped[bigint]
    oldest_entry: Mapped[datetime]
    newest_entry: Mapped[datetime]
    unverified_count: Mapped[bigint]
    invalid_count: Mapped[bigint]


class AuditChainDailyStats(ViewBase):
    """What was written on one day, UTC."""

    __tablename__ = "v_audit_chain_daily_stats"

    date: Mapped[date] = mapped_column(primary_key=True)
    chains_count: Mapped[bigint]
    total_entries: Mapped[bigint]
    unique_actors: Mapped[bigint]
    unique_entity_types: Mapped[bigint]
