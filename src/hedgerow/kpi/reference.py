"""The rows of data_sources: the same everywhere, so they are part of the schema and come with its revision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from hedgerow.kpi.enums import SourceType

REGISTERED_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""Fixed, so that two databases made from the same revisions hold the same rows."""


@dataclass(frozen=True, slots=True)
class DataSourceReference:
    """One external data source as it comes with the schema; its quality figures are measured later.

    Attributes:
        source_id: its key.
        source_name: its name for people.
        source_type: kind of data that it delivers.
        priority: which source is believed where several speak, the lowest first.
        is_primary: whether it is a main source of its type.
        refresh_frequency: how often it delivers; see ``update_data_source_refresh``.
    """

    source_id: str
    source_name: str
    source_type: SourceType
    priority: int
    is_primary: bool
    refresh_frequency: str

    def row(self) -> dict[str, Any]:
        """The row of data_sources; columns that are not named take their defaults."""
        return {
            "source_id": self.source_id,
            "source_name": self.source_name,
            "source_type": self.source_type.value,
            "priority": self.priority,
            "is_primary": self.is_primary,
            "refresh_frequency": self.refresh_frequency,
            "created_at": REGISTERED_AT,
            "updated_at": REGISTERED_AT,
        }


DATA_SOURCES: Final = (
    DataSourceReference("iqvia_apld", "IQVIA APLD", SourceType.CLAIMS, 1, True, "weekly"),
    DataSourceReference("iqvia_laad", "IQVIA LAAD", SourceType.LAB, 2, True, "biweekly"),
    DataSourceReference("healthverity", "HealthVerity", SourceType.CLAIMS, 3, False, "weekly"),
    DataSourceReference("komodo", "Komodo Health", SourceType.EMR, 4, True, "monthly"),
    DataSourceReference("veeva_oce", "Veeva OCE", SourceType.CRM, 5, True, "daily"),
    DataSourceReference("specialty_pharmacy", "Specialty pharmacy", SourceType.SPECIALTY, 6, True, "weekly"),
    DataSourceReference("internal_registry", "Internal registry", SourceType.REGISTRY, 10, False, "realtime"),
)
