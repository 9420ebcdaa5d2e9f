"""Tables of the features domain."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Index, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hedgerow.core.base import Base
from hedgerow.core.keys import tenant_fk, tenant_relationship
from hedgerow.core.mixins import PartlySplit, TenantOwned, Timestamped, WrittenUnsealed
from hedgerow.core.objects import Trigger, declare_trigger
from hedgerow.core.scope import Split
from hedgerow.core.types import str50, str100, str255, utc_now, uuid_pk
from hedgerow.features.enums import FeatureDataType, FeatureStatus, FeatureValueStatus
from hedgerow.splits.keys import patient_split_key

PATIENT: Final = "patient"
"""The entity type whose entities have a split."""


def _one_spelling() -> CheckConstraint:
    # 'Patient' would be an entity type of its own, whose values have no split.
    return CheckConstraint(
        f"entity_type = '{PATIENT}' OR lower(btrim(entity_type)) NOT IN ('patient', 'patients')",
        name="one_spelling_of_patient",
    )


_TIMES: Final = ("computed_at", "valid_from", "valid_until", "stated_until", "event_timestamp")


def _readable(column: str) -> str:
    # Infinity and years that Python does not have, in any time zone: one such row, and its history cannot be read.
    return f"{column} BETWEEN '0001-01-02 00:00:00+00'::timestamptz AND '9999-12-30 00:00:00+00'::timestamptz"


class FeatureGroup(WrittenUnsealed, Timestamped, TenantOwned, Base):
    """Named set of related features of one kind of entity."""

    __tablename__ = "feature_groups"
    # Its values would be about the one kind, and frames ask for the other.
    __app_fixed__ = ("entity_type",)
    __table_args__ = (
        UniqueConstraint("tenant_id", "group_name"),
        _one_spelling(),
        Index(None, "tags", postgresql_using="gin"),
        Index(None, "tenant_id", "created_at"),
    )

    group_id: Mapped[uuid_pk]
    group_name: Mapped[str255]
    description: Mapped[str | None]
    entity_type: Mapped[str50] = mapped_column(comment="What the features are about, for example patient or hcp")
    owner: Mapped[str100 | None]
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))


class FeatureDefinition(WrittenUnsealed, Timestamped, TenantOwned, Base):
    """One version of a feature: its type, how it is computed, how fresh it has to be, and its status."""

    __tablename__ = "feature_definitions"
    __app_fixed__ = ("data_type", "group_id")
    __table_args__ = (
        *tenant_fk("group_id", "feature_groups.group_id", ondelete="RESTRICT"),
        UniqueConstraint("tenant_id", "group_id", "feature_name", "version"),
        CheckConstraint("freshness_sla_hours > 0", name="freshness_sla_positive"),
        CheckConstraint("version > 0", name="version_positive"),
        Index(None, "tenant_id", "status"),
        Index(None, "tenant_id", "created_at"),
    )

    feature_id: Mapped[uuid_pk]
    feature_name: Mapped[str255]
    group_id: Mapped[UUID]
    data_type: Mapped[FeatureDataType] = mapped_column(comment="Type of its values; another type is another version")
    description: Mapped[str | None]
    computation_logic: Mapped[str | None]
    source_tables: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    freshness_sla_hours: Mapped[int] = mapped_column(
        server_default=text("24"), comment="Hours after which a value is stale; after twice as many it is expired"
    )
    status: Mapped[FeatureStatus] = mapped_column(server_default=text("'draft'"))
    version: Mapped[int] = mapped_column(server_default=text("1"))

    group: Mapped[FeatureGroup] = tenant_relationship("FeatureDefinition.group_id", "FeatureGroup.group_id")

    @classmethod
    def __describe_table__(cls, table: Table) -> None:
        declare_trigger(
            table,
            Trigger(
                "cascade_status_change",
                "AFTER UPDATE OF status",
                "cascade_status_change()",
                condition="OLD.status <> NEW.status AND NEW.status IN ('deprecated', 'archived')",
            ),
        )


class FeatureValue(WrittenUnsealed, PartlySplit, TenantOwned, Base):
    """Value of a feature for an entity: what it was, over which time, and since when that was known."""

    __tablename__ = "feature_values"
    # Another value is another row: history would not know where it came from.
    __app_fixed__ = (
        "feature_id",
        "entity_id",
        "entity_type",
        "value",
        "computed_at",
        "valid_from",
        "event_timestamp",
        "source_version",
    )
    __table_args__ = (
        # Not CASCADE: a definition is seen by every scope of the tenant, its values are not.
        *tenant_fk("feature_id", "feature_definitions.feature_id", index=False),
        *patient_split_key("entity_id"),
        UniqueConstraint("tenant_id", "feature_id", "entity_type", "entity_id", "computed_at"),
        CheckConstraint("valid_until IS NULL OR valid_until > valid_from", name="valid_until_after_from"),
        CheckConstraint("stated_until IS NULL OR stated_until > valid_from", name="stated_until_after_from"),
        *(CheckConstraint(_readable(column), name=f"{column}_readable") for column in _TIMES),
        CheckConstraint(f"(entity_type = '{PATIENT}') = (split_assignment IS NOT NULL)", name="split_of_patients"),
        _one_spelling(),
        Index(
            "uq_feature_values_current",
            "tenant_id",
            "feature_id",
            "entity_type",
            "entity_id",
            unique=True,
            postgresql_where=text("status = 'current'"),
        ),
        # The entity leads, so that all features of an entity lie beside one another when a frame is read.
        Index(
            "ix_feature_values_history",
            "tenant_id",
            "entity_type",
            "entity_id",
            "feature_id",
            "valid_from",
            "computed_at",
        ),
        Index(None, "tenant_id", "computed_at"),
    )

    value_id: Mapped[uuid_pk]
    feature_id: Mapped[UUID]
    entity_id: Mapped[str255]
    entity_type: Mapped[str50] = mapped_column(comment="patient, hcp, ...; ids may clash across types")
    value: Mapped[Any] = mapped_column(
        JSONB, nullable=False, comment="JSON of the feature's type; JSON null is a value"
    )
    computed_at: Mapped[utc_now] = mapped_column(comment="When it became known: nobody saw it before")
    valid_from: Mapped[utc_now] = mapped_column(comment="Since when it holds, itself included")
    valid_until: Mapped[datetime | None] = mapped_column(
        comment="Until when it holds, itself excluded: the stated end or what superseded it, whichever comes first"
    )
    status: Mapped[FeatureValueStatus] = mapped_column(server_default=text("'current'"))
    source_version: Mapped[str50 | None]
    event_timestamp: Mapped[datetime | None] = mapped_column(comment="When the fact became true, by the source's clock")
    stated_until: Mapped[datetime | None] = mapped_column(
        comment="End that the writer gave as valid_until; kept, since what supersedes a value may go away again"
    )
    split_assignment: Mapped[Split | None] = mapped_column(comment="Split of the patient; NULL for every other entity")

    definition: Mapped[FeatureDefinition] = tenant_relationship(
        "FeatureValue.feature_id", "FeatureDefinition.feature_id"
    )

    @classmethod
    def __describe_table__(cls, table: Table) -> None:
        retracted = "OLD.status <> 'invalid' AND NEW.status = 'invalid'"
        declare_trigger(
            table,
            Trigger("place_value", "BEFORE INSERT", "app.place_feature_value()"),
            Trigger(
                "place_revived_value",
                "BEFORE UPDATE",
                "app.place_feature_value()",
                condition="OLD.status = 'invalid' AND NEW.status <> 'invalid'",
            ),
            Trigger(
                "restate_value",
                "BEFORE UPDATE",
                "app.restate_feature_value()",
                # Depth: the end that a neighbour's trigger sets is no statement of the writer.
                condition="pg_trigger_depth() = 0 AND (OLD.status <> 'invalid' OR NEW.status = 'invalid')"
                " AND ((OLD.valid_until, OLD.stated_until) IS DISTINCT FROM (NEW.valid_until, NEW.stated_until)"
                " OR OLD.status <> 'current' AND NEW.status = 'current')",
            ),
            Trigger("hold_history_of_deleted", "BEFORE DELETE", "app.hold_feature_history()"),
            Trigger("hold_history_of_retracted", "BEFORE UPDATE", "app.hold_feature_history()", condition=retracted),
            Trigger("reopen_after_deleted", "AFTER DELETE", "app.reopen_feature_history()"),
            Trigger("reopen_after_retracted", "AFTER UPDATE", "app.reopen_feature_history()", condition=retracted),
            Trigger("notify_feature_update", "AFTER INSERT OR UPDATE", "notify_feature_update()"),
        )
