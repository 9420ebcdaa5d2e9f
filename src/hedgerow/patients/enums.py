"""Vocabularies of the patients domain."""

from enum import StrEnum

from hedgerow.core.types import pg_enum


@pg_enum("brand_type")
class Brand(StrEnum):
    """Brand that a record speaks of; patient_journeys.brand is free text instead."""

    REMIBRUTINIB = "Remibrutinib"
    FABHALTA = "Fabhalta"
    KISQALI = "Kisqali"
    COMPETITOR = "competitor"
    OTHER = "other"


@pg_enum("region_type")
class Region(StrEnum):
    """Census region of the United States."""

    NORTHEAST = "northeast"
    SOUTH = "south"
    MIDWEST = "midwest"
    WEST = "west"


@pg_enum("event_type")
class EventType(StrEnum):
    """Kind of a clinical event."""

    DIAGNOSIS = "diagnosis"
    PRESCRIPTION = "prescription"
    LAB_TEST = "lab_test"
    PROCEDURE = "procedure"
    CONSULTATION = "consultation"
    HOSPITALIZATION = "hospitalization"


@pg_enum("journey_status_type")
class JourneyStatus(StrEnum):
    """State of a patient journey; created for the columns that later schemas add, used by none so far."""

    ACTIVE = "active"
    STABLE = "stable"
    TRANSITIONING = "transitioning"
    COMPLETED = "completed"
