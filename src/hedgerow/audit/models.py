"""Tables of the audit domain."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import CHAR, CheckConstraint, Index, Table, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hedgerow.core.base import Base
from hedgerow.core.keys import tenant_fk
from hedgerow.core.mixins import AppendOnly, TenantOwned
from hedgerow.core.objects import Trigger, declare_trigger
from hedgerow.core.types import EMPTY_OBJECT, bigint, str50, str100, str255, utc_now, uuid_pk


class AuditChainEntry(AppendOnly, TenantOwned, Base):
    """What was done to something, by whom, sealed by a hash over all fields and over the entry before.

    A row is given without number, link and hashes, and the trigger fills them in; one that brings them must fit.
    """

    __tablename__ = "audit_chain_entries"
    __table_args__ = (
        # Two writers cannot take the same number, nor follow the same entry: a chain has neither gaps nor forks.
        UniqueConstraint("tenant_id", "chain_id", "sequence_number"),
        UniqueConstraint("tenant_id", "chain_id", "previous_hash", postgresql_nulls_not_distinct=True),
        CheckConstraint("sequence_number >= 1", name="sequence_number"),
        CheckConstraint("(sequence_number = 1) = (previous_hash IS NULL)", name="previous_hash"),
        CheckConstraint("entry_hash ~ '^[0-9a-f]{64}$'", name="entry_hash"),
        CheckConstraint("payload_hash ~ '^[0-9a-f]{64}$'", name="payload_hash"),
        CheckConstraint("isfinite(created_at)", name="created_at"),
        Index(None, "tenant_id", "entity_type", "entity_id", "created_at"),
        Index(None, "tenant_id", "created_at"),
    )

    entry_id: Mapped[uuid_pk]
    chain_id: Mapped[UUID] = mapped_column(comment="Chosen by the writer; another tenant's chain of that id is another")
    sequence_number: Mapped[bigint] = mapped_column(comment="1 for the first entry of a chain, then without gaps")
    entity_type: Mapped[str100] = mapped_column(comment="Kind of thing that was acted on, for example patient")
    entity_id: Mapped[str255]
    action: Mapped[str100] = mapped_column(comment="What was done, for example updated")
    actor_id: Mapped[str255 | None]
    actor_type: Mapped[str50 | None] = mapped_column(
        comment="Usually agent, user or system; free, since a word must not cost an entry"
    )
    payload_hash: Mapped[str] = mapped_column(CHAR(64), comment="SHA-256 of payload::text, lower-case hexadecimal")
    previous_hash: Mapped[str | None] = mapped_column(
        CHAR(64), comment="entry_hash of the entry before, NULL for the first one"
    )
    entry_hash: Mapped[str] = mapped_column(
        CHAR(64), comment="calculate_chain_hash of all other fields and previous_hash"
    )
    payload: Mapped[Any] = mapped_column(
        JSONB(none_as_null=True), server_default=EMPTY_OBJECT, comment="Details; any JSON value"
    )
    created_at: Mapped[utc_now] = mapped_column(comment="When it was sealed; never earlier than the entry before")

    @classmethod
    def __describe_table__(cls, table: Table) -> None:
        declare_trigger(table, Trigger("validate_audit_entry", "BEFORE INSERT", "validate_audit_entry()"))


class AuditChainVerification(AppendOnly, TenantOwned, Base):
    """What a verification of a chain found, and the head that it saw: later ones are measured against it."""

    __tablename__ = "audit_chain_verification_log"
    # Written by verify_audit_chain alone: a session must not claim what it did not check.
    __app_privileges__ = ("SELECT",)
    __table_args__ = (
        *tenant_fk("first_invalid_entry", "audit_chain_entries.entry_id"),
        CheckConstraint("entries_checked >= 0", name="entries_checked"),
        CheckConstraint("head_hash ~ '^[0-9a-f]{64}$'", name="head_hash"),
        Index("ix_audit_chain_verification_log_chain", "tenant_id", "chain_id", text("verified_at DESC")),
    )

    verification_id: Mapped[uuid_pk]
    chain_id: Mapped[UUID | None]
    verified_at: Mapped[utc_now]
    verified_by: Mapped[str255 | None] = mapped_column(comment="User of the scope, else the role that was logged in")
    is_valid: Mapped[bool]
    entries_checked: Mapped[int] = mapped_column(server_default=text("0"), comment="Entries that the chain had")
    first_invalid_entry: Mapped[UUID | None] = mapped_column(
        comment="First entry that is not proven, or the one behind a gap; NULL where entries are missing at the end"
    )
    error_message: Mapped[str | None]
    head_hash: Mapped[str | None] = mapped_column(
        CHAR(64), comment="entry_hash of the last entry of a valid chain; what was hashed anew later differs from it"
    )
